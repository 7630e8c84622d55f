"""Documents for contributors: complete, with existing places; and the names of tests."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "docs/README.md", "docs/architecture.md")
ROOT_PAGES = [
    REPOSITORY / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
]
MAX_TEST_NAME_LENGTH = 80
TOP = "docs|functions|shared|infra|tests"


def places() -> Iterator[tuple[str, str]]:
    """Yield each page with the paths that it names, relative to the repository."""
    for page in PAGES:
        text = (REPOSITORY / page).read_text()
        folder = (REPOSITORY / page).parent
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            if "://" not in link:
                yield page, str((folder / link).resolve().relative_to(REPOSITORY))
        for path in re.findall(rf"`((?:{TOP})/[\w./-]+)`", text):
            yield page, path


@pytest.mark.parametrize(("page", "place"), sorted(set(places())))
def test_named_place_exists(page: str, place: str) -> None:
    """A link or a path in a code span leads to a file or folder."""
    assert (REPOSITORY / place).exists(), f"{page} names {place}"


@pytest.mark.parametrize("page", [*ROOT_PAGES, *sorted(DOCS.rglob("*.md"))], ids=lambda p: p.name)
def test_line_has_at_most_one_sentence(page: Path) -> None:
    """Outside of tables and code, so that a change of a sentence is a change of its lines."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in text.splitlines() if not line.startswith(("|", "#", "    "))]
    assert [line for line in lines if re.search(r"[a-z`)\]][.] [A-Z]", line)] == []


def test_index_lists_each_document() -> None:
    """docs/README.md links to every document and runbook; decisions have an index of their own."""
    linked = set(re.findall(r"\]\(([^)#]+)\)", (DOCS / "README.md").read_text()))
    documents = {
        str(path.relative_to(DOCS))
        for path in DOCS.rglob("*.*")
        if path.parent.name != "decisions" and path.name != "README.md"
    }
    assert documents <= linked
    assert "decisions/README.md" in linked


def test_architecture_lists_each_package_and_function() -> None:
    """The tables of docs/architecture.md are complete."""
    text = (DOCS / "architecture.md").read_text()
    first_cells = set(re.findall(r"^\| `([\w/]+)` \|", text, re.MULTILINE))
    library = REPOSITORY / "shared" / "audit_ledger"
    functions = REPOSITORY / "functions"
    expected = {path.parent.name for path in library.glob("*/__init__.py")}
    expected |= {f"functions/{path.parent.name}" for path in functions.glob("*/handler.py")}
    assert first_cells == expected


def test_pre_commit_hooks_run_the_commands_of_make_check() -> None:
    """The hooks are those commands, in that order."""
    recipe = (REPOSITORY / "Makefile").read_text().split("\ncheck:")[1].split("\n\n")[0]
    commands = [
        line.strip().replace("$(BIN)", ".venv/bin").replace("$(MAKE) --no-print-directory", "make")
        for line in recipe.splitlines()[1:]
    ]
    config = (REPOSITORY / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"^ +entry: (.+)$", config, re.MULTILINE) == commands
    assert set(re.findall(r"^ +- repo: (.+)$", config, re.MULTILINE)) == {"local"}
    assert set(re.findall(r"^ +language: (.+)$", config, re.MULTILINE)) == {"system"}


def test_spelling_check_finds_each_retired_idiom(tmp_path: Path) -> None:
    """Idioms of several words are in the dictionary and in the regular expression of the check."""
    dictionary = (REPOSITORY / ".codespell" / "retired-idioms.txt").read_text()
    idioms = [line.partition("->")[0] for line in dictionary.splitlines()]
    page = tmp_path / "page.md"
    page.write_text("\n".join(idioms))
    ran = subprocess.run(
        [sys.executable, "-m", "codespell_lib", page],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^.+:(\d+): (.+) ==> ", ran.stdout, re.MULTILINE)
    assert found == [(str(number), idiom) for number, idiom in enumerate(idioms, 1)]


def test_name_of_each_test_is_short() -> None:
    """A name states a fact; details are in the docstring."""
    names = {
        name
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)", path.read_text(), flags=re.MULTILINE)
    }
    assert len(names) > 1000
    assert {name for name in names if len(name) > MAX_TEST_NAME_LENGTH} == set()
