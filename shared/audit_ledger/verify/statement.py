"""The signed statement of a log, now and when it was last verified."""

from collections.abc import Callable
from dataclasses import dataclass

from audit_ledger.errors import FormatError, UnreachableError, VerificationError
from audit_ledger.tlog.policy import Policy, PolicyResult
from audit_ledger.tlog.tiles import CHECKPOINT
from audit_ledger.verify.checkpoint_store import CheckpointStore, KnownLedger
from audit_ledger.verify.findings import Finding, FindingCode
from audit_ledger.verify.latest_published import LatestPublished, are_older
from audit_ledger.verify.sources import ReadOutcome

Judgement = tuple[PolicyResult | None, list[Finding]]
"""A policy's evaluation of a checkpoint, None if it cannot be trusted, and its findings."""


@dataclass(frozen=True)
class Statement:
    """A checkpoint that a log of the policy signed.

    `note`: the signed checkpoint; `result`: the policy's evaluation of it; `published`: the
    outcomes that were read; `known`: the log as it was verified before, None at first contact.
    """

    note: bytes
    result: PolicyResult
    published: LatestPublished
    known: KnownLedger | None


def read_statement(
    read: Callable[[], LatestPublished],
    judge: Callable[[ReadOutcome], Judgement],
    policy: Policy,
    store: CheckpointStore | None,
) -> tuple[Statement | None, list[Finding]]:
    """Read the log's statement and the stored one; None if the log's cannot be trusted.

    If the stored one is newer, another verification may have stored it after `read`. The log is
    then read again: the stored one counts only if the log is still behind it.
    """
    published = read()
    result, findings = judge(published.checkpoint)
    known = store.load(result.checkpoint.origin, policy) if store and result else None
    if known and are_older(published, known.checkpoint.size, known.digest_name):
        published = read()
        result, findings = judge(published.checkpoint)
    if result is None or not isinstance(published.checkpoint, bytes):
        return None, findings
    return Statement(published.checkpoint, result, published, known), findings


def judge_checkpoint(checkpoint: ReadOutcome, policy: Policy) -> Judgement:
    """Evaluate what was read as `checkpoint`. A missing cosignature is a finding, not distrust."""
    if isinstance(checkpoint, UnreachableError):
        return None, [Finding(FindingCode.UNREACHABLE, CHECKPOINT, None, str(checkpoint))]
    if checkpoint is None:
        message = "no checkpoint here: not a published ledger, or not where it begins"
        return None, [Finding(FindingCode.MISSING, CHECKPOINT, None, message)]
    try:
        result = policy.evaluate(checkpoint)
    except FormatError as error:
        return None, [Finding(FindingCode.CHECKPOINT_MALFORMED, CHECKPOINT, None, str(error))]
    except VerificationError as error:
        return None, [Finding(FindingCode.CHECKPOINT_REJECTED, CHECKPOINT, None, str(error))]
    if result.satisfied:
        return result, []
    missing = ", ".join(result.missing)
    message = f"not witnessed as the policy asks; no cosignature by {missing}"
    return result, [Finding(FindingCode.NOT_WITNESSED, CHECKPOINT, None, message)]
