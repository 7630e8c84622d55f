"""The portals: each posts over a persistent connection of its own."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from audit_ledger.errors import LedgerError
from infra.demo.hospital import Submission
from infra.local.cloud import LocalCloud
from infra.local.cost.meter import Usage

CREATED = 201
TIMEOUT_SECONDS = 60


class NotAcceptedError(LedgerError):
    """The API did not accept a valid submission."""


@dataclass
class Portals:
    """All portals of the hospital, and the API's answers to them. Counts are by ledger id."""

    cloud: LocalCloud
    events: Counter[str] = field(default_factory=Counter)
    """Events that the API accepted, without requests that were sent again."""
    used: dict[str, Usage] = field(default_factory=lambda: defaultdict(lambda: Usage({}, {})))
    """Usage of AWS by acceptance."""
    _connections: dict[str, HTTPConnection] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)

    def post(self, submission: Submission) -> None:
        """Post one submission. Raises NotAcceptedError unless every event in it is accepted."""
        before = self.cloud.meter.snapshot()
        status, body = self._exchange(submission)
        accepted = accepted_events(submission, status, body)
        if accepted != submission.events:
            raise NotAcceptedError(
                f"POST {submission.path} of portal {submission.portal}: {accepted} of "
                f"{submission.events} events accepted, status {status}: see the functions' log"
            )
        if not submission.is_resent:
            self.events[submission.ledger] += accepted
        self.used[submission.ledger] += self.cloud.meter.snapshot() - before

    def _exchange(self, submission: Submission) -> tuple[int, bytes]:
        portal = submission.portal
        if portal not in self._connections:
            address = urlsplit(self.cloud.url)
            self._connections[portal] = HTTPConnection(
                str(address.hostname), address.port, timeout=TIMEOUT_SECONDS
            )
            self._tokens[portal] = self.cloud.tokens.portal(submission.ledger, portal)
        headers = {**submission.headers, "authorization": f"Bearer {self._tokens[portal]}"}
        connection = self._connections[portal]
        try:
            connection.request("POST", submission.path, submission.body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException) as error:
            raise NotAcceptedError(f"POST {submission.path}: {type(error).__name__}") from error

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()


def accepted_events(submission: Submission, status: int, body: bytes) -> int:
    """Read from the answer how many events were accepted."""
    if not 200 <= status < 300:
        return 0
    if submission.path == "/AuditEvent":
        return int(status == CREATED)
    answer = json.loads(body)
    if submission.path == "/events":
        return int(answer["accepted"])
    return sum(entry["response"]["status"].startswith("201") for entry in answer["entry"])
