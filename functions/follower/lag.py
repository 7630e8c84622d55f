"""The lag of a ledger's views behind its published entries, in seconds."""

from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.ledger.block import body_time
from audit_ledger.reading.ledger import ReadableLedger


def behind_seconds(ledger: ReadableLedger, views: ViewsTable, now: int) -> int:
    """Return the age in seconds of the first published entry not followed yet; 0 if there is none.

    `now`: whole seconds.
    """
    state = ledger.state.published()
    next_seq = views.cursor().next_seq
    if state is None or next_seq >= state.size:
        return 0
    block = ledger.blocks.ending_before(next_seq + 1)
    return 0 if block is None else max(0, now - body_time(block.body))
