"""Limits through ingest's handler on moto: what a portal's requests cost, and nobody else's."""

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from audit_ledger.aws import clients
from functions.ingest import handler
from functions.ingest.rate_limit import tokens_of
from tests.functions.ingesting import BODY, BY_BUS, BY_QUERY, R4, send
from tests.functions.requests import SCOPE, answer_json, post
from tests.functions.test_internal_events import TOLD
from tests.world import LEDGER, NAME, ORIGIN, World

SECOND = 1_000_000_000
OTHER_SCOPE = SCOPE.replace("portal/ehr", "portal/lab")


class Time:
    """The clocks of a container, which the test moves. Nanoseconds since 1970."""

    def __init__(self) -> None:
        self.now = 1_796_083_200 * SECOND

    def time_ns(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / SECOND


@pytest.fixture
def time(world: World, fresh_ingest: None, monkeypatch: pytest.MonkeyPatch) -> Time:
    """Two portals, each of ten requests and one more a second."""
    del fresh_ingest
    patient = {"patient": {"reference": True}}
    setting = {
        "origin": ORIGIN,
        "portals": {"ehr": patient, "lab": patient, "bulk": {**patient, "limit": _limit(1, 1000)}},
        "limits": {"portal": _limit(1, 10), "reader": _limit(1, 10)},
    }
    world.ssm.put_parameter(
        Name=f"/{NAME}/ledgers/{LEDGER}", Overwrite=True, Value=json.dumps(setting)
    )
    time = Time()
    monkeypatch.setattr(handler, "time", time)
    handler.limits.cache_clear()
    return time


def _limit(rate: int, burst: int) -> dict[str, int]:
    return {"rate": rate, "burst": burst}


def statuses(count: int, **headers: Any) -> list[int]:
    return [send(post("/AuditEvent", BODY, **headers))["statusCode"] for _ in range(count)]


def test_one_portal_that_is_exhausted_leaves_another_untouched(world: World, time: Time) -> None:
    assert statuses(14) == [201] * 10 + [429] * 4
    assert statuses(10, scope=OTHER_SCOPE) == [201] * 10
    assert len(world.messages()) == 20
    time.now += 3 * SECOND
    assert statuses(4) == [201] * 3 + [429]


def test_who_is_refused_is_told_when_to_come_again(time: Time) -> None:
    statuses(10)
    answer = send(post("/AuditEvent", BODY))
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (429, "1")
    (issue,) = answer_json(answer)["issue"]
    assert issue["code"] == "throttled"
    assert "try again in 1 s" in issue["diagnostics"]
    time.now += SECOND
    assert statuses(1) == [201]


def test_a_container_more_grants_nothing_more(time: Time) -> None:
    """They share the bucket."""
    del time
    assert statuses(6) == [201] * 6
    handler.limits.cache_clear()
    assert statuses(6).count(201) <= 4


def test_a_portal_may_have_a_limit_of_its_own(time: Time) -> None:
    del time
    assert set(statuses(30, scope=SCOPE.replace("portal/ehr", "portal/bulk"))) == {201}


@pytest.mark.parametrize(
    ("size", "tokens"), [(0, 1), (1, 1), (4096, 1), (4097, 2), (8192, 2), (6 * 1024 * 1024, 1536)]
)
def test_a_request_costs_a_token_for_each_4_kb(size: int, tokens: int) -> None:
    assert tokens_of(size) == tokens


@pytest.mark.parametrize(("coding", "wait"), [("identity", "6"), ("gzip", "1")])
def test_a_large_body_costs_more_and_a_compressed_one_the_same(
    world: World, time: Time, coding: str, wait: str
) -> None:
    """Some 20 KB: six tokens of ten. What is refused before it is unpacked, is for its first."""
    del time
    large = json.dumps({**R4, "outcomeDesc": "x" * 20_480}).encode()
    body = gzip.compress(large) if coding == "gzip" else large
    answer = send(post("/AuditEvent", body, Content_Encoding=coding))
    assert answer["statusCode"] == 201
    assert statuses(5) == [201] * 4 + [429]
    answer = send(post("/AuditEvent", body, Content_Encoding=coding))
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (429, wait)
    assert len(world.messages()) == 5


def test_what_cannot_be_read_costs_all_the_same(time: Time) -> None:
    """Not JSON, and no gzip file either: the refused are counted before they are looked at."""
    del time
    broken = [send(post("/AuditEvent", b"{"))["statusCode"] for _ in range(5)]
    broken += [
        send(post("/AuditEvent", b"no gzip", Content_Encoding="gzip"))["statusCode"]
        for _ in range(5)
    ]
    assert broken == [400] * 10
    assert statuses(1) == [429]


def test_requests_pass_where_the_table_does_not_answer(
    world: World, time: Time, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit loses no event; each such request is counted, and none of them waits for it."""
    asked: list[str] = []

    class Silent:
        def update_item(self, **arguments: Any) -> Any:
            asked.append(arguments["TableName"])
            raise ConnectTimeoutError(endpoint_url="https://dynamodb")

    monkeypatch.setattr(clients, "dynamodb_briefly", Silent)
    assert statuses(30) == [201] * 30
    assert asked == [f"{NAME}-limits"]
    assert len(world.messages()) == 30
    lines = [line for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert sum(sum(json.loads(line).get("LimitsUnchecked", [])) for line in lines) == 30
    del time


def test_what_needs_no_token_is_not_limited(time: Time) -> None:
    del time
    statuses(11)
    event = post("/metadata", b"")
    event["routeKey"] = "GET /metadata"
    assert send(event)["statusCode"] == 200


def test_who_is_no_portal_costs_nothing(world: World, time: Time) -> None:
    """The token is refused first: no bucket is made for what it names."""
    del time
    scope = SCOPE.replace("portal/ehr", "portal/unknown")
    assert statuses(1, scope=scope) == [403]
    assert world.items("limits") == []


def test_the_bus_and_the_ledgers_own_events_are_not_limited(world: World, time: Time) -> None:
    """Of the one EventBridge and Lambda keep what waits; the other must be kept with the answer."""
    del time
    assert statuses(11)[-1] == 429
    for number in range(12):
        event = {"id": str(number), "detail": R4}
        handler.handler({"portal": "ehr", "ledger": LEDGER, "event": event}, BY_BUS)
    assert handler.handler(TOLD, BY_QUERY)
    assert len(world.messages()) == 10 + 12 + 1


def test_the_table_names_ledger_and_portal_and_nobody(world: World, time: Time) -> None:
    del time
    statuses(1)
    ((key, arrival),) = [tuple(item.items()) for item in world.items("limits")]
    assert key == ("key", {"S": f"{ORIGIN}#portal#ehr"})
    assert arrival[0] == "arrival"
