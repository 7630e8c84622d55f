"""docs/cli.md agrees with the help of the commands."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from audit_ledger.cli.command import LazyGroup
from audit_ledger.cli.commands import ledger
from audit_ledger.cli.main import run
from audit_ledger.client.profiles import Profile
from tests.conftest import REPOSITORY

DOCUMENT = (REPOSITORY / "docs" / "cli.md").read_text()
ROWS = {
    usage.replace("\\|", "|"): summary
    for usage, summary in re.findall(
        r"^\| `(ledger .+?)` \| (.+?) \| .+? \|$", DOCUMENT, re.MULTILINE
    )
}


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
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
    """It shows the usage and the first sentence of the help."""
    output = help_of(words, capsys)
    (usage,) = [usage for usage in ROWS if usage.startswith(f"ledger {' '.join(words)} ")]
    assert f"Usage: {usage} {ROWS[usage]} " in output


@pytest.mark.parametrize("words", [(), ("receipt",)], ids=["ledger", "receipt"])
def test_a_group_lists_the_first_sentence_of_each_help(words: tuple[str, ...]) -> None:
    """The list exists apart from the commands, so that they need not be imported."""
    group: click.Command | None = ledger
    for word in words:
        assert isinstance(group, click.Group)
        group = group.get_command(click.Context(group), word)
    assert isinstance(group, LazyGroup)
    context = click.Context(group)
    for name, short_help in group.summaries.items():
        command = group.get_command(context, name)
        assert command is not None
        assert command.name == name
        paragraph = " ".join((command.help or "").split("\n\n")[0].split())
        assert re.split(r"(?<=\.) ", paragraph)[0] == short_help


def test_help_and_completion_of_the_group_import_no_command() -> None:
    """They do not import the packages for AWS, tables and JSON either."""
    code = (
        "import sys, click; from audit_ledger.cli.main import run; run(['--help']); "
        "from audit_ledger.cli.commands import ledger; "
        "found = ledger.shell_complete(click.Context(ledger), 'ver'); "
        "print([item.value for item in found], "
        "[m for m in sys.modules if m.startswith('audit_ledger.cli.commands.')], "
        "sorted({'botocore', 'rich', 'msgspec'} & set(sys.modules)), file=sys.stderr)"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "shared")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == "['verify', 'verify-export'] [] []\n"


def test_every_row_has_a_command() -> None:
    """There are as many rows as commands."""
    assert len(ROWS) == len(list(commands(ledger)))


def test_every_documented_option_exists(capsys: pytest.CaptureFixture[str]) -> None:
    """An option in an example belongs to its command, any other option to some command."""
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


def test_every_key_of_a_profile_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    """The help names each key, and the document no others."""
    output = help_of(("profiles",), capsys)
    keys = set(Profile.__struct_fields__)
    assert {key for key in keys if f"{key} = " in output} == keys
    block = DOCUMENT.split("```toml\n")[1].split("```")[0]
    assert set(re.findall(r"^(\w+) =", block, re.MULTILINE)) <= keys | {"default"}
