"""How far behind what is published the views of a ledger are, in time: for ledgers of any size."""

from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.ledger.block import body_time
from audit_ledger.reading.ledger import ReadableLedger


def behind_seconds(ledger: ReadableLedger, views: ViewsTable, now: int) -> int:
    """Return how old the first published entry is that was not followed yet; 0 where all were.

    `now`: whole seconds.
    """
    state = ledger.state.published()
    next_seq = views.cursor().next_seq
    if state is None or next_seq >= state.size:
        return 0
    block = ledger.blocks.ending_before(next_seq + 1)
    return 0 if block is None else max(0, now - body_time(block.body))
