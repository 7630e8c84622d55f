"""The byte that is flipped is one that a person can read."""

from pathlib import Path

import pytest

from audit_ledger.errors import FormatError
from infra.demo.tampering import flip_a_byte


def entry(seq: int) -> bytes:
    return b'{"seq":%d,"time":"2026-11-22T05:59:%02dZ","prev":"","event":""}' % (seq, seq % 60)


def bundle(first: int, last: int) -> bytes:
    entries = [entry(seq) for seq in range(first, last)]
    return b"".join(len(e).to_bytes(2, "big") + e for e in entries)


def test_the_time_of_an_entry_in_the_middle_is_changed_in_a_copy(tmp_path: Path) -> None:
    """Of a bundle that grew, the copy's last state is changed, not one that nobody reads."""
    entries = tmp_path / "published" / "tile" / "entries"
    (entries / "001.p").mkdir(parents=True)
    (entries / "000").write_bytes(bundle(0, 256))
    for width in (3, 20):
        (entries / "001.p" / str(width)).write_bytes(bundle(256, 256 + width))
    before = {f: f.read_bytes() for f in entries.rglob("*") if f.is_file()}
    tampered = flip_a_byte(tmp_path / "published", tmp_path / "copy")
    assert (tampered.path, tampered.entry) == ("tile/entries/001.p/20", 256 + 10)
    assert (tampered.before, tampered.after) == ("2026-11-22T05:59:26Z", "2026-11-22T05:59:27Z")
    copied = (tmp_path / "copy" / tampered.path).read_bytes()
    at = copied.index(b'{"seq":266,')
    assert copied[at:].startswith(b'{"seq":266,"time":"2026-11-22T05:59:27Z"')
    assert {f: f.read_bytes() for f in entries.rglob("*") if f.is_file()} == before


def test_a_folder_without_entries_cannot_be_tampered_with(tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    with pytest.raises(FormatError, match="no entries"):
        flip_a_byte(tmp_path / "published", tmp_path / "copy")
