"""The ledger's API, request with a token; what it refuses is said in one line, without content."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec

from audit_ledger.client.credentials import Credentials
from audit_ledger.client.errors import InvalidInputError, UnansweredError
from audit_ledger.client.files import NOT_JSON
from audit_ledger.client.http_client import (
    PAUSES,
    ApiRequest,
    HttpClient,
    OnPause,
    ignore_pause,
    validate_url,
)
from audit_ledger.client.profiles import EnvironmentVariables, find_profile
from audit_ledger.client.shown_text import printable
from audit_ledger.http_transport import HttpResponse

FHIR_JSON = "application/fhir+json"
_T = TypeVar("_T")
_MAX_REASON_LENGTH = 300  # characters of a server's text


class ServerIssue(msgspec.Struct, frozen=True):
    """The members of an issue of an OperationOutcome that the client reads."""

    severity: str = ""
    code: str = ""
    diagnostics: str = ""
    expression: list[str] = []


class OperationOutcome(msgspec.Struct, frozen=True):
    """The members of a FHIR OperationOutcome that the client reads.

    `message`: of a gateway before the API, which sends nothing else: `{"message": …}`.
    """

    issue: list[ServerIssue] = []
    message: str = ""


@dataclass(frozen=True)
class ConnectionOptions:
    """What `--profile`, `--url` and `--token` said, each None where not given."""

    profile: str | None
    url: str | None
    token: str | None = field(repr=False)


@dataclass(frozen=True)
class Api:
    """One ledger's API, for the holder of one token."""

    client: HttpClient
    credentials: Credentials = field(repr=False)
    option_names: Mapping[str, str] = field(default_factory=dict)
    """By parameter of the API the option of the command for it, which messages name."""

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return self.client.url

    def request(self, request: ApiRequest, *, also: Collection[int] = ()) -> HttpResponse:
        """Return an answer that is no refusal, or one whose status is in `also`.

        A token that is no longer taken is renewed once, where it can be. InvalidInputError: the
        token, or what was request, is not right; UnansweredError: nobody can say now.
        """
        response = self._with_token(request)
        if response.status == 401 and self.credentials.renew():
            response = self._with_token(request)
        if response.status in (200, 201, 202, *also):
            return response
        raise self._refusal(request, response)

    def _with_token(self, request: ApiRequest) -> HttpResponse:
        bearer = {"Authorization": f"Bearer {self.credentials.token()}"}
        return self.client.send(replace(request, headers={**request.headers, **bearer}))

    def _refusal(self, request: ApiRequest, response: HttpResponse) -> Exception:
        where = f"{self.url}: {request.method} {request.path or '/'}"
        reason = by_options(reason_of(response.body), self.option_names)
        why = f": {reason}" if reason else ""
        match response.status:
            case 401:
                return InvalidInputError(
                    f"{self.url}: the token is not taken (401): expired, or not one of its issuer"
                )
            case 403:
                return InvalidInputError(f"{where}: the token does not allow this (403){why}")
            case 404:
                return InvalidInputError(f"{where}: not found (404){why}")
            case status if 300 <= status < 400:
                return InvalidInputError(
                    f"{where}: redirects ({status}): give the address that the API itself has"
                )
            case status if 400 <= status < 500:
                return InvalidInputError(f"{where}: refused ({status}){why}")
        return UnansweredError(f"{where}: HTTP status {response.status}{why}")


def open_api(
    options: ConnectionOptions,
    environment: EnvironmentVariables,
    *,
    role: str = "security",
    option_names: Mapping[str, str] | None = None,
    pauses: tuple[float, ...] = PAUSES,
    on_pause: OnPause = ignore_pause,
) -> Api:
    """Open the API that options, environment or profiles name; see `find_profile` for `role`."""
    profile = find_profile(
        options.profile, options.url, options.token, role=role, environment=environment
    )
    client = HttpClient(validate_url(profile.url), pauses, on_pause)
    return Api(client, Credentials(profile, environment), option_names or {})


def reason_of(body: bytes) -> str:
    """Return the issues of an OperationOutcome, or a gateway's message; "" without either."""
    try:
        refusal = msgspec.json.decode(body, type=OperationOutcome)
    except NOT_JSON:
        return ""
    if refusal.issue:
        return reason_of_outcome(refusal)
    return printable(refusal.message)[:_MAX_REASON_LENGTH]


def by_options(reason: str, option_names: Mapping[str, str]) -> str:
    """Name the options of the command in place of the API's parameters before `: expected`."""
    parameters, found, expectation = reason.partition(": expected ")
    if not found:
        return reason
    words = (option_names.get(word, word) for word in parameters.split(" "))
    return " ".join(words) + found + expectation


def reason_of_outcome(outcome: OperationOutcome) -> str:
    """Return what went wrong, with its place: `expected … (Bundle.entry[3].resource.recorded)`."""
    reason = []
    for issue in outcome.issue:
        place = f" ({', '.join(issue.expression)})" if issue.expression else ""
        reason.append((issue.diagnostics or issue.code) + place)
    return printable("; ".join(reason))[:_MAX_REASON_LENGTH]


def json_of(body: bytes, type_: type[_T], where: str) -> _T:
    """Decode a response; UnansweredError if it is not one of the API."""
    try:
        return msgspec.json.decode(body, type=type_)
    except NOT_JSON:
        raise UnansweredError(f"{where}: the answer is not what the API gives") from None


def event_path(event_id: str) -> str:
    """Return the path of an event in the API."""
    return f"/AuditEvent/{event_id}"
