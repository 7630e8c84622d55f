"""Rows: whole histories cut, restored, rewritten and forked."""

from tests.attacks.case import HEALS, NOTHING, Case
from tests.attacks.ledger import (
    B2,
    CHECKPOINT,
    D300,
    D520,
    D600,
    HEARTBEAT,
    LATEST,
    MINUTE,
    T2,
    AttackedLedger,
)
from tests.attacks.mutate_files import all_of, copy, remove
from tests.attacks.mutate_heads import OTHER, STRANGER, older_checkpoint
from tests.functions.publishing import Clock
from tests.verify.writer import Keys, Writer
from tests.world import ORIGIN

PUBLISHED, TABLES, ALL = "published files", "tables", "tables and published files"

cut_to_520 = all_of(remove(B2, T2, HEARTBEAT, D600), copy(D520, LATEST), older_checkpoint(D520))
back_to_the_hour = all_of(remove(HEARTBEAT), copy(D600, LATEST), older_checkpoint(D600))


def everything_deleted(ledger: AttackedLedger) -> None:
    ledger.remove(*ledger.files)


def strangers(origin: str = ORIGIN, keys: Keys = STRANGER) -> dict[str, bytes]:
    """Return a complete, consistent ledger of other entries and other keys."""
    writer = Writer(origin, keys, Clock().now)
    for size in (300, 520, 600):
        writer.add_events(size - len(writer.entries))
        writer.publish()
    return writer.objects.files


def rewritten(ledger: AttackedLedger) -> None:
    """Replace all files by those of a stranger's ledger."""
    ledger.publish_instead(strangers())


def rewritten_below_what_was_signed(ledger: AttackedLedger) -> None:
    """Put new, correctly linked entries and tiles under the true checkpoint and digests."""
    tiles = {path: data for path, data in strangers().items() if path.startswith("tile/")}
    signed = {path: data for path, data in ledger.files.items() if not path.startswith("tile/")}
    ledger.publish_instead(tiles | signed)


def another_ledger(ledger: AttackedLedger) -> None:
    ledger.publish_instead(strangers(OTHER, Keys(b"other")))


def all_restored(ledger: AttackedLedger) -> None:
    """Restore everything to 520 published entries; the publisher then runs, and signs."""
    ledger.earlier[520].load()


def all_deleted(ledger: AttackedLedger) -> None:
    ledger.earlier[0].load()


def begun_again(ledger: AttackedLedger) -> None:
    all_deleted(ledger)
    ledger.append(10)
    ledger.publish()


def begun_again_but_archived(ledger: AttackedLedger) -> None:
    ledger.earlier[0].load("blocks", "events", "ledgers", "subjects", "published")
    ledger.append(10)


def state_restored_unseen(ledger: AttackedLedger) -> None:
    """Restore the published state of 520 entries; delete what the publisher compares it with."""
    ledger.earlier[520].load("ledgers")
    ledger.remove(CHECKPOINT, LATEST)


def forked(ledger: AttackedLedger) -> None:
    """Restore, and append other entries up to 600: both histories are signed by the same keys."""
    all_restored(ledger)
    ledger.append(80)
    ledger.publish()


def forked_and_grown(ledger: AttackedLedger) -> None:
    forked(ledger)
    ledger.append(20)
    ledger.publish()


HISTORY_ROWS = (
    Case(PUBLISHED, "all deleted", everything_deleted,
         finds=(("missing", CHECKPOINT, None),),
         publisher="frozen: tile/0/002.p/88: missing, and no full one in its place"),
    Case(PUBLISHED, "tail cut, digests and tiles to match", cut_to_520,
         remembering=(("rolled-back", CHECKPOINT, (520, 599)),),
         publisher="frozen: tile/0/002.p/88: missing, and no full one in its place"),
    Case(PUBLISHED, "tail cut, and shown as fresh", cut_to_520,
         later_seconds=10 * MINUTE, finds=(("stale", CHECKPOINT, None),),
         remembering=(("rolled-back", CHECKPOINT, (520, 599)), ("stale", CHECKPOINT, None)),
         publisher="frozen: tile/0/002.p/88: missing, and no full one in its place"),
    Case(PUBLISHED, "put back to before the heartbeat", back_to_the_hour,
         remembering=(("rolled-back", LATEST, None),)),
    Case(PUBLISHED, "checkpoint and latest put back, later digests left",
         all_of(copy(D520, LATEST), older_checkpoint(D520)),
         unlisted=NOTHING, finds=(("checkpoint-behind", CHECKPOINT, (520, 599)),),
         remembering=(("rolled-back", CHECKPOINT, (520, 599)),
                      ("checkpoint-behind", CHECKPOINT, (520, 599))),
         publisher=HEALS),
    Case(PUBLISHED, "checkpoint and latest put back to the same size, the heartbeat left",
         all_of(copy(D600, LATEST), older_checkpoint(D600)),
         unlisted=NOTHING, finds=(("checkpoint-behind", CHECKPOINT, None),),
         remembering=(("rolled-back", LATEST, None), ("checkpoint-behind", CHECKPOINT, None)),
         publisher=HEALS),
    Case(PUBLISHED, "checkpoint put back and latest deleted, digests left",
         all_of(remove(LATEST), older_checkpoint(D520)),
         unlisted=(("missing", LATEST, None),),
         finds=(("missing", LATEST, None), ("checkpoint-behind", CHECKPOINT, (520, 599))),
         remembering=(("missing", LATEST, None), ("rolled-back", CHECKPOINT, (520, 599)),
                      ("checkpoint-behind", CHECKPOINT, (520, 599))),
         publisher=HEALS),
    Case(PUBLISHED, "checkpoint and latest put back, the digest after them deleted",
         all_of(remove(D600), copy(D520, LATEST), older_checkpoint(D520)),
         unlisted=NOTHING,
         finds=(("missing", D600, None), ("checkpoint-behind", CHECKPOINT, (520, 599))),
         remembering=(("rolled-back", CHECKPOINT, (520, 599)), ("missing", D600, None),
                      ("checkpoint-behind", CHECKPOINT, (520, 599)))),
    Case(PUBLISHED, "not changed, but shown as fresh after two hours", lambda _: None,
         later_seconds=120 * MINUTE, finds=(("stale", CHECKPOINT, None),)),
    Case(PUBLISHED, "rewritten, signed by unknown keys", rewritten,
         finds=(("checkpoint-rejected", CHECKPOINT, None),),
         publisher="frozen: tile/0/002.p/88: not the hashes of the published root"),
    Case(PUBLISHED, "rewritten below what was signed", rewritten_below_what_was_signed,
         finds=(("root-mismatch", CHECKPOINT, (0, 599)), ("digest-disagrees", D300, (0, 299))),
         publisher="frozen: tile/0/002.p/88: not the hashes of the published root"),
    Case(PUBLISHED, "another ledger in its place", another_ledger,
         finds=(("checkpoint-rejected", CHECKPOINT, None),),
         publisher="frozen: tile/0/002.p/88: not the hashes of the published root"),
    Case(ALL, "all deleted", all_deleted, finds=(("missing", CHECKPOINT, None),)),
    Case(ALL, "all deleted, and begun again", begun_again,
         remembering=(("begun-anew", CHECKPOINT, (0, 0)),)),
    Case(ALL, "all but the archive deleted, and begun again", begun_again_but_archived,
         finds=(("missing", CHECKPOINT, None),),
         publisher=f"frozen: blocks/{0:020}: exists with other bytes"),
    Case(ALL, "restored to an earlier time", all_restored,
         remembering=(("rolled-back", CHECKPOINT, (520, 599)),)),
    Case(ALL, "published state restored, checkpoint and latest deleted", state_restored_unseen,
         finds=(("missing", CHECKPOINT, None),),
         publisher=f"frozen: {D600} is newer than the published state"),
    Case(ALL, "forked at the same size, both signed", forked,
         remembering=(("forked", CHECKPOINT, (0, 599)),)),
    Case(ALL, "forked and grown, both signed", forked_and_grown,
         remembering=(("forked", CHECKPOINT, (0, 599)),)),
)  # fmt: skip
