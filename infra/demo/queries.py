"""Queries of a hospital to a ledger, each over the API with the token of an authorized user."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

from audit_ledger.errors import LedgerError
from infra.demo.expectations import Expected
from infra.demo.hospital import ST_ELSEWHERE
from infra.demo.hospital.identifiers import MRN_SYSTEM
from infra.demo.ledger_command import Ran, ledger
from infra.demo.options import Options
from infra.local.cloud import LocalCloud

SHOWN_EVENTS = 3
TIMEOUT_SECONDS = 60
_RECORD = ("entry", "index_row", "row_blind", "record", "record_blind")  # stored beside the proof


class NotAnsweredError(LedgerError):
    """The API did not answer a valid query."""


@dataclass(frozen=True)
class Answers:
    """Queries and their answers. `accesses` and `accounting` are the reports' own JSON.

    `found`: the ids that the search found in all, the newest event first; `findings`: how many by
    rule, of all ledgers; `gaps`: by the portal that numbers its events.
    """

    search: Ran
    found: tuple[str, ...]
    accesses: Mapping[str, Any]
    accounting: Mapping[str, Any]
    findings: Mapping[str, int]
    gaps: Mapping[str, Any]


def run_queries(cloud: LocalCloud, about: Expected) -> Answers:
    """Run all queries, for the whole day: parts of it may be later than now. NotAnsweredError."""
    security = cloud.tokens.security(about.ledger)
    patient = f"{MRN_SYSTEM}|{about.patient.mrn}"
    day = {"from": f"{about.day}", "to": f"{about.day}"}
    own = cloud.tokens.patient(about.ledger, patient)
    findings: Counter[str] = Counter()
    for ledger_id in cloud.ledgers:
        answer = _get(cloud, "/findings", cloud.tokens.security(ledger_id))
        findings.update(finding["rule"] for finding in answer["findings"])
    lab = ST_ELSEWHERE.portals["lab"]
    return Answers(
        search=ledger(
            ["search", "--param", f"patient.identifier={patient}", "--limit", str(SHOWN_EVENTS)],
            AUDIT_LEDGER_URL=cloud.url,
            AUDIT_LEDGER_TOKEN=security,
        ),
        found=_found(cloud, security, **{"patient.identifier": patient}),
        accesses=_get(cloud, "/accesses", own, **day),
        accounting=_get(cloud, "/accounting", security, patient=patient, **day),
        findings=findings,
        gaps=_get(cloud, f"/portals/{lab.id}/gaps", cloud.tokens.security(lab.ledger)),
    )


def save_receipt(cloud: LocalCloud, options: Options, ledger_id: str, event_id: str) -> None:
    """Save an event's receipt: the proof in one file, what its entry commits to in another."""
    receipt = _get(
        cloud, f"/AuditEvent/{quote(event_id)}/receipt", cloud.tokens.security(ledger_id)
    )
    _write_for_owner(options.receipt(ledger_id), receipt["proof"])
    record = {name: receipt[name] for name in _RECORD}
    _write_for_owner(options.record(ledger_id), json.dumps(record, indent=1))


def first_event(cloud: LocalCloud, ledger_id: str, day: date) -> str:
    """Return the id of a ledger's first event of a day."""
    token = cloud.tokens.security(ledger_id)
    found = _found(cloud, token, date=f"{day}", _count="1", _sort="date")
    if not found:
        raise NotAnsweredError(f"GET /AuditEvent of {ledger_id}: nothing on {day}")
    return found[0]


def _found(cloud: LocalCloud, token: str, **query: str) -> tuple[str, ...]:
    """Return the ids on the first page of a search, of 100 unless `_count` changes it."""
    answer = _get(cloud, "/AuditEvent", token, **{"_count": "100", "_sort": "-date", **query})
    matches = [e for e in answer.get("entry", []) if e["search"]["mode"] == "match"]
    return tuple(entry["fullUrl"].rpartition("/")[2] for entry in matches)


def _get(cloud: LocalCloud, path: str, token: str, **query: str) -> Any:
    """Return the JSON of an answer."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        response = urllib3.request(
            "GET", f"{cloud.url}{path}", fields=query, headers=headers, timeout=TIMEOUT_SECONDS
        )
    except urllib3.exceptions.HTTPError as error:
        raise NotAnsweredError(f"GET {path}: {type(error).__name__}") from error
    if response.status != 200:
        raise NotAnsweredError(f"GET {path}: status {response.status}: see the functions' log")
    return response.json()


def _write_for_owner(path: Path, text: str) -> None:
    """Write a file that others cannot read: it is about a patient."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
