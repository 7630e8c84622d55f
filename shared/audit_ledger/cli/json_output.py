"""JSON on standard output, in UTF-8 whatever the encoding of the terminal (RFC 8259, 8.1)."""

import click
import msgspec

from audit_ledger.cli.report import as_json_text


def echo_json(values: dict[str, object]) -> None:
    """Write an object, laid out for people too."""
    click.echo(as_json_text(values).encode())


def echo_json_line(encoded: bytes) -> None:
    """Write JSON that is encoded already on one line."""
    click.echo(msgspec.json.format(encoded, indent=-1))
