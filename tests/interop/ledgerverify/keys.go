package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"filippo.io/mldsa"
	"golang.org/x/mod/sumdb/note"
)

// Signature types of C2SP signed-note.
const (
	typeEd25519            = 0x01
	typeEd25519Cosignature = 0x04
	typeMLDSA44Cosignature = 0x06
)

// cosigner is a note.Verifier for the timestamped signatures of C2SP tlog-cosignature.
type cosigner struct {
	name   string
	hash   uint32
	verify func(text string, timestamp uint64, signature []byte) bool
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(message, signature []byte) bool {
	if len(signature) < 8 {
		return false
	}
	timestamp := binary.BigEndian.Uint64(signature)
	return timestamp <= math.MaxInt64 && c.verify(string(message), timestamp, signature[8:])
}

// newVerifier reads a vkey: <name>+<key id in hex>+base64(type, public key).
func newVerifier(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("malformed vkey")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) == 0 {
		return nil, errors.New("malformed vkey")
	}
	if key[0] == typeEd25519 {
		return note.NewVerifier(vkey)
	}
	sum := sha256.Sum256([]byte(parts[0] + "\n" + string(key)))
	c := &cosigner{name: parts[0], hash: binary.BigEndian.Uint32(sum[:])}
	if parts[1] != fmt.Sprintf("%08x", c.hash) {
		return nil, errors.New("the key id is not that of name and key")
	}
	switch {
	case key[0] == typeEd25519Cosignature && len(key) == 1+ed25519.PublicKeySize:
		public := ed25519.PublicKey(key[1:])
		c.verify = func(text string, timestamp uint64, signature []byte) bool {
			message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", timestamp, text)
			return ed25519.Verify(public, []byte(message), signature)
		}
	case key[0] == typeMLDSA44Cosignature:
		public, err := mldsa.NewPublicKey(mldsa.MLDSA44(), key[1:])
		if err != nil {
			return nil, err
		}
		c.verify = func(text string, timestamp uint64, signature []byte) bool {
			message, err := subtreeMessage(c.name, timestamp, text)
			return err == nil && mldsa.Verify(public, message, signature, nil) == nil
		}
	default:
		return nil, fmt.Errorf("signature type 0x%02x is not known", key[0])
	}
	return c, nil
}

// subtreeMessage is what an ML-DSA-44 cosigner signs of a whole tree:
//
//	label "subtree/v1\n\0" | u8 len, cosigner name | u64 timestamp | u8 len, log origin
//	| u64 start = 0 | u64 end = size | root[32]
func subtreeMessage(name string, timestamp uint64, text string) ([]byte, error) {
	point, err := parseCheckpoint(text)
	if err != nil {
		return nil, err
	}
	if len(name) > math.MaxUint8 || len(point.origin) > math.MaxUint8 {
		return nil, errors.New("name or origin too long")
	}
	message := []byte("subtree/v1\n\x00")
	message = append(append(message, byte(len(name))), name...)
	message = binary.BigEndian.AppendUint64(message, timestamp)
	message = append(append(message, byte(len(point.origin))), point.origin...)
	message = binary.BigEndian.AppendUint64(message, 0)
	message = binary.BigEndian.AppendUint64(message, uint64(point.N))
	return append(message, point.Hash[:]...), nil
}
