// Command ledgerverify verifies a published ledger, or a receipt, with none of the project's own
// code: hashes, trees, proofs and notes are those of golang.org/x/mod/sumdb, ML-DSA-44 that of
// filippo.io/mldsa.
//
//	ledgerverify -policy FILE -log FOLDER [-links]
//	ledgerverify -policy FILE -proof FILE -entry FILE
//
// It prints one line that begins with OK and exits 0, or says what does not hold and exits 1;
// 2 is a usage error.
package main

import (
	"bytes"
	"errors"
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
	entryFile := flag.String("entry", "", "`file` with the bytes of the entry that is proved")
	flag.Parse()
	if *policyFile == "" || flag.NArg() != 0 ||
		(*folder == "") == (*proofFile == "") || (*proofFile == "") != (*entryFile == "") {
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
		return "", fmt.Errorf("entries hash to root %s, the checkpoint says %s", root, checkpoint.Hash)
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

// verifyReceipt checks a tlog-proof: signatures, quorum, and the inclusion of the entry.
func verifyReceipt(policyFile, proofFile, entryFile string) (string, error) {
	policy, err := readPolicy(policyFile)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(proofFile)
	if err != nil {
		return "", err
	}
	entry, err := os.ReadFile(entryFile)
	if err != nil {
		return "", err
	}
	header, signed, found := bytes.Cut(data, []byte("\n\n"))
	if !found {
		return "", errors.New("proof: no empty line before the checkpoint")
	}
	index, proof, err := parseProof(string(header))
	if err != nil {
		return "", err
	}
	checkpoint, err := policy.open(signed)
	if err != nil {
		return "", err
	}
	err = tlog.CheckRecord(proof, checkpoint.N, checkpoint.Hash, index, tlog.RecordHash(entry))
	if err != nil {
		return "", fmt.Errorf("proof of entry %d: %w", index, err)
	}
	return fmt.Sprintf("%s entry %d of %d signed by %s", checkpoint.origin, index, checkpoint.N,
		strings.Join(checkpoint.signers, " ")), nil
}
