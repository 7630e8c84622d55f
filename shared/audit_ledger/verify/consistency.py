"""One history: what was signed or verified at earlier sizes is a prefix of the present entries.

All roots are compared with roots that were computed from the entries themselves, in one pass, so
no consistency proof is needed: the entries are the proof.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator

from audit_ledger.ledger.digest_name import LATEST, digest_name_order
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.tiles import CHECKPOINT, TILE_WIDTH
from audit_ledger.verify.checkpoint_store import KnownLedger
from audit_ledger.verify.digest_chain import DigestChain, DigestClaim
from audit_ledger.verify.findings import Finding, FindingCode, Verdict
from audit_ledger.verify.sources import ReadOutcome
from audit_ledger.verify.tree import TreeResult


def check_history(
    checkpoint: Checkpoint, chain: DigestChain, tree: TreeResult
) -> Iterator[Finding]:
    """Check that each signed root and count is that of the published entries."""
    agreed = (c.size_after for c in chain.claims if tree.roots.get(c.size_after) == c.root)
    yield from compare_root(checkpoint, tree, max(agreed, default=0))
    yield from compare_digests(chain, tree)
    yield from recount_control_entries(chain, tree)


def check_known(
    checkpoint: Checkpoint,
    known: KnownLedger,
    chain: DigestChain,
    tree: TreeResult,
    rejected: Collection[str],
    latest: ReadOutcome,
) -> Iterator[Finding]:
    """Check that the ledger continues from what was verified before.

    `rejected`: paths of digests with invalid signatures. `latest`: what was read as
    `digests/latest`.
    """
    contradictions = list(compare_with_known(checkpoint, known, tree))
    yield from contradictions or compare_known_digest(known, chain, rejected, latest)


def compare_root(
    checkpoint: Checkpoint, tree: TreeResult, agreed_size: int = 0
) -> Iterator[Finding]:
    """Check that the root of all entries is the signed one.

    `agreed_size`: the largest size at which a digest's root is that of the entries.
    """
    root = tree.roots[checkpoint.size]
    if root is not None and root != checkpoint.root:
        message = (
            f"the {checkpoint.size} entries and their tiles have another root than the one signed"
        )
        yield Finding(
            FindingCode.ROOT_MISMATCH, CHECKPOINT, _span(agreed_size, checkpoint.size), message
        )


def compare_with_known(
    checkpoint: Checkpoint, known: KnownLedger, tree: TreeResult
) -> Iterator[Finding]:
    """Check that the log continues from the checkpoint that was verified before."""
    remembered = known.checkpoint
    size, before = checkpoint.size, remembered.size
    created = tree.roots.get(1) if tree.roots[size] == checkpoint.root else None
    if known.created and created and known.created != created:
        message = (
            "it begins with another entry than the ledger verified before, under the same name and "
            "keys: created again"
        )
        yield Finding(FindingCode.BEGUN_ANEW, CHECKPOINT, (0, 0), message)
        return
    if size < before:
        message = f"of size {size}, but size {before} was verified before: entries are gone"
        yield Finding(FindingCode.ROLLED_BACK, CHECKPOINT, (size, before - 1), message)
        return
    root = checkpoint.root if size == before else tree.roots[before]
    if root is not None and root != remembered.root:
        message = f"at size {before} it has another root than the one verified before"
        yield Finding(FindingCode.FORKED, CHECKPOINT, _span(0, before), message)


def compare_known_digest(
    known: KnownLedger, chain: DigestChain, rejected: Collection[str], latest: ReadOutcome
) -> Iterator[Finding]:
    """Check that the newest digest verified before is unchanged, and no older one is newest now.

    `rejected`: paths of digests with invalid signatures. `latest`: what was read as
    `digests/latest`; if it is missing, digests may be missing too.
    """
    name = known.digest_name
    if name is None or not chain.claims:
        return
    newest = chain.claims[0].path
    if chain.watched_sha256 is not None:
        if chain.watched_sha256 != known.digest_sha256 and name not in rejected:
            message = f"{name}: another digest than the one verified before"
            yield Finding(FindingCode.FORKED, name, None, message)
    elif digest_name_order(newest) < digest_name_order(name):
        if isinstance(latest, bytes) and newest not in rejected:
            message = f"the newest digest is {newest}, but {name} was verified before"
            yield Finding(FindingCode.ROLLED_BACK, LATEST, None, message)
    elif chain.findings.answer is Verdict.VERIFIED:
        message = f"{name}: verified before, and no digest leads to it any more"
        yield Finding(FindingCode.FORKED, name, None, message)


def compare_digests(chain: DigestChain, tree: TreeResult) -> Iterator[Finding]:
    """Check each digest's root against the entries at its size; report the oldest that differs."""
    agreed = 0
    others = [c for c in chain.claims if tree.roots.get(c.size_after) not in (None, c.root)]
    if not others:
        return
    oldest = min(others, key=lambda claim: claim.age)
    for claim in chain.claims:
        if claim.age < oldest.age and tree.roots.get(claim.size_after) == claim.root:
            agreed = max(agreed, claim.size_after)
    message = f"{oldest.path}: its root is not that of the entries at size {oldest.size_after}"
    if len(others) > 1:
        message += f", nor is that of {len(others) - 1} later digests"
    yield Finding(
        FindingCode.DIGEST_DISAGREES, oldest.path, _span(agreed, oldest.size_after), message
    )


def recount_control_entries(chain: DigestChain, tree: TreeResult) -> Iterator[Finding]:
    """Check each digest's count of control entries, if all entries of its period could be read."""
    for claim in chain.claims:
        if claim.size_after > tree.looked_at or _is_uncounted(claim, tree.uncounted):
            continue
        first = bisect_left(tree.controls, claim.size_before)
        counted = bisect_left(tree.controls, claim.size_after) - first
        if counted != claim.control_entries:
            message = f"{claim.path}: states {claim.control_entries} control entries, has {counted}"
            entries = _span(claim.size_before, claim.size_after)
            yield Finding(FindingCode.DIGEST_DISAGREES, claim.path, entries, message)


def _is_uncounted(claim: DigestClaim, uncounted: list[int]) -> bool:
    first, last = claim.size_before // TILE_WIDTH, (claim.size_after - 1) // TILE_WIDTH
    return bisect_left(uncounted, first) < bisect_right(uncounted, last)


def _span(start: int, end: int) -> tuple[int, int] | None:
    """Return first and last of the entries [start, end); None if there are none."""
    return (start, end - 1) if start < end else None
