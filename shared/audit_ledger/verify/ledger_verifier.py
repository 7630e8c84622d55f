"""Verify a published ledger: a tlog-tiles log whose entries are linked, with a chain of digests."""

import time
from collections.abc import Callable

from audit_ledger.tlog.policy import Policy, PolicyResult
from audit_ledger.tlog.tiles import CHECKPOINT
from audit_ledger.verify.checkpoint_store import CheckpointStore, KnownLedger
from audit_ledger.verify.consistency import check_history, check_known
from audit_ledger.verify.coverage import (
    NOT_COVERED_OF_LEDGER,
    coverage_notes,
    history_notes,
)
from audit_ledger.verify.digest_chain import DigestChain, walk_digests
from audit_ledger.verify.digest_signatures import DigestSignatures
from audit_ledger.verify.entries import Progress, check_tree
from audit_ledger.verify.findings import Finding, FindingCode, Findings, Verdict
from audit_ledger.verify.freshness import SignedTimes, check_times
from audit_ledger.verify.later_digests import check_later_digests, newest_digest
from audit_ledger.verify.latest_published import (
    compare_heads,
    compare_with_newest,
    read_latest_published,
)
from audit_ledger.verify.log_verifier import sizes_to_compare, worker_pool
from audit_ledger.verify.policy_file import require_ed25519_log
from audit_ledger.verify.sources import ReadOutcome, Source
from audit_ledger.verify.statement import Judgement, judge_checkpoint, read_statement
from audit_ledger.verify.tree import TreeResult
from audit_ledger.verify.unexpected_objects import check_extra_objects
from audit_ledger.verify.verification_report import VerificationReport, untrusted_report


def verify_ledger(
    source: Source,
    policy: Policy,
    now: int,
    *,
    store: CheckpointStore | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> VerificationReport:
    """Verify everything that a ledger publishes.

    `now`: the time to judge freshness by, whole seconds since 1970. `store`: contains the last
    verified checkpoint of each origin, None to remember nothing. `workers`: processes, by default
    as many as this process may use. `wait`: sleeps for some seconds before another attempt.

    Raises FormatError for a policy or a store that cannot be used, OSError for a store that cannot
    be written, and VerificationError for a store into which another verification has just written a
    contradicting state. No published object can cause an error.

    Trust is built from the outside in. If a step fails, the later steps run as far as they are
    meaningful, so that one fault does not hide another.
    """
    findings = Findings()
    began = time.monotonic()
    require_ed25519_log(policy)

    # 1. What the ledger states now: checkpoint and newest digest, read before anything that they
    #    promise, so that all of it must be there when it is read. Without a checkpoint that a log
    #    of the policy signed there is nothing to compare the rest with. If only a cosignature is
    #    missing, everything is verified all the same. And what it stated before to this verifier.
    statement, found = read_statement(
        lambda: read_latest_published(source, now, wait),
        lambda checkpoint: _judge_checkpoint(checkpoint, policy),
        policy,
        store,
    )
    findings.add_all(found)
    if statement is None:
        return untrusted_report(findings)
    result, published, known = statement.result, statement.published, statement.known
    checkpoint, origin = result.checkpoint, result.checkpoint.origin

    with worker_pool(source, checkpoint.size, workers) as pool:
        # 2. The digests, back to the first: each the one that its successor names, each signed.
        #    They give further sizes at which the root is known.
        signatures = DigestSignatures(pool, policy, origin)
        watch = (known and known.digest_name) or ""
        chain = walk_digests(source, origin, published.latest, signatures.take, watch)

        # 3. Every entry, link and tile, in one pass that also computes the roots at those sizes.
        tree = check_tree(
            pool,
            source,
            checkpoint.size,
            origin=origin,
            sizes=[*sizes_to_compare(known), *(claim.size_after for claim in chain.claims)],
            expected_root=checkpoint.root,
            progress=progress,
        )
        signatures.finish()
    for part in (chain.findings, signatures.findings, tree.findings):
        findings.add_all(part)

    # 4. One history: the root of all entries is the signed one, every root signed or verified
    #    earlier is the root of how they begin, and what digests count is there.
    findings.add_all(check_history(checkpoint, chain, tree))
    if known:
        rejected = {finding.where for finding in signatures.findings.listed}
        findings.add_all(check_known(checkpoint, known, chain, tree, rejected, published.latest))

    # 5. Nothing beside it that could be taken for a part of it. Digests that were published since
    #    `digests/latest` was read follow it.
    blamed = {finding.where for finding in findings.listed}
    extra = check_extra_objects(source, checkpoint.size, chain, blamed)
    later = check_later_digests(source, extra.later_digests, policy, checkpoint, chain)
    findings.add_all(extra.findings)
    findings.add_all(later.findings)

    # 6. The newest digest that there is is of this checkpoint, so neither was put back to an older
    #    one; unless the ledger has grown while it was verified, and both are as new by now.
    own = result.own_cosigned_at
    findings.add_all(compare_heads(checkpoint, own, published.digest, now))
    at = now + int(time.monotonic() - began) if later.newest else now
    newest = newest_digest(
        policy, checkpoint, chain, later, lambda: read_latest_published(source, at, wait)
    )
    findings.add_all(compare_with_newest(checkpoint, own, newest, at))

    # 7. It is fresh, and nothing in it is from the future.
    signed = _signed_times(result, chain, signatures.newest_time)
    findings.add_all(check_times(signed, checkpoint.size - 1, tree.last_time, now))

    # 8. Only what was verified is stored. A crash before this forgets one verification.
    if findings.answer is Verdict.VERIFIED and store is not None:
        store.save(_to_remember(statement.note, chain, tree), policy)
    unpublished = extra.unpublished + later.count if extra.is_listed else None
    return VerificationReport(
        answer=findings.answer,
        findings=tuple(findings.listed),
        left_out=findings.left_out,
        checkpoint=checkpoint,
        signed_time=signed.newest,
        digests=len(chain.claims),
        newest_digest=chain.claims[0] if chain.claims else None,
        remembered=known.checkpoint if known else None,
        not_covered=(
            *NOT_COVERED_OF_LEDGER,
            "the index hash of its digests: nothing published shows what it is the hash of",
            *coverage_notes(result, signed, unpublished),
            *history_notes(store, known, origin, policy),
        ),
    )


def _judge_checkpoint(checkpoint: ReadOutcome, policy: Policy) -> Judgement:
    """Judge it as that of any log, and by the ledger's own rules; raise PolicyError."""
    result, findings = judge_checkpoint(checkpoint, policy)
    if result is not None:
        require_ed25519_log(policy, result.checkpoint.origin)
        if result.checkpoint.extensions:
            message = "extension lines, which a ledger's checkpoint has none of"
            findings.append(Finding(FindingCode.CHECKPOINT_MALFORMED, CHECKPOINT, None, message))
    return result, findings


def _signed_times(result: PolicyResult, chain: DigestChain, in_digests: int) -> SignedTimes:
    """Collect the signed times; `in_digests`: the newest cosignature inside the digests."""
    own_times = {CHECKPOINT: result.own_cosigned_at or 0, "digests": in_digests}
    if chain.claims:
        own_times[chain.claims[0].path] = chain.claims[0].period_to
    return SignedTimes(own_times, result.independent_witnesses)


def _to_remember(note: bytes, chain: DigestChain, tree: TreeResult) -> KnownLedger:
    return KnownLedger(
        note=note,
        digest_name=chain.claims[0].path if chain.claims else None,
        digest_sha256=chain.newest_sha256 if chain.claims else None,
        created=tree.roots.get(1),
    )
