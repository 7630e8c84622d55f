"""docs/reliability.md is the output of `make soak`."""

import os
from pathlib import Path

import pytest

from tests.soak import __main__ as soaking
from tests.soak.page import TITLES, Part, read_parts, write_page


def test_the_page_is_the_output_of_a_run_of_all_parts(tmp_path: Path) -> None:
    """Nothing is written by hand, no part is missing or empty."""
    parts = read_parts(soaking.PAGE)
    assert list(parts) == list(TITLES)
    assert all(part.rows and part.run for part in parts.values())
    write_page(tmp_path / "again.md", parts)
    assert (tmp_path / "again.md").read_text() == soaking.PAGE.read_text()


def test_one_part_can_be_replaced_alone(tmp_path: Path) -> None:
    """A part runs for an hour."""
    page = tmp_path / "reliability.md"
    first = {name: Part(name, "2026-11-22, 1 min", [("a", "1"), ("b", "2")]) for name in TITLES}
    write_page(page, first)
    assert read_parts(page) == first
    second = {**first, "races": Part("races", "2026-11-23, 9 min", [("c", "3")])}
    write_page(page, second)
    assert read_parts(page) == second


def test_a_part_that_was_not_run_is_named(tmp_path: Path) -> None:
    """At the end of the page."""
    page = tmp_path / "reliability.md"
    write_page(page, {"races": Part("races", "2026-11-22, 1 min", [("a", "1")])})
    assert "Not run in full yet: crashes, fuzz.\n" in page.read_text()
    assert set(read_parts(page)) == {"races"}


def test_logs_of_the_functions_go_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The terminal shows the progress alone."""
    monkeypatch.setattr(soaking, "LOG", tmp_path / "build" / "soak.log")
    with soaking.functions_logged() as terminal:
        os.write(1, b"logged\n")
        os.write(2, b"warned\n")
        print("half done", file=terminal)
    os.write(1, b"after\n")
    assert (tmp_path / "build" / "soak.log").read_text() == "logged\nwarned\n"
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("after\n", "half done\n")
