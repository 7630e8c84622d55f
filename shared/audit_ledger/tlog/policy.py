"""C2SP tlog-policy: which logs and witnesses are trusted, and which cosignatures suffice.

    # a comment
    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>...
    quorum <name>|none

A file of octets: lines end in 0x0A, items are separated by spaces and tabs, names are opaque octets
(stored here as str, with octets that are not UTF-8 as surrogate escapes). Names are defined before
they are used, a name is a member of one group at most, and there is exactly one quorum line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from audit_ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from audit_ledger.tlog.cosignature import verify_cosignature
from audit_ledger.tlog.errors import FormatError, VerificationError
from audit_ledger.tlog.note import (
    ED25519,
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    Note,
    VerifierKey,
    parse_note,
    parse_verifier_key,
    verify_note,
)
from audit_ledger.tlog.text_file import check_unchanged_text

NO_QUORUM = "none"
MAX_POLICY_BYTES = 1_048_576

_LOG_TYPES = (ED25519, ED25519_COSIGNATURE, MLDSA44_COSIGNATURE)
_WITNESS_TYPES = (ED25519_COSIGNATURE, MLDSA44_COSIGNATURE)
_FORBIDDEN_OCTETS = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_WHITE_SPACE = re.compile(r"[ \t]+")  # and nothing else that Unicode calls a space
_THRESHOLD = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Log:
    """A log's key, named after its origin, and a URL or None."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True)
class Witness:
    """A witness's key, of a cosignature type, and a URL or None."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True)
class Group:
    """Witnesses a checkpoint when `threshold` of its members (witnesses or groups) do."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class PolicyResult:
    """The evaluation of a checkpoint that one of its logs signed.

    `cosignatures`: time (whole seconds since 1970) of each witness that cosigned, by name.
    `independent_witnesses`: those of them whose key does not bear the origin's name.
    `own_cosigned_at`: the newest time of a cosignature by a key of the origin's name, on a
    `witness` or a `log` line; None if there is none. `missing`: the witnesses below an unmet
    quorum that have not cosigned. Trust a checkpoint only if `satisfied`.
    """

    checkpoint: Checkpoint
    log_key: VerifierKey
    cosignatures: Mapping[str, int]
    independent_witnesses: Mapping[str, int]
    own_cosigned_at: int | None
    satisfied: bool
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Logs, witnesses and groups by name, each in the order of definition, and the quorum."""

    logs: tuple[Log, ...] = ()
    witnesses: Mapping[str, Witness] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = NO_QUORUM

    def to_bytes(self) -> bytes:
        """Return the policy file; raise FormatError if the policy breaks a rule of the format."""
        lines = [_line("log", log.key.text, log.url) for log in self.logs]
        for name, witness in self.witnesses.items():
            lines.append(_line("witness", name, witness.key.text, witness.url))
        for name, group in self.groups.items():
            lines.append(_line("group", name, _threshold(group), *group.members))
        lines.append(_line("quorum", self.quorum))
        try:
            data = "".join(lines).encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise FormatError("policy: a name that is no sequence of octets") from None
        if parse_policy(data) != self:
            raise FormatError("policy: a name or URL that no policy file can contain")
        return data

    def evaluate(self, note: bytes) -> PolicyResult:
        """Evaluate a signed checkpoint.

        Every signature by a key that the policy lists must be valid. Raises FormatError if it is no
        checkpoint or a listed key's cosignature is malformed, VerificationError if none of the logs
        signed it under its own origin or a listed key's signature is bad. An unmet quorum is no
        error: see `PolicyResult.satisfied`.
        """
        signed = parse_note(note)
        checkpoint = parse_checkpoint(signed.text)
        signers = {
            log.key: _verify_log_signature(log.key, signed)
            for log in self.logs
            if signed.signatures_by(log.key)
        }
        cosignatures = {
            name: verify_cosignature(witness.key, signed)
            for name, witness in self.witnesses.items()
            if signed.signatures_by(witness.key)
        }
        log_key = next((key for key in signers if key.name == checkpoint.origin), None)
        if log_key is None:
            raise VerificationError(
                f"checkpoint of {checkpoint.origin}: not signed by any log of that origin in the "
                "policy"
            )
        own = self.witnesses_named(checkpoint.origin)
        own_times = [time for name, time in cosignatures.items() if name in own]
        own_times += [
            time
            for key, time in signers.items()
            if key.name == checkpoint.origin and time is not None
        ]
        satisfied = self._is_satisfied_by(cosignatures)
        return PolicyResult(
            checkpoint=checkpoint,
            log_key=log_key,
            cosignatures=cosignatures,
            independent_witnesses={n: time for n, time in cosignatures.items() if n not in own},
            own_cosigned_at=max(own_times, default=None),
            satisfied=satisfied,
            missing=() if satisfied else self._missing(cosignatures),
        )

    def witnesses_named(self, key_name: str) -> frozenset[str]:
        """Return the witnesses with this key name: for an origin, the log's own."""
        return frozenset(n for n, witness in self.witnesses.items() if witness.key.name == key_name)

    def _is_satisfied_by(self, cosigned: Mapping[str, int]) -> bool:
        if self.quorum == NO_QUORUM:
            return True
        witnessed = set(cosigned)
        for name, group in self.groups.items():  # members are defined before their group
            if len(witnessed.intersection(group.members)) >= group.threshold:
                witnessed.add(name)
        return self.quorum in witnessed

    def _missing(self, cosigned: Mapping[str, int]) -> tuple[str, ...]:
        below = {self.quorum}
        for name, group in reversed(list(self.groups.items())):
            if name in below:
                below.update(group.members)
        return tuple(name for name in self.witnesses if name in below and name not in cosigned)


def parse_policy(data: bytes) -> Policy:
    """Read a policy file (at most 1 MiB); FormatError names the line and the broken rule."""
    if len(data) > MAX_POLICY_BYTES:
        raise FormatError(f"policy: {len(data)} bytes, at most {MAX_POLICY_BYTES}")
    check_unchanged_text(data, "policy")
    if forbidden := _FORBIDDEN_OCTETS.search(data):
        number = data.count(b"\n", 0, forbidden.start()) + 1
        raise FormatError(f"policy, line {number}: octet 0x{forbidden[0][0]:02x} is not allowed")
    if data and not data.endswith(b"\n"):
        raise FormatError("policy: the last line does not end in a newline")
    reader = _Reader()
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        text = line.decode("utf-8", "surrogateescape").strip(" \t")
        if text and not text.startswith("#"):
            try:
                reader.read(_WHITE_SPACE.split(text))
            except FormatError as error:
                raise FormatError(f"policy, line {number}: {error}") from None
    return reader.policy()


class _Reader:
    """The state of parsing: the definitions of the lines so far."""

    def __init__(self) -> None:
        self._logs: list[Log] = []
        self._log_keys: set[bytes] = set()
        self._witnesses: dict[str, Witness] = {}
        self._witness_keys: set[bytes] = set()
        self._groups: dict[str, Group] = {}
        self._members: set[str] = set()
        self._quorum: str | None = None

    def policy(self) -> Policy:
        if self._quorum is None:
            raise FormatError("policy: no quorum line")
        return Policy(tuple(self._logs), self._witnesses, self._groups, self._quorum)

    def read(self, items: list[str]) -> None:
        match items:
            case ["log", vkey, *url] if len(url) <= 1:
                self._read_log(vkey, *url)
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._read_witness(name, vkey, *url)
            case ["group", name, threshold, _, *_]:
                self._read_group(name, threshold, tuple(items[3:]))
            case ["quorum", name]:
                self._read_quorum(name)
            case ["log" | "witness" | "group" | "quorum" as keyword, *_]:
                raise FormatError(f"{keyword} with {len(items) - 1} items")
            case _:
                raise FormatError("neither log, witness, group nor quorum")

    def _read_log(self, vkey: str, url: str | None = None) -> None:
        log = Log(_key(vkey, _LOG_TYPES), url)
        if log.key.key in self._log_keys:
            raise FormatError("a log with the same public key is already there")
        self._log_keys.add(log.key.key)
        self._logs.append(log)

    def _read_witness(self, name: str, vkey: str, url: str | None = None) -> None:
        self._check_new(name)
        witness = Witness(_key(vkey, _WITNESS_TYPES), url)
        if witness.key.key in self._witness_keys:
            raise FormatError("a witness with the same public key is already there")
        self._witness_keys.add(witness.key.key)
        self._witnesses[name] = witness

    def _read_group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        self._check_new(name)
        for member in members:
            if not self._is_defined(member):
                raise FormatError("a group member that no line before defines")
            if member in self._members:
                raise FormatError("a name that is already a member of a group")
            self._members.add(member)
        if threshold == "all":
            count = len(members)
        elif threshold == "any":
            count = 1
        elif _THRESHOLD.fullmatch(threshold):
            count = int(threshold)
        else:
            raise FormatError("the threshold is neither all, any nor a decimal number from 1")
        if count > len(members):
            raise FormatError(f"a threshold of {count} for {len(members)} members")
        self._groups[name] = Group(count, members)

    def _read_quorum(self, name: str) -> None:
        if self._quorum is not None:
            raise FormatError("a second quorum line")
        if name != NO_QUORUM and not self._is_defined(name):
            raise FormatError("a quorum that no line before defines")
        self._quorum = name

    def _is_defined(self, name: str) -> bool:
        return name in self._witnesses or name in self._groups

    def _check_new(self, name: str) -> None:
        if name == NO_QUORUM:
            raise FormatError("the name none is predefined")
        if self._is_defined(name):
            raise FormatError("a name that is already defined")


def _key(vkey: str, types: tuple[int, ...]) -> VerifierKey:
    key = parse_verifier_key(vkey)
    if key.algorithm not in types:
        raise FormatError(f"a key of type 0x{key.algorithm:02x} signs no checkpoints in this role")
    return key


def _verify_log_signature(key: VerifierKey, note: Note) -> int | None:
    """Verify each signature that claims the key; return the time that it states, if its type does.

    Raises FormatError and VerificationError.
    """
    if key.algorithm == ED25519:
        verify_note(key, note)
        return None
    return verify_cosignature(key, note)


def _threshold(group: Group) -> str:
    if group.threshold == len(group.members):
        return "all"
    return "any" if group.threshold == 1 else str(group.threshold)


def _line(*items: str | None) -> str:
    return " ".join(item for item in items if item is not None) + "\n"
