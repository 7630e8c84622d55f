"""`ledger findings`: what was found, and what was not looked for."""

import json
from typing import Any

from tests.cli.asking import Asker
from tests.cli.stub_server import Got, Says, StubServer

RULES = [
    {"rule": "bulk_access", "runs": True},
    {"rule": "no_encounter", "runs": False, "lacks": "the directory has no encounters"},
]


def finding(number: int, entries: int = 1) -> dict[str, Any]:
    return {
        "id": f"f{number}",
        "rule": "bulk_access",
        "severity": "high",
        "entries": list(range(number, number + entries)),
        "event_ids": [f"{number:064x}"],
        "time_ms": 0,
        "ledger_time": "2026-11-22T05:59:00Z",
        "statement": "21 patients within 60 minutes",
    }


def page(*findings: dict[str, Any], **more: Any) -> Says:
    return Says(200, {"findings": findings, "rules": RULES, "followed": 7000, **more})


def test_pages_are_followed_to_their_end(asker: Asker, stub: StubServer) -> None:
    """`next` of a page is `after` of the one that follows; all else stays."""
    stub.next_answers = [page(finding(3), next="1-0"), page(finding(9, entries=8))]
    ran = asker.run("findings", "--from", "2026-11-22T00:00:00Z", "--to", "2026-11-23T00:00:00Z")
    assert (ran.code, ran.err) == (0, "")
    first, second = (got.target for got in stub.got)
    assert first == "/findings?from=2026-11-22T00%3A00%3A00Z&to=2026-11-23T00%3A00%3A00Z"
    assert second == first + "&after=1-0"
    assert "2026-11-22 05:59:00  high      bulk_access" in ran.out
    assert "  entry 3\n" in ran.out
    assert "  entries 9, 10, 11, 12, 13 and 3 more\n" in ran.out
    assert "2 findings; the rules have seen the first 7,000 entries\n" in ran.out


def test_no_finding_is_no_all_clear(asker: Asker, stub: StubServer) -> None:
    """How far the rules have come, and which do not run, is said."""
    stub.next_answers = [page()]
    ran = asker.run("findings")
    assert ran.code == 0
    assert ran.out.startswith("no finding; the rules have seen the first 7,000 entries\n")
    assert "no_encounter  the directory has no encounters" in ran.out
    stub.next_answers = [Says(200, {"findings": [], "rules": [], "followed": 0})]
    assert "which rules run is not known yet" in asker.run("findings").out


def test_programs_get_each_page_on_a_line(asker: Asker, stub: StubServer) -> None:
    """As the API gave it."""
    answers = [page(finding(3), next="1-0"), page(finding(9))]
    stub.next_answers = list(answers)
    lines = asker.run("findings", "--json").out.splitlines()
    assert [json.loads(line) for line in lines] == json.loads(
        json.dumps([answer.body for answer in answers])
    )


def test_pages_that_lead_back_end_it(asker: Asker, stub: StubServer) -> None:
    """Nothing is listed for ever."""
    stub.answering = lambda _: page(finding(1), next="1-0")
    assert "its pages lead back to one before" in asker.said(3, "findings")


def test_a_refusal_names_the_option(asker: Asker, stub: StubServer) -> None:
    """The API speaks of its parameter."""

    def refused(got: Got) -> Says:
        issue = {"severity": "error", "code": "value", "diagnostics": "from: expected less"}
        return Says(400, {"resourceType": "OperationOutcome", "issue": [issue]})

    stub.answering = refused
    assert asker.said(2, "findings").endswith("refused (400): --from: expected less")
