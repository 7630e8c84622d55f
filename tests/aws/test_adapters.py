"""Adapters translate and nothing else: repeated batches, conditional writes, secrets."""

import hmac
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from audit_ledger.aws.batches import MAX_TRIES, batch_get, batch_put
from audit_ledger.aws.events_table import index_items
from audit_ledger.aws.kms_data_keys import WrappingKey
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.aws.ssm_settings import SsmSettings
from audit_ledger.aws.subjects_table import SubjectsTable
from audit_ledger.errors import (
    FormatError,
    LostRaceError,
    NotFoundError,
    UnreachableError,
    VerificationError,
)
from audit_ledger.ledger.block import BlockItem
from audit_ledger.ledger.index import StoredEntry
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.pseudonyms import patient_pseudonym
from audit_ledger.records.wrapped_keys import WrappedKeys
from audit_ledger.settings.retention import Retention
from audit_ledger.tlog.strict_base64 import encode
from tests.world import ALIAS, LEDGER, NAME, ORIGIN, STAGE, World

NOW = 1_795_327_140


class Stingy:
    """A DynamoDB that takes or gives at most `most` items a call, and nothing for `never`."""

    def __init__(self, most: int, never: str = "") -> None:
        self.most = most
        self.never = never
        self.written: list[str] = []

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, request),) = RequestItems.items()
        assert request["ConsistentRead"] is True
        assert len(request["Keys"]) <= 100
        returned = [k for k in request["Keys"] if k["key"]["S"] != self.never][: self.most]
        left = [k for k in request["Keys"] if k not in returned]
        unread = {table: {"Keys": left, "ConsistentRead": True}} if left else {}
        return {"Responses": {table: returned}, "UnprocessedKeys": unread}

    def batch_write_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, requests),) = RequestItems.items()
        assert len(requests) <= 25
        self.written += [r["PutRequest"]["Item"]["key"]["S"] for r in requests[: self.most]]
        left = requests[self.most :]
        return {"UnprocessedItems": {table: left} if left else {}}


def items(count: int) -> list[dict[str, Any]]:
    return [{"key": {"S": f"k{n}"}} for n in range(count)]


def test_unprocessed_keys_are_requested_again_after_growing_pauses() -> None:
    """Each is returned exactly once."""
    pauses: list[float] = []
    client: Any = Stingy(most=40)
    found = list(batch_get(client, [("t", k) for k in items(250)], pause=pauses.append))
    assert sorted(i["key"]["S"] for _, i in found) == sorted(k["key"]["S"] for k in items(250))
    assert pauses == [0.05, 0.1, 0.05, 0.1, 0.05]


def test_items_left_unprocessed_are_put_again() -> None:
    """Until each is acknowledged."""
    client: Any = Stingy(most=10)
    batch_put(client, "t", items(60), pause=lambda _: None)
    assert client.written == [i["key"]["S"] for i in items(60)]


def test_a_batch_that_never_ends_is_an_error() -> None:
    """Never an incomplete result in place of an error."""
    pauses: list[float] = []
    client: Any = Stingy(most=100, never="k3")
    with pytest.raises(UnreachableError):
        list(batch_get(client, [("t", k) for k in items(5)], pause=pauses.append))
    assert len(pauses) == MAX_TRIES - 1
    writer: Any = Stingy(most=0)
    with pytest.raises(UnreachableError):
        batch_put(writer, "t", items(1), pause=lambda _: None)


def test_an_object_put_once_never_changes(world: World) -> None:
    """The same bytes again are fine, other bytes are an error, nothing is overwritten."""
    objects = LedgerObjects(world.s3, f"{NAME}-published", LEDGER, Retention("GOVERNANCE", 1))
    objects.put_once("tile/0/000", b"a", NOW, locked=True)
    objects.put_once("tile/0/000", b"a", NOW + 60, locked=True)
    with pytest.raises(VerificationError, match="tile/0/000"):
        objects.put_once("tile/0/000", b"b", NOW, locked=True)
    there = objects.get("tile/0/000")
    assert there is not None
    assert there.data == b"a"
    assert objects.get("tile/0/001") is None


def test_an_object_is_replaced_only_if_it_did_not_change(world: World) -> None:
    """Of two concurrent replacements, one fails."""
    objects = LedgerObjects(world.s3, f"{NAME}-published", LEDGER, Retention("GOVERNANCE", 1))
    objects.replace("checkpoint", b"1", None)
    with pytest.raises(LostRaceError):
        objects.replace("checkpoint", b"2", None)
    old = objects.get("checkpoint")
    objects.replace("checkpoint", b"2", old)
    with pytest.raises(LostRaceError):
        objects.replace("checkpoint", b"3", old)


STATE = PublishedState(1, 4, NOW, b"checkpoint", "digests/x", b"digest")


def test_the_published_state_is_swapped_by_version(world: World, origin: str) -> None:
    """First write only if there is none; later ones only over what was read."""
    table = LedgersTable(world.dynamodb, f"{NAME}-ledgers", origin)
    assert table.published() is None
    table.swap_published(None, STATE)
    assert table.published() == STATE
    with pytest.raises(LostRaceError):
        table.swap_published(None, STATE)
    second = msgspec.structs.replace(STATE, version=2)
    table.swap_published(STATE, second)
    with pytest.raises(LostRaceError):
        table.swap_published(STATE, second)


def test_a_frozen_ledger_keeps_its_first_reason_and_its_state(world: World, origin: str) -> None:
    """Nothing is published over it."""
    table = LedgersTable(world.dynamodb, f"{NAME}-ledgers", origin)
    table.swap_published(None, STATE)
    table.freeze("first")
    table.freeze("second")
    assert table.published() == msgspec.structs.replace(STATE, frozen="first")
    with pytest.raises(LostRaceError):
        table.swap_published(STATE, msgspec.structs.replace(STATE, version=2))


def test_a_ledger_frozen_before_it_was_published_stays_unpublished(
    world: World, origin: str
) -> None:
    """The first state is not written over a freeze."""
    table = LedgersTable(world.dynamodb, f"{NAME}-ledgers", origin)
    table.freeze("early")
    state = table.published()
    assert state is not None
    assert (state.frozen, state.version) == ("early", 0)
    with pytest.raises(LostRaceError):
        table.swap_published(None, STATE)


def test_a_ledgers_keys_are_made_once_and_open_only_for_their_purpose(
    world: World, origin: str
) -> None:
    """Wrapped with origin and purpose as encryption context."""
    wrapping = WrappingKey(world.kms, f"{ALIAS}/wrapping", origin)
    table = LedgersTable(world.dynamodb, f"{NAME}-ledgers", origin)
    keys = wrapping.first_keys()
    table.put_first_keys(keys)
    with pytest.raises(LostRaceError):
        table.put_first_keys(wrapping.first_keys())
    assert table.keys() == keys
    opened = wrapping.unwrap(keys)
    assert len(opened.ledger_key) == 32
    assert opened.index_key.digest(b"") != hmac.digest(opened.ledger_key, b"", "sha256")
    swapped = WrappedKeys(keys.ledger_keys[1], {1: keys.index_key})
    with pytest.raises(ClientError):
        wrapping.unwrap(swapped)


def test_all_versions_of_a_ledger_key_are_unwrapped_for_old_records(
    world: World, origin: str
) -> None:
    """By version; the newest is what `unwrap` gives; none opens as another purpose."""
    wrapping = WrappingKey(world.kms, f"{ALIAS}/wrapping", origin)
    first, second = wrapping.first_keys(), wrapping.first_keys()
    wrapped = WrappedKeys(first.index_key, {1: first.ledger_keys[1], 2: second.ledger_keys[1]})
    opened = wrapping.unwrap_all(wrapped)
    assert opened.ledger_keys.keys() == {1, 2}
    newest = wrapping.unwrap(wrapped)
    assert newest.ledger_key_version == 2
    assert opened.ledger_keys[2] == newest.ledger_key
    assert opened.ledger_keys[1] == wrapping.unwrap(first).ledger_key != newest.ledger_key
    assert opened.index_key.digest(b"x") == newest.index_key.digest(b"x")
    with pytest.raises(ClientError):
        wrapping.unwrap_all(WrappedKeys(first.index_key, {1: second.index_key}))
    with pytest.raises(ClientError):
        WrappingKey(world.kms, f"{ALIAS}/wrapping", "another").unwrap_all(wrapped)


def test_a_subject_has_one_secret_a_year_until_it_is_retired(world: World, origin: str) -> None:
    """Made on first sight, found again, succeeded after retirement, never the same twice."""
    table = SubjectsTable(world.dynamodb, f"{NAME}-subjects", origin)
    first = table.current(["aa", "bb"], 2026)
    again = table.current(["bb", "aa"], 2026)
    assert {k: v.secret for k, v in first.items()} == {k: v.secret for k, v in again.items()}
    assert first["aa"].secret != first["bb"].secret
    assert table.current(["aa"], 2027)["aa"].generation == 2027000
    key = {"key": {"S": f"{origin}#aa"}, "generation": {"N": "2026000"}}
    world.dynamodb.update_item(
        TableName=f"{NAME}-subjects",
        Key=key,
        UpdateExpression="SET retired = :t",
        ExpressionAttributeValues={":t": {"S": "2026-11-22T05:59:00Z"}},
    )
    successor = table.current(["aa"], 2026)["aa"]
    assert successor.generation == 2026001
    assert successor.secret != first["aa"].secret
    assert table.current(["aa"], 2026)["aa"].secret == successor.secret
    (row,) = [
        i
        for i in world.items("subjects")
        if (i["key"]["S"], i["generation"]["N"]) == (f"{origin}#aa", "2026001")
    ]
    assert (
        row["pseudonym"]["S"]
        == f"{origin}#{encode(patient_pseudonym(KeyedHash(successor.secret)))}"
    )


def test_a_successor_stays_when_its_retired_predecessor_is_erased(
    world: World, origin: str
) -> None:
    """The numbers do not begin again while a generation of the year lives."""
    table = SubjectsTable(world.dynamodb, f"{NAME}-subjects", origin)
    table.current(["aa"], 2026)
    key = {"key": {"S": f"{origin}#aa"}, "generation": {"N": "2026000"}}
    world.dynamodb.update_item(
        TableName=f"{NAME}-subjects", Key=key, UpdateExpression="SET retired = pseudonym"
    )
    successor = table.current(["aa"], 2026)["aa"]
    world.dynamodb.delete_item(TableName=f"{NAME}-subjects", Key=key)
    assert table.current(["aa"], 2026)["aa"].secret == successor.secret


def test_a_subjects_generations_are_all_its_secrets_the_oldest_first(
    world: World, origin: str
) -> None:
    """Of every year, retired ones too; none of another subject, nor of another ledger."""
    table = SubjectsTable(world.dynamodb, f"{NAME}-subjects", origin)
    other = SubjectsTable(world.dynamodb, f"{NAME}-subjects", f"{origin}/other")
    made = [table.current(["aa"], year)["aa"] for year in (2027, 2025, 2026)]
    retired = {"key": {"S": f"{origin}#aa"}, "generation": {"N": "2026000"}}
    world.dynamodb.update_item(
        TableName=f"{NAME}-subjects", Key=retired, UpdateExpression="SET retired = pseudonym"
    )
    made.append(table.current(["aa"], 2026)["aa"])
    table.current(["bb", "aab"], 2026)
    other.current(["aa"], 2024)
    found = table.generations("aa")
    assert [secret.generation for secret in found] == [2025000, 2026000, 2026001, 2027000]
    assert {s.secret for s in found} == {s.secret for s in made}
    assert table.generations("cc") == []


def test_a_pseudonym_leads_to_its_secret_until_that_is_erased(world: World, origin: str) -> None:
    """Several at once; unknown ones and another ledger's lead nowhere."""
    table = SubjectsTable(world.dynamodb, f"{NAME}-subjects", origin)
    other = SubjectsTable(world.dynamodb, f"{NAME}-subjects", f"{origin}/other")
    secrets = [*table.current(["aa", "bb"], 2026).values(), *table.current(["aa"], 2027).values()]
    by_pseudonym = {patient_pseudonym(KeyedHash(s.secret)): s for s in secrets}
    theirs = patient_pseudonym(KeyedHash(other.current(["aa"], 2026)["aa"].secret))
    requested = [*by_pseudonym, theirs, bytes(16)]
    found = table.of_pseudonyms(requested)
    assert {p: (s.generation, s.secret) for p, s in found.items()} == {
        p: (s.generation, s.secret) for p, s in by_pseudonym.items()
    }
    key = {"key": {"S": f"{origin}#bb"}, "generation": {"N": "2026000"}}
    world.dynamodb.delete_item(TableName=f"{NAME}-subjects", Key=key)
    left = table.of_pseudonyms(requested)
    assert len(left) == 2
    assert secrets[1].secret not in {s.secret for s in left.values()}
    assert table.of_pseudonyms([]) == {}


def test_two_requests_that_create_the_same_secret_agree(world: World, origin: str) -> None:
    """Who loses the put-if-absent takes the winner's."""
    table = SubjectsTable(world.dynamodb, f"{NAME}-subjects", origin)
    winner = table._create("aa", 2026, 2026000)
    loser = table._create("aa", 2026, 2026000)
    assert loser.secret == winner.secret


def test_a_ledger_that_is_not_declared_is_not_found(world: World) -> None:
    """And settings that are none say where."""
    settings = SsmSettings(world.ssm, STAGE)
    assert settings.read(LEDGER).origin == ORIGIN
    with pytest.raises(NotFoundError):
        settings.read("other")
    world.ssm.put_parameter(Name=f"/{NAME}/ledgers/odd", Type="String", Value='{"origin":1}')
    with pytest.raises(FormatError, match=f"parameter /{NAME}/ledgers/odd"):
        settings.read("odd")


ROW = IndexRow(
    event_id="ab" * 32,
    time_ms=NOW * 1000,
    patient=b"p" * 16,
    agents=(b"a" * 16, b"b" * 16),
    others=(b"c" * 16,),
    fingerprint=b"f" * 32,
    generation=2026000,
)


def indexed(row: IndexRow, *, conflict: bool = False) -> list[dict[str, Any]]:
    entry = StoredEntry(7, 5, NOW, row, BlockItem(b"", row.to_bytes(), conflict=conflict))
    return list(index_items(ORIGIN, entry))


def test_an_entry_is_indexed_under_its_id_with_its_patient_and_first_person() -> None:
    """Further persons have items of their own; applications and devices none."""
    first, second = indexed(ROW)
    assert first["key"] == {"S": f"{ORIGIN}#{'ab' * 32}"}
    assert (first["seq"], first["block"]) == ({"N": "7"}, {"N": "5"})
    assert first["patient"] == {"S": f"{ORIGIN}#{encode(b'p' * 16)}"}
    assert first["agent"] == {"S": f"{ORIGIN}#{encode(b'a' * 16)}"}
    assert second["key"] == {"S": f"{ORIGIN}#{'ab' * 32}#1"}
    assert second["agent"] == {"S": f"{ORIGIN}#{encode(b'b' * 16)}"}
    assert "late" not in first


def test_an_event_far_from_the_ledgers_time_is_in_the_index_of_late_ones() -> None:
    """More than two minutes off, either way."""
    day = 86_400_000
    for offset in (-31 * day, 2 * day, 40 * day):
        (item, *_) = indexed(msgspec.structs.replace(ROW, time_ms=NOW * 1000 + offset))
        assert item["late"] == {"S": ORIGIN}
    for offset, is_late in ((120_000, False), (-120_000, False), (120_001, True), (-120_001, True)):
        (item, *_) = indexed(msgspec.structs.replace(ROW, time_ms=NOW * 1000 + offset))
        assert ("late" in item) == is_late


def test_events_without_patient_or_person_are_in_no_such_index() -> None:
    """Sparse indexes cost nothing for what they do not hold."""
    (item,) = indexed(msgspec.structs.replace(ROW, patient=None, agents=()))
    assert set(item) == {"key", "seq", "block", "place", "row"}
