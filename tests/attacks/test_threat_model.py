"""docs/threat-model.md says what the matrix proves."""

from tests.attacks.cases_receipts import RECEIPT_ROWS
from tests.attacks.matrix import (
    BEGIN,
    DOCUMENT,
    END,
    END_OF_REFUSALS,
    REFUSALS,
    ROWS,
    written_matrix,
    written_refusals,
)


def test_the_document_lists_exactly_the_rows() -> None:
    """`python -m tests.attacks` writes them."""
    text = DOCUMENT.read_text()
    assert text[text.index(BEGIN) + len(BEGIN) : text.index(END)] == written_matrix()
    refused = text[text.index(REFUSALS) + len(REFUSALS) : text.index(END_OF_REFUSALS)]
    assert refused == written_refusals()


def test_every_row_has_a_name_of_its_own() -> None:
    """And no character that would break the table."""
    names = [row.name for row in ROWS] + [row.way for row in RECEIPT_ROWS]
    assert len(set(names)) == len(names)
    assert not any(character in name for name in names for character in "|;\n")


def test_what_only_a_monitor_would_find_says_so() -> None:
    """Where neither verifier nor publisher finds anything, the row names what would."""
    unseen = {
        row.name
        for row in ROWS
        if not row.finds and not row.remembered_finds and not row.publisher.startswith("frozen: ")
    }
    alone = {"published files: put back to before the heartbeat"}  # nothing is hidden: see there
    assert {row.name for row in ROWS if row.monitor} == unseen - alone
