"""A question: who asks, of which ledger, how much of it they may see, as of which size."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from audit_ledger.access import Access, ForbiddenError
from audit_ledger.aws.kept import KeptForMinutes
from audit_ledger.aws.ledgers import PublishedState
from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.aws.views import ViewsTable
from audit_ledger.errors import NotFoundError
from audit_ledger.events import PatientReference
from audit_ledger.http.request import Request
from audit_ledger.instants import parse_instant
from audit_ledger.reading.ledger import Ledger
from audit_ledger.reading.opening import Opener
from audit_ledger.reading.pinned import PinnedLog
from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.pseudonyms import patient_pseudonym, row_key
from audit_ledger.search.rejected import RejectedSearch
from functions.query.find import Finder, canonical_names
from functions.query.own_events import Invoke, record_use

NO_SUCH_EVENT = "no such event here: unknown, not published yet, erased, or not yours"


@dataclass(frozen=True)
class Desk:
    """What answers questions.

    `invoke`: asks ingest; `objects`: a ledger's published files, to list; `views`: by origin;
    `checkpoint_keys`: raw public keys of a ledger, Ed25519 and ML-DSA-44; `now`: whole seconds.
    """

    ledgers: KeptForMinutes[Ledger]
    invoke: Invoke
    objects: Callable[[str], LedgerObjects]
    views: Callable[[str], ViewsTable]
    checkpoint_keys: Callable[[str], tuple[bytes, bytes]]
    now: Callable[[], int]

    def admitted(self, request: Request) -> Ledger:
        """Give the ledger of any genuine token, to read what is published of it."""
        try:
            return self.ledgers.get(request.access.required_ledger())
        except NotFoundError:
            raise ForbiddenError("the token's ledger does not exist") from None

    def question(self, request: Request, permission: str) -> "Question":
        """Admit a question; ForbiddenError where the token does not allow it.

        `permission`: of SMART's scopes, `r` to read what is known by its id, `s` to search.
        """
        access = request.access
        sees_all = access.allows("system", permission) or access.allows("user", permission)
        if not sees_all:
            access.require("patient", permission)
            if not access.patient:
                raise ForbiddenError("the token names no patient")
        ledger = self.admitted(request)
        return Question(self, request, ledger, sees_all, ledger.state.published(), self.now())


@dataclass(frozen=True)
class Question:
    """An admitted question. `state`: what is published, None where nothing is yet."""

    desk: Desk
    request: Request
    ledger: Ledger
    sees_all: bool
    state: PublishedState | None
    now: int

    @property
    def views(self) -> ViewsTable:
        """What the follower keeps of the ledger."""
        return self.desk.views(self.ledger.origin)

    @property
    def access(self) -> Access:
        """Who asks."""
        return self.request.access

    @property
    def scope(self) -> str:
        """What a cursor is bound to, beside ledger and search: how much who asks may see."""
        return "all" if self.sees_all else f"patient\n{self.access.patient}"

    @property
    def patient(self) -> PatientReference | None:
        """The patient who asks, None for others. A claim is `Patient/1`, `1` or `system|value`."""
        return None if self.sees_all else claimed_patient(self.access.patient)

    def finder(self, size: int | None = None) -> Finder:
        """Look at the ledger as of `size` entries (None: all that is published)."""
        published = 0 if self.state is None else self.state.size
        opener = Opener(self.ledger, self.now)
        log = PinnedLog(self.ledger.blocks, published if size is None else min(size, published))
        return Finder(self.ledger, log, opener, self.now, self._own(opener))

    def record(
        self,
        patients: tuple[PatientReference, ...],
        subtype: tuple[str, str, str] | None = None,
    ) -> None:
        """Put this question into the ledger; UnreachableError where that fails: no answer then."""
        own = self.patient
        record_use(
            self.desk.invoke,
            ledger_id=self.ledger.id,
            origin=self.ledger.origin,
            access=self.access,
            source_ip=self.request.source_ip,
            asked=self.request.line,
            patients=patients if own is None else (own,),
            instant=datetime.fromtimestamp(self.now, UTC).isoformat(),
            subtype=subtype,
        )

    def _own(self, opener: Opener) -> frozenset[bytes] | None:
        patient, keys = self.patient, self.ledger.keys
        if patient is None:
            return None
        if keys is None:
            return frozenset()
        secrets = [
            secret
            for name in canonical_names(self.ledger.rules.values(), patient)
            for secret in self.ledger.subjects.generations(row_key(keys.index_key, name))
        ]
        by_pseudonym = {patient_pseudonym(KeyedHash(s.secret)): s for s in secrets}
        opener.know(by_pseudonym)
        return frozenset(by_pseudonym)


def claimed_patient(claim: str) -> PatientReference:
    """Read the patient of a token."""
    system, bar, value = claim.rpartition("|")
    if bar:
        return PatientReference(None, ((system, value),))
    return PatientReference(claim if "/" in claim else f"Patient/{claim}")


def instant_of(given: Mapping[str, str], name: str, otherwise: int) -> int:
    """Read a parameter that is an instant, whole seconds; `otherwise` where it is not given."""
    if name not in given:
        return otherwise
    try:
        return parse_instant(given[name], what=name)
    except ValueError:
        expected = "an instant like 2026-11-22T05:59:00Z"
        raise RejectedSearch(400, "value", name, expected) from None
