"""The first keys of a ledger: its publisher creates them once; ingest only reads them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from audit_ledger.aws.kms_data_keys import WrappingKey
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.errors import FormatError
from audit_ledger.records.wrapped_keys import WrappedKeys, parse_wrapped_keys
from functions.ingest import handler as ingest
from functions.publisher import handler as publishing
from tests.functions.ingesting import CONTEXT
from tests.functions.publishing import Clock, run
from tests.functions.requests import post
from tests.world import NAME, ORIGIN, World

EVENT = json.dumps(
    {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-11-22T05:59:00.000Z",
        "agent": [{"who": {"reference": "Practitioner/1"}, "requestor": True}],
        "source": {"observer": {"display": "ehr"}},
    }
).encode()


@pytest.fixture
def new_ledger(world: World, clock: Clock) -> World:
    """A ledger whose publisher has not run yet."""
    world.dynamodb.delete_item(TableName=f"{NAME}-ledgers", Key={"key": {"S": f"{ORIGIN}#keys"}})
    ingest.acceptor.cache_clear()
    publishing.has_keys.cache_clear()
    return world


def keys_of(world: World) -> WrappedKeys | None:
    return LedgersTable(world.dynamodb, f"{NAME}-ledgers", ORIGIN).keys()


def status() -> int:
    answer: Any = ingest.handler(post("/AuditEvent", EVENT), CONTEXT)
    return int(answer["statusCode"])


def test_a_new_ledger_accepts_once_its_publisher_has_run(new_ledger: World) -> None:
    """Before that it responds 503, and no key is created."""
    assert status() == 503
    assert keys_of(new_ledger) is None
    run()
    assert status() == 201
    assert parse_wrapped_keys(new_ledger.archived()["keys/1"]) == keys_of(new_ledger)


def test_keys_are_created_once(new_ledger: World) -> None:
    """Neither a later run nor another container replaces them."""
    run()
    keys = keys_of(new_ledger)
    for _ in range(2):
        publishing.has_keys.cache_clear()
        run()
        assert keys_of(new_ledger) == keys
    assert [name for name in new_ledger.archived() if name.startswith("keys")] == ["keys/1"]


@pytest.mark.parametrize("took_effect", [False, True])
@pytest.mark.parametrize(
    ("where", "method"),
    [(WrappingKey, "first_keys"), (LedgerObjects, "put_once"), (LedgersTable, "put_first_keys")],
)
def test_an_interrupted_run_is_completed_by_the_next(
    new_ledger: World,
    monkeypatch: pytest.MonkeyPatch,
    where: type,
    method: str,
    took_effect: bool,
) -> None:
    """Before and after each call: there is one set of keys, the archive's."""
    with monkeypatch.context() as patch:
        do: Callable[..., Any] = getattr(where, method)

        def die(*arguments: Any, **named: Any) -> None:
            if took_effect:
                do(*arguments, **named)
            raise ConnectionError

        patch.setattr(where, method, die)
        with pytest.raises(ConnectionError):
            run()
    before = new_ledger.archived().get("keys/1")
    run()
    archived = new_ledger.archived()["keys/1"]
    assert before in (None, archived)
    assert parse_wrapped_keys(archived) == keys_of(new_ledger)
    assert status() == 201


def test_of_two_concurrent_runs_one_creates_the_keys(
    new_ledger: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other uses those of the archive."""
    put_once = LedgerObjects.put_once
    first = [True]

    def overtaken(self: LedgerObjects, path: str, *arguments: Any, **named: Any) -> None:
        if path == "keys/1" and first and first.pop():
            run()
        put_once(self, path, *arguments, **named)

    monkeypatch.setattr(LedgerObjects, "put_once", overtaken)
    run()
    keys = keys_of(new_ledger)
    assert parse_wrapped_keys(new_ledger.archived()["keys/1"]) == keys


def test_archived_keys_are_read_back_and_nothing_else() -> None:
    """Anything else is a FormatError."""
    keys = WrappedKeys(b"i" * 184, {1: b"l" * 184})
    assert parse_wrapped_keys(keys.to_bytes()) == keys
    for data in (b"", b"{}", b"[]", b"\xff", b'{"index_key":"AA==","ledger_keys":{"x":"AA=="}}'):
        with pytest.raises(FormatError):
            parse_wrapped_keys(data)
