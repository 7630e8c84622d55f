"""Authorized requests: the caller, the ledger, and how much of it the caller may see."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.aws.ttl_cache import TtlCache
from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.errors import NotFoundError, VerificationError
from audit_ledger.events import PatientReference
from audit_ledger.events.canonical_patients import (
    canonical_names,
    canonical_references,
    namespace_of,
)
from audit_ledger.http.authorization import OWN_USE, Authorization, ForbiddenError
from audit_ledger.http.request import Request
from audit_ledger.ledger.publish_checks import parse_state
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.reading.event_finder import EventFinder
from audit_ledger.reading.ledger import ReadableLedger
from audit_ledger.reading.record_opener import RecordOpener, secrets_of_names
from audit_ledger.reading.snapshot import LogSnapshot
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.suspension import in_force
from audit_ledger.search.criteria import Search
from audit_ledger.search.cursor import Cursor, parse_cursor, search_binding
from audit_ledger.search.errors import RejectedSearchError
from functions.query.audit_trail import Invoke, LedgerUse, record_use
from functions.query.patient_names import names_in_claim
from functions.query.recorded_request_line import recorded_line
from functions.query.report_rules import ReportRules, report_rules
from functions.query.withholding import names_recipient

FINDING_SECONDS = 16  # for a report; the rest of query's 28 are for rendering and recording it
COMPLETING_SECONDS = 5  # more, to complete the part that was found
MAX_BATCH = 200  # patients in one call of ingest
NO_SUCH_EVENT = "not found: the event is unknown, not published yet, erased, or not visible to you"


@dataclass(frozen=True)
class QueryContext:
    """The dependencies of all routes.

    `invoke`: invokes ingest; `objects`: a ledger's published files, to list; `views`: by origin;
    `checkpoint_keys`: raw public keys of a ledger, Ed25519 and ML-DSA-44; `now`: whole seconds;
    `clock`: seconds, monotonic.
    """

    ledgers: TtlCache[ReadableLedger]
    invoke: Invoke
    objects: Callable[[str], LedgerObjects]
    views: Callable[[str], ViewsTable]
    checkpoint_keys: Callable[[str], tuple[bytes, bytes]]
    now: Callable[[], int]
    clock: Callable[[], float]

    def admit(self, access: Authorization) -> ReadableLedger:
        """Return the ledger of a token; raise ForbiddenError if it names none."""
        try:
            return self.ledgers.get(access.required_ledger())
        except NotFoundError:
            raise ForbiddenError("the token's ledger does not exist") from None

    def authorize(
        self, request: Request, permissions: str, *, is_masked: bool = False
    ) -> "AuthorizedRequest":
        """Authorize a request; raise ForbiddenError if the token does not allow it.

        `permissions`: of SMART's scopes, `r` to read by id, `s` to search.
        `is_masked`: the response shows a patient only what the ledger's settings allow. If these
        mask anything, all other routes are refused to patients.
        """
        access = request.access
        sees_all = any(
            all(access.allows(level, permission) for permission in permissions)
            for level in ("system", "user")
        )
        if not sees_all:
            for permission in permissions:
                access.require("patient", permission)
            if not access.patient:
                raise ForbiddenError("the token names no patient")
        ledger = self.admit(access)
        own = None if sees_all else names_in_claim(access.patient, ledger.rules.values())
        reports = report_rules(ledger.reports)
        if not sees_all and reports.masks and not is_masked:
            raise ForbiddenError("this ledger shows patients GET /accesses and GET /accounting")
        state = ledger.state.published()
        if state is not None and state.digest_name:
            # Its size bounds every response: a smaller one would hide the newest events.
            parse_state(state, ledger.origin)
        elif state is not None and state.size:
            raise VerificationError("published state: a size without a digest")
        return AuthorizedRequest(
            self, request, ledger, reports, own, state, self.now(), self.clock()
        )


@dataclass(frozen=True)
class AuthorizedRequest:
    """A request that its token allows. `state`: the published state, None before the first.

    `own`: all names of the calling patient, None for callers who may see all; `now`: whole
    seconds; `started_at`: the time by `context.clock`.
    """

    context: QueryContext
    request: Request
    ledger: ReadableLedger
    reports: ReportRules
    own: tuple[PatientReference, ...] | None
    state: PublishedState | None
    now: int
    started_at: float

    @property
    def views(self) -> ViewsTable:
        """The views that the follower stores."""
        return self.context.views(self.ledger.origin)

    @property
    def access(self) -> Authorization:
        """The authorization of the caller."""
        return self.request.access

    @property
    def sees_all(self) -> bool:
        """Whether the caller may see all events of the ledger, and is not a patient."""
        return self.own is None

    def refuse_patients(self) -> None:
        """Raise ForbiddenError if the token is a patient's."""
        if not self.sees_all:
            raise ForbiddenError("the token is a patient's")

    def has_time(self) -> bool:
        """Whether time is left to search for events."""
        return self.context.clock() - self.started_at < FINDING_SECONDS

    def has_more_time(self) -> bool:
        """Whether time is left to complete the part that was found."""
        return self.context.clock() - self.started_at < FINDING_SECONDS + COMPLETING_SECONDS

    def finder(
        self, size: int | None = None, of: tuple[PatientReference, ...] | None = None
    ) -> EventFinder:
        """Return a finder in the ledger as of `size` entries (None: the published size).

        `of`: for callers who may see all, the names of the patient to find events about.
        """
        published = 0 if self.state is None else self.state.size
        opener = RecordOpener(self.ledger, self.now)
        log = LogSnapshot(self.ledger.blocks, published if size is None else min(size, published))
        if self.own is None:
            own = None if of is None else self._pseudonyms(opener, of)
            return EventFinder(self.ledger, log, opener, self.now, own)
        own = self._pseudonyms(opener, self.own)
        return EventFinder(self.ledger, log, opener, self.now, own, self._is_withheld)

    def read_cursor(self, search: Search, text: str, scope: str = "") -> Cursor:
        """Read a cursor of this caller's search; RejectedSearchError for any other.

        `scope`: what it is bound to in addition.
        """
        if self.ledger.keys is None:
            raise RejectedSearchError("_cursor", "the cursor of a link next")
        binding = self._cursor_binding(search, scope)
        return parse_cursor(self.ledger.keys.index_key, text, binding)

    def write_cursor(self, search: Search, cursor: Cursor, scope: str = "") -> str:
        """Write a cursor that `read_cursor` reads."""
        if self.ledger.keys is None:
            raise VerificationError("a ledger without keys has no events to continue from")
        binding = self._cursor_binding(search, scope)
        return cursor.to_text(self.ledger.keys.index_key, binding)

    def _cursor_binding(self, search: Search, scope: str) -> bytes:
        caller = "all" if self.sees_all else f"patient\n{self.access.patient}"
        return search_binding(search, origin=self.ledger.origin, scope=caller + scope)

    def record(
        self,
        patients: Iterable[PatientReference],
        subtype: tuple[str, str, str] | None = None,
        *,
        shown: Iterable[OpenedEvent] = (),
        export: bool = False,
    ) -> None:
        """Record this request in the ledger; raise UnreachableError if that fails.

        `patients`: named in the request; `shown`: events in the response: their patients can read
        the recorded use; `export`: an export as a whole is recorded. Showing recorded uses is not
        recorded for their patients: each request for them would add more.
        """
        rules, own = self.ledger.rules.values(), self.own
        use = LedgerUse(
            origin=self.ledger.origin,
            access=self.access,
            source_ip=self.request.source_ip,
            request_line=recorded_line(self.request, shows_ids=False),
            instant=datetime.fromtimestamp(self.now, UTC).isoformat(),
            subtype=subtype,
            export=export,
            as_patient=own is not None,
        )
        record = partial(record_use, self.context.invoke, self.ledger.id)
        concerned = dict.fromkeys(canonical_references(rules, patients if own is None else own))
        if own is None:
            for event in shown:
                if OWN_USE not in event.flags:
                    concerned |= dict.fromkeys(self.patients_of(event))
            record(replace(use, request_line=recorded_line(self.request, shows_ids=True)), [None])
        by_way: dict[tuple[str | None, str | None], list[PatientReference]] = {}
        for patient in concerned:
            system = patient.identifiers[0][0] if patient.identifiers else None
            reference = patient.reference
            namespace = None if reference is None else namespace_of(rules, reference)
            by_way.setdefault((system, namespace), []).append(patient)
        for (_, namespace), named in by_way.items():
            for start in range(0, len(named), MAX_BATCH):
                record(use, named[start : start + MAX_BATCH], namespace)

    def patients_of(self, event: OpenedEvent) -> tuple[PatientReference, ...]:
        """Return the patients of an event, named by the rule of the portal that sent it."""
        rules = self.ledger.rules
        of_portal = [rules[event.portal]] if event.portal in rules else rules.values()
        return canonical_references(of_portal, event.details.patients)

    def _is_withheld(self, event: OpenedEvent) -> bool:
        suspensions = self.reports.suspensions
        return bool(suspensions) and names_recipient(event, in_force(suspensions, self.now * 1000))

    def _pseudonyms(
        self, opener: RecordOpener, patients: tuple[PatientReference, ...]
    ) -> frozenset[bytes]:
        rules = self.ledger.rules.values()
        names = {name for patient in patients for name in canonical_names(rules, patient)}
        return opener.add_secrets(secrets_of_names(self.ledger, sorted(names)))
