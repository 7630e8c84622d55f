"""The kinds of commands: text in UTF-8 and not empty, and a closed pipe that is no failure."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from audit_ledger.cli.exit_codes import command_error
from audit_ledger.client.errors import ClientError

_SUMMARY_LENGTH = 45  # of click, in completions


class PipeClosedError(Exception):
    """The reader of standard output closed it. Click would exit with 1, which means failed here."""


class LedgerCommand(click.Command):
    """A command whose text arguments are UTF-8 and not empty; paths may be any bytes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments; UsageError where text is empty, or not UTF-8 in the terminal's locale.

        `--patient "$WHO"` with an unset variable must not mean every patient.
        """
        rest = super().parse_args(ctx, args)
        for parameter in self.get_params(ctx):
            name = parameter.name or ""
            value = ctx.params.get(name)
            is_typed = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
            if is_typed and "" in _texts(value):
                raise click.BadParameter("expected a value, found none", ctx=ctx, param=parameter)
            if not isinstance(parameter.type, click.Path) and any(
                map(_is_undecoded, _texts(value))
            ):
                raise click.BadParameter(
                    "not text in the encoding of this terminal: expected UTF-8",
                    ctx=ctx,
                    param=parameter,
                )
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of the client ends it with one line and an exit code."""
        try:
            return super().invoke(ctx)
        except ClientError as error:
            raise command_error(error) from None


class LedgerGroup(click.Group):
    """A group of commands that reports a closed pipe as PipeClosedError."""

    command_class = LedgerCommand

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        """Parse the group's own arguments; `--help` writes here already."""
        try:
            return super().make_context(*args, **more)
        except BrokenPipeError:
            raise PipeClosedError from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command of the group."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise PipeClosedError from None


class LazyGroup(LedgerGroup):
    """A group that imports the module of a command when the command is called.

    `modules`: what the names of their modules begin with, each of which has its own as `command`;
    `summaries`: by command the first sentence of its help, so that help and completion of the group
    import none of them.
    """

    def __init__(self, *args: Any, modules: str, summaries: Mapping[str, str], **more: Any) -> None:
        super().__init__(*args, **more)
        self.modules = modules
        self.summaries = summaries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands, in alphabetical order."""
        return sorted(self.summaries)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Import a command; None if there is none of this name."""
        if cmd_name not in self.summaries:
            return None
        module = import_module(self.modules + cmd_name.replace("-", "_"))
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write names and short helps."""
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names))  # as click.Group does
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._summary(name, limit)) for name in names])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the names that begin like this, and options."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        items = [CompletionItem(name, help=self._summary(name, _SUMMARY_LENGTH)) for name in names]
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def _summary(self, name: str, limit: int) -> str:
        return click.Command(name, help=self.summaries[name]).get_short_help_str(limit)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for each in value:
            yield from _texts(each)


def _is_undecoded(text: str) -> bool:
    """Whether Python decoded bytes of it to lone surrogates (PEP 383)."""
    return any("\ud800" <= character <= "\udfff" for character in text)
