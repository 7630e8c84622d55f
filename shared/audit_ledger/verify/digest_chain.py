"""The digest chain: from the newest digest back to the first, each naming the one before it.

The walk checks the digests against each other. What they state about the tree is compared when
the tree is known, and worker processes check signatures in batches.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from audit_ledger.errors import FormatError, UnreachableError
from audit_ledger.ledger.digest import Digest
from audit_ledger.ledger.digest_name import LATEST, digest_name_order, is_digest_name
from audit_ledger.ledger.publication_order import own_times
from audit_ledger.ledger.signed_digest import parse_signed_digest
from audit_ledger.verify.findings import Finding, FindingCode, Findings
from audit_ledger.verify.freshness import format_time
from audit_ledger.verify.sources import ReadOutcome, Source, read_outcome

Take = Callable[[str, bytes], None]
"""Takes a digest's path and bytes, whose signatures are still to be checked."""


@dataclass(frozen=True, slots=True)
class DigestClaim:
    """What one digest states about the tree, and what its successor must agree with."""

    path: str
    period_from: int
    period_to: int
    size_before: int
    size_after: int
    root: bytes
    control_entries: int
    followed: int
    missing_events: int
    missing_portals: int

    @property
    def age(self) -> tuple[int, int]:
        """A sort key: the larger, the newer."""
        return self.period_to, self.size_after


@dataclass
class DigestChain:
    """The digests read, newest first, and the paths of all objects that were tried.

    `newest_sha256`: of the newest one's bytes. `watched_sha256`: of the bytes of the one that was
    watched for, None where it was not among them.
    """

    claims: list[DigestClaim] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    findings: Findings = field(default_factory=Findings)
    newest_sha256: bytes = b""
    watched_sha256: bytes | None = None


def walk_digests(
    source: Source, origin: str, latest: ReadOutcome, take: Take, watch: str = ""
) -> DigestChain:
    """Follow the chain from what was read as `digests/latest`.

    If a digest is missing and the source can list, the walk continues with the newest older one.
    `watch`: path of a digest whose hash the chain is to contain.
    """
    return _Walk(source, origin, take, watch).run(latest)


def read_digest(path: str, data: bytes, origin: str) -> tuple[Digest, list[Finding]]:
    """Read a digest, and report what in it contradicts its path or its checkpoint.

    Its signature is not checked. Raises FormatError for anything else. It has one signature line:
    another one, which needs no key, would change the bytes whose hash is remembered, so that the
    true digest would be reported as another.
    """
    findings: list[Finding] = []

    def found(code: FindingCode, message: str) -> None:
        findings.append(Finding(code, path, None, f"{path}: {message}"))

    signed = parse_signed_digest(data)
    if len(signed.note.signatures) != 1:
        raise FormatError(f"digest: {len(signed.note.signatures)} signature lines, expected one")
    digest = signed.digest
    checkpoint = digest.wrapped
    if digest.name != path:
        found(FindingCode.DIGEST_CHAIN_BROKEN, f"its content belongs at {digest.name}")
        return digest, findings
    if digest.origin != origin:
        found(FindingCode.DIGEST_DISAGREES, f"of another ledger, {digest.origin}")
        return digest, findings
    if (checkpoint.origin, checkpoint.size) != (digest.origin, digest.size_after):
        found(
            FindingCode.DIGEST_DISAGREES,
            "origin or size are not those of the checkpoint inside",
        )
    for time in own_times(digest.checkpoint):
        if time != digest.period_to:
            message = (
                f"its period ends at {format_time(digest.period_to)}, but the checkpoint inside is "
                f"cosigned for {format_time(time)}"
            )
            found(FindingCode.DIGEST_DISAGREES, message)
    return digest, findings


class _Walk:
    def __init__(self, source: Source, origin: str, take: Take, watch: str) -> None:
        self.chain = DigestChain(paths={LATEST})
        self._source = source
        self._origin = origin
        self._take = take
        self._watch = watch
        self._listed: list[str] | None = None  # oldest first; popped as they are passed

    def run(self, latest: ReadOutcome) -> DigestChain:
        path, expected_hash = self._start(latest)
        after: DigestClaim | None = None
        while path:
            self.chain.paths.add(path)
            digest = self._open(path, self._read(path), expected_hash)
            if digest is None and isinstance(latest, bytes):
                digest = self._open(path, latest, None)  # the copy serves as well
            latest = None
            if digest is None:
                path, expected_hash, after = self._newest_listed(path), None, None
                continue
            claim = self.chain.claims[-1]
            if after and not self._follows(claim, after):
                break  # otherwise a chain could be endless
            after = claim
            path, expected_hash = digest.previous_name, digest.previous_sha256
            if not path and digest.size_before != 0:
                message = f"the first digest, but it begins at entry {digest.size_before}"
                self._report(FindingCode.DIGEST_CHAIN_BROKEN, claim.path, message)
        return self.chain

    def _start(self, latest: ReadOutcome) -> tuple[str, bytes | None]:
        """Return the newest digest's own path, and the hash that the object there must have."""
        if isinstance(latest, bytes):
            try:
                signed = parse_signed_digest(latest)
            except FormatError as error:
                self._report(FindingCode.DIGEST_MALFORMED, LATEST, str(error))
            else:
                return signed.digest.name, signed.sha256
        else:
            self._report_unread(LATEST, latest)
        return self._newest_listed(None), None

    def _read(self, path: str) -> bytes | None:
        outcome = read_outcome(self._source, path)
        if isinstance(outcome, bytes):
            return outcome
        self._report_unread(path, outcome)
        return None

    def _report_unread(self, path: str, outcome: UnreachableError | None) -> None:
        if outcome is None:
            self._report(FindingCode.MISSING, path, "the digest is missing")
        else:
            self._report(FindingCode.UNREACHABLE, path, str(outcome))

    def _open(self, path: str, data: bytes | None, expected_hash: bytes | None) -> Digest | None:
        """Read a digest; report one with another hash once, whatever else is wrong with it."""
        if data is None:
            return None
        if expected_hash is not None and sha256(data).digest() != expected_hash:
            message = "not the digest whose hash its successor, or digests/latest, states"
            self._report(FindingCode.DIGEST_CHAIN_BROKEN, path, message)
            return None
        try:
            digest, findings = read_digest(path, data, self._origin)
        except FormatError as error:
            self._report(FindingCode.DIGEST_MALFORMED, path, str(error))
            return None
        self._take(path, data)
        self.chain.findings.add_all(findings)
        if digest.name != path or digest.origin != self._origin:
            return None
        if not self.chain.claims:
            self.chain.newest_sha256 = sha256(data).digest()
        if path == self._watch:
            self.chain.watched_sha256 = sha256(data).digest()
        claim = DigestClaim(
            path,
            digest.period_from,
            digest.period_to,
            digest.size_before,
            digest.size_after,
            digest.root,
            digest.control_entries,
            digest.followed,
            digest.missing_events,
            digest.missing_portals,
        )
        self.chain.claims.append(claim)
        return digest

    def _follows(self, claim: DigestClaim, after: DigestClaim) -> bool:
        """Return whether a digest ends where its successor begins, and is older."""
        if claim.period_to != after.period_from or claim.size_after != after.size_before:
            message = f"period and size do not end where those of {after.path} begin"
            self._report(FindingCode.DIGEST_CHAIN_BROKEN, claim.path, message)
        return claim.age < after.age

    def _newest_listed(self, before: str | None) -> str:
        """Return the path of the newest listed digest older than `before`; empty for none."""
        if self._listed is None:
            self._listed = self._list()
        while self._listed:
            path = self._listed.pop()
            if before is None or digest_name_order(path) < digest_name_order(before):
                return path
        return ""

    def _list(self) -> list[str]:
        try:
            listing = self._source.list_all()
            return sorted(filter(is_digest_name, listing or ()), key=digest_name_order)
        except UnreachableError as error:
            self._report(FindingCode.UNREACHABLE, "digests", str(error))
            return []

    def _report(self, code: FindingCode, path: str, message: str) -> None:
        self.chain.findings.add(Finding(code, path, None, f"{path}: {message}"))
