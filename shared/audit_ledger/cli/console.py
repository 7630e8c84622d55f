"""What people look at: columns that fit the terminal and lose nothing, however narrow it is."""

import os
import sys
from collections.abc import Sequence

import click
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from audit_ledger.client.shown_text import printable

_GAP = 2
_NARROWEST = 8
_UNBROKEN = 10_000  # for who copies a value out of what was written into a file


class Columns:
    """Rows under a heading, written one at a time; a line below a row may be as wide as it likes.

    `wanted`: the width of each column, 0 for those that share what is left; `rows`: how many were
    written. The heading comes with the first.
    """

    def __init__(self, titles: Sequence[str], wanted: Sequence[int]) -> None:
        """Fit the columns to the terminal."""
        console = make_console()
        fixed = sum(wanted) + _GAP * (len(wanted) - 1)
        shared = wanted.count(0)
        self._console = make_console(max(console.width, fixed + shared * _NARROWEST))
        each, more = divmod(self._console.width - fixed, shared or 1)
        self._widths: list[int] = []
        for width in wanted:
            self._widths.append(width or each + (more > 0))
            more -= not width
        self._titles = titles
        self.rows = 0

    def row(self, cells: Sequence[str], style: str = "") -> None:
        """Write a row; what does not fit goes on in the next line."""
        if not self.rows:
            self._write(self._titles, "bold")
        self.rows += 1
        self._write(cells, style)

    def below(self, text: str, style: str = "dim") -> None:
        """Write a line that belongs to the row above."""
        line = Text(printable(text), style=style, overflow="fold")
        _print(self._console, Padding(line, (0, 0, 0, _GAP)))

    def _write(self, cells: Sequence[str], style: str) -> None:
        table = Table.grid(padding=(0, _GAP, 0, 0))
        for width in self._widths:
            table.add_column(width=width, overflow="fold")
        table.add_row(*(Text(printable(cell), style=style) for cell in cells))
        _print(self._console, table)


def echo_facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Write names and values, the values one below the other; whole where nobody looks."""
    table = Table.grid(padding=(0, _GAP, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(name, Text(printable(value)))
    console = make_console(None if sys.stdout.isatty() else _UNBROKEN)
    _print(console, Padding(table, (0, 0, 0, _GAP), expand=False))


def _print(console: Console, what: RenderableType) -> None:
    """Write it without white space at the end of lines."""
    with console.capture() as captured:
        console.print(what)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def make_console(width: int | None = None) -> Console:
    """Return standard output as it is now, as wide as the terminal, 80 columns where it is none.

    Without any style where the environment has NO_COLOR (no-color.org).
    """
    return Console(
        file=sys.stdout,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )
