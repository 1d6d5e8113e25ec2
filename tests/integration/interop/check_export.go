// SPDX-License-Identifier: Apache-2.0
//
// Go's own note and tlog, which share no code with ours, over an export: the checkpoint's signature,
// every hash tile, the tree that the entries make, and the proof of every entry.
//
//	check_export FOLDER VERIFIER-KEY [PROOF.tlog-proof...]
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(format string, values ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}

func must(what string, err error) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

// openCheckpoint verifies a signed note and reads its tree.
func openCheckpoint(text []byte, key string) tlog.Tree {
	verifier, err := note.NewVerifier(key)
	must("the verifier key", err)
	opened, err := note.Open(text, note.VerifierList(verifier))
	must("the checkpoint", err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		fail("the checkpoint is not one of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must("the size", err)
	root, err := tlog.ParseHash(lines[2])
	must("the root", err)
	return tlog.Tree{N: size, Hash: root}
}

// tiles reads the folder's tiles. C2SP leaves the height, which is always 8, out of Go's paths.
type tiles struct{ folder string }

func (tiles) Height() int                     { return 8 }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range want {
		path := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		data, err := os.ReadFile(filepath.Join(t.folder, filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// entries reads the entry bundles: a length of two bytes, or 0xffff and one of four, and the entry.
func entries(folder string, size int64) [][]byte {
	var all [][]byte
	for n := int64(0); int64(len(all)) < size; n++ {
		width := size - n*256
		if width > 256 {
			width = 256
		}
		tile := tlog.Tile{H: 8, L: 0, N: n, W: int(width)}
		path := "tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/0/")
		data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(path)))
		must("a bundle", err)
		for len(data) > 0 {
			if len(data) < 2 {
				fail("%s ends within a length", path)
			}
			length := int(binary.BigEndian.Uint16(data))
			data = data[2:]
			if length == 0xffff {
				length = int(binary.BigEndian.Uint32(data))
				data = data[4:]
			}
			if length > len(data) {
				fail("%s ends within an entry", path)
			}
			all = append(all, data[:length])
			data = data[length:]
		}
	}
	return all
}

// checkProof verifies a C2SP tlog-proof of one of the entries.
func checkProof(file string, key string, all [][]byte) {
	text, err := os.ReadFile(file)
	must("a proof", err)
	head, checkpoint, found := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		fail("%s is no tlog-proof", file)
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	must("its index", err)
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		must("its path", err)
		var one tlog.Hash
		copy(one[:], hash)
		proof = append(proof, one)
	}
	tree := openCheckpoint(checkpoint, key)
	must(file, tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(all[index])))
}

func main() {
	folder, key := os.Args[1], os.Args[2]
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	must("the checkpoint", err)
	tree := openCheckpoint(text, key)
	all := entries(folder, tree.N)

	// TileHashReader checks each tile that it reads against the tree's root.
	hashes := tlog.TileHashReader(tree, tiles{folder})
	root, err := tlog.TreeHash(tree.N, hashes)
	must("the tiles", err)
	if root != tree.Hash {
		fail("the tiles make another root")
	}
	for index, entry := range all {
		proof, err := tlog.ProveRecord(tree.N, int64(index), hashes)
		must("a proof", err)
		must("an entry", tlog.CheckRecord(proof, tree.N, tree.Hash, int64(index), tlog.RecordHash(entry)))
	}
	for size := int64(1); size <= tree.N; size++ {
		old, err := tlog.TreeHash(size, hashes)
		must("an older tree", err)
		proof, err := tlog.ProveTree(tree.N, size, hashes)
		must("a proof of an older tree", err)
		must("an older tree", tlog.CheckTree(proof, tree.N, tree.Hash, size, old))
	}
	for _, file := range os.Args[3:] {
		checkProof(file, key, all)
	}
	fmt.Printf("%d entries, %d proofs\n", tree.N, len(os.Args)-3)
}
