"""The long form runs and reports; a parser's violation ends it."""

import importlib.util
from typing import Any

import pytest

from tests.fuzz import long_form
from tests.fuzz.parsers import FORMAT, PARSERS, Parser


def test_mutated_examples_are_counted() -> None:
    """They are a row of the report, with its result."""
    progress: list[str] = []
    what, result = long_form.mutated_examples(progress.append, 3)
    assert what == f"{len(PARSERS)} parsers, 3 mutated examples each"
    assert result.startswith("only documented errors")
    assert len(progress) == len(PARSERS)


def test_a_violation_is_raised_with_its_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """For an undocumented exception of any parser."""

    def careless(data: bytes) -> Any:
        raise KeyError(data)

    monkeypatch.setitem(PARSERS, "note", Parser(careless, FORMAT, (b"seed",)))
    with pytest.raises(long_form.HostileInputError, match="note: KeyError"):
        long_form.mutated_examples(lambda _: None, 1)


def test_atheris_runs_where_it_is_installed() -> None:
    """In a separate process; elsewhere the row reports that it did not run."""
    what, result = long_form.coverage_guided(lambda _: None, 200, ["entry"])
    assert what == "1 parsers under atheris, 200 runs each"
    is_installed = importlib.util.find_spec("atheris") is not None
    assert result.startswith("only documented errors" if is_installed else "not run")
