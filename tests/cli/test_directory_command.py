"""`ledger directory`: files are checked before they are put, and nothing of them is shown."""

from pathlib import Path

import pytest

from tests.cli.ledger_command import Desk

GOOD = {
    "users.csv": "id,names\nu1,reference|Practitioner/1\n",
    "patients.csv": "names,contacts\nreference|Patient/rose,u1\n",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_what_can_be_read_is_counted_and_the_rules_are_told(desk: Desk) -> None:
    """Which run with it, and which do not."""
    folder = write(desk.path / "directory", {**GOOD, "notes.txt": "left out"})
    ran = desk.run("directory", folder)
    assert (ran.code, ran.err) == (0, "")
    assert "1 record\n" in ran.out
    assert "no-encounter" in ran.out
    report = desk.run("directory", folder, "--json").report
    assert report["files"] == {"users.csv": 1, "patients.csv": 1}
    assert report["rules"]["same-household"] is None
    assert report["rules"]["no-encounter"] == "the directory has no encounters"
    assert "rose" not in ran.out


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        ({"users.csv": "id,names\nu1,rose\n"}, 1, "users.csv, line 2, column names"),
        ({"users.csv": "id,names,shoes\n"}, 1, "users.csv, line 1, column 3"),
        ({"staff.csv": "id\n"}, 2, "none of users.csv"),
    ],
)
def test_what_cannot_is_named_by_line(
    desk: Desk, files: dict[str, str], code: int, said: str
) -> None:
    """And what was expected there; the cell is not shown."""
    ran = desk.run("directory", write(desk.path / "directory", files))
    assert ran.code == code
    assert said in ran.err
    assert "rose" not in ran.err
    assert desk.run("directory", desk.path / "nowhere").code == 2


@pytest.mark.parametrize("case", ["plain", "blank-lines", "no-newline-at-end"])
def test_records_are_counted_not_line_breaks(desk: Desk, shared_dir: Path, case: str) -> None:
    """RFC 4180, Section 2: the last line may lack its line break; blank lines are no records."""
    folder = shared_dir / "cases" / "reports" / "12-directory-counts-newlines" / case
    assert desk.run("directory", folder, "--json").report["files"] == {"users.csv": 1}


def test_a_cell_with_a_line_break_is_part_of_one_record(desk: Desk) -> None:
    """As are CRLF, a byte order mark, and a line of commas alone."""
    text = "\ufeffid,names,surname\r\nu1,reference|Practitioner/1,Quill\r\n,,\r\n"
    folder = write(desk.path / "directory", {"users.csv": text})
    assert desk.run("directory", folder, "--json").report["files"] == {"users.csv": 1}
    two = write(desk.path / "two", {"encounters.csv": ENCOUNTERS_OF_TWO})
    assert desk.run("directory", two, "--json").report["files"] == {"encounters.csv": 3}


ENCOUNTERS_OF_TWO = """patient,department,from
reference|Patient/1,ward,2026-11-01
reference|Patient/2,ward,2026-11-01
reference|Patient/1,ward,2026-11-02"""
