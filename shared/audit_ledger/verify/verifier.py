"""Verifying a published ledger, from its checkpoint to its last byte. The whole way is `verify`."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from audit_ledger.errors import FormatError, UnreachableError, VerificationError
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.policy import Policy, PolicyResult
from audit_ledger.tlog.tiles import CHECKPOINT
from audit_ledger.verify.checkpoint_store import CheckpointStore, KnownLedger
from audit_ledger.verify.consistency import (
    check_history,
    check_known,
)
from audit_ledger.verify.coverage import what_is_not_covered, what_is_not_remembered
from audit_ledger.verify.digest_chain import DigestChain, DigestClaim, walk_digests
from audit_ledger.verify.digest_signatures import DigestSignatures
from audit_ledger.verify.entries import Progress, check_tree
from audit_ledger.verify.findings import Code, Finding, Findings, Verdict
from audit_ledger.verify.freshness import SignedTimes, check_times, own_time
from audit_ledger.verify.later_digests import check_later_digests, newest_digest
from audit_ledger.verify.latest_published import (
    LatestPublished,
    are_older,
    compare_heads,
    compare_with_newest,
    read_latest_published,
)
from audit_ledger.verify.policy_file import require_ed25519_log
from audit_ledger.verify.sources import Outcome, Source, read_outcome
from audit_ledger.verify.tree import TreeResult
from audit_ledger.verify.unexpected_objects import check_extra_objects
from audit_ledger.verify.workers import InProcess, Workers, available_workers

_WORTH_PROCESSES = 50_000  # entries; below, starting processes takes longer than they save


@dataclass(frozen=True)
class VerificationReport:
    """What verification came to.

    Nothing of a ledger whose checkpoint does not hold is known: `checkpoint` is None then.
    `signed_time`: the newest signed time (whole seconds since 1970), None where nothing states
    one. `newest_digest`: what the newest digest says. `remembered`: the checkpoint verified before,
    None at first contact. `left_out`: findings beyond those kept. `not_covered`: what this
    verification says nothing about.
    """

    answer: Verdict
    checkpoint: Checkpoint | None
    signed_time: int | None
    digests: int
    newest_digest: DigestClaim | None
    remembered: Checkpoint | None
    findings: tuple[Finding, ...]
    left_out: int
    not_covered: tuple[str, ...]


def verify(
    source: Source,
    policy: Policy,
    now: int,
    *,
    memory: CheckpointStore | None = None,
    tlog_only: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> VerificationReport:
    """Verify everything that is published, and say what it comes to.

    `now`: the time to judge freshness by, whole seconds since 1970. `memory`: where the last
    verified checkpoint of each origin is kept, None to remember nothing. `tlog_only`: for a log of
    other entries than ours: no entry format, links and digests. `workers`: processes, by default
    as many as this process may use. Raises FormatError for a policy or a memory that cannot be
    used, OSError for a memory that cannot be written, VerificationError for one that another
    verification has just filled with what contradicts this one, and nothing that a published
    object could cause.

    Trust is built from the outside in. A step that fails leaves the later ones to be done all the
    same wherever they still mean something, so that one damage does not hide another.
    """
    findings = Findings()
    began = time.monotonic()
    require_ed25519_log(policy)

    # 1. What the log says of itself now: checkpoint and newest digest, read before anything that
    #    they promise, so that all of it must be there when it is read. And who says so: without a
    #    checkpoint that a log of the policy signed there is nothing to compare the rest with. Where
    #    a cosignature is missing everything is looked at all the same.
    def read() -> LatestPublished:
        if tlog_only:
            return LatestPublished(read_outcome(source, CHECKPOINT), None)
        return read_latest_published(source, now, wait)

    stated = _judge(read(), policy, findings, is_ledger=not tlog_only)

    # 2. What it said before, to this verifier. If that is more, another verification may have read
    #    and remembered it since step 1: so it counts if the ledger does not say as much now.
    known = memory.load(stated.origin, policy) if memory and stated else None
    if stated and known and are_older(stated.heads, known.checkpoint.size, known.digest_name):
        findings = Findings()
        stated = _judge(read(), policy, findings, is_ledger=not tlog_only)
    if stated is None:
        return _report(findings, None, None, DigestChain(), None, [])
    heads, opinion = stated.heads, stated.opinion
    checkpoint, origin = opinion.checkpoint, stated.origin
    known_sizes = [1, *([known.checkpoint.size] if known else [])]  # root at size 1: of creation

    with _pool(source, checkpoint.size, workers) as pool:
        # 3. The digests, back to the first: each the one that its successor names, each signed.
        #    They give further sizes at which the root is known.
        signatures = DigestSignatures(pool, policy, origin)
        chain = DigestChain()
        if not tlog_only:
            watch = (known and known.digest_name) or ""
            chain = walk_digests(source, origin, heads.latest, signatures.take, watch)
            known_sizes += [claim.size_after for claim in chain.claims]

        # 4. Every entry, link and tile, in one pass that also gives the root at those sizes.
        tree = check_tree(
            pool,
            source,
            checkpoint.size,
            origin=None if tlog_only else origin,
            sizes=known_sizes,
            expected_root=checkpoint.root,
            progress=progress,
        )
        signatures.finish()
    for part in (chain.findings, signatures.findings, tree.findings):
        findings.merge(part)

    # 5. One history: the root of all entries is the signed one, every root signed or remembered
    #    earlier is the root of how they begin, and what digests count is there.
    findings.extend(check_history(checkpoint, chain, tree))
    if known:
        rejected = {finding.where for finding in signatures.findings.kept}
        findings.extend(check_known(checkpoint, known, chain, tree, rejected, heads.latest))

    # 6. Nothing beside it that could be taken for a part of it. Digests that were published since
    #    `digests/latest` was read go on from it.
    blamed = {finding.where for finding in findings.kept}
    extra = check_extra_objects(source, checkpoint.size, None if tlog_only else chain, blamed)
    later = check_later_digests(source, extra.later_digests, policy, checkpoint, chain)
    findings.merge(extra.findings)
    findings.merge(later.findings)

    # 7. The newest digest that there is is of this checkpoint, so neither was put back to an older
    #    one; unless the ledger has grown while it was verified, and both are as new by now.
    own = own_time(policy, opinion, stated.note)
    findings.extend(compare_heads(checkpoint, own, heads.digest, now))
    at = now + int(time.monotonic() - began) if later.newest else now
    newest = newest_digest(
        policy, checkpoint, chain, later, lambda: read_latest_published(source, at, wait)
    )
    findings.extend(compare_with_newest(checkpoint, own, newest, at))

    # 8. It is still going on, and nothing in it is from the future.
    signed = _signed_times(policy, opinion, own, chain, signatures.newest_time)
    findings.extend(check_times(signed, checkpoint.size - 1, tree.last_time, now))

    # 9. Only what was verified is remembered. A crash before this forgets one verification.
    if findings.answer is Verdict.VERIFIED and memory is not None:
        memory.save(_known(stated.note, chain, tree), policy)
    unpublished = extra.unpublished + later.count if extra.is_listed else None
    not_covered = what_is_not_covered(policy, opinion, signed, unpublished, tlog_only)
    not_covered += what_is_not_remembered(memory, known, origin, policy)
    remembered = known.checkpoint if known else None
    return _report(findings, checkpoint, signed.newest, chain, remembered, not_covered)


@dataclass(frozen=True)
class _Stated:
    """A checkpoint that a log of the policy signed (`note`), and what was read with it."""

    heads: LatestPublished
    note: bytes
    opinion: PolicyResult

    @property
    def origin(self) -> str:
        return self.opinion.checkpoint.origin


def _judge(
    heads: LatestPublished, policy: Policy, findings: Findings, *, is_ledger: bool
) -> _Stated | None:
    """Return what is to be believed, None where that is nothing; PolicyError as `verify`."""
    opinion = _judge_checkpoint(heads.checkpoint, policy, findings)
    if opinion is None or not isinstance(heads.checkpoint, bytes):
        return None
    if is_ledger:
        require_ed25519_log(policy, opinion.checkpoint.origin)
        if opinion.checkpoint.extensions:
            message = "extension lines, which a ledger's checkpoint has none of"
            findings.add(Finding(Code.CHECKPOINT_MALFORMED, CHECKPOINT, None, message))
    return _Stated(heads, heads.checkpoint, opinion)


def _judge_checkpoint(outcome: Outcome, policy: Policy, findings: Findings) -> PolicyResult | None:
    """Return the policy's opinion of the checkpoint, None where it is not to be believed at all."""
    if isinstance(outcome, UnreachableError):
        findings.add(Finding(Code.UNREACHABLE, CHECKPOINT, None, str(outcome)))
        return None
    if outcome is None:
        message = "no checkpoint here: not a published ledger, or not where it begins"
        findings.add(Finding(Code.MISSING, CHECKPOINT, None, message))
        return None
    try:
        opinion = policy.evaluate(outcome)
    except FormatError as error:
        findings.add(Finding(Code.CHECKPOINT_MALFORMED, CHECKPOINT, None, str(error)))
        return None
    except VerificationError as error:
        findings.add(Finding(Code.CHECKPOINT_REJECTED, CHECKPOINT, None, str(error)))
        return None
    if not opinion.satisfied:
        missing = ", ".join(opinion.missing)
        message = f"not witnessed as the policy asks; no cosignature by {missing}"
        findings.add(Finding(Code.NOT_WITNESSED, CHECKPOINT, None, message))
    return opinion


def _signed_times(
    policy: Policy, opinion: PolicyResult, own: int | None, chain: DigestChain, in_digests: int
) -> SignedTimes:
    """Put together who signed for when; `in_digests`: the newest cosignature within digests."""
    origin = opinion.checkpoint.origin
    own_times = {CHECKPOINT: own or 0, "digests": in_digests}
    if chain.claims:
        own_times[chain.claims[0].path] = chain.claims[0].period_to
    others = {
        name: time
        for name, time in opinion.cosignatures.items()
        if policy.witnesses[name].key.name != origin
    }
    return SignedTimes(own_times, others)


def _known(checkpoint: bytes, chain: DigestChain, tree: TreeResult) -> KnownLedger:
    newest = chain.claims[0].path if chain.claims else None
    digest_sha256 = chain.newest_sha256 if chain.claims else None
    return KnownLedger(checkpoint, newest, digest_sha256, tree.roots.get(1))


def _pool(source: Source, size: int, workers: int | None) -> Executor:
    if workers is None:
        workers = available_workers() if size >= _WORTH_PROCESSES else 1
    return Workers(workers, source) if workers > 1 else InProcess()


def _report(
    findings: Findings,
    checkpoint: Checkpoint | None,
    signed_time: int | None,
    chain: DigestChain,
    remembered: Checkpoint | None,
    not_covered: Sequence[str],
) -> VerificationReport:
    return VerificationReport(
        findings.answer,
        checkpoint,
        signed_time,
        len(chain.claims),
        chain.claims[0] if chain.claims else None,
        remembered,
        tuple(findings.kept),
        findings.left_out,
        tuple(not_covered),
    )
