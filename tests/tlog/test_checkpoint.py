"""Checkpoints: three lines, read exactly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.tlog.checkpoint import Checkpoint, parse_checkpoint

ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


def test_specifications_example() -> None:
    """The example of tlog-checkpoint is read, and written back."""
    text = f"example.com/behind-the-sofa\n20852163\n{ROOT}\n"
    checkpoint = parse_checkpoint(text)
    assert checkpoint.origin == "example.com/behind-the-sofa"
    assert checkpoint.size == 20852163
    assert checkpoint.root.hex().startswith("0ac5186a91863e8e")
    assert checkpoint.extensions == ()
    assert checkpoint.text == text


LINES = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), min_size=1)


@settings(deadline=None)
@given(
    LINES,
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(LINES, max_size=3).map(tuple),
)
def test_every_checkpoint_is_read_back(
    origin: str, size: int, root: bytes, extensions: tuple[str, ...]
) -> None:
    """Any origin, size, root and extension lines."""
    checkpoint = Checkpoint(origin, size, root, extensions)
    assert parse_checkpoint(checkpoint.text) == checkpoint


@pytest.mark.parametrize("size", ["0", "1", "9223372036854775807"])
def test_smallest_and_largest_size(size: str) -> None:
    """Sizes go from 0 to 2^63 - 1."""
    assert parse_checkpoint(f"o\n{size}\n{ROOT}\n").size == int(size)


@pytest.mark.parametrize(("text", "message"), [
    pytest.param("", "does not end in a newline", id="empty"),
    pytest.param(f"o\n1\n{ROOT}", "does not end in a newline", id="last newline missing"),
    pytest.param("o\n1\n", "fewer than the three lines", id="two lines"),
    pytest.param(f"\n1\n{ROOT}\n", "origin is empty", id="origin empty"),
    pytest.param(f"o\to\n1\n{ROOT}\n", "origin has a control character", id="tab in the origin"),
    pytest.param(
        f"o\r\n1\n{ROOT}\n",
        "origin has a control character",
        id="carriage return in the origin",
    ),
    pytest.param(f"o\n\n{ROOT}\n", "size is not a decimal", id="size empty"),
    pytest.param(f"o\n01\n{ROOT}\n", "size is not a decimal", id="size with a leading zero"),
    pytest.param(f"o\n9223372036854775808\n{ROOT}\n", "expected 0 to 2\\^63 - 1", id="size 2^63"),
    pytest.param("o\n1\n\n", "0 bytes, expected 32", id="root empty"),
    pytest.param(f"o\n1\n{ROOT[:-4]}\n", "30 bytes, expected 32", id="root too short"),
    pytest.param(f"o\n1\n{'A' * 44}\n", "33 bytes, expected 32", id="root too long"),
    pytest.param(
        f"o\n1\n{ROOT[:-2]}J=\n",
        "set bits behind its last byte",
        id="root with set padding bits",
    ),
    pytest.param(f"o\n1\n{ROOT}\n\n", "extension line is empty", id="extension line empty"),
    pytest.param(
        f"o\n1\n{ROOT}\na\n\nb\n",
        "extension line is empty",
        id="extension line empty in the middle",
    ),
    pytest.param(
        f"o\n1\n{ROOT}\na\tb\n",
        "extension line has a control character",
        id="tab in an extension line",
    ),
])  # fmt: skip
def test_malformed_checkpoint(text: str, message: str) -> None:
    """Each field has its rule."""
    with pytest.raises(FormatError, match=message):
        parse_checkpoint(text)


@pytest.mark.parametrize(("origin", "size", "root", "extensions"), [
    ("", 1, bytes(32), ()),
    ("a\nb", 1, bytes(32), ()),
    ("a", -1, bytes(32), ()),
    ("a", 2**63, bytes(32), ()),
    ("a", 1, bytes(31), ()),
    ("a", 1, bytes(33), ()),
    ("a", 1, bytes(32), ("",)),
    ("a", 1, bytes(32), ("b\nc",)),
])  # fmt: skip
def test_a_checkpoint_that_would_not_be_read_back_is_refused(
    origin: str, size: int, root: bytes, extensions: tuple[str, ...]
) -> None:
    """Each field out of range."""
    with pytest.raises(FormatError, match="checkpoint: "):
        Checkpoint(origin, size, root, extensions)
