"""The kinds of commands: text in UTF-8 and not empty, and a closed pipe that is no failure."""

from collections.abc import Iterable, Iterator
from typing import Any

import click
from click.core import ParameterSource


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


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for each in value:
            yield from _texts(each)


def _is_undecoded(text: str) -> bool:
    """Whether Python kept bytes of it as lone surrogates (PEP 383)."""
    return any("\ud800" <= character <= "\udfff" for character in text)
