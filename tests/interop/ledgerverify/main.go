// Command ledgerverify verifies a published ledger, or a receipt, with none of the project's own
// code: hashes, trees, proofs and notes are those of golang.org/x/mod/sumdb, ML-DSA-44 that of
// filippo.io/mldsa.
//
//	ledgerverify -policy FILE -log FOLDER [-links]
//	ledgerverify -policy FILE -proof FILE [-entry FILE]
//
// It prints one line that begins with OK and exits 0, or reports what is not valid and exits 1;
// 2 is a usage error.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	policyFile := flag.String("policy", "", "tlog-policy `file` with the keys to trust")
	folder := flag.String("log", "", "`folder` with a published ledger (tlog-tiles)")
	links := flag.Bool("links", false, "also check that each entry links to the one before it")
	proofFile := flag.String("proof", "", "tlog-proof `file` to verify instead of a ledger")
	entryFile := flag.String("entry", "", "`file` with the entry, in place of the proof's extra data")
	flag.Parse()
	if *policyFile == "" || flag.NArg() != 0 ||
		(*folder == "") == (*proofFile == "") || (*proofFile == "" && *entryFile != "") {
		flag.Usage()
		os.Exit(2)
	}
	var result string
	var err error
	if *folder != "" {
		result, err = verifyLog(*policyFile, *folder, *links)
	} else {
		result, err = verifyReceipt(*policyFile, *proofFile, *entryFile)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAILED", err)
		os.Exit(1)
	}
	fmt.Println("OK", result)
}

// verifyLog checks signatures and quorum of the checkpoint, rebuilds the tree from the entry
// bundles, compares every tile with it, and proves inclusion and consistency from the tiles.
func verifyLog(policyFile, folder string, links bool) (string, error) {
	policy, err := readPolicy(policyFile)
	if err != nil {
		return "", err
	}
	log := published(folder)
	signed, err := log.read("checkpoint")
	if err != nil {
		return "", err
	}
	checkpoint, err := policy.open(signed)
	if err != nil {
		return "", err
	}
	entries, err := log.entries(checkpoint.N)
	if err != nil {
		return "", err
	}
	if links {
		if err := checkLinks(entries); err != nil {
			return "", err
		}
	}
	tree, err := buildTree(entries)
	if err != nil {
		return "", err
	}
	root, err := tlog.TreeHash(checkpoint.N, tree)
	if err != nil {
		return "", err
	}
	if root != checkpoint.Hash {
		return "", fmt.Errorf("entries hash to root %s, the checkpoint states %s", root, checkpoint.Hash)
	}
	tiles, err := checkTiles(log, tree, checkpoint.N)
	if err != nil {
		return "", err
	}
	if err := checkProofs(log, tree, checkpoint.Tree, entries); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s size %d root %s tiles %d signed by %s", checkpoint.origin, checkpoint.N,
		root, tiles, strings.Join(checkpoint.signers, " ")), nil
}
