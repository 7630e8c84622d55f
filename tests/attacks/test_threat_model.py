"""docs/threat-model.md agrees with the matrix."""

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


def test_names_of_rows_are_unique() -> None:
    """They have no character that breaks the table."""
    names = [row.name for row in ROWS] + [row.way for row in RECEIPT_ROWS]
    assert len(set(names)) == len(names)
    assert not any(character in name for name in names for character in "|;\n")


def test_rows_that_nothing_detects_name_a_monitor() -> None:
    """If neither verifier nor publisher detects a row, it names what a monitor would."""
    undetected = {
        row.name
        for row in ROWS
        if not row.finds and not row.remembered_finds and not row.publisher.startswith("frozen: ")
    }
    harmless = {"published files: put back to before the heartbeat"}  # nothing is hidden
    assert {row.name for row in ROWS if row.monitor} == undetected - harmless
