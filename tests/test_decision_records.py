"""Decision records: numbered, complete, listed in their index, and found where they are cited."""

import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

DIRECTORY = REPOSITORY / "docs" / "decisions"
RECORDS = sorted(path for path in DIRECTORY.glob("*.md") if path.name != "README.md")
SECTIONS = ["Status", "Date", "Context", "Decision", "Consequences"]
CITED_FROM = ("shared", "functions", "infra", "tests", "docs", "README.md", "CONTRIBUTING.md")
CITATION = re.compile(r"decisions/([\w-]+\.md)")


def citing_files() -> list[Path]:
    """Return the source files and documents that may cite a record."""
    places = [REPOSITORY / name for name in CITED_FROM]
    return [path for place in places for path in ([place] if place.is_file() else sources(place))]


def sources(place: Path) -> list[Path]:
    suffixes = {".py", ".md", ".json"}
    return sorted(path for path in place.rglob("*") if path.suffix in suffixes and path.is_file())


def test_records_are_numbered_without_gaps() -> None:
    """A number names one record, and the next record's number is free."""
    numbers = [path.name[:5] for path in RECORDS]
    assert numbers == [f"{number:04}-" for number in range(1, len(RECORDS) + 1)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_record_has_each_section_in_order(record: Path) -> None:
    """Each record has the sections of the template; alternatives are optional."""
    sections = re.findall(r"^## (.+)$", record.read_text(), re.MULTILINE)
    assert [name for name in sections if name != "Alternatives considered"] == SECTIONS


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_record_states_its_number_status_and_date(record: Path) -> None:
    """The title has the number of the file name; status and date have one form."""
    text = record.read_text()
    assert text.startswith(f"# {int(record.name[:4])}. ")
    assert re.search(r"^## Status\n\n(Accepted|Superseded by \d{4})$", text, re.MULTILINE)
    assert re.search(r"^## Date\n\n\d{4}-\d{2}-\d{2}$", text, re.MULTILINE)


def test_index_lists_each_record_once_in_order() -> None:
    """The index has one row per record, with a sentence."""
    index = (DIRECTORY / "README.md").read_text()
    rows = re.findall(r"^\| \[(\d{4})\]\(([\w-]+\.md)\) \| .+\. \|$", index, re.MULTILINE)
    assert [name for _, name in rows] == [path.name for path in RECORDS]
    assert all(name.startswith(number) for number, name in rows)


def test_each_cited_record_exists() -> None:
    """Code and documents cite records by file name, and each of them exists."""
    names = {path.name for path in RECORDS} | {"README.md"}
    missing = [
        f"{path.relative_to(REPOSITORY)}: {name}"
        for path in citing_files()
        for name in CITATION.findall(path.read_text(encoding="utf-8"))
        if name not in names
    ]
    assert missing == []
