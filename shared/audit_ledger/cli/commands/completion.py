"""`ledger completion`: scripts that complete words in a shell."""

import click
from click.shell_completion import get_completion_class

from audit_ledger.cli.command import LedgerCommand


@click.command("completion", cls=LedgerCommand)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print a script that completes words in a shell.

    \b
    bash:  ledger completion bash > ~/.local/share/bash-completion/completions/ledger
    zsh:   ledger completion zsh > "${fpath[1]}/_ledger"
    fish:  ledger completion fish > ~/.config/fish/completions/ledger.fish
    """
    kind = get_completion_class(shell)
    if kind is not None:
        script = kind(context.find_root().command, {}, "ledger", "_LEDGER_COMPLETE").source()
        click.echo(script)
    return 0
