"""Who looks: the verifier, with and without a memory, and the publisher."""

from dataclasses import dataclass

from audit_ledger.errors import FrozenError
from audit_ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from audit_ledger.tlog.note import parse_note
from audit_ledger.verify.verification import Report, verify
from tests.attacks.emulated_state import published_files
from tests.attacks.ledger import CHECKPOINT, Ledger
from tests.attacks.row import GOES_ON, Found
from tests.verify.writer import Objects
from tests.world import LEDGER


@dataclass
class Remembered:
    """A memory that holds one checkpoint for ever."""

    note: bytes

    def load(self, origin: str) -> Checkpoint:
        return parse_checkpoint(parse_note(self.note).text)

    def save(self, note: bytes) -> None:
        pass


def look(
    ledger: Ledger, *, remembering: bool = False, later_seconds: int = 0, can_list: bool = True
) -> Report:
    """Verify what is published now."""
    return verify(
        Objects(published_files(LEDGER), can_list=can_list),
        ledger.policy,
        ledger.clock.now + later_seconds,
        memory=Remembered(ledger.files[CHECKPOINT]) if remembering else None,
        workers=1,
        wait=lambda _: None,
    )


def found(report: Report) -> tuple[Found, ...]:
    return tuple((str(f.code), f.where, f.entries) for f in report.findings)


def publish(ledger: Ledger) -> str:
    """Run the publisher; why it froze the ledger, or that it did not."""
    try:
        ledger.publish()
    except FrozenError as error:
        return str(error)
    return GOES_ON
