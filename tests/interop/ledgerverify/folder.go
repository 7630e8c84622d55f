package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// C2SP tlog-tiles are sumdb's tiles of height 8 under other names:
//
//	sumdb  tile/8/0/x001/067.p/3
//	C2SP   tile/0/x001/067.p/3
const tileHeight = 8

// published is a folder with a ledger's files as they are served.
type published string

func (p published) read(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(p), filepath.FromSlash(path)))
}

// readWidth reads a tile or an entry bundle. A partial one may have gone once it was full; then
// the full one begins with it, and cut states how much of it to read.
func (p published) readWidth(path string, cut func(full []byte) ([]byte, error)) ([]byte, error) {
	data, err := p.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if full, _, isPartial := strings.Cut(path, ".p/"); isPartial {
			if data, errFull := p.read(full); errFull == nil {
				return cut(data)
			}
		}
	}
	return data, err
}

func tilePath(tile tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
}

func bundlePath(tile tlog.Tile) string {
	return "tile/entries/" + strings.TrimPrefix(tilePath(tile), "tile/0/")
}

// tile reads the hashes of one tile, exactly as many as it is wide.
func (p published) tile(tile tlog.Tile) ([]byte, error) {
	width := tile.W * tlog.HashSize
	data, err := p.readWidth(tilePath(tile), func(full []byte) ([]byte, error) {
		return full[:min(width, len(full))], nil
	})
	if err == nil && len(data) != width {
		err = fmt.Errorf("%s: %d bytes, expected %d", tilePath(tile), len(data), width)
	}
	return data, err
}

// entries reads all entries of a tree from the bundles below its level 0 tiles.
func (p published) entries(size int64) ([][]byte, error) {
	var entries [][]byte
	for _, tile := range tlog.NewTiles(tileHeight, 0, size) {
		if tile.L != 0 {
			continue
		}
		bundle, err := p.readWidth(bundlePath(tile), func(full []byte) ([]byte, error) {
			_, rest, err := splitBundle(full, tile.W)
			return full[:len(full)-len(rest)], err
		})
		if err != nil {
			return nil, err
		}
		some, rest, err := splitBundle(bundle, tile.W)
		if err == nil && len(rest) != 0 {
			err = errors.New("bytes after the last entry")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", bundlePath(tile), err)
		}
		entries = append(entries, some...)
	}
	return entries, nil
}

// splitBundle takes count entries, each behind its length as u16 big-endian, from the front.
func splitBundle(data []byte, count int) (entries [][]byte, rest []byte, err error) {
	for range count {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, nil, errors.New("ends within an entry")
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	return entries, data, nil
}
