package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// receipt is what a tlog-proof (C2SP) states beside its checkpoint. extra is nil where it has none,
// and is not authenticated.
type receipt struct {
	index  int64
	hashes tlog.RecordProof
	extra  []byte
	signed []byte
}

// verifyReceipt checks a tlog-proof: signatures, quorum, and the inclusion of the entry, which is
// a file's, or without one the proof's extra data.
func verifyReceipt(policyFile, proofFile, entryFile string) (string, error) {
	policy, err := readPolicy(policyFile)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(proofFile)
	if err != nil {
		return "", err
	}
	proof, err := parseProof(data)
	if err != nil {
		return "", fmt.Errorf("proof: %w", err)
	}
	entry := proof.extra
	if entryFile != "" {
		if entry, err = os.ReadFile(entryFile); err != nil {
			return "", err
		}
	}
	if entry == nil {
		return "", errors.New("proof: no extra data, and no entry was given")
	}
	checkpoint, err := policy.open(proof.signed)
	if err != nil {
		return "", err
	}
	leaf := tlog.RecordHash(entry)
	err = tlog.CheckRecord(proof.hashes, checkpoint.N, checkpoint.Hash, proof.index, leaf)
	if err != nil {
		return "", fmt.Errorf("proof of entry %d: %w", proof.index, err)
	}
	return fmt.Sprintf("%s entry %d of %d signed by %s", checkpoint.origin, proof.index,
		checkpoint.N, strings.Join(checkpoint.signers, " ")), nil
}

// parseProof reads the lines of a tlog-proof up to the empty one; the checkpoint follows.
func parseProof(data []byte) (*receipt, error) {
	header, signed, found := bytes.Cut(data, []byte("\n\n"))
	if !found {
		return nil, errors.New("no empty line before the checkpoint")
	}
	lines := strings.Split(string(header), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		return nil, errors.New("not a c2sp.org/tlog-proof@v1")
	}
	proof := &receipt{signed: signed}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		var err error
		proof.extra, err = base64.StdEncoding.Strict().DecodeString(lines[0][len("extra "):])
		if err != nil {
			return nil, errors.New("malformed extra data")
		}
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return nil, errors.New("no index")
	}
	number, isIndex := strings.CutPrefix(lines[0], "index ")
	index, err := strconv.ParseInt(number, 10, 64)
	if !isIndex || err != nil || index < 0 || number != strconv.FormatInt(index, 10) {
		return nil, errors.New("malformed index")
	}
	proof.index = index
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		proof.hashes = append(proof.hashes, hash)
	}
	return proof, nil
}
