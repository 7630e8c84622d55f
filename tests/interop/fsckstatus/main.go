// Command fsckstatus runs the check of github.com/transparency-dev/tessera/cmd/fsck and reports
// the result by its exit status: 0 the log is whole, 1 it is not. The fsck command of the pinned
// release exits 0 either way (fixed upstream by #878, which no release has yet).
//
//	fsckstatus -log FOLDER -key FILE
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	workers = 16
	limit   = 5 * time.Minute
)

func main() {
	folder := flag.String("log", "", "`folder` with a published log (tlog-tiles)")
	keyFile := flag.String("key", "", "`file` with the log's vkey")
	flag.Parse()
	if err := check(*folder, *keyFile); err != nil {
		fmt.Fprintln(os.Stderr, "FAILED", err)
		os.Exit(1)
	}
	fmt.Println("OK")
}

func check(folder, keyFile string) error {
	vkey, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(string(vkey))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	log := client.FileFetcher{Root: folder}
	return fsck.New(verifier.Name(), verifier, log, leafHashes, fsck.Opts{N: workers}).Check(ctx)
}

func leafHashes(data []byte) ([][]byte, error) {
	bundle := api.EntryBundle{}
	if err := bundle.UnmarshalText(data); err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, entry := range bundle.Entries {
		hash := tlog.RecordHash(entry)
		hashes = append(hashes, hash[:])
	}
	return hashes, nil
}
