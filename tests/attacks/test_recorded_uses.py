"""The recorded uses of a ledger disclose no other patient and nothing withheld to a patient."""

from base64 import b64decode
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

import pytest

from tests.query.ledger_api import LedgerApi
from tests.query.report_api import (
    AGENCY,
    PLAIN,
    SUSPENDED,
    access_of,
    deployed_report_api,
    disclosure_of,
)

SINCE = "date=ge2020"
OWN = f"{SINCE}&own-use=include"


@pytest.fixture(scope="module")
def report_api() -> Iterator[LedgerApi]:
    """The ledgers of this module."""
    with deployed_report_api() as report_api:
        yield report_api


def readable_by(report_api: LedgerApi, patient: str, ledger: str) -> str:
    """Return all that a patient can read of the record and its uses, decoded."""
    token = report_api.patient(patient, ledger)
    texts: list[str] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            for name, inside in value.items():
                if name == "query":
                    texts.append(unquote_plus(b64decode(inside).decode()))
                collect(inside)
        elif isinstance(value, list):
            for inside in value:
                collect(inside)
        else:
            texts.append(str(value))

    collect(list(report_api.events(OWN, token).values()))
    collect(report_api.json("/accesses", token))
    collect(report_api.json("/export?format=csv", token))
    return "\n".join(texts)


def test_officers_queries_disclose_no_other_patient(
    report_api: LedgerApi,
) -> None:
    """Whichever parameter names the other one, with the patient or alone."""
    report_api.send(access_of("rose"))
    report_api.send(access_of("martha", "zz9"))
    report_api.settle()
    officer = report_api.security
    for query in (
        f"/AuditEvent?{SINCE}&patient=rose,martha",
        f"/AuditEvent?{SINCE}&patient=rose&entity.identifier=urn:mrn|MRN4711",
        f"/AuditEvent?{SINCE}&agent=Practitioner/zz9&patient=rose",
        f"/AuditEvent?{SINCE}&patient=rose&agent-name:not=x&type:not=MRN4711",
        f"/AuditEvent?{SINCE}&patient=rose&foo=MRN4711",
        "/accesses?patient=rose&patient=urn:mrn%7CMRN4711",
        "/reports/privacy?from=2020-01-01&user=Practitioner/zz9",
        "/reports/privacy?from=2020-01-01&patient=martha",
        f"/export?format=csv&{SINCE}",
    ):
        report_api.get(query, officer)
    report_api.settle()
    for_rose = readable_by(report_api, "rose", PLAIN)
    assert "AuditEvent?" in for_rose
    for secret in ("martha", "MRN4711", "zz9"):
        assert secret not in for_rose


def test_no_recorded_use_discloses_a_suspended_disclosure(report_api: LedgerApi) -> None:
    """45 CFR 164.528(a)(2): neither its recipient nor, by its id, its existence."""
    hidden = report_api.send(disclosure_of("rose", AGENCY, name="The Bureau"), SUSPENDED)
    report_api.send(access_of("rose"), SUSPENDED)
    report_api.settle()
    officer = report_api.officer(SUSPENDED)
    for path in (
        f"/AuditEvent/{hidden}",
        f"/AuditEvent/{hidden}/receipt",
        f"/AuditEvent/{hidden}/$submitted",
        f"/AuditEvent?_id={hidden}",
        f"/AuditEvent?{SINCE}&agent={AGENCY}&patient=rose",
        f"/AuditEvent?{SINCE}&agent-name=The%20Bureau&patient=rose",
        f"/reports/privacy?from=2020-01-01&user={AGENCY}",
        f"/export?format=csv&{SINCE}&agent={AGENCY}",
    ):
        assert report_api.get(path, officer).status_code == 200, path
    report_api.settle()
    for_rose = readable_by(report_api, "rose", SUSPENDED)
    assert "AuditEvent" in for_rose
    for secret in (hidden, "bureau", "Bureau"):
        assert secret not in for_rose
