"""Limits through query's handler on moto: of each who reads, by whom the token is for."""

import json
from typing import Any

import pytest

from functions.query import handler
from tests.world import LEDGER, NAME, ORIGIN, World

SUBJECT = "f:idp:mallory-osecret"


@pytest.fixture(autouse=True)
def _limited(world: World) -> None:
    """Ten questions, and one more a second."""
    setting = {
        "origin": ORIGIN,
        "portals": {"ehr": {"patient": {"reference": True}}},
        "limits": {"reader": {"rate": 1, "burst": 10}},
    }
    world.ssm.put_parameter(
        Name=f"/{NAME}/ledgers/{LEDGER}", Overwrite=True, Value=json.dumps(setting)
    )
    for kept in (handler.query_context, handler.environment, handler.limits):
        kept.cache_clear()


def ask(route: str = "GET /digests/latest", subject: str = SUBJECT, patient: str = "") -> int:
    """Nothing is published yet: who is let through is told 404, or 400 of what it lacks."""
    claims = {"iss": "https://issuer", "sub": subject, "patient": patient}
    claims["scope"] = f"system/AuditEvent.rs ledger/{LEDGER}"
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": route.partition(" ")[2],
        "headers": {},
        "requestContext": {
            "authorizer": {"jwt": {"claims": claims, "scopes": None}},
            "http": {"method": route.partition(" ")[0]},
        },
    }
    status: int = handler.handler(event, None)["statusCode"]
    return status


def test_one_reader_that_is_exhausted_leaves_another_untouched() -> None:
    found = [ask() for _ in range(20)]
    assert found.index(429) in (10, 11)  # a second may pass meanwhile
    assert ask(subject="another") == 404
    assert ask(subject="", patient="4711") == 404


def test_an_export_costs_ten() -> None:
    assert ask("GET /export") != 429
    assert [ask("GET /export"), ask("GET /export")][-1] == 429


def test_the_table_says_nothing_of_who_asks(world: World) -> None:
    ask()
    (item,) = world.items("limits")
    assert item["key"]["S"].startswith(f"{ORIGIN}#reader#")
    assert "mallory" not in str(item)
