"""The long form runs, and says what it did; what a parser may not do ends it."""

import importlib.util
from typing import Any

import pytest

from tests.fuzz import long_form
from tests.fuzz.parsers import FORMAT, PARSERS, Parser


def test_spoilt_examples_are_counted() -> None:
    """A row for the report: what was tried, and what came of it."""
    said: list[str] = []
    what, found = long_form.spoilt_examples(said.append, 3)
    assert what == f"{len(PARSERS)} parsers, 3 spoilt examples each"
    assert found.startswith("only documented errors")
    assert len(said) == len(PARSERS)


def test_a_violation_is_raised_with_what_did_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another exception than the documented one, from any parser."""

    def careless(data: bytes) -> Any:
        raise KeyError(data)

    monkeypatch.setitem(PARSERS, "note", Parser(careless, FORMAT, (b"seed",)))
    with pytest.raises(long_form.HostileInputError, match="note: KeyError"):
        long_form.spoilt_examples(lambda _: None, 1)


def test_atheris_runs_where_it_is() -> None:
    """One parser, in a process of its own; elsewhere the row says that it did not run."""
    what, found = long_form.coverage_guided(lambda _: None, 200, ["entry"])
    assert what == "1 parsers under atheris, 200 runs each"
    is_there = importlib.util.find_spec("atheris") is not None
    assert found.startswith("only documented errors" if is_there else "not run")
