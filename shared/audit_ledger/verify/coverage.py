"""The limits of a verification, so that *verified* is not taken for more than it means."""

from audit_ledger.tlog.policy import Policy, PolicyResult
from audit_ledger.verify.checkpoint_store import CheckpointStore, KnownLedger
from audit_ledger.verify.freshness import SignedTimes

NOT_COVERED_OF_LOG = ("content of entries, links between them, digests: only the tree was checked",)

NOT_COVERED_OF_LEDGER = (
    "records: a receipt verifies what an entry commits to",
    "the number of blocks in a digest: blocks are not published",
    "the number of missing numbered events: the ledger counts them in sealed records",
)


def coverage_notes(result: PolicyResult, signed: SignedTimes, unpublished: int | None) -> list[str]:
    """Return what a verdict of *verified* does not mean, for any log.

    `unpublished`: objects that belong to a later checkpoint; None where the source cannot list.
    """
    notes = []
    if signed.newest is None:
        notes.append("how fresh it is: no signature of its own keys states a time")
    if not result.independent_witnesses:
        notes.append("whether others see the same ledger: no independent witness cosigned")
    if unpublished is None:
        notes.append(
            "unexpected objects, later digests among them: this source cannot list its objects"
        )
    elif unpublished:
        notes.append(f"{unpublished} objects of a later checkpoint")
    return notes


def history_notes(
    store: CheckpointStore | None, known: KnownLedger | None, origin: str, policy: Policy
) -> list[str]:
    """Return what could not be compared with an earlier state of the log."""
    if store is None:
        return ["whether it was rolled back: no earlier verification is remembered"]
    if known is not None:
        return []
    notes = ["whether it was rolled back before this first contact"]
    if store.knows_other_keys(origin, policy):
        notes.append("the ledger of this name, signed by other keys, that was verified before")
    return notes
