"""`ledger send`: failures of the network or server lose no event and repeat none."""

import json
from collections.abc import Callable

import pytest

from tests.cli.stub_ledger import StubLedger, expected, ids_in
from tests.cli.stub_server import StubRequest, StubResponse, StubServer
from tests.cli.stubbed_command import StubbedCommand, audit_event

DONE, USAGE, INCOMPLETE = 0, 2, 3
UNAVAILABLE = StubResponse(503)


Failure = Callable[[StubLedger], Callable[[StubRequest], StubResponse]]


def reset_after_effect(ledger: StubLedger) -> Callable[[StubRequest], StubResponse]:
    """Accept the request and reset the connection."""

    def answer(request: StubRequest) -> StubResponse:
        ledger.answer(request)
        return StubResponse(resets=True)

    return answer


def reset_before_effect(ledger: StubLedger) -> Callable[[StubRequest], StubResponse]:
    return lambda _: StubResponse(resets=True)


def truncated_response(ledger: StubLedger) -> Callable[[StubRequest], StubResponse]:
    """Accept the request and send only the first bytes of the response."""

    def answer(request: StubRequest) -> StubResponse:
        response = ledger.answer(request)
        body = json.dumps(response.body).encode()
        return StubResponse(
            response.status, body[:20], response.headers, missing_bytes=len(body) - 20
        )

    return answer


@pytest.mark.parametrize("failure", [reset_after_effect, reset_before_effect, truncated_response])
@pytest.mark.parametrize("grown_to", [250, 250 + 90])
@pytest.mark.parametrize("responses_before", [0, 1])
def test_an_interrupted_run_is_continued(
    runner: StubbedCommand,
    stub: StubServer,
    ledger: StubLedger,
    failure: Failure,
    grown_to: int,
    responses_before: int,
) -> None:
    """Each event is stored once, even if a request took effect or the file grew meanwhile."""

    def failing(request: StubRequest) -> StubResponse:
        if len(stub.requests) <= responses_before:
            return ledger.answer(request)
        return failure(ledger)(request)

    stub.respond = failing
    file = runner.write("day.ndjson", *(audit_event(n) for n in range(250)))
    result = runner.run("send", file)
    assert result.code == INCOMPLETE
    assert len(result.err.splitlines()) == 1
    stub.respond = ledger.answer
    file = runner.write("day.ndjson", *(audit_event(n) for n in range(grown_to)))
    result = runner.run("send", file)
    assert result.code == DONE
    assert ids_in(ledger) == expected("e", *range(grown_to))


@pytest.mark.parametrize(
    "failure",
    [
        UNAVAILABLE,
        StubResponse(429),
        StubResponse(500),
        StubResponse(502),
        StubResponse(resets=True),
        StubResponse(200, b"{", missing_bytes=9),
    ],
)
def test_passing_failures_are_retried_under_the_same_key(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger, failure: StubResponse
) -> None:
    """The pauses grow."""
    stub.next_responses = [failure] * 4
    assert runner.run("send", runner.write("one.json", audit_event(1))).code == DONE
    assert len({request.key for request in stub.requests}) == 1
    assert len(stub.requests) == 5
    assert runner.pauses == sorted(set(runner.pauses))
    assert len(runner.pauses) == 4
    assert ids_in(ledger) == ["e1"]


def test_retry_after_is_respected(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """It is in seconds; a pause is at most a minute."""
    stub.next_responses = [StubResponse(429, headers={"Retry-After": "7"})]
    stub.next_responses += [StubResponse(503, headers={"Retry-After": "86400"})]
    runner.run("send", runner.write("one.json", audit_event(1)))
    assert runner.pauses == [7, 60]


def test_an_unreachable_server_is_incomplete(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """The report states what was accepted before, and that the run is not finished."""
    stub.respond = lambda request: (
        ledger.answer(request) if len(stub.requests) == 1 else UNAVAILABLE
    )
    result = runner.run("send", runner.write("day.ndjson", *(audit_event(n) for n in range(250))))
    assert result.code == INCOMPLETE
    assert "accepted: 200 events" in result.out
    assert "not finished: the same command again goes on" in result.out
    assert result.err == f"ledger: {stub.url}: HTTP status 503: the ledger cannot answer this now\n"
    result = runner.run("send", "day.ndjson", "--json")
    assert (result.report["complete"], result.report["accepted"]) == (False, 0)


def test_a_response_with_missing_entries_is_incomplete(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """Two results for three events cannot be assigned."""
    stub.next_responses = [StubResponse(200, {"entry": [{"response": {"status": "201"}}] * 2})]
    file = runner.write("day.ndjson", *(audit_event(n) for n in range(3)))
    assert "is not what the API gives" in runner.error_line(INCOMPLETE, "send", file)
    assert runner.run("send", file).code == DONE
    assert ids_in(ledger) == expected("e", 0, 1, 2)


@pytest.mark.parametrize(
    ("status", "message"), [(401, "token"), (403, "token"), (404, "not found")]
)
def test_a_rejected_token_ends_the_command(
    runner: StubbedCommand, stub: StubServer, status: int, message: str
) -> None:
    """Nothing further is sent, and no event is reported as refused."""
    stub.respond = lambda _: StubResponse(status)
    file = runner.write("in/1.json", audit_event(1)).parent
    runner.write("in/2.json", audit_event(2))
    result = runner.run("send", file)
    assert (result.code, result.out, len(stub.requests)) == (USAGE, "", 1)
    assert message in result.err
