"""The request line of a recorded use names no person."""

import pytest

from audit_ledger.events.media_type import parse_media_type
from audit_ledger.http.authorization import Authorization
from audit_ledger.http.request import Request
from audit_ledger.search.parameter_docs import OF_THE_ANSWER, PARAMETERS
from functions.query.recorded_request_line import recorded_line

ID = "ab" * 32
DCM = "http://dicom.nema.org/resources/ontology/DCM"


def line(query: str, route: str = "GET /AuditEvent", *, shows_ids: bool = True, **path: str) -> str:
    """Return the recorded line of a request."""
    request = Request(
        route=route,
        access=Authorization("", "", "", frozenset()),
        headers={},
        media_type=parse_media_type(""),
        body=b"",
        query=query,
        path=path,
    )
    return recorded_line(request, shows_ids=shows_ids)


@pytest.mark.parametrize(
    "name", [*(each.name for each in PARAMETERS), *OF_THE_ANSWER, "user", "foo"]
)
@pytest.mark.parametrize(
    "value", ["MRN4711", "urn:mrn%7C4711", "Smith", "C,Smith", f"{DCM}%7C4711"]
)
def test_every_parameter_masks_identifiers_and_names(name: str, value: str) -> None:
    """Whether it is known or not, with and without a modifier."""
    for modifier in ("", ":exact", ":Smith"):
        recorded = line(f"{name}{modifier}={value}&date=2026")
        assert "4711" not in recorded
        assert "Smith" not in recorded
        assert recorded.endswith("=***&date=2026")


def test_unknown_names_of_parameters_are_masked() -> None:
    """They may be names of persons."""
    assert line("Smith=1&4711=1&patient=1") == "GET /AuditEvent?***=***&***=***&patient=***"


@pytest.mark.parametrize(
    "query",
    [
        "date=ge2026-11-01&date=lt2026-12",
        "date=2026-11-22T05:59:00.5Z",
        f"type={DCM}|110101,rest",
        "action=R,U&outcome=0",
        "purpose=TREAT&entity-role=1&entity-type=2",
        "_count=50&_sort=-date&own-use=exclude&_format=json",
        "from=2026-11-01&to=2026-11-02&audience=office",
        "format=csv&receipts=none",
        f"_id={ID}",
    ],
)
def test_dates_numbers_and_known_codes_are_recorded(query: str) -> None:
    """They name nobody, and state what was requested."""
    assert line(query) == f"GET /AuditEvent?{query}"


def test_ids_of_events_are_not_shown_to_patients() -> None:
    """They would reveal that a withheld event exists: 45 CFR 164.528(a)(2)."""
    route = "GET /AuditEvent/{id}/receipt"
    assert line("", route, id=ID) == f"GET /AuditEvent/{ID}/receipt"
    assert line("", route, id=ID, shows_ids=False) == "GET /AuditEvent/***/receipt"
    assert line(f"_id={ID}", shows_ids=False) == "GET /AuditEvent?_id=***"
    operation = "GET /AuditEvent/{id}/{operation}"
    shown = line("", operation, id=ID, operation="$submitted")
    assert shown == f"GET /AuditEvent/{ID}/$submitted"


def test_unknown_parts_of_paths_are_masked() -> None:
    """An id of another form, and an unknown variable."""
    assert line("", "GET /AuditEvent/{id}", id="Smith, John") == "GET /AuditEvent/***"
    assert line("", "GET /x/{name}", name="smith") == "GET /x/***"
