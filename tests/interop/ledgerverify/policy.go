package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// policy is a C2SP tlog-policy. Verifiers stand by the name that the policy gives them.
type policy struct {
	logs      []note.Verifier
	witnesses map[string]note.Verifier
	groups    map[string]group
	quorum    string
}

type group struct {
	threshold int
	members   []string
}

// checkpoint is the content of a trusted signed checkpoint.
type checkpoint struct {
	tlog.Tree
	origin  string
	signers []string
}

func readPolicy(path string) (*policy, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := &policy{witnesses: map[string]note.Verifier{}, groups: map[string]group{}}
	for number, line := range strings.Split(string(data), "\n") {
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := p.add(words); err != nil {
			return nil, fmt.Errorf("policy, line %d: %w", number+1, err)
		}
	}
	if p.quorum == "" {
		return nil, errors.New("policy: no quorum")
	}
	return p, nil
}

func (p *policy) add(words []string) (err error) {
	switch {
	case words[0] == "log" && (len(words) == 2 || len(words) == 3):
		var verifier note.Verifier
		verifier, err = newVerifier(words[1])
		p.logs = append(p.logs, verifier)
	case words[0] == "witness" && (len(words) == 3 || len(words) == 4) && !p.knows(words[1]):
		p.witnesses[words[1]], err = newVerifier(words[2])
	case words[0] == "group" && len(words) > 3 && !p.knows(words[1]):
		members := words[3:]
		for _, member := range members {
			if !p.knows(member) {
				return fmt.Errorf("unknown member %s", member)
			}
		}
		threshold := len(members)
		if words[2] == "any" {
			threshold = 1
		} else if words[2] != "all" {
			threshold, err = strconv.Atoi(words[2])
		}
		if threshold < 1 || threshold > len(members) {
			return errors.New("threshold out of range")
		}
		p.groups[words[1]] = group{threshold, members}
	case words[0] == "quorum" && len(words) == 2 && p.quorum == "":
		p.quorum = words[1]
		if p.quorum != "none" && !p.knows(p.quorum) {
			return fmt.Errorf("unknown quorum %s", p.quorum)
		}
	default:
		return errors.New("not understood")
	}
	return err
}

func (p *policy) knows(name string) bool {
	return p.witnesses[name] != nil || p.groups[name].members != nil
}

// met tells whether a witness, or enough of a group, is among those who cosigned.
func (p *policy) met(name string, cosigned []string) bool {
	if name == "none" || slices.Contains(cosigned, name) {
		return true
	}
	count := 0
	for _, member := range p.groups[name].members {
		if p.met(member, cosigned) {
			count++
		}
	}
	return count > 0 && count >= p.groups[name].threshold
}

// open verifies every signature on a checkpoint by a known key, demands one by a log under its
// own origin, and the quorum.
func (p *policy) open(signed []byte) (*checkpoint, error) {
	verifiers := slices.Clone(p.logs)
	for _, witness := range p.witnesses {
		verifiers = append(verifiers, witness)
	}
	opened, err := note.Open(signed, note.VerifierList(verifiers...))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	point, err := parseCheckpoint(opened.Text)
	if err != nil {
		return nil, err
	}
	has := func(verifier note.Verifier) bool {
		return slices.ContainsFunc(opened.Sigs, func(signature note.Signature) bool {
			return signature.Name == verifier.Name() && signature.Hash == verifier.KeyHash()
		})
	}
	isLog := func(log note.Verifier) bool { return log.Name() == point.origin && has(log) }
	if !slices.ContainsFunc(p.logs, isLog) {
		return nil, errors.New("checkpoint: not signed by a log of its origin")
	}
	var cosigned []string
	for name, witness := range p.witnesses {
		if has(witness) {
			cosigned = append(cosigned, name)
		}
	}
	if !p.met(p.quorum, cosigned) {
		return nil, fmt.Errorf("checkpoint: quorum %s is not met by %q", p.quorum, cosigned)
	}
	slices.Sort(cosigned)
	point.signers = append([]string{"log"}, cosigned...)
	return point, nil
}

// parseCheckpoint reads origin, size and root; a ledger's checkpoints have no extension lines.
func parseCheckpoint(text string) (*checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] == "" || lines[3] != "" {
		return nil, errors.New("checkpoint: not the three lines origin, size and root")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || lines[1] != strconv.FormatInt(size, 10) {
		return nil, errors.New("checkpoint: malformed size")
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return &checkpoint{Tree: tlog.Tree{N: size, Hash: root}, origin: lines[0]}, nil
}
