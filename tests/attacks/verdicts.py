"""The verdicts of the verifier, with and without stored state, and of the publisher."""

from dataclasses import dataclass
from hashlib import sha256

from audit_ledger.errors import FrozenError
from audit_ledger.tlog.entry_bundle import parse_entry_bundle
from audit_ledger.tlog.policy import Policy
from audit_ledger.tlog.rfc6962 import leaf_hash
from audit_ledger.verify.checkpoint_store import KnownLedger, require_signed
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.verification_report import VerificationReport
from tests.attacks.case import GOES_ON, Found
from tests.attacks.ledger import B0, CHECKPOINT, HEARTBEAT, AttackedLedger
from tests.moto_state import published_files
from tests.verify.writer import Objects
from tests.world import LEDGER


@dataclass
class Remembered:
    """A store that always returns one ledger as it was."""

    known: KnownLedger

    def load(self, origin: str, policy: Policy) -> KnownLedger:
        require_signed(self.known, origin, policy)
        return self.known

    def knows_other_keys(self, origin: str, policy: Policy) -> bool:
        return False

    def save(self, known: KnownLedger, policy: Policy) -> None:
        pass


def whole(ledger: AttackedLedger) -> KnownLedger:
    """Return the stored state of a verification of the whole ledger."""
    first = parse_entry_bundle(ledger.files[B0])[0]
    newest = sha256(ledger.files[HEARTBEAT]).digest()
    return KnownLedger(ledger.files[CHECKPOINT], HEARTBEAT, newest, leaf_hash(first))


def look(
    ledger: AttackedLedger,
    *,
    remembering: bool = False,
    later_seconds: int = 0,
    can_list: bool = True,
) -> VerificationReport:
    """Verify the published files."""
    return verify_ledger(
        Objects(published_files(LEDGER), can_list=can_list),
        ledger.policy,
        ledger.clock.now + later_seconds,
        store=Remembered(whole(ledger)) if remembering else None,
        workers=1,
        wait=lambda _: None,
    )


def found(report: VerificationReport) -> tuple[Found, ...]:
    return tuple((str(f.code), f.where, f.entries) for f in report.findings)


def publish(ledger: AttackedLedger) -> str:
    """Run the publisher; return the reason of a freeze, or GOES_ON."""
    try:
        ledger.publish()
    except FrozenError as error:
        return str(error)
    return GOES_ON
