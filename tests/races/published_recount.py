"""Check the published objects of a ledger, one by one, against a recount of its blocks."""

import struct
from base64 import b64decode
from hashlib import sha256
from typing import Any

from tests.races.recount import Recount, public_key
from tests.world import ORIGIN, World


def check_published(world: World, recount: Recount) -> int:
    """Check every object against the entries, and the newest files against the stored state.

    Return the published size. Tiles and bundles of earlier and later checkpoints may exist, if they
    agree with the entries; all digests belong to one chain.
    """
    (state,) = [i for i in world.items("ledgers") if i["key"]["S"].endswith("#published")]
    assert "frozen" not in state
    published = world.published()
    checkpoint = published.pop("checkpoint")
    assert checkpoint == bytes(state["checkpoint"]["B"])
    assert published.pop("digests/latest") == bytes(state["digest"]["B"])
    text, _, _ = checkpoint.decode().rpartition("\n\n")
    recount.check_signed([f"{text}\n"])
    size = int(text.split("\n")[1])
    assert size == int(state["size"]["N"])
    _check_digests(world, recount, published, state)
    _check_complete(published, size)
    for path, data in published.items():
        if path.startswith("tile/entries/"):
            start, width = _place(path.removeprefix("tile/entries/"))
            entries = recount.entries[start : start + width]
            assert len(entries) == width, f"{path}: beyond the last entry"
            assert data == b"".join(struct.pack(">H", len(e)) + e for e in entries), path
        else:
            level, _, place = path.removeprefix("tile/").partition("/")
            start, width = _place(place)
            assert data == _tile(recount, int(level), start, width), path
    archive = world.archived()
    assert archive.items() <= recount.archived.items()
    assert sum(int(d.split(b"\n")[2].split(b" ")[1]) for d in archive.values()) >= size
    return size


def _check_digests(
    world: World, recount: Recount, published: dict[str, bytes], state: dict[str, Any]
) -> None:
    """Check the chain from the newest digest on; remove its digests from `published`."""
    key = public_key(world, "checkpoint-ed25519")
    name, expected, after = state["digest_name"]["S"], None, int(state["size"]["N"])
    assert published[name] == bytes(state["digest"]["B"])
    while name:
        data = published.pop(name)
        assert expected is None or sha256(data).digest() == expected
        text, _, signature = data.decode().rpartition("\n\n")
        key.verify(b64decode(signature.split(" ")[2])[4:], f"{text}\n".encode())
        head, _, wrapped = text.partition("\ncheckpoint\n")
        lines = dict(line.split(" ", 1) for line in head.split("\n")[2:])
        assert int(lines["size-after"]) == after
        origin, size, root = wrapped.split("\n\n")[0].split("\n")
        assert (origin, int(size)) == (ORIGIN, after)
        assert b64decode(root) == recount.tree.root(after)
        after = int(lines["size-before"])
        assert int(lines["entries"]) == int(lines["size-after"]) - after
        name, _, previous = lines["previous"].partition(" ")
        name, expected = name.removeprefix("-"), b64decode(previous)
    assert after == 0
    assert not [path for path in published if path.startswith("digests/")], (
        "a digest outside the chain"
    )


def _check_complete(published: dict[str, bytes], size: int) -> None:
    """Check that all tiles and bundles of a size exist, a partial one perhaps as its full one."""
    level = 0
    while size >> (8 * level):
        full, width = divmod(size >> (8 * level), 256)
        for kind in (str(level), "entries") if level == 0 else (str(level),):
            for index in range(full):
                assert f"tile/{kind}/{_encoded_index(index)}" in published
            partial = f"tile/{kind}/{_encoded_index(full)}"
            assert width == 0 or {partial, f"{partial}.p/{width}"} & published.keys()
        level += 1


def _encoded_index(index: int) -> str:
    """Encode an index by C2SP tlog-tiles: three digits per element, all but the last after an x."""
    digits = f"{index:0{-(-len(str(index)) // 3) * 3}}"
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def _place(path: str) -> tuple[int, int]:
    """Return the first hash and the width of a tile path: `x001/234.p/5` → (315904, 5)."""
    index, _, width = path.partition(".p/")
    return int(index.replace("x", "").replace("/", "")) * 256, int(width or 256)


def _tile(recount: Recount, level: int, start: int, width: int) -> bytes:
    span = 256**level
    assert (start + width) * span <= recount.size, "a tile beyond the last entry"
    return b"".join(
        recount.tree.hash(n * span, (n + 1) * span) for n in range(start, start + width)
    )
