"""docs/glossary.md agrees with the code, and a public name means one thing."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PACKAGE = REPOSITORY / "shared" / "audit_ledger"
ROW = re.compile(r"\| ((?:[^|\\]|\\.)+) \| (?:[^|\\]|\\.)+ \| (?:[^|\\]|\\.)+ \| `([\w.]+)` \|")
WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*")  # of CamelCase
ROWS = ROW.findall((REPOSITORY / "docs" / "glossary.md").read_text())

PLAIN_ENGLISH = set((Path(__file__).parent / "plain_words.txt").read_text().split())
"""Words of classes that mean what they mean in a dictionary, or in any book on programming."""

SHARED_NAMES = {
    "Blocks": "a protocol each of sequencer and publisher: what it needs of the table of blocks",
    "State": "a protocol each of sequencer and publisher: what it needs of the published state",
    "WarmState": "of sequencer and publisher each: what a container remembers between invocations",
}
"""Public names that several modules define, and why. Functions know nothing of each other."""


def defined_in(path: Path) -> dict[str, ast.stmt]:
    """The names that a module defines at its top level."""
    found: dict[str, ast.stmt] = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    return found


def is_type(name: str, node: ast.stmt) -> bool:
    """Whether a public name is one of a class, or of an alias of a type: in CamelCase."""
    is_alias = isinstance(node, ast.Assign | ast.AnnAssign) and re.fullmatch(
        r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*", name
    )
    return not name.startswith("_") and (isinstance(node, ast.ClassDef) or bool(is_alias))


def types_of(*folders: Path) -> dict[str, list[Path]]:
    """Public classes and aliases, and the modules that define them."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        for name, node in defined_in(path).items():
            if is_type(name, node):
                found[name].append(path)
    return found


def singular(word: str) -> str:
    """A word of a name or of a term, in lower case and without the s of a plural."""
    word = word.lower()
    if word.endswith("ies"):
        return word.removesuffix("ies") + "y"
    if word.endswith("sses"):
        return word.removesuffix("es")
    return word if len(word) < 4 or word.endswith("ss") else word.removesuffix("s")


def test_the_glossary_is_in_alphabetical_order_and_has_each_term_once() -> None:
    terms = [term for term, _ in ROWS]
    assert len(terms) > 50
    assert terms == sorted(set(terms), key=str.casefold)


@pytest.mark.parametrize(("term", "definition"), ROWS)
def test_a_term_is_defined_where_the_glossary_says(term: str, definition: str) -> None:
    module, _, name = definition.rpartition(".")
    path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    assert path.is_file(), term
    assert name in defined_in(path), term


def test_every_public_class_consists_of_terms_and_plain_english() -> None:
    """A class that needs another word needs a row in the glossary."""
    known = {singular(word) for term, _ in ROWS for word in re.findall(r"[A-Za-z0-9]+", term)}
    known |= {singular(word) for word in PLAIN_ENGLISH}
    defined = {definition.rpartition(".")[2] for _, definition in ROWS}
    unknown = {
        name: words
        for name in types_of(PACKAGE)
        if name not in defined
        and (words := {word for word in WORD.findall(name) if singular(word) not in known})
    }
    assert unknown == {}


def test_a_public_type_has_a_name_of_its_own() -> None:
    """In the whole repository, but for what SHARED_NAMES says."""
    folders = (REPOSITORY / "functions", PACKAGE, REPOSITORY / "infra")
    shared = {name for name, paths in types_of(*folders).items() if len(paths) > 1}
    assert shared == set(SHARED_NAMES)


def test_every_plain_word_is_used() -> None:
    """The list does not outlive the names."""
    used = {singular(word) for name in types_of(PACKAGE) for word in WORD.findall(name)}
    assert {word for word in PLAIN_ENGLISH if singular(word) not in used} == set()
