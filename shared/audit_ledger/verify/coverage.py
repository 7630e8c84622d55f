"""What a verification says nothing about, so that *verified* is not taken for more than it is."""

from audit_ledger.tlog.policy import Policy, PolicyResult
from audit_ledger.verify.checkpoint_store import CheckpointStore, KnownLedger
from audit_ledger.verify.freshness import SignedTimes


def what_is_not_covered(
    policy: Policy,
    opinion: PolicyResult,
    signed: SignedTimes,
    unpublished: int | None,
    tlog_only: bool,
) -> list[str]:
    """Say what an answer of *verified* would not mean.

    `unpublished`: objects that belong to a later checkpoint; None where the source cannot list.
    """
    origin = opinion.checkpoint.origin
    others = {n for n in opinion.cosignatures if policy.witnesses[n].key.name != origin}
    notes = {
        "records: what an entry commits to is checked with a receipt": not tlog_only,
        "how many blocks a digest counts: blocks are not published": not tlog_only,
        "how many numbered events never came: the ledger counts them in sealed records": (
            not tlog_only
        ),
        "what entries say, links between them, digests: only the tree was looked at": tlog_only,
        "how fresh it is: nothing that its own keys signed states a time": signed.newest is None,
        "whether others are shown the same: no witness but its own key cosigned": not others,
        "objects that nothing leads to, later digests among them: this source cannot list": (
            unpublished is None
        ),
        f"{unpublished} objects of a checkpoint to come": unpublished,
    }
    return [note for note, applies in notes.items() if applies]


def what_is_not_remembered(
    memory: CheckpointStore | None, known: KnownLedger | None, origin: str, policy: Policy
) -> list[str]:
    """Say what the memory, or that there is none, leaves open."""
    if memory is None:
        return ["whether it was rolled back: nothing is remembered"]
    if known is not None:
        return []
    notes = ["whether it was rolled back before this first contact"]
    if memory.knows_other_keys(origin, policy):
        notes.append("the ledger of this name, signed by other keys, that was verified before")
    return notes
