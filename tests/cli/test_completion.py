"""The shell completes commands and files."""

import pytest
from click.shell_completion import ShellComplete

from audit_ledger.cli.commands import ledger
from audit_ledger.cli.main import run
from tests.cli.stubbed_command import StubbedCommand

DONE, USAGE = 0, 2


@pytest.mark.parametrize("typed", [["send"], ["document"], ["verify"], ["verify-export"]])
def test_file_arguments_complete_to_files(typed: list[str]) -> None:
    """The shell completes them itself."""
    (completion,) = ShellComplete(ledger, {}, "ledger", "_X").get_completions(typed, "eve")
    assert completion.type in ("file", "dir")


def test_completion_scripts_are_printed(runner: StubbedCommand) -> None:
    """Three shells are supported."""
    for shell in ("bash", "zsh", "fish"):
        result = runner.run("completion", shell, with_connection=False)
        assert result.code == DONE
        assert "_LEDGER_COMPLETE" in result.out
    assert runner.run("completion", "cmd", with_connection=False).code == USAGE


def test_command_names_are_completed(
    runner: StubbedCommand, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """bash passes the words in the environment."""
    monkeypatch.setenv("_LEDGER_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "ledger se")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit) as ended:
        run([])
    assert ended.value.code == DONE
    assert capsys.readouterr().out.split() == ["plain,search", "plain,send"]
