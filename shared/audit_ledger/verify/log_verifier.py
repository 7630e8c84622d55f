"""Verify a C2SP tlog-tiles log of any entries, from its checkpoint to its last byte."""

from concurrent.futures import Executor

from audit_ledger.tlog.policy import Policy
from audit_ledger.tlog.tiles import CHECKPOINT
from audit_ledger.verify.checkpoint_store import CheckpointStore, KnownLedger
from audit_ledger.verify.consistency import compare_root, compare_with_known
from audit_ledger.verify.coverage import (
    NOT_COVERED_OF_LOG,
    coverage_notes,
    history_notes,
)
from audit_ledger.verify.entries import Progress, check_tree
from audit_ledger.verify.findings import Findings, Verdict
from audit_ledger.verify.freshness import SignedTimes, check_times
from audit_ledger.verify.latest_published import LatestPublished
from audit_ledger.verify.policy_file import require_ed25519_log
from audit_ledger.verify.sources import Source, read_outcome
from audit_ledger.verify.statement import judge_checkpoint, read_statement
from audit_ledger.verify.unexpected_objects import check_extra_objects
from audit_ledger.verify.verification_report import VerificationReport, untrusted_report
from audit_ledger.verify.workers import InProcess, Workers, available_workers

_MIN_ENTRIES_FOR_PROCESSES = 50_000  # below, starting processes takes longer than they save


def verify_log(
    source: Source,
    policy: Policy,
    now: int,
    *,
    store: CheckpointStore | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> VerificationReport:
    """Verify a published log: its signatures, tree and history, but not what its entries contain.

    Parameters and errors are those of `verify_ledger`, which verifies more in the same steps.
    """
    findings = Findings()
    require_ed25519_log(policy)

    # 1. What the log states: a checkpoint that a log of the policy signed, not yet compared with
    #    anything. Without it there is nothing to compare the rest with.
    statement, found = read_statement(
        lambda: LatestPublished(read_outcome(source, CHECKPOINT), None),
        lambda checkpoint: judge_checkpoint(checkpoint, policy),
        policy,
        store,
    )
    findings.add_all(found)
    if statement is None:
        return untrusted_report(findings)
    result, known = statement.result, statement.known
    checkpoint = result.checkpoint

    # 2. Every entry bundle and tile, in one pass that also computes the roots at earlier sizes.
    with worker_pool(source, checkpoint.size, workers) as pool:
        tree = check_tree(
            pool,
            source,
            checkpoint.size,
            sizes=sizes_to_compare(known),
            expected_root=checkpoint.root,
            progress=progress,
        )
    findings.add_all(tree.findings)

    # 3. One history: the root of all entries is the signed one, and the root that was verified
    #    before is the root of how they begin.
    findings.add_all(compare_root(checkpoint, tree))
    if known:
        findings.add_all(compare_with_known(checkpoint, known, tree))

    # 4. No tile beside it that contradicts it.
    blamed = {finding.where for finding in findings.listed}
    extra = check_extra_objects(source, checkpoint.size, None, blamed)
    findings.add_all(extra.findings)

    # 5. It is fresh, as far as a key of its own states a time, and nothing is from the future.
    signed = SignedTimes({CHECKPOINT: result.own_cosigned_at or 0}, result.independent_witnesses)
    findings.add_all(check_times(signed, checkpoint.size - 1, tree.last_time, now))

    # 6. Only what was verified is stored. A crash before this forgets one verification.
    if findings.answer is Verdict.VERIFIED and store is not None:
        store.save(KnownLedger(statement.note, created=tree.roots.get(1)), policy)
    return VerificationReport(
        answer=findings.answer,
        findings=tuple(findings.listed),
        left_out=findings.left_out,
        checkpoint=checkpoint,
        signed_time=signed.newest,
        remembered=known.checkpoint if known else None,
        not_covered=(
            *NOT_COVERED_OF_LOG,
            *coverage_notes(result, signed, extra.unpublished if extra.is_listed else None),
            *history_notes(store, known, checkpoint.origin, policy),
        ),
    )


def sizes_to_compare(known: KnownLedger | None) -> list[int]:
    """Return the sizes whose roots are compared with what was verified before.

    The root at size 1 is the leaf hash of entry 0, which reveals a log that was created again.
    """
    return [1, *([known.checkpoint.size] if known else [])]


def worker_pool(source: Source, size: int, workers: int | None) -> Executor:
    """Return the pool that verifies `size` entries; `workers` None: as many as are worth it."""
    if workers is None:
        workers = available_workers() if size >= _MIN_ENTRIES_FOR_PROCESSES else 1
    return Workers(workers, source) if workers > 1 else InProcess()
