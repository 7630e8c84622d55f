package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// storedHashes contains every hash of a tree in sumdb's storage order.
type storedHashes []tlog.Hash

func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(s)) {
			return nil, fmt.Errorf("no hash %d in a tree of %d hashes", index, len(s))
		}
		hashes[i] = s[index]
	}
	return hashes, nil
}

// buildTree hashes entries into a tree from nothing.
func buildTree(entries [][]byte) (storedHashes, error) {
	tree := make(storedHashes, 0, 2*len(entries))
	for i, entry := range entries {
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), tlog.RecordHash(entry), tree)
		if err != nil {
			return nil, err
		}
		tree = append(tree, hashes...)
	}
	return tree, nil
}

// checkTiles compares every tile that a tree of this size serves with the tree; it counts them.
func checkTiles(log published, tree storedHashes, size int64) (int, error) {
	tiles := tlog.NewTiles(tileHeight, 0, size)
	for _, tile := range tiles {
		got, err := log.tile(tile)
		if err != nil {
			return 0, err
		}
		want, err := tlog.ReadTileData(tile, tree)
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(got, want) {
			return 0, fmt.Errorf("%s: not the hashes of the entries below it", tilePath(tile))
		}
	}
	return len(tiles), nil
}

// tileSource lets sumdb read tiles of a published ledger; it authenticates them itself.
type tileSource struct{ log published }

func (s tileSource) Height() int { return tileHeight }

func (s tileSource) SaveTiles([]tlog.Tile, [][]byte) {}

func (s tileSource) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := s.log.tile(tile)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// checkProofs proves, from tiles and checkpoint alone, that entries are included and that the
// tree is consistent with smaller ones, at the places where the arithmetic of tiles turns.
func checkProofs(log published, built storedHashes, tree tlog.Tree, entries [][]byte) error {
	tiles := tlog.TileHashReader(tree, tileSource{log})
	for _, n := range []int64{0, 1, 255, 256, 65_535, 65_536, tree.N / 2, tree.N - 2, tree.N - 1} {
		if n < 0 || n >= tree.N {
			continue
		}
		included, err := tlog.ProveRecord(tree.N, n, tiles)
		if err == nil {
			err = tlog.CheckRecord(included, tree.N, tree.Hash, n, tlog.RecordHash(entries[n]))
		}
		if err != nil {
			return fmt.Errorf("inclusion of entry %d: %w", n, err)
		}
		older, err := tlog.TreeHash(n+1, built)
		if err != nil {
			return err
		}
		consistent, err := tlog.ProveTree(tree.N, n+1, tiles)
		if err == nil {
			err = tlog.CheckTree(consistent, tree.N, tree.Hash, n+1, older)
		}
		if err != nil {
			return fmt.Errorf("consistency with size %d: %w", n+1, err)
		}
	}
	return nil
}

// checkLinks checks what makes the entries of an Audit Ledger a chain: seq counts from 0, prev is
// the leaf hash of the entry before (32 zero bytes in the first), time never falls.
func checkLinks(entries [][]byte) error {
	type link struct {
		Seq  int64  `json:"seq"`
		Time string `json:"time"`
		Prev []byte `json:"prev"`
	}
	prev, time := tlog.Hash{}, ""
	for i, entry := range entries {
		var link link
		if err := json.Unmarshal(entry, &link); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		if link.Seq != int64(i) || !bytes.Equal(link.Prev, prev[:]) || link.Time < time {
			return fmt.Errorf("entry %d: seq, prev or time does not follow the entry before", i)
		}
		prev, time = tlog.RecordHash(entry), link.Time
	}
	return nil
}
