"""Validates well-formed settings: place, what was found, what was expected."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, cast

import msgspec

from audit_ledger.detections.settings import DetectionSettings
from audit_ledger.detections.settings import read_settings as read_detections
from audit_ledger.errors import FormatError
from audit_ledger.http.authorization import OWN_PORTAL
from audit_ledger.iana_zones import zone_of
from audit_ledger.reports.exclusions import BEFORE_COMPLIANCE, EXCLUSIONS
from audit_ledger.reports.suspension import ORAL_LIMIT_MS
from audit_ledger.settings.ledger import PatientRuleSettings
from audit_ledger.settings.reports import ReportSettings, SuspensionSettings
from infra.names import Names
from infra.settings.limits import limit_faults, limits_faults
from infra.settings.places import place_faults
from infra.settings.settings import LOG_DAYS, Ledger, Portal, Settings, ledger_parameter
from infra.settings.web import web_faults

MAX_ORIGIN_BYTES = 64
MAX_LEDGERS = 60  # of a stage: policies (10 KB at least) name the roles of each ledger
MAX_PORTAL_ACCOUNTS = 80  # the policy of the bus names each
MAX_AUDIENCES = 50  # of a JWT authorizer; each default client is one
MAX_ALARM_EMAILS = 10
MAX_PARAMETER_BYTES = 4096  # of a standard SSM parameter
SIX_YEARS_DAYS = 2192  # 45 CFR 164.316(b)(2)(i)
MAX_RETENTION_DAYS = 36_500  # of Object Lock
ORAL_LIMIT = timedelta(milliseconds=ORAL_LIMIT_MS)

_EXCLUSION_KEYS = tuple(exclusion.key for exclusion in EXCLUSIONS)
_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
DOMAIN = re.compile(
    r"(?!.*\.[0-9]+$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+"
)
_ACCOUNT = re.compile(r"[0-9]{12}")
_UNKNOWN_MEMBER = "a member that is no setting"
_ISSUER = re.compile(r"https://[^\s?#/@]+(/[^\s?#]*)?")
_WELL_KNOWN = "/.well-known/"
_SYSTEM = re.compile(r"[^\s|]+")
_BASE = re.compile(
    r"(?:http://(?!\S*:80(?:/|$))|https://(?!\S*:443(?:/|$)))"
    r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9][0-9]{0,4})?(?:/[A-Za-z0-9._~%@:+-]+)*"
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CODE = re.compile(r"[^|]*\|[^|]+")
_AGENT = re.compile(r"(?:reference|altId|display)\|.+|identifier\|[^|]*\|.+")
_SIGNING_PROFILE = re.compile(
    r"arn:aws(?:-us-gov|-cn)?:signer:[a-z0-9-]+:\d{12}:/signing-profiles/\w{2,64}/\w{10}",
    re.ASCII,
)
_CODE_RULE = "a code as system|code, or |code without a system"
_AGENT_RULE = (
    "a recipient as events name it: reference|Organization/<id>, identifier|<system>|<value>, "
    "altId|<id> or display|<name>"
)
_INSTANT_RULE = "an instant like 2026-11-22T05:59:00Z"
_ID_RULE = "1 to 32 of a-z, 0-9 and -, neither beginning nor ending with -"


def faults(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Return the faults of well-formed settings: place, what was found, what was expected."""
    if not DOMAIN.fullmatch(settings.domain):
        yield "domain", settings.domain, "a domain name in lower case, such as audit.example.org"
    fewest = SIX_YEARS_DAYS if settings.stage == "prod" else 1
    if not fewest <= settings.retention.days <= MAX_RETENTION_DAYS:
        six_years = " (six years) in prod" if settings.stage == "prod" else ""
        expected = f"at least {fewest}{six_years}, at most {MAX_RETENTION_DAYS}"
        yield "retention.days", settings.retention.days, expected
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
    profile = settings.signing_profile
    if profile is not None and not _SIGNING_PROFILE.fullmatch(profile):
        expected = "the ARN of a version of an AWS Signer profile, …:/signing-profiles/<name>/<id>"
        yield "signing_profile", profile, expected
    yield from place_faults(settings)
    yield from web_faults(settings)
    yield from limits_faults("limits", settings.limits, settings.limits_of())
    yield from _ledger_faults(settings)
    yield from _token_faults(settings)


def warnings(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Return settings that are allowed but rarely intended, in the form of `faults`."""
    if settings.stage == "prod" and not settings.alarm_emails:
        expected = (
            "addresses to notify of alarms; without them nobody is notified, unless you subscribe "
            "somebody to the topic AlarmTopic yourself"
        )
        yield "alarm_emails", [], expected
    if settings.stage == "prod" and not settings.break_glass:
        expected = (
            "roles or users that may rebuild and unfreeze; without them, everybody of the account "
            "who may assume roles and has a second factor"
        )
        yield "break_glass", [], expected


def _ledger_faults(settings: Settings) -> Iterator[tuple[str, object, str]]:
    if not settings.ledgers:
        yield "ledgers", [], "at least one ledger"
    if len(settings.ledgers) > MAX_LEDGERS:
        yield "ledgers", len(settings.ledgers), f"at most {MAX_LEDGERS} in a stage"
    others = {p.account for ledger in settings.ledgers for p in ledger.portals} - {None}
    if len(others) > MAX_PORTAL_ACCOUNTS:
        expected = f"portals in at most {MAX_PORTAL_ACCOUNTS} AWS accounts"
        yield "ledgers", f"{len(others)} accounts", expected
    names = Names(settings.stage, "", "", "")
    queues: dict[str, str] = {}
    accounts: dict[str, str] = {}
    for number, ledger in enumerate(settings.ledgers):
        place = f"ledgers[{number}]"
        if not _ID.fullmatch(ledger.id):
            yield f"{place}.id", ledger.id, _ID_RULE
        origin = settings.origin(ledger)
        if len(origin.encode()) > MAX_ORIGIN_BYTES:
            expected = f"an origin of at most {MAX_ORIGIN_BYTES} bytes: <domain>/<ledger id>"
            yield f"{place}.id", origin, expected
        parameter = json.dumps(ledger_parameter(settings, ledger))
        if len(parameter.encode()) > MAX_PARAMETER_BYTES:
            expected = (
                f"portals that fit into an SSM parameter of {MAX_PARAMETER_BYTES} bytes, "
                "with what stands under reports and detections"
            )
            yield f"{place}.portals", f"{len(parameter.encode())} bytes", expected
        for queue in names.queues(ledger.id):
            if queues.get(queue) == ledger.id:
                yield f"{place}.id", ledger.id, "another id: a ledger above has this one"
            elif queue in queues:
                expected = f"an id that shares no queue name with ledger {queues[queue]!r}"
                yield f"{place}.id", ledger.id, expected
        queues.update(dict.fromkeys(names.queues(ledger.id), ledger.id))
        yield from _portal_faults(place, ledger.portals, accounts)
        yield from _reference_faults(place, ledger.portals)
        yield from _reader_faults(place, ledger)
        yield from _report_faults(f"{place}.reports", ledger.reports)
        yield from _detection_faults(place, ledger)
        limits = settings.limits_of(ledger)
        yield from limits_faults(f"{place}.limits", ledger.limits, limits)
        for index, portal in enumerate(ledger.portals):
            here, own = f"{place}.portals[{index}].limit", portal.limit
            yield from limit_faults(here, own, own.over(limits.portal))


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
        if expected == _UNKNOWN_MEMBER:
            members = _members(path)
            found = sorted(set(found) - set(members))
            near = get_close_matches(str(found[0]), members, 1)
            such = f", such as {near[0]}" if near else ""
            expected = f"members that are settings{such}: see docs/detections.md"
        yield f"{place}.{path}", found, expected.removesuffix(" expected")


def _members(path: str) -> tuple[str, ...]:
    """Return the names of the members of `detections` or `detections.<rule>`."""
    rules = DetectionSettings()
    return cast(msgspec.Struct, getattr(rules, path.partition(".")[2], rules)).__struct_fields__


def _report_faults(place: str, reports: ReportSettings) -> Iterator[tuple[str, object, str]]:
    try:
        zone_of(reports.zone)
    except KeyError:
        yield f"{place}.zone", reports.zone, "a time zone by its IANA name, such as Europe/Berlin"
    if reports.disclosures is not None and not reports.disclosures:
        yield f"{place}.disclosures", [], "at least one code, or no such setting for the usual ones"
    yield from _wrong_texts(f"{place}.disclosures", reports.disclosures or (), _CODE, _CODE_RULE)
    for key, exclusion in reports.exclusions.items():
        here = f"{place}.exclusions.{key}"
        if key not in _EXCLUSION_KEYS:
            yield f"{place}.exclusions", key, f"one of {', '.join(_EXCLUSION_KEYS)}"
        yield from _wrong_texts(f"{here}.purposes", exclusion.purposes, _CODE, _CODE_RULE)
        yield from _wrong_texts(f"{here}.kinds", exclusion.kinds, _CODE, _CODE_RULE)
        yield from _wrong_texts(f"{here}.recipients", exclusion.recipients, _AGENT, _AGENT_RULE)
        if exclusion.until is not None:
            yield from _until_faults(here, key, exclusion.until)
    for number, suspension in enumerate(reports.suspensions):
        yield from _suspension_faults(f"{place}.suspensions[{number}]", suspension)


def _until_faults(here: str, key: str, until: str) -> Iterator[tuple[str, object, str]]:
    """Return the faults of `until`: disclosures before it are excluded, so it is past."""
    instant = _instant(until)
    if instant is None:
        yield f"{here}.until", until, _INSTANT_RULE
    elif key != BEFORE_COMPLIANCE.key:
        yield f"{here}.until", until, f"no such setting but of {BEFORE_COMPLIANCE.key}"
    elif instant > datetime.now(UTC):
        yield f"{here}.until", until, "a time that has passed: disclosures since are accounted for"


def _suspension_faults(
    place: str, suspension: SuspensionSettings
) -> Iterator[tuple[str, object, str]]:
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
        yield from _rule_faults(f"{here}.patient", portal.patient)
        if portal.account is None:
            continue
        if not _ACCOUNT.fullmatch(portal.account):
            yield f"{here}.account", portal.account, "an AWS account id, 12 digits, as text"
        taken = accounts.setdefault(portal.account, here)
        if taken != here:
            expected = f"an account of its own, which distinguishes portals on the bus ({taken})"
            yield f"{here}.account", portal.account, expected


def _rule_faults(here: str, rule: PatientRuleSettings) -> Iterator[tuple[str, object, str]]:
    if not (rule.reference or rule.system):
        expected = '{"system": "<URI>"}, {"reference": true}, or both'
        yield here, msgspec.to_builtins(rule), expected
    if rule.system is not None and not _SYSTEM.fullmatch(rule.system):
        yield f"{here}.system", rule.system, "the URI of an identifier system, without | and spaces"
    if rule.base is None:
        return
    if not rule.reference:
        yield f"{here}.base", rule.base, 'none without "reference": true'
    if not _BASE.fullmatch(rule.base) or "/../" in f"{rule.base}/":
        expected = (
            "the base URL of a FHIR server: http or https, the host in lower case, no port that "
            "goes without saying, no slash at the end, such as https://fhir.example.org/r4"
        )
        yield f"{here}.base", rule.base, expected


def _reference_faults(place: str, portals: Sequence[Portal]) -> Iterator[tuple[str, object, str]]:
    """Return the portals without a base where `Patient/1` could be of two servers."""
    naming = [each.patient.base for each in portals if each.patient.reference]
    if len(naming) < 2 or None not in naming:
        return
    for number, portal in enumerate(portals):
        if portal.patient.reference and portal.patient.base is None:
            expected = (
                "a base, the URL of the portal's FHIR server: several portals of this ledger name "
                "patients by reference, and Patient/1 of one server is not that of another"
            )
            found = msgspec.to_builtins(portal.patient)
            yield f"{place}.portals[{number}].patient", found, expected


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
    claims = list(msgspec.to_builtins(tokens.claims).values())
    if "" in claims or len(set(claims)) < len(claims):
        yield "tokens.claims", claims, "three names of claims, each another"
    if "" in tokens.audience:
        yield "tokens.audience", list(tokens.audience), "audiences that are not empty"
    if tokens.issuer is not None:
        if not _ISSUER.fullmatch(tokens.issuer):
            yield "tokens.issuer", tokens.issuer, "an https URL, as in the issuer's `iss` claim"
        elif _WELL_KNOWN in tokens.issuer:
            issuer = tokens.issuer.partition(_WELL_KNOWN)[0]
            expected = f"the issuer itself, as in the tokens' `iss` claim, such as {issuer}"
            yield "tokens.issuer", tokens.issuer, expected
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
    yield from _client_faults(settings)


def _client_faults(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Return faults of Cognito's clients: too many, or two with one name."""
    named: dict[str, str] = {}
    for number, ledger in enumerate(settings.ledgers):
        for id_ in (*(portal.id for portal in ledger.portals), *ledger.readers):
            client = f"{ledger.id}-{id_}"
            if named.setdefault(client, ledger.id) != ledger.id:
                expected = f"ids that make no name of a client of ledger {named[client]!r}"
                yield f"ledgers[{number}]", client, expected
    clients = sum(len(ledger.portals) + len(ledger.readers) for ledger in settings.ledgers)
    if clients > MAX_AUDIENCES:
        expected = (
            f"at most {MAX_AUDIENCES} portals and readers without tokens.issuer: a client each"
        )
        yield "ledgers", clients, expected
