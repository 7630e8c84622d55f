"""Settings of the app: what stands under `audit-ledger` in cdk.json, checked before anything else.

A stage's own settings (`stages.<stage>`) replace the general ones of the same name. Every error
says where, what was found and what was expected.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from audit_ledger.detections import read_settings as read_detections
from audit_ledger.errors import FormatError
from infra.names import OWN_PORTAL, Names

KEY = "audit-ledger"
STAGES = ("dev", "prod")
MAX_ORIGIN_BYTES = 64
MAX_COGNITO_SCOPES = 100  # of one resource server
MAX_AUDIENCES = 50  # of one JWT authorizer; by default each portal's and reader's client is one
MAX_ALARM_EMAILS = 10
MAX_PRINCIPALS = 10  # who may take a role, or feed the directory
MAX_PARAMETER_BYTES = 4096  # of a standard SSM parameter
ORAL_LIMIT = timedelta(days=30)  # 45 CFR 164.528(a)(2)(ii)(C)
EXCLUSIONS = (
    *("treatment", "payment", "operations", "individual", "incidental", "authorization"),
    *("directory", "national_security", "correctional", "limited_data_set", "before_compliance"),
)
"""Of 45 CFR 164.528(a)(1), as accountings call them."""

_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d")
_PRINCIPAL = re.compile(r"arn:aws:iam::(\d{12}):(role|user)/[\w+=,.@/-]+")
_ISSUER = re.compile(r"https://[^\s?#]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CODE = re.compile(r"[^|]*\|[^|]+")
_AGENT = re.compile(r"(?:reference|altId|display)\|.+|identifier\|[^|]*\|.+")
_CERTIFICATE = re.compile(r"arn:aws:acm:us-east-1:\d{12}:certificate/[0-9a-f-]+")


class SettingsError(ValueError):
    """A setting is wrong. (infra stands alone: the errors of `audit_ledger` are of its events.)"""


class PatientRule(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How a portal's patients are told apart: by identifiers of one system, or the reference."""

    system: str | None = None
    reference: bool = False


class Portal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An authenticated sender. `account`: the AWS account whose events on the bus are its own."""

    id: str
    patient: PatientRule
    account: str | None = None


class Exclusion(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What an exclusion leaves out of an accounting besides what it does anyway."""

    purposes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    until: str | None = None


class Suspension(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Silence that an agency asked for, about who received."""

    agency: str
    recipients: tuple[str, ...]
    begin: str = msgspec.field(name="from")
    until: str
    oral: bool = False


class Reports(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How a ledger reports: time zone, what patients see, what is accounted for."""

    zone: str = "UTC"
    day_only: bool = False
    role_only: bool = False
    disclosures: tuple[str, ...] | None = None
    exclusions: dict[str, Exclusion] = {}
    suspensions: tuple[Suspension, ...] = ()


class Ledger(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ledger. `public`: served to anyone through CloudFront. `readers`: who may search all of
    it, each by a client of its own, where the app itself issues tokens. `detections`: settings of
    the follower's rules, as `audit_ledger.detections.settings` has them.
    """

    id: str
    portals: tuple[Portal, ...]
    readers: tuple[str, ...] = ()
    public: bool = False
    reports: Reports = Reports()
    detections: dict[str, Any] = {}


class Claims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names of the token claims that say which ledger, portal and patient a token is for."""

    ledger: str = "ledger"
    portal: str = "portal"
    patient: str = "patient"


class Tokens(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who issues tokens. Without an issuer the app makes a Cognito user pool."""

    issuer: str | None = None
    audience: tuple[str, ...] = ()
    claims: Claims = Claims()


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Object Lock of what is published and archived."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    days: int


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of one stage.

    `protected`: nothing that holds data goes when a stack goes. `reserve_concurrency`: functions
    keep capacity of their own (new AWS accounts have none to reserve). `certificate`: ARN, in
    us-east-1, to serve public ledgers under `domain` itself. `break_glass`: ARNs of the roles or
    users who alone may rebuild and unfreeze; without, anyone of the account whom its administrators
    let, if signed in with a second factor. `directory_writers`: ARNs of the roles or users who feed
    the directory of users, departments, patients and encounters; without, there is none.
    """

    stage: str
    domain: str
    ledgers: tuple[Ledger, ...]
    account: str | None = None
    region: str | None = None
    tokens: Tokens = Tokens()
    retention: Retention
    protected: bool
    reserve_concurrency: bool
    log_days: int
    alarm_emails: tuple[str, ...] = ()
    certificate: str | None = None
    break_glass: tuple[str, ...] = ()
    directory_writers: tuple[str, ...] = ()

    def origin(self, ledger: Ledger) -> str:
        """Name of a ledger to the world: `<domain>/<ledger id>`."""
        return f"{self.domain}/{ledger.id}"


def ledger_parameter(settings: Settings, ledger: Ledger) -> dict[str, Any]:
    """Give what functions must know of a ledger: its SSM parameter, before it becomes JSON."""
    portals = {
        portal.id: {"patient": msgspec.to_builtins(portal.patient)} for portal in ledger.portals
    }
    reports = msgspec.to_builtins(ledger.reports)
    return {
        "origin": settings.origin(ledger),
        "portals": portals,
        **({"reports": reports} if reports else {}),
        **({"detections": ledger.detections} if ledger.detections else {}),
    }


LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 3653)
"""Retentions that CloudWatch Logs offers."""

_STAGE_DEFAULTS: dict[str, dict[str, Any]] = {
    "dev": {
        "retention": {"mode": "GOVERNANCE", "days": 1},
        "protected": False,
        "reserve_concurrency": False,
        "log_days": 30,
    },
    "prod": {
        "retention": {"mode": "COMPLIANCE", "days": 3653},
        "protected": True,
        "reserve_concurrency": True,
        "log_days": 400,
    },
}


def read_settings(context: Mapping[str, Any]) -> Settings:
    """Read the CDK context: `stage` (default dev) and `audit-ledger`. Raises SettingsError."""
    stage = context.get("stage", "dev")
    if stage not in STAGES:
        raise SettingsError(_wrong("stage", stage, f"one of {', '.join(STAGES)} (-c stage=…)"))
    given = context.get(KEY)
    if not isinstance(given, dict):
        raise SettingsError(_wrong(KEY, given, "an object, in cdk.json under context"))
    stages = given.get("stages", {})
    if not isinstance(stages, dict) or any(not isinstance(s, dict) for s in stages.values()):
        raise SettingsError(_wrong(f"{KEY}.stages", stages, "an object of objects"))
    unknown = sorted(set(stages) - set(STAGES))
    if unknown:
        raise SettingsError(_wrong(f"{KEY}.stages", unknown[0], f"one of {', '.join(STAGES)}"))
    general = {name: value for name, value in given.items() if name != "stages"}
    merged = {**_STAGE_DEFAULTS[stage], **general, **stages.get(stage, {}), "stage": stage}
    try:
        settings = msgspec.convert(merged, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(str(error), merged)) from None
    for place, found, expected in _faults(settings):
        raise SettingsError(_wrong(f"{KEY}.{place}", found, expected))
    return settings


def _wrong(place: str, found: object, expected: str) -> str:
    shown = "nothing" if found is None else json.dumps(found, default=str, ensure_ascii=False)
    return f"{place}: found {shown}, expected {expected}"


def _explain(message: str, merged: Mapping[str, Any]) -> str:
    """Turn msgspec's `Expected `int`, got `str` - at `$.retention.days`` into our form."""
    what, _, path = message.partition(" - at `$")
    path = path.rstrip("`")
    found: Any = merged
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        found = found[name] if name else found[int(index)]
    where = KEY + path
    if "missing required field" in what or "unknown field" in what:
        return f"{where}: {what[0].lower()}{what[1:]}"
    return _wrong(where, found, what.removeprefix("Expected ").split(", got")[0].replace("`", ""))


def _faults(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Give what is well-formed but wrong: place, what was found, what was expected."""
    if not _DOMAIN.fullmatch(settings.domain):
        yield "domain", settings.domain, "a domain name in lower case, such as audit.example.org"
    if settings.account is not None and not _ACCOUNT.fullmatch(settings.account):
        yield "account", settings.account, "an AWS account id, 12 digits, as text"
    if settings.region is not None and not _REGION.fullmatch(settings.region):
        yield "region", settings.region, "an AWS region, such as eu-central-1"
    if settings.retention.days < 1:
        yield "retention.days", settings.retention.days, "at least 1"
    if settings.stage == "prod" and settings.retention.mode != "COMPLIANCE":
        yield "retention.mode", settings.retention.mode, "COMPLIANCE in prod"
    if settings.stage == "prod" and not settings.protected:
        yield "protected", False, "true in prod"
    if settings.log_days not in LOG_DAYS:
        yield "log_days", settings.log_days, f"one of {', '.join(map(str, LOG_DAYS))}"
    if len(settings.alarm_emails) > MAX_ALARM_EMAILS:
        yield "alarm_emails", len(settings.alarm_emails), f"at most {MAX_ALARM_EMAILS}"
    for place, email in enumerate(settings.alarm_emails):
        if not _EMAIL.fullmatch(email):
            yield f"alarm_emails[{place}]", email, "an e-mail address"
    certificate = settings.certificate
    if certificate is not None and not _CERTIFICATE.fullmatch(certificate):
        yield "certificate", certificate, "the ARN of an ACM certificate in us-east-1"
    yield from _principal_faults("break_glass", settings.break_glass, settings)
    yield from _principal_faults("directory_writers", settings.directory_writers, settings)
    yield from _ledger_faults(settings)
    yield from _token_faults(settings)


def _principal_faults(
    name: str, principals: Sequence[str], settings: Settings
) -> Iterator[tuple[str, object, str]]:
    if len(principals) > MAX_PRINCIPALS:
        yield name, len(principals), f"at most {MAX_PRINCIPALS}"
    for place, principal in enumerate(principals):
        here, found = f"{name}[{place}]", _PRINCIPAL.fullmatch(principal)
        if found is None:
            yield here, principal, "the ARN of one IAM role or user, arn:aws:iam::…:role/…"
        elif settings.account is not None and found[1] != settings.account:
            yield here, principal, f"a principal of account {settings.account}"


def _ledger_faults(settings: Settings) -> Iterator[tuple[str, object, str]]:
    if not settings.ledgers:
        yield "ledgers", [], "at least one ledger"
    names = Names(settings.stage, "", "", "")
    queues: dict[str, str] = {}
    accounts: dict[str, str] = {}
    for number, ledger in enumerate(settings.ledgers):
        place = f"ledgers[{number}]"
        if not _ID.fullmatch(ledger.id):
            yield f"{place}.id", ledger.id, _ID_RULE
        origin = settings.origin(ledger)
        if len(origin.encode()) > MAX_ORIGIN_BYTES:
            yield f"{place}.id", origin, f"an origin of at most {MAX_ORIGIN_BYTES} bytes"
        parameter = json.dumps(ledger_parameter(settings, ledger))
        if len(parameter.encode()) > MAX_PARAMETER_BYTES:
            expected = (
                f"portals that fit into an SSM parameter of {MAX_PARAMETER_BYTES} bytes, "
                "with what stands under reports and detections"
            )
            yield f"{place}.portals", f"{len(parameter.encode())} bytes", expected
        for queue in names.queues(ledger.id):
            if queue in queues:
                expected = f"an id that shares no queue name with ledger {queues[queue]!r}"
                yield f"{place}.id", ledger.id, expected
        queues.update(dict.fromkeys(names.queues(ledger.id), ledger.id))
        yield from _portal_faults(place, ledger.portals, accounts)
        yield from _reader_faults(place, ledger)
        yield from _report_faults(f"{place}.reports", ledger.reports)
        yield from _detection_faults(place, ledger)


def _detection_faults(place: str, ledger: Ledger) -> Iterator[tuple[str, object, str]]:
    try:
        read_detections(ledger.detections)
    except FormatError as error:
        path, _, expected = str(error).partition(": ")
        found: Any = {"detections": ledger.detections}
        for name, index in re.findall(r"(\w+)|\[(\d+|\.\.\.)\]", path):
            known = isinstance(found, dict) and name in found
            found = found[name] if known else found
            if index:
                break
        yield f"{place}.{path}", found, expected.removesuffix(" expected")


def _report_faults(place: str, reports: Reports) -> Iterator[tuple[str, object, str]]:
    try:
        ZoneInfo(reports.zone)
    except (KeyError, ValueError, OSError):
        yield f"{place}.zone", reports.zone, "a time zone by its IANA name, such as Europe/Berlin"
    if reports.disclosures is not None and not reports.disclosures:
        yield f"{place}.disclosures", [], "at least one code, or no such setting for the usual ones"
    yield from _wrong_texts(f"{place}.disclosures", reports.disclosures or (), _CODE, _CODE_RULE)
    for key, exclusion in reports.exclusions.items():
        here = f"{place}.exclusions.{key}"
        if key not in EXCLUSIONS:
            yield f"{place}.exclusions", key, f"one of {', '.join(EXCLUSIONS)}"
        yield from _wrong_texts(f"{here}.purposes", exclusion.purposes, _CODE, _CODE_RULE)
        yield from _wrong_texts(f"{here}.kinds", exclusion.kinds, _CODE, _CODE_RULE)
        yield from _wrong_texts(f"{here}.recipients", exclusion.recipients, _AGENT, _AGENT_RULE)
        if exclusion.until is not None and _instant(exclusion.until) is None:
            yield f"{here}.until", exclusion.until, _INSTANT_RULE
    for number, suspension in enumerate(reports.suspensions):
        yield from _suspension_faults(f"{place}.suspensions[{number}]", suspension)


def _suspension_faults(place: str, suspension: Suspension) -> Iterator[tuple[str, object, str]]:
    if not suspension.recipients:
        yield f"{place}.recipients", [], "at least one recipient"
    yield from _wrong_texts(f"{place}.recipients", suspension.recipients, _AGENT, _AGENT_RULE)
    begin, until = _instant(suspension.begin), _instant(suspension.until)
    if begin is None:
        yield f"{place}.from", suspension.begin, _INSTANT_RULE
    if until is None:
        yield f"{place}.until", suspension.until, _INSTANT_RULE
    if begin is None or until is None:
        return
    if begin >= until:
        yield f"{place}.until", suspension.until, "a time after from"
    if suspension.oral and until - begin > ORAL_LIMIT:
        yield f"{place}.until", suspension.until, "30 days after from at most: it was oral"


def _wrong_texts(
    place: str, texts: Sequence[str], form: re.Pattern[str], expected: str
) -> Iterator[tuple[str, object, str]]:
    for number, text in enumerate(texts):
        if not form.fullmatch(text):
            yield f"{place}[{number}]", text, expected


def _instant(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _portal_faults(
    place: str, portals: Sequence[Portal], accounts: dict[str, str]
) -> Iterator[tuple[str, object, str]]:
    seen: set[str] = set()
    for number, portal in enumerate(portals):
        here = f"{place}.portals[{number}]"
        if not _ID.fullmatch(portal.id):
            yield f"{here}.id", portal.id, _ID_RULE
        if portal.id == OWN_PORTAL:
            yield f"{here}.id", portal.id, "another id: by this one the ledger itself emits events"
        if portal.id in seen:
            yield f"{here}.id", portal.id, "an id that no other portal of this ledger has"
        seen.add(portal.id)
        rule = portal.patient
        if rule.reference == (rule.system is not None) or rule.system == "":
            found = msgspec.to_builtins(rule)
            yield f"{here}.patient", found, 'either {"system": "<URI>"} or {"reference": true}'
        if portal.account is None:
            continue
        if not _ACCOUNT.fullmatch(portal.account):
            yield f"{here}.account", portal.account, "an AWS account id, 12 digits, as text"
        taken = accounts.setdefault(portal.account, here)
        if taken != here:
            expected = f"an account of its own: events on the bus are told apart by it ({taken})"
            yield f"{here}.account", portal.account, expected


def _reader_faults(place: str, ledger: Ledger) -> Iterator[tuple[str, object, str]]:
    taken = {portal.id for portal in ledger.portals}
    for number, reader in enumerate(ledger.readers):
        here = f"{place}.readers[{number}]"
        if not _ID.fullmatch(reader):
            yield here, reader, _ID_RULE
        if reader in taken:
            yield here, reader, "an id that no portal and no other reader of this ledger has"
        taken.add(reader)


def _token_faults(settings: Settings) -> Iterator[tuple[str, object, str]]:
    tokens = settings.tokens
    if tokens.issuer is not None:
        if not _ISSUER.fullmatch(tokens.issuer):
            yield "tokens.issuer", tokens.issuer, "an https URL, as in the issuer's `iss` claim"
        if not tokens.audience:
            yield "tokens.audience", [], "at least one audience, as in the tokens' `aud` claim"
        if len(tokens.audience) > MAX_AUDIENCES:
            yield "tokens.audience", len(tokens.audience), f"at most {MAX_AUDIENCES}"
        for number, ledger in enumerate(settings.ledgers):
            if ledger.readers:
                expected = "none beside tokens.issuer, which issues the tokens of readers"
                yield f"ledgers[{number}].readers", list(ledger.readers), expected
        return
    if tokens.audience:
        yield "tokens.audience", list(tokens.audience), "none without tokens.issuer"
    clients = sum(len(ledger.portals) + len(ledger.readers) for ledger in settings.ledgers)
    if clients > MAX_AUDIENCES:
        expected = (
            f"at most {MAX_AUDIENCES} portals and readers without tokens.issuer: a client each"
        )
        yield "ledgers", clients, expected
    if len(settings.ledgers) > MAX_COGNITO_SCOPES:
        expected = f"at most {MAX_COGNITO_SCOPES} ledgers without tokens.issuer (a scope each)"
        yield "ledgers", len(settings.ledgers), expected


_CODE_RULE = "a code as system|code, or |code without a system"
_AGENT_RULE = (
    "a recipient as events name it: reference|Organization/<id>, identifier|<system>|<value>, "
    "altId|<id> or display|<name>"
)
_INSTANT_RULE = "an instant like 2026-11-22T05:59:00Z"
_ID_RULE = "1 to 32 of a-z, 0-9 and -, neither beginning nor ending with -"
