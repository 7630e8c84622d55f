"""`ledger findings` lists findings, and the rules that do not run."""

import json
from typing import Any

from tests.cli.stub_server import StubRequest, StubResponse, StubServer
from tests.cli.stubbed_command import StubbedCommand

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


def page(*findings: dict[str, Any], **more: Any) -> StubResponse:
    return StubResponse(200, {"findings": findings, "rules": RULES, "followed": 7000, **more})


def test_findings_are_read_page_after_page(runner: StubbedCommand, stub: StubServer) -> None:
    """`next` of a page is `after` of the next request; all else is unchanged."""
    stub.next_responses = [page(finding(3), next="1-0"), page(finding(9, entries=8))]
    result = runner.run(
        "findings", "--from", "2026-11-22T00:00:00Z", "--to", "2026-11-23T00:00:00Z"
    )
    assert (result.code, result.err) == (0, "")
    first, second = (request.target for request in stub.requests)
    assert first == "/findings?from=2026-11-22T00%3A00%3A00Z&to=2026-11-23T00%3A00%3A00Z"
    assert second == first + "&after=1-0"
    assert "2026-11-22 05:59:00  high      bulk_access" in result.out
    assert "  entry 3\n" in result.out
    assert "  entries 9, 10, 11, 12, 13 and 3 more\n" in result.out
    assert "2 findings; the rules have seen the first 7,000 entries\n" in result.out


def test_an_empty_result_states_the_progress_of_the_rules(
    runner: StubbedCommand, stub: StubServer
) -> None:
    """It also names the rules that do not run."""
    stub.next_responses = [page()]
    result = runner.run("findings")
    assert result.code == 0
    assert result.out.startswith("no finding; the rules have seen the first 7,000 entries\n")
    assert "no_encounter  the directory has no encounters" in result.out
    stub.next_responses = [StubResponse(200, {"findings": [], "rules": [], "followed": 0})]
    assert "which rules run is not known yet" in runner.run("findings").out


def test_json_has_one_page_per_line(runner: StubbedCommand, stub: StubServer) -> None:
    """The pages are those of the API."""
    pages = [page(finding(3), next="1-0"), page(finding(9))]
    stub.next_responses = list(pages)
    lines = runner.run("findings", "--json").out.splitlines()
    assert [json.loads(line) for line in lines] == json.loads(
        json.dumps([response.body for response in pages])
    )


def test_pages_that_repeat_end_the_command(runner: StubbedCommand, stub: StubServer) -> None:
    """The listing is not endless."""
    stub.respond = lambda _: page(finding(1), next="1-0")
    assert "its pages lead back to one before" in runner.error_line(3, "findings")


def test_a_rejected_parameter_is_named_as_its_option(
    runner: StubbedCommand, stub: StubServer
) -> None:
    """The API names its own parameter."""

    def refused(request: StubRequest) -> StubResponse:
        issue = {"severity": "error", "code": "value", "diagnostics": "from: expected less"}
        return StubResponse(400, {"resourceType": "OperationOutcome", "issue": [issue]})

    stub.respond = refused
    assert runner.error_line(2, "findings").endswith("refused (400): --from: expected less")
