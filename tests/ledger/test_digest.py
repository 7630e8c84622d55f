"""Digests: the exact lines, and nothing but them."""

import dataclasses
from base64 import b64encode

import pytest

from audit_ledger.errors import FormatError
from audit_ledger.ledger.digest import Digest, parse_digest
from audit_ledger.ledger.digest_name import digest_name, is_digest_name
from infra.settings.validation import MAX_ORIGIN_BYTES

ROOT = b64encode(b"r" * 32).decode()
INDEX = b64encode(b"i" * 32).decode()
PREVIOUS = "digests/2026/11/22/20261122T055800Z-40"
CHECKPOINT = f"audit.example.org/x\n42\n{ROOT}\n\n— audit.example.org/x AAAAAAAA\n"
TEXT = f"""audit-ledger/digest/v1
audit.example.org/x
from 2026-11-22T05:58:00Z
to 2026-11-22T05:59:00Z
size-before 40
size-after 42
index {INDEX}
entries 2
control-entries 1
blocks 1
followed 40
missing 3 2
previous {PREVIOUS} {ROOT}
checkpoint
{CHECKPOINT}"""
DIGEST = Digest(
    "audit.example.org/x",
    1_795_327_080,
    1_795_327_140,
    40,
    42,
    b"i" * 32,
    2,
    1,
    1,
    40,
    3,
    2,
    PREVIOUS,
    b"r" * 32,
    CHECKPOINT.encode(),
)
FIRST = dataclasses.replace(
    DIGEST, previous_name="", previous_sha256=bytes(32), size_before=0, entries=42
)


def test_a_digest_is_written_as_documented() -> None:
    """And read back."""
    assert DIGEST.text == TEXT
    assert parse_digest(TEXT) == DIGEST
    assert parse_digest(FIRST.text) == FIRST
    assert f"previous - {'A' * 43}=" in FIRST.text


def test_a_digest_is_named_by_time_and_size() -> None:
    """Names sort in the order of the chain."""
    assert DIGEST.name == "digests/2026/11/22/20261122T055900Z-42"
    assert digest_name(1_795_327_140, 0) == "digests/2026/11/22/20261122T055900Z-0"
    assert is_digest_name(DIGEST.name)


@pytest.mark.parametrize(
    "name",
    [
        "digests/latest",
        "digests/2026/11/23/20261122T055900Z-42",
        "digests/2026/11/22/20261122T055900Z-042",
        "digests/2026/11/22/20261122T055900Z-",
        "digests/2026/11/22/../20261122T055900Z-42",
    ],
)
def test_other_names_are_no_digest_names(name: str) -> None:
    """Neither in form nor in date."""
    assert not is_digest_name(name)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("digest/v1", "digest/v2", id="version"),
        pytest.param("from 2026", "From 2026", id="key"),
        pytest.param("05:58:00Z", "06:58:00Z", id="ends before it begins"),
        pytest.param("size-before 40", "size-before 040", id="leading zero"),
        pytest.param("size-before 40", "size-before 43", id="shrinks"),
        pytest.param("size-before 40", "size-before 41", id="entries are not the difference"),
        pytest.param("entries 2\ncontrol", "entries x\ncontrol", id="no number"),
        pytest.param("followed 40", "followed 43", id="follows more than there is"),
        pytest.param("followed 40", "followed 0", id="misses of nothing"),
        pytest.param("missing 3 2", "missing -3 2", id="misses less than nothing"),
        pytest.param("missing 3 2", "missing 1999999999 2", id="two portals lack more than counts"),
        pytest.param("missing 3 2", "missing 1 2", id="a portal lacks less than one event"),
        pytest.param("missing 3 2", "missing 3 0", id="nobody's events are missing"),
        pytest.param("missing 3 2", "missing 0 1", id="a portal lacks nothing"),
        pytest.param("missing 3 2", "missing 3", id="of how many portals is not said"),
        pytest.param("missing 3 2", "missing 3 1000", id="more portals than are counted"),
        pytest.param(f"index {INDEX}", "index AAAA", id="short index"),
        pytest.param(PREVIOUS, "digests/latest", id="previous is no name"),
        pytest.param(PREVIOUS, "-", id="hash without name"),
        pytest.param(f"{PREVIOUS} {ROOT}", f"{PREVIOUS} {'A' * 43}=", id="name without hash"),
        pytest.param("checkpoint\n", "checkpoints\n", id="no checkpoint line"),
        pytest.param("blocks 1\n", "blocks 0\n", id="entries in no block"),
        pytest.param("blocks 1\n", "blocks 3\n", id="a block without an entry"),
        pytest.param("blocks 1\n", f"blocks {10**18}\n", id="more blocks than there are"),
        pytest.param("control-entries 1", "control-entries 3", id="more control entries"),
        pytest.param("blocks 1\n", "", id="a line less"),
        pytest.param("blocks 1\n", "blocks 1\nblocks 1\n", id="a line twice"),
        pytest.param("blocks 1\n", "blocks 1 \n", id="a space more"),
    ],
)
def test_any_other_text_is_refused(old: str, new: str) -> None:
    """One fault each."""
    assert old in TEXT
    with pytest.raises(FormatError):
        parse_digest(TEXT.replace(old, new, 1))


def test_a_digest_with_the_longest_origin_and_counts_can_be_signed() -> None:
    """64 bytes, the most that settings allow, signed by both keys; counts of 15 digits."""
    origin, many = "a" * MAX_ORIGIN_BYTES, 10**15 - 1
    checkpoint = (
        f"{origin}\n{many}\n{ROOT}\n\n"
        f"— {origin} {b64encode(bytes(4 + 64)).decode()}\n"
        f"— {origin} {b64encode(bytes(4 + 8 + 2420)).decode()}\n"
    )
    digest = dataclasses.replace(
        DIGEST,
        origin=origin,
        size_before=many // 2,
        size_after=many,
        entries=many - many // 2,
        control_entries=many // 2,
        blocks=many - many // 2,
        followed=many,
        missing_events=999 * 999_999_999,
        missing_portals=999,
        previous_name=f"digests/2026/11/22/20261122T055800Z-{many}",
        checkpoint=checkpoint.encode(),
    )
    assert 4000 < len(digest.text.encode()) <= 4096


def test_a_digest_that_kms_cannot_sign_is_refused() -> None:
    """KMS signs messages of at most 4,096 bytes."""
    with pytest.raises(FormatError, match="4096"):
        _ = dataclasses.replace(DIGEST, checkpoint=b"x" * 4000).text


@pytest.mark.parametrize(
    ("entries", "blocks", "is_possible"),
    [(0, 0, True), (0, 1, False), (1, 1, True), (256, 1, True), (257, 1, False), (257, 2, True),
     (512, 2, True), (513, 2, False), (600, 600, True), (600, 601, False)],
)  # fmt: skip
def test_a_digest_of_impossible_blocks_is_refused(
    entries: int, blocks: int, is_possible: bool
) -> None:
    """A block has 1 to 256 entries."""
    digest = dataclasses.replace(
        DIGEST, size_after=40 + entries, entries=entries, control_entries=0, blocks=blocks
    )
    if is_possible:
        assert parse_digest(digest.text) == digest
    else:
        with pytest.raises(FormatError, match=f"{blocks} blocks cannot hold"):
            parse_digest(digest.text)
