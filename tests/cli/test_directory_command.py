"""`ledger directory`: files are checked before upload, and none of their content is shown."""

from pathlib import Path

import pytest

from tests.cli.published_ledger import Workspace

GOOD = {
    "users.csv": "id,names\nu1,reference|Practitioner/1\n",
    "patients.csv": "names,contacts\nreference|Patient/rose,u1\n",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_records_are_counted_and_rules_listed(workspace: Workspace) -> None:
    """The rules that run with these files, and those that do not."""
    folder = write(workspace.path / "directory", {**GOOD, "notes.txt": "ignored"})
    result = workspace.run("directory", folder)
    assert (result.code, result.err) == (0, "")
    assert "1 record\n" in result.out
    assert "no-encounter" in result.out
    report = workspace.run("directory", folder, "--json").report
    assert report["files"] == {"users.csv": 1, "patients.csv": 1}
    assert report["rules"]["same-household"] is None
    assert report["rules"]["no-encounter"] == "the directory has no encounters"
    assert "rose" not in result.out


@pytest.mark.parametrize(
    ("files", "code", "message"),
    [
        ({"users.csv": "id,names\nu1,rose\n"}, 1, "users.csv, line 2, column names"),
        ({"users.csv": "id,names,shoes\n"}, 1, "users.csv, line 1, column 3"),
        ({"staff.csv": "id\n"}, 2, "none of users.csv"),
    ],
)
def test_invalid_lines_are_named(
    workspace: Workspace, files: dict[str, str], code: int, message: str
) -> None:
    """The message states what was expected, without the content of the cell."""
    result = workspace.run("directory", write(workspace.path / "directory", files))
    assert result.code == code
    assert message in result.err
    assert "rose" not in result.err
    assert workspace.run("directory", workspace.path / "nowhere").code == 2


@pytest.mark.parametrize("case", ["plain", "blank-lines", "no-newline-at-end"])
def test_records_are_counted_not_line_breaks(
    workspace: Workspace, shared_dir: Path, case: str
) -> None:
    """RFC 4180, Section 2: the last line may lack its line break; blank lines are no records."""
    folder = shared_dir / "cases" / "reports" / "12-directory-counts-newlines" / case
    assert workspace.run("directory", folder, "--json").report["files"] == {"users.csv": 1}


def test_a_cell_with_a_line_break_is_part_of_one_record(workspace: Workspace) -> None:
    """CRLF, a byte order mark and a line of commas alone add no record either."""
    text = "\ufeffid,names,surname\r\nu1,reference|Practitioner/1,Quill\r\n,,\r\n"
    folder = write(workspace.path / "directory", {"users.csv": text})
    assert workspace.run("directory", folder, "--json").report["files"] == {"users.csv": 1}
    two = write(workspace.path / "two", {"encounters.csv": ENCOUNTERS_OF_TWO})
    assert workspace.run("directory", two, "--json").report["files"] == {"encounters.csv": 3}


ENCOUNTERS_OF_TWO = """patient,department,from
reference|Patient/1,ward,2026-11-01
reference|Patient/2,ward,2026-11-01
reference|Patient/1,ward,2026-11-02"""
