"""Kinds of arguments and options that several commands have."""

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="To standard output as JSON.")
ARCHIVE = click.option("--archive", required=True, help="The archive bucket (ArchiveBucket).")
STAGE = click.option("--stage", required=True, help="dev or prod.")
LEDGER = click.option("--ledger", "ledger_id", required=True, help="The ledger's id.")
ORIGIN = click.option("--origin", help="Its origin; else taken from its settings on AWS.")
SOURCE_HELP = "SOURCE is a folder, an http(s) URL or s3://bucket/prefix."
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")  # FHIR `id`
_ENTRY = re.compile(r"[0-9]{1,18}")  # an event's id has 64 hex digits


class Time(click.ParamType[int]):
    """A time as the ledger writes it, as whole seconds since 1970."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it, or say what is expected."""
        from audit_ledger.errors import FormatError  # noqa: PLC0415
        from audit_ledger.instants import parse_instant  # noqa: PLC0415

        try:
            return parse_instant(value, what=value)
        except FormatError as error:
            self.fail(str(error), param, ctx)


class EventId(click.ParamType[str]):
    """The id of an event, the `fullUrl` or Location that contains it, or its entry's number."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it, or say what is expected."""
        if _ENTRY.fullmatch(value):
            return f"entry-{int(value)}"
        event_id = value.rpartition("AuditEvent/")[2]
        if not _ID.fullmatch(event_id):
            self.fail(
                "expected an event's id (letters, digits, - and .), or an entry's number",
                param,
                ctx,
            )
        return event_id


class NameAndValue(click.ParamType[tuple[str, str]]):
    """A parameter as `name=value`."""

    name = "name=value"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Read it, or say what is expected."""
        if isinstance(value, tuple):
            return value
        name, found, text = value.partition("=")
        if not found or not name:
            self.fail("expected name=value", param, ctx)
        return name, text


def with_connection(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options that say which ledger, and hand them over as `connection`."""

    @click.option("--profile", metavar="NAME", help="Which ledger: see `ledger profiles --help`.")
    @click.option("--url", help="Address of the API, without a profile.")
    @click.option("--token", help="Bearer token; AUDIT_LEDGER_TOKEN hides it from `ps`.")
    @wraps(command)
    def connected(profile: str | None, url: str | None, token: str | None, **more: Any) -> int:
        from audit_ledger.client.api import ConnectionOptions  # noqa: PLC0415

        return command(connection=ConnectionOptions(profile, url, token), **more)

    return connected
