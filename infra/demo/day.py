"""The day: portals post, sequencers append, publishers publish, a mirror copies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.note import parse_note
from infra.demo.hospital import Submission
from infra.demo.posting import Portals
from infra.local.cloud import LocalCloud
from infra.local.lambda_runtime.sqs_event_source import Batch

PUBLICATIONS = 6
REQUESTS_A_DRAIN = 100
"""On AWS a second's worth: what the queues gather before a sequencer gets it."""


@dataclass
class Day:
    """A day in a deployed app. `mirrored`: ledger id → the folder of its published files."""

    cloud: LocalCloud
    portals: Portals
    mirrored: Callable[[str], Path]
    batches: list[Batch] = field(default_factory=list)
    """All that the queues delivered."""

    def pass_by(
        self,
        submissions: Sequence[Submission],
        posted: Callable[[Submission], None],
        published: Callable[[Submission, dict[str, int]], None],
    ) -> None:
        """Post everything in order; `posted` and `published` report progress.

        `published` gets each ledger's published number of entries. Raises NotAcceptedError,
        FunctionFailedError.
        """
        count = len(submissions)
        publications = {count * n // PUBLICATIONS for n in range(1, PUBLICATIONS + 1)}
        for number, submission in enumerate(submissions, 1):
            self.portals.post(submission)
            posted(submission)
            if number in publications:
                self._drain()
                published(submission, self._publish())
            elif number % REQUESTS_A_DRAIN == 0:
                self._drain()

    def _drain(self) -> None:
        self.batches += self.cloud.drain().batches

    def _publish(self) -> dict[str, int]:
        self.cloud.publish()
        return {ledger_id: self._mirror(ledger_id) for ledger_id in self.cloud.ledgers}

    def _mirror(self, ledger_id: str) -> int:
        """Copy what is published to plain files; return the size that their checkpoint states."""
        folder = self.mirrored(ledger_id)
        self.cloud.mirror(ledger_id, folder)
        checkpoint = folder / "checkpoint"
        if not checkpoint.exists():  # nothing happened yet
            return 0
        return parse_checkpoint(parse_note(checkpoint.read_bytes()).text).size


def clock(submission: Submission) -> str:
    """Return the hospital's time (UTC) at which something was sent."""
    return datetime.fromtimestamp(submission.sent_ms // 1000, UTC).strftime("%H:%M")
