"""The publisher's handler on moto: what it publishes."""

import hashlib
from base64 import b64decode, b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.aws.kms_signing import public_key_der
from audit_ledger.errors import VerificationError
from audit_ledger.ledger.block import parse_block
from audit_ledger.public_keys import raw_public_key
from functions.publisher import handler
from functions.publisher.signing import Signer
from tests.functions.publishing import Clock, all_entries, append, root_of, run
from tests.tlog.naive import mth
from tests.world import ALIAS, LEDGER, NAME, ORIGIN, World


def test_both_keys_sign_the_checkpoint_of_the_recounted_root(world: World, clock: Clock) -> None:
    """Parsed by hand and verified with cryptography alone."""
    append(3)
    run()
    note = world.published()["checkpoint"].decode()
    text, _, signatures = note.partition("\n\n")
    origin, size, root = text.split("\n")
    assert (origin, size, b64decode(root)) == (ORIGIN, "4", root_of(world))
    ed25519_line, mldsa44_line = signatures.splitlines()
    keys = {}
    for name, kind, line in (
        ("checkpoint-ed25519", b"\x01", ed25519_line),
        ("checkpoint-mldsa44", b"\x06", mldsa44_line),
    ):
        dash, key_name, value = line.split(" ")
        raw = raw_public_key(public_key_der(world.kms, f"{ALIAS}/{name}"))
        signature = b64decode(value)
        key_id = hashlib.sha256(ORIGIN.encode() + b"\n" + kind + raw).digest()[:4]
        assert (dash, key_name, signature[:4]) == ("—", ORIGIN, key_id)
        keys[name] = (raw, signature[4:])
    raw, signature = keys["checkpoint-ed25519"]
    Ed25519PublicKey.from_public_bytes(raw).verify(signature, (text + "\n").encode())
    raw, stamped = keys["checkpoint-mldsa44"]
    length = len(ORIGIN).to_bytes(1, "big")
    signed = (
        b"subtree/v1\n\0"
        + (length + ORIGIN.encode())
        + clock.now.to_bytes(8, "big")
        + (length + ORIGIN.encode())
        + bytes(8)
        + (4).to_bytes(8, "big")
        + b64decode(root)
    )
    assert stamped[:8] == clock.now.to_bytes(8, "big")
    MLDSA44PublicKey.from_public_bytes(raw).verify(stamped[8:], signed)


@pytest.mark.parametrize(
    "growth",
    [(1,), (254,), (255,), (256,), (100, 200, 300), (255, 1, 1), (254, 1, 512)],
    ids=str,
)
def test_tiles_and_bundles_are_those_of_the_specification(
    world: World, clock: Clock, growth: tuple[int, ...]
) -> None:
    """After each growth: exactly the tiles of C2SP, with recounted hashes."""
    for count in growth:
        append(count)
        run()
        clock.now += 60
        handler.publisher.cache_clear()  # a cold publisher reads the edge back from S3
    entries = all_entries(world)
    leaves = [hashlib.sha256(b"\0" + e).digest() for e in entries]
    expected: dict[str, bytes] = {}
    bundle = [len(e).to_bytes(2, "big") + e for e in entries]
    for start in range(0, len(entries), 256):
        width = min(256, len(entries) - start)
        name = f"{start // 256:03}" + ("" if width == 256 else f".p/{width}")
        expected[f"tile/0/{name}"] = b"".join(leaves[start : start + width])
        expected[f"tile/entries/{name}"] = b"".join(bundle[start : start + width])
    if full := len(entries) // 256:
        roots = [mth(leaves[n * 256 : n * 256 + 256]) for n in range(full)]
        expected[f"tile/1/000.p/{full}"] = b"".join(roots)
    published = {k: v for k, v in world.published().items() if k.startswith("tile/")}
    current = {k: v for k, v in published.items() if k in expected}
    assert current == expected
    older = set(published) - set(expected)
    assert all(".p/" in name for name in older)
    assert not {n for n in older if n.partition(".p/")[0] in expected and "/1/" not in n}


def test_digests_form_a_chain_of_signed_notes(world: World, clock: Clock) -> None:
    """Each names its predecessor by name and SHA-256, and continues its period and size."""
    for count in (2, 300, 1):
        append(count)
        run()
        clock.now += 60
    published = world.published()
    digests = sorted(n for n in published if n.startswith("digests/2"))
    assert len(digests) == 3
    assert published["digests/latest"] == published[digests[-1]]
    raw = raw_public_key(public_key_der(world.kms, f"{ALIAS}/checkpoint-ed25519"))
    previous, size, until = f"- {'A' * 43}=", "0", ""
    for name in digests:
        text, _, line = published[name].decode().rpartition("\n\n")
        Ed25519PublicKey.from_public_bytes(raw).verify(
            b64decode(line.split(" ")[2])[4:], (text + "\n").encode()
        )
        fields = dict(part.split(" ", 1) for part in text.split("\n")[2:13])
        assert fields["previous"] == previous
        assert fields["size-before"] == size
        assert until in ("", fields["from"])
        assert name.endswith(f"-{fields['size-after']}")
        assert b64decode(text.split("\n")[16]) == root_of(world, int(fields["size-after"]))
        digest = b64encode(hashlib.sha256(published[name]).digest()).decode()
        previous, size, until = f"{name} {digest}", fields["size-after"], fields["to"]


def put_gaps(world: World, followed: int, *missing: int) -> None:
    """Put the follower's counts: entries followed, events missing of each portal."""
    portals = {f"p{number}": {"N": str(n)} for number, n in enumerate(missing)}
    item: dict[str, Any] = {
        "key": {"S": f"{ORIGIN}#gaps"},
        "followed": {"N": str(followed)},
        "missing": {"M": portals},
        "altered": {"N": "0"},
        "first_altered": {"L": []},
    }
    world.dynamodb.put_item(TableName=f"{NAME}-views", Item=item)


def gap_lines(world: World) -> tuple[str, str]:
    """Return the lines `followed` and `missing` of the newest digest."""
    lines = world.published_file("digests/latest").decode().split("\n")
    return lines[10], lines[11]


def test_a_digest_contains_the_counts_of_the_follower(world: World, clock: Clock) -> None:
    """In the first digest nothing was followed."""
    append(5)
    put_gaps(world, 6, 9)  # of an earlier ledger: nothing of this one is published
    run()
    assert gap_lines(world) == ("followed 0", "missing 0 0")
    put_gaps(world, 6, 2)
    clock.now += 60
    append(1)
    run()
    assert gap_lines(world) == ("followed 6", "missing 2 1")


@pytest.mark.parametrize("claimed", [10**30, 10**9, 999_999_999])
def test_the_numbers_of_one_portal_hide_no_gap_of_another(
    world: World, clock: Clock, claimed: int
) -> None:
    """The count of one portal is bounded, whatever it claims."""
    append(5)
    run()
    for others, line in (
        ((), "missing 999999999 1"),
        ((1,), "missing 1000000000 2"),
        ((2, 40), "missing 1000000041 3"),
        ((1,) * 1500, f"missing {999_999_999 + 998} 999"),
    ):
        put_gaps(world, 4, claimed, *others)
        append(1)
        clock.now += 60
        assert run()["published"] is True
        assert gap_lines(world) == ("followed 4", line)


@pytest.mark.parametrize("state", ["unreadable", "ahead", "missing"])
def test_a_digest_repeats_counts_that_are_unknown_now(
    world: World, clock: Clock, state: str
) -> None:
    """Lost or wrong views do not stop publishing."""
    append(5)
    run()
    put_gaps(world, 4, 2)
    append(1)
    clock.now += 60
    run()
    assert gap_lines(world) == ("followed 4", "missing 2 1")
    if state == "unreadable":
        world.dynamodb.delete_table(TableName=f"{NAME}-views")
    elif state == "ahead":
        put_gaps(world, 8)  # seven are published
    else:
        world.dynamodb.delete_item(TableName=f"{NAME}-views", Key={"key": {"S": f"{ORIGIN}#gaps"}})
    append(1)
    clock.now += 60
    assert run()["published"] is True
    assert gap_lines(world) == ("followed 4", "missing 2 1")


def test_without_new_entries_an_hourly_heartbeat_is_published(world: World, clock: Clock) -> None:
    """Its signed time shows that the ledger is alive."""
    assert run() == {"published": False, "size": 0}
    append(1)
    assert run()["published"] is True
    before = world.published()
    clock.now += 3599
    assert run()["published"] is False
    assert world.published() == before
    clock.now += 1
    assert run()["published"] is True
    after = world.published()
    assert len([n for n in after if n.startswith("digests/2")]) == 2
    assert after["checkpoint"] != before["checkpoint"]
    assert after["checkpoint"].split(b"\n\n")[0] == before["checkpoint"].split(b"\n\n")[0]


def test_every_block_is_archived_before_its_checkpoint_is_signed(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If KMS refuses to sign, the archive has the exact bytes of each block, locked."""
    append(1, 2)

    def refuse(*_: object) -> bytes:
        raise ConnectionError

    monkeypatch.setattr(Signer, "checkpoint", refuse)
    with pytest.raises(ConnectionError):
        run()
    table = BlocksTable(world.dynamodb, f"{NAME}-blocks", ORIGIN)
    for block in table.since(0):
        key = f"{LEDGER}/blocks/{block.first_seq:020}"
        stored = world.s3.get_object(Bucket=f"{NAME}-archive", Key=key)
        assert parse_block(stored["Body"].read()) == block
        assert stored["ObjectLockMode"] == "GOVERNANCE"


def test_only_full_tiles_and_digests_are_locked(world: World, clock: Clock) -> None:
    """Partial tiles, the checkpoint and digests/latest are replaceable."""
    append(300)
    run()
    for path in world.published():
        head = world.s3.head_object(Bucket=f"{NAME}-published", Key=f"{LEDGER}/{path}")
        replaceable = ".p/" in path or path in ("checkpoint", "digests/latest")
        assert ("ObjectLockMode" in head) != replaceable, path


def test_a_backlog_is_published_in_several_runs(world: World, clock: Clock) -> None:
    """A run whose time is up publishes what it has verified; the next one continues."""
    append(2, 2, 2)
    publisher = handler.publisher()
    sizes = []
    for _ in range(3):
        clock.now += 60
        sizes.append(publisher.publish(has_time=lambda: False).size)
    assert sizes == [3, 5, 7]
    assert len([n for n in world.published() if n.startswith("digests/2")]) == 3


def test_an_invalid_signature_is_not_published(world: World, clock: Clock) -> None:
    """With another public key than that of KMS, nothing is committed."""
    append(1)
    signer = handler.publisher().signer
    other = Signer(
        signer.origin,
        b"\x01" * 32,
        signer.ed25519_sign,
        signer.mldsa44_key,
        signer.mldsa44_sign,
    )
    object.__setattr__(handler.publisher(), "signer", other)
    with pytest.raises(VerificationError):
        run()
    assert world.states() == []
    assert "checkpoint" not in world.published()
