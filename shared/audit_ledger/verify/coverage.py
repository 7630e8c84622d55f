"""What a verification does not show, so that *verified* is not taken for more than it means."""

from audit_ledger.tlog.policy import Policy, PolicyResult
from audit_ledger.verify.checkpoint_store import CheckpointStore, KnownLedger
from audit_ledger.verify.freshness import SignedTimes

NOT_COVERED_OF_LOG = ("what entries say, links between them, digests: only the tree was looked at",)

NOT_COVERED_OF_LEDGER = (
    "records: what an entry commits to is checked with a receipt",
    "how many blocks a digest counts: blocks are not published",
    "how many numbered events never came: the ledger counts them in sealed records",
)


def what_is_not_covered(
    result: PolicyResult, signed: SignedTimes, unpublished: int | None
) -> list[str]:
    """Return what an answer of *verified* does not mean, of any log.

    `unpublished`: objects that belong to a later checkpoint; None where the source cannot list.
    """
    notes = []
    if signed.newest is None:
        notes.append("how fresh it is: nothing that its own keys signed states a time")
    if not result.independent_witnesses:
        notes.append("whether others are shown the same: no witness but its own key cosigned")
    if unpublished is None:
        notes.append(
            "objects that nothing leads to, later digests among them: this source cannot list"
        )
    elif unpublished:
        notes.append(f"{unpublished} objects of a checkpoint to come")
    return notes


def what_is_not_remembered(
    store: CheckpointStore | None, known: KnownLedger | None, origin: str, policy: Policy
) -> list[str]:
    """Return what is not known of an earlier state of the log."""
    if store is None:
        return ["whether it was rolled back: nothing is remembered"]
    if known is not None:
        return []
    notes = ["whether it was rolled back before this first contact"]
    if store.knows_other_keys(origin, policy):
        notes.append("the ledger of this name, signed by other keys, that was verified before")
    return notes
