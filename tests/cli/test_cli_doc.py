"""docs/cli.md says what the commands say of themselves."""

import re
from collections.abc import Iterator

import click
import pytest

from audit_ledger.cli.commands import ledger
from audit_ledger.cli.main import run
from audit_ledger.cli.profiles import Profile
from tests.conftest import REPOSITORY

DOCUMENT = (REPOSITORY / "docs" / "cli.md").read_text()
ROWS = {
    usage.replace("\\|", "|"): what
    for usage, what in re.findall(r"^\| `(ledger .+?)` \| (.+?) \| .+? \|$", DOCUMENT, re.MULTILINE)
}


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, ...]]:
    """The words of every command."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield (*names, name)


def help_of(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    assert run([*words, "--help"]) == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("words", list(commands(ledger)), ids=" ".join)
def test_every_command_has_a_row(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """With its usage, and the first sentence of its help."""
    said = help_of(words, capsys)
    (usage,) = [usage for usage in ROWS if usage.startswith(f"ledger {' '.join(words)} ")]
    assert f"Usage: {usage} {ROWS[usage]} " in said


def test_no_row_is_of_a_command_that_is_not_there() -> None:
    """As many as there are."""
    assert len(ROWS) == len(list(commands(ledger)))


def test_options_that_are_named_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    """In a line that shows a command, those of that command; elsewhere those of any."""
    helps = {words: help_of(words, capsys) for words in commands(ledger)}
    shown = re.findall(r"^    ledger (.+)$", DOCUMENT, re.MULTILINE)
    shown += re.findall(r"`(?:ledger )?((?:search|show|receipt) .*?)`", DOCUMENT)
    assert len(shown) >= 6
    for line in shown:
        (words,) = [words for words in helps if (line + " ").startswith(" ".join(words) + " ")]
        for option in re.findall(r"(?<!\S)(--?[a-z]+)", line):
            assert re.search(rf"(?<![\w-]){option}\b", helps[words]), f"{option} of {words}"
    everything = " ".join(helps.values())
    for option in re.findall(r"`(--[a-z-]+)", DOCUMENT):
        assert option in everything


def test_what_may_stand_in_a_profile_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """In the help each key; in the document none that there is not."""
    said = help_of(("profiles",), capsys)
    keys = set(Profile.__struct_fields__)
    assert {key for key in keys if f"{key} = " in said} == keys
    block = DOCUMENT.split("```toml\n")[1].split("```")[0]
    assert set(re.findall(r"^(\w+) =", block, re.MULTILINE)) <= keys | {"default"}
