"""Digests listed after the newest one that was read: growth, or leftovers of a rollback.

An attacker who restores earlier versions of `checkpoint` and `digests/latest` cannot remove the
digests that were published since, because they are locked. So each of them is compared with its
name, the ledger, its signatures and the digest before it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from hashlib import sha256

from audit_ledger.errors import FormatError, UnreachableError, VerificationError
from audit_ledger.ledger.digest import Digest
from audit_ledger.ledger.digest_name import digest_name_order
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.policy import Policy
from audit_ledger.verify.digest_chain import DigestChain, DigestClaim, read_digest
from audit_ledger.verify.digest_signatures import check_signatures
from audit_ledger.verify.findings import Finding, FindingCode, Findings
from audit_ledger.verify.latest_published import LatestPublished
from audit_ledger.verify.sources import Source, read_outcome


@dataclass
class LaterDigests:
    """The number of later digests that the ledger signed, and the newest of them."""

    count: int = 0
    newest: Digest | None = None
    findings: Findings = field(default_factory=Findings)


def check_later_digests(
    source: Source,
    paths: Collection[str],
    policy: Policy,
    checkpoint: Checkpoint,
    chain: DigestChain,
) -> LaterDigests:
    """Read and check the digests listed after the newest of the chain, oldest first."""
    later = LaterDigests()
    before = chain.claims[0] if chain.claims else None
    place = before and (before.path, chain.newest_sha256, before.period_to, before.size_after)
    for path in sorted(paths, key=digest_name_order):
        data = read_outcome(source, path)
        if isinstance(data, UnreachableError):
            later.findings.add(Finding(FindingCode.UNREACHABLE, path, None, str(data)))
        if not isinstance(data, bytes):
            continue  # unreachable, or gone since it was listed
        signatures, _ = check_signatures(policy, checkpoint.origin, [(path, data)])
        if any(finding.code is FindingCode.DIGEST_REJECTED for finding in signatures):
            later.findings.add(unknown_object(path))
            continue
        try:
            digest, findings = read_digest(path, data, checkpoint.origin)
        except FormatError:
            later.findings.add(unknown_object(path))
            continue
        later.findings.add_all([*signatures, *findings])
        if digest.name != path or digest.origin != checkpoint.origin:
            continue
        begins = (
            digest.previous_name,
            digest.previous_sha256,
            digest.period_from,
            digest.size_before,
        )
        if place and begins != place:
            later.findings.add(_not_following(digest, place[0], chain, paths))
        wrapped = digest.wrapped
        if wrapped.size == checkpoint.size and wrapped.root != checkpoint.root:
            message = f"{path}: another root than the checkpoint's, of the same size, both signed"
            entries = (0, checkpoint.size - 1) if checkpoint.size else None
            later.findings.add(Finding(FindingCode.FORKED, path, entries, message))
        place = (path, sha256(data).digest(), digest.period_to, digest.size_after)
        later.count += 1
        later.newest = digest
    return later


def newest_digest(
    policy: Policy,
    checkpoint: Checkpoint,
    chain: DigestChain,
    later: LaterDigests,
    read_again: Callable[[], LatestPublished],
) -> Digest | DigestClaim | None:
    """Return the newest digest that the checkpoint must not be behind.

    One listed after the chain does not count if checkpoint and `digests/latest`, read again, are as
    new: then the ledger grew during the verification, and nothing was rolled back.
    """
    if later.newest and not _is_overtaken(policy, checkpoint, later.newest, read_again()):
        return later.newest
    return chain.claims[0] if chain.claims else None


def _is_overtaken(
    policy: Policy, checkpoint: Checkpoint, newest: Digest, heads: LatestPublished
) -> bool:
    if not isinstance(heads.checkpoint, bytes) or not isinstance(heads.latest, bytes):
        return False
    try:
        result = policy.evaluate(heads.checkpoint)
        latest = read_digest("", heads.latest, checkpoint.origin)[0]
    except (FormatError, VerificationError):
        return False
    if check_signatures(policy, checkpoint.origin, [("", heads.latest)])[0]:
        return False
    age = (newest.size_after, newest.period_to)
    present = result.checkpoint
    own = result.own_cosigned_at
    return (
        present.origin == checkpoint.origin == latest.origin
        and (present.size, latest.period_to if own is None else own) >= age
        and (latest.size_after, latest.period_to) >= age
    )


def unknown_object(path: str) -> Finding:
    """Return the finding about an object that is no part of the ledger."""
    message = f"{path}: no ledger publishes such an object, or none that leads to it"
    return Finding(FindingCode.UNKNOWN_OBJECT, path, None, message)


def _not_following(
    digest: Digest, before: str, chain: DigestChain, listed: Collection[str]
) -> Finding:
    previous = digest.previous_name
    if previous and previous != before and previous not in chain.paths and previous not in listed:
        message = f"{previous}: the digest is missing, which {digest.name} names"
        return Finding(FindingCode.MISSING, previous, None, message)
    message = f"{digest.name}: does not begin where {before} ends, or does not name it"
    return Finding(FindingCode.DIGEST_CHAIN_BROKEN, digest.name, None, message)
