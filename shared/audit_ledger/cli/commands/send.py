"""`ledger send`: events of files go to a ledger, each once, and what became of each is said."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.exit_codes import FAILED, VERIFIED, CommandError, UsageError, command_error
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import AS_JSON, FILE, with_connection
from audit_ledger.client.api import ConnectionOptions, open_api
from audit_ledger.client.errors import ClientError
from audit_ledger.client.event_files import STDIN, files_of
from audit_ledger.client.http_client import PATIENT_PAUSES
from audit_ledger.client.journal import Journal, destination
from audit_ledger.client.shown_text import count_of, printable
from audit_ledger.client.upload import Uploader, UploadProgress, UploadResult

_SHOWN_REFUSALS = 50


@click.command("send", cls=LedgerCommand)
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(readable=False)
)
@click.option("--state", type=FILE, help="What was sent before; else FILE.sent beside each FILE.")
@AS_JSON
@with_connection
def command(
    connection: ConnectionOptions, files: tuple[str, ...], state: Path | None, as_json: bool
) -> int:
    """Send events of files, each once.

    FILE contains AuditEvents, Bundles or CloudEvents in JSON, or one event a line (NDJSON). It may
    be a folder (its *.json, *.ndjson and *.jsonl) or - for standard input. AuditEvents of a file go
    as batches of at most 200 and 600 KB, one alone by itself, a transaction whole.

    Sending the same again is no new event. What was accepted is remembered in FILE.sent, by
    hashes, and not sent again, also if FILE has grown. Without that, the Idempotency-Key of each
    request, the SHA-256 of its body and of nothing else (not of names), tells the ledger that it
    has the events of an unchanged FILE; CloudEvents are known by source and id.

    Exit codes: 0 all accepted, 1 some refused (each is named), 2 usage, 3 could not be finished:
    the same command goes on.
    """
    for argument in files:
        if argument != STDIN and not Path(argument).exists():
            raise UsageError(f"{argument}: No such file or directory")
    tally = UploadResult(as_json)
    failure: CommandError | KeyboardInterrupt | None = None
    with _show_upload(_total_bytes(files)) as bar:
        api = open_api(
            connection, os.environ, role="portal", pauses=PATIENT_PAUSES, on_pause=bar.pausing
        )
        to = destination(api.url, api.credentials.token())
        uploader = Uploader(api, tally, bar)
        try:
            for argument in files:
                with closing(Journal(_state_file(argument, state), to)) as journal:
                    uploader.upload(argument, journal)
        except ClientError as error:
            failure = command_error(error)
        except KeyboardInterrupt as error:
            failure = error
    if as_json:
        echo_json(_for_machines(tally, failure))
    elif failure is None or tally.accepted or tally.refused:
        click.echo(_for_people(tally, api.url, is_complete=failure is None))
    if isinstance(failure, CommandError):
        failure.is_reported = as_json
    if failure is not None:
        raise failure
    return FAILED if tally.refused else VERIFIED


def _state_file(argument: str, state: Path | None) -> Path | None:
    """Return the journal's path: `<name>.sent` beside the input; None for standard input."""
    if state is not None or argument == STDIN:
        return state
    path = Path(argument).absolute()
    beside = path.parent / f"{path.name}.sent"
    if not beside.exists() and not os.access(beside.parent, os.W_OK):
        click.echo(
            f"ledger: {beside}: cannot be written, so nothing is remembered; see --state", err=True
        )
        return None
    return beside


def _total_bytes(arguments: Sequence[str]) -> int | None:
    """Return how much there is to read; None where standard input is among it."""
    if STDIN in arguments:
        return None
    files = [file for argument in arguments for file in files_of(argument)]
    return sum(file.stat().st_size for file in files if file.is_file())


def _for_people(tally: UploadResult, url: str, *, is_complete: bool) -> str:
    lines = [f"accepted: {count_of(tally.accepted, 'event')} by {url}"]
    if tally.flags:
        flagged = ", ".join(f"{flag} {count:,}" for flag, count in sorted(tally.flags.items()))
        lines.append(f"  flagged, and accepted all the same: {flagged}")
    if tally.sent_before:
        lines.append(f"  {count_of(tally.sent_before, 'event')} sent before and not sent again")
    if tally.left_out:
        kinds = ", ".join(f"{what} {count:,}" for what, count in sorted(tally.left_out.items()))
        lines.append(f"  left out, being something else: {kinds}")
    if tally.refused:
        lines.append(f"refused: {count_of(tally.refused_events, 'event')}")
        lines += [f"  {place}: {reason}" for place, reason in tally.refused[:_SHOWN_REFUSALS]]
        if len(tally.refused) > _SHOWN_REFUSALS:
            more = len(tally.refused) - _SHOWN_REFUSALS
            lines.append(f"  and {more:,} more; --json names all")
    if not is_complete:
        lines.append("not finished: the same command again goes on from here")
    return "\n".join(map(printable, lines))


def _for_machines(
    tally: UploadResult, failure: CommandError | KeyboardInterrupt | None
) -> dict[str, object]:
    return {
        "complete": failure is None,
        "error": failure.message if isinstance(failure, CommandError) else None,
        "accepted": tally.accepted,
        "sent_before": tally.sent_before,
        "left_out": dict(sorted(tally.left_out.items())),
        "flags": dict(sorted(tally.flags.items())),
        "refused": [{"place": place, "reason": reason} for place, reason in tally.refused],
        "events": [{"place": place, "ids": ids} for place, ids in tally.ids],
    }


@contextmanager
def _show_upload(total_bytes: int | None) -> Iterator[UploadProgress]:
    """Return a bar for input of so many bytes (None: unknown), or one that shows nothing."""
    if not sys.stderr.isatty():
        yield UploadProgress()
        return
    status = TextColumn("{task.fields[status]}")
    columns = ("sending", BarColumn(), TaskProgressColumn(), status)
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress_bar:
        task = progress_bar.add_task("sending", total=total_bytes, status="")

        class Bar(UploadProgress):
            before = end = 0

            def begin_file(self) -> None:
                self.before += self.end
                self.end = 0

            def read_up_to(self, end: int) -> None:
                self.end = end
                progress_bar.update(task, completed=self.before + end)

            def settle(self, accepted: int, refused: int) -> None:
                bad = f", {refused:,} refused" if refused else ""
                progress_bar.update(task, status=f"{accepted:,} accepted{bad}")

            def pausing(self, seconds: float, reason: str) -> None:
                progress_bar.update(task, status=f"{reason}; again in {seconds:.0f} s")

        yield Bar()
