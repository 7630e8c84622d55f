"""Output of the demo, in order. On a terminal with a progress bar, else in lines."""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from infra.demo.day import Day, clock
from infra.demo.hospital import How, Submission
from infra.demo.ledger_command import Ran
from infra.demo.metrics import Figures
from infra.demo.queries import Answers
from infra.demo.summary import calls_table, ledgers_table, rows_table
from infra.local.cloud import LocalCloud

INDENT = "   "
WIDTH = 100

_FORMS: dict[How, str] = {
    "audit-event": "single FHIR R5 AuditEvents",
    "bundle-batch": "Bundles of FHIR R4 AuditEvents",
    "bundle-transaction": "Bundles of FHIR R4 AuditEvents",
    "cloudevent-structured": "CloudEvents",
    "cloudevent-binary": "CloudEvents",
    "cloudevents-batch": "CloudEvents",
}
_MAX_PEOPLE = 4
_PEOPLE = {"who": "who", "role": "what they are", "number": "times", "first": "first (UTC)"}
_DISCLOSURES = {"date": "date (UTC)", "recipient": "to", "what": "what", "purpose": "what for"}
_ANSWERS = {0: "green", 1: "red", 3: "yellow"}  # by exit code of `ledger verify`


class DemoOutput:
    """Prints the progress and results of the demo."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps = 0

    def title(self) -> None:
        """Print the title."""
        self._console.print(
            Text("Audit Ledger", style="bold")
            + Text(": a hospital's day, from portals' events to digests that anyone can verify")
        )

    def heading(self, text: str) -> None:
        """Begin the next step."""
        self._steps += 1
        self._console.print(Text(f"\n{self._steps}  {text}", style="bold"))

    def line(self, text: str, style: str = "") -> None:
        """Print a sentence or two, wrapped."""
        width = min(self._console.width, WIDTH)
        folded = textwrap.fill(
            text, width, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False
        )
        self._console.print(Text(folded, style=style), soft_wrap=True)

    def quote(self, text: str, style: str = "") -> None:
        """Show lines as they are."""
        self._console.print(Text(textwrap.indent(text, INDENT), style=style), soft_wrap=True)

    def deployed(self, cloud: LocalCloud, is_new: bool, seconds: float) -> None:
        """Print a summary of the deployment."""
        app = cloud.deployment
        kinds = Counter(resource.type for resource in app.resources)
        origin = "synthesized just now" if is_new else "synthesized by an earlier run"
        self.line(
            f"{len(app.outputs)} stacks, {origin}, with {kinds['AWS::DynamoDB::Table']} tables, "
            f"{kinds['AWS::SQS::Queue']} queues, {kinds['AWS::KMS::Key']} keys and the real "
            f"handlers of {len(app.functions)} functions: ready in {seconds:.1f} s. No account is "
            "needed, and nothing leaves this machine."
        )

    def sending(self, submissions: Sequence[Submission], cloud: LocalCloud) -> None:
        """Print the number of requests by form, and their address."""
        forms = Counter(_FORMS[s.how] for s in submissions)
        several = ", ".join(f"{count:,} with {form}" for form, count in forms.most_common())
        portals = {s.portal for s in submissions}
        events = sum(s.new_events for s in submissions)
        self.line(
            f"{len(portals)} portals send {events:,} events to {cloud.url} in "
            f"{len(submissions):,} requests: {several}. "
            f"{_count(sum(s.is_resent for s in submissions), 'request')} were sent twice, as after "
            "a response that was lost."
        )

    def day(self, day: Day, submissions: Sequence[Submission]) -> None:
        """Run the day, and print its progress."""
        sent = 0
        columns = (
            TextColumn("   {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("requests"),
            TimeRemainingColumn(),
        )
        is_terminal = self._console.is_terminal
        with Progress(
            *columns, console=self._console, transient=True, disable=not is_terminal
        ) as bar:
            task = bar.add_task("00:00", total=len(submissions))

            def posted(submission: Submission) -> None:
                nonlocal sent
                sent += submission.new_events
                bar.update(task, advance=1, description=clock(submission))

            def published(submission: Submission, sizes: dict[str, int]) -> None:
                signed = ", ".join(f"{size:,} of {name}" for name, size in sizes.items())
                self.quote(f"{clock(submission)} {sent:>6,} sent; signed: {signed}")

            day.pass_by(submissions, posted, published)

    def counted(self, total: Figures, submissions: Sequence[Submission]) -> None:
        """Print the number of entries in the ledgers."""
        resent = sum(s.is_resent for s in submissions)
        self.line(
            f"The ledgers contain {total.entries:,} entries: one for each patient of each event, "
            "and one that creates each ledger. Repeated requests added nothing: "
            f"{_count(resent, 'request')} with {_count(total.duplicates, 'record')} that the "
            "ledger already had."
        )

    def verification(self, verification: Ran) -> None:
        """Show a command and its output, as on a terminal."""
        self.quote(f"$ {verification.command}", "bold")
        first, _, rest = verification.report.partition("\n")
        self.quote(first, _ANSWERS.get(verification.exit_code, "red"))
        found, note, not_covered = rest.partition("not covered:\n")
        self.quote(found.rstrip("\n"))
        if note:
            self.quote(note + not_covered, "dim")

    def answers(self, answers: Answers) -> None:
        """Show the queries and the ledger's answers."""
        self.line(
            "A security officer searches; AUDIT_LEDGER_URL and AUDIT_LEDGER_TOKEN are set to the "
            "API and the officer's token:"
        )
        self.quote(f"$ {answers.search.command}", "bold")
        self.quote(answers.search.report)
        self.line("")
        accesses, people = answers.accesses["accesses"], answers.accesses["people"]
        self.line(
            "Who accessed my record? GET /accesses, with the token of that patient: "
            f"{_count(len(accesses), 'event')}, by {len(people):,} names; most often"
        )
        self._table(
            rows_table(_PEOPLE, [_to_the_minute(row, "first") for row in people[:_MAX_PEOPLE]])
        )
        left_out = sum(row["number"] for row in answers.accounting["exclusions"])
        self.line(
            "Accounting of disclosures (45 CFR 164.528), GET /accounting, for the privacy office; "
            f"{_count(left_out, 'export')} left out as the rule allows:"
        )
        disclosed = [_to_the_minute(row, "date") for row in answers.accounting["disclosures"]]
        self._table(rows_table(_DISCLOSURES, disclosed))
        rules = Counter(answers.findings).most_common()
        found = ", ".join(f"{rule} {number:,}" for rule, number in rules) or "none"
        received = sum(stream["received"] for stream in answers.gaps["streams"])
        missing = sum(stream["missing_events"] for stream in answers.gaps["streams"])
        self.line(
            f"Findings: {found}. Gaps: of {received:,} events that the laboratory numbered, "
            f"{missing:,} are missing."
        )

    def receipts(self, proofs: Sequence[str]) -> None:
        """Print where the receipts are."""
        self.line(
            "Receipts of the first event found and of one in the other ledger, from "
            f"GET /AuditEvent/{{id}}/receipt, are in {' and '.join(proofs)}."
        )

    def tables(self, ledgers: Sequence[Figures], total: Figures) -> None:
        """Show the figures."""
        self._console.print()
        self._console.print(ledgers_table([*ledgers, total]))
        self._console.print(calls_table(total.used, total.events))

    def _table(self, table: Table) -> None:
        self._console.print(Padding(table, (0, 0, 0, len(INDENT))))

    def end(self, wrong: Sequence[str], seconds: float) -> None:
        """Print whether all checks passed, or the failed ones."""
        for fault in wrong:
            self._console.print(Text(f"WRONG  {fault}", style="bold red"))
        if not wrong:
            self._console.print(
                f"All checks passed: {seconds:.0f} s from the first event to this line. Verify it "
                "yourself with the\ncommands above (ledger is in .venv/bin). After 75 minutes a "
                "ledger that signs nothing new\ncounts as stale; --at judges it as of a time.",
                soft_wrap=True,
            )


def _to_the_minute(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Shorten an instant of a report, RFC 3339."""
    return {**row, key: row[key][: len("2026-11-22T05:59")].replace("T", " ")}


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}" + "s" * (number != 1)
