"""docs/detections.md lists the rules, their defaults, and the columns of the files."""

import json
import re
from typing import Any

import msgspec

from audit_ledger.aws.staff_directory_objects import MAX_BYTES
from audit_ledger.detections import staff_directory_files
from audit_ledger.detections.settings import DetectionSettings, read_settings
from audit_ledger.detections.staff_directory_files import FILES
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "detections.md").read_text()


def rows(heading: str, columns: int) -> list[list[str]]:
    """Return the cells of the rows below a heading."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in cells] for cells in lines if len(cells) == columns]


def test_page_lists_every_rule_and_default() -> None:
    """Those of the settings' classes."""
    listed: dict[str, Any] = {}
    for name, _, _, settings in rows("The rules", 4):
        pairs = re.findall(r"`(\w+)` (\[.*?\]|\"[^\"]*\"|\w+)", settings)
        listed[name.strip("`")] = {key: json.loads(value) for key, value in pairs}
    assert listed == json.loads(msgspec.json.encode(DetectionSettings()))


def test_example_of_the_page_is_valid() -> None:
    """It can be pasted."""
    (example,) = re.findall(r"```json\n(.+?)\n```", PAGE, re.DOTALL)
    settings = read_settings(json.loads(example)["detections"])
    assert settings.same_surname is None
    assert settings.after_hours is not None


def test_page_lists_every_column_and_the_maximum_size() -> None:
    """In the order of the files."""
    listed = {
        file.strip("`"): re.findall(r"`(\w+)`", text) for file, text in rows("The directory", 2)
    }
    assert tuple(listed) == FILES
    forms = ("_USERS", "_DEPARTMENTS", "_PATIENTS", "_ENCOUNTERS")
    for name in forms:
        form = getattr(staff_directory_files, name)
        assert listed[form.file] == list(form.columns)
    assert f"hold {MAX_BYTES // 1024 // 1024} MB" in " ".join(PAGE.split())
