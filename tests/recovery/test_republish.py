"""`ledger republish` puts lost published files back, byte for byte, and names them."""

import base64
import re
from collections.abc import Callable
from hashlib import sha256

import pytest

from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.ledger.block import archived_name
from tests.functions.publishing import Clock, append, run
from tests.recovery.lost_tables import Commands, empty, frozen, start_containers
from tests.world import LEDGER, NAME, ORIGIN, World

REPLACEABLE = ("checkpoint", "digests/latest")
OLD_PARTIALS = ("tile/0/002.p/8", "tile/entries/002.p/8", "tile/1/000.p/1")


def lose(world: World, *paths: str) -> None:
    for path in paths:
        world.s3.delete_object(Bucket=f"{NAME}-published", Key=f"{LEDGER}/{path}")


def lock(world: World, path: str) -> str | None:
    head = world.s3.head_object(Bucket=f"{NAME}-published", Key=f"{LEDGER}/{path}")
    mode = head.get("ObjectLockMode")
    assert (mode is None) == (".p/" in path)
    return None if mode is None else str(mode)


def digests_of(world: World) -> list[str]:
    return sorted(path for path in world.published() if re.match("digests/2", path))


LOSSES: dict[str, Callable[[World], list[str]]] = {
    "a full tile": lambda _: ["tile/0/000"],
    "a full entry bundle": lambda _: ["tile/entries/001"],
    "a tile above": lambda _: ["tile/1/000.p/2"],
    "the partial tile and bundle": lambda _: ["tile/0/002.p/88", "tile/entries/002.p/88"],
    "an older digest": lambda world: digests_of(world)[1:2],
    "the first digest": lambda world: digests_of(world)[:1],
    "the newest digest": lambda world: digests_of(world)[-1:],
    "all digests": digests_of,
    "everything": lambda world: [
        path for path in world.published() if path not in (*REPLACEABLE, *OLD_PARTIALS)
    ],
}


@pytest.mark.parametrize("what", LOSSES)
def test_lost_files_are_put_back_and_named(large: World, commands: Commands, what: str) -> None:
    """The same bytes, locked as before; other files are unchanged."""
    before, lost = large.published(), LOSSES[what](large)
    locks = {path: lock(large, path) for path in lost}
    assert lost
    lose(large, *lost)
    dry = commands.republish("--dry-run", "--json")
    assert dry.code == 3, dry.err
    assert sorted(dry.report["put_back"]) == sorted(lost)
    assert large.published() == {p: data for p, data in before.items() if p not in lost}
    ran = commands.republish()
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == f"{ORIGIN}: 600 entries verified, {len(lost)} files put back"
    assert sorted(lines[1:]) == sorted(f"  missing: {path}: put back" for path in lost)
    assert large.published() == before
    assert {path: lock(large, path) for path in lost} == locks
    again = commands.republish("--json")
    assert (again.code, again.report["put_back"], again.report["lost"]) == (0, [], [])


def test_a_ledger_frozen_for_a_lost_file_continues_afterwards(
    large: World, clock: Clock, commands: Commands
) -> None:
    """Once the file is back and the freeze is lifted."""
    lose(large, "tile/0/002.p/88")
    append(1)
    start_containers()
    with pytest.raises(Exception, match="missing, and no full one in its place"):
        run()
    assert frozen(large) is not None
    assert commands.republish().code == 0
    assert commands.unfreeze("--yes").code == 0
    clock.now += 60
    assert run()["size"] == 601


def test_an_altered_file_is_not_replaced(large: World, commands: Commands) -> None:
    """It is evidence, and `ledger verify` names it."""
    key = f"{LEDGER}/tile/0/000"
    large.s3.put_object(Bucket=f"{NAME}-published", Key=key, Body=b"altered")
    ran = commands.republish("--json")
    assert (ran.code, ran.report["put_back"]) == (0, [])
    assert large.published()["tile/0/000"] == b"altered"


def test_a_digest_without_a_version_is_reported_as_lost(
    large: World, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other files are put back."""
    lost = digests_of(large)[1]
    lose(large, lost, "tile/0/001")
    monkeypatch.setattr(LedgerObjects, "versions", lambda *_: iter(()))
    ran = commands.republish()
    assert ran.code == 3
    assert "  missing: tile/0/001: put back" in ran.out.splitlines()
    assert f"  lost: {lost}: no version of it is left" in ran.out


def test_a_version_that_its_successor_does_not_name_is_not_put_back(
    large: World, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone else wrote and deleted it."""
    lost = digests_of(large)[1]
    lose(large, lost)
    monkeypatch.setattr(LedgerObjects, "versions", lambda *_: iter([b"planted\n"]))
    ran = commands.republish("--json")
    assert (ran.code, ran.report["lost"]) == (3, [lost])
    assert lost not in large.published()


def replace_file(world: World, path: str, data: bytes) -> None:
    world.s3.put_object(Bucket=f"{NAME}-published", Key=f"{LEDGER}/{path}", Body=data)


def test_a_version_under_others_is_found(large: World, commands: Commands) -> None:
    """Object Lock retains it, however many versions followed."""
    before, lost = large.published(), digests_of(large)[1]
    replace_file(large, lost, b"planted\n")
    replace_file(large, lost, b"planted once more\n")
    lose(large, lost)
    ran = commands.republish("--json")
    assert (ran.code, ran.report["put_back"], ran.report["lost"]) == (0, [lost], [])
    assert large.published() == before


def test_a_file_that_a_planted_digest_names_is_not_put_back(
    large: World, commands: Commands
) -> None:
    """A planted digest cannot have a version of its choice locked into the chain."""
    first, second, *_ = digests_of(large)
    true, forged = large.published()[second], b"planted in place of the first\n"
    replace_file(large, first, forged)
    lose(large, first)
    named = base64.b64encode(sha256(forged).digest())
    planted = re.sub(rb"(?<=\nprevious )(\S+) \S+", rb"\1 " + named, true)
    assert planted != true
    replace_file(large, second, planted)
    assert commands.republish().code == 0
    published = large.published()
    assert published[second] == planted  # evidence, and `ledger verify` names it
    assert sha256(published[first]).digest() == base64.b64decode(
        re.findall(rb"\nprevious \S+ (\S+)", true)[0]
    )


def change_a_block(world: World) -> None:
    item = world.items("blocks")[-1]
    item["signature"] = {"B": bytes(64)}
    world.dynamodb.put_item(TableName=f"{NAME}-blocks", Item=item)
    key = f"{LEDGER}/{archived_name(int(item['first_seq']['N']))}"
    world.s3.delete_object(Bucket=f"{NAME}-archive", Key=key)


def lose_a_block_everywhere(world: World) -> None:
    key = f"{LEDGER}/{archived_name(300)}"
    world.s3.delete_object(Bucket=f"{NAME}-archive", Key=key)
    empty(world, "blocks", from_seq=300, before_seq=301)


def restore_an_older_root(world: World) -> None:
    state = next(i for i in world.items("ledgers") if i["key"]["S"] == f"{ORIGIN}#published")
    note = bytes(state["checkpoint"]["B"])
    root = note.split(b"\n")[2]
    state["checkpoint"] = {"B": note.replace(root, b"A" * 43 + b"=")}
    world.dynamodb.put_item(TableName=f"{NAME}-ledgers", Item=state)


@pytest.mark.parametrize(
    ("damage", "code", "error"),
    [
        (change_a_block, 1, "block 520: not signed by the sequencer's key"),
        (lose_a_block_everywhere, 3, "block 300 is neither in the archive nor in the table"),
        (restore_an_older_root, 1, "are not what was published"),
    ],
)
def test_nothing_is_put_if_the_blocks_do_not_have_the_signed_root(
    large: World, commands: Commands, damage: Callable[[World], None], code: int, error: str
) -> None:
    """Refused before the first write."""
    lose(large, "tile/0/000")
    damage(large)
    before = large.published()
    ran = commands.republish()
    assert (ran.code, ran.out) == (code, "")
    assert error in ran.err
    assert large.published() == before


def test_blocks_missing_in_the_archive_are_read_from_the_table(
    large: World, commands: Commands
) -> None:
    """One copy is enough."""
    key = f"{LEDGER}/{archived_name(0)}"
    large.s3.delete_object(Bucket=f"{NAME}-archive", Key=key)
    lose(large, "tile/0/000")
    assert commands.republish().code == 0
    assert "tile/0/000" in large.published()
