"""Content codings of RFC 9110: the bytes that were published, and no byte dropped on the way."""

import gzip
import itertools
import random
import zlib

import pytest

from audit_ledger.errors import UnreachableError
from audit_ledger.verify import content_coding
from audit_ledger.verify.content_coding import decode_content
from audit_ledger.verify.sources import MAX_OBJECT_BYTES

DATA = random.Random(7).randbytes(70_000) + bytes(70_000)  # over a piece, compressed
GZIP, DEFLATE = gzip.compress(DATA, mtime=0), zlib.compress(DATA)
RAW_DEFLATE = DEFLATE[2:-4]


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("", DATA),
        ("identity", DATA),
        ("gzip", GZIP),
        ("GZIP", GZIP),
        ("x-gzip", GZIP),
        ("X-GZip", GZIP),
        (" gzip ", GZIP),
        ("gzip,", GZIP),
        ("identity, gzip", GZIP),
        ("deflate", DEFLATE),
        ("Deflate", DEFLATE),
        ("gzip, deflate", zlib.compress(GZIP)),
        ("deflate,gzip", gzip.compress(DEFLATE, mtime=0)),
        ("gzip, x-gzip", gzip.compress(GZIP, mtime=0)),
    ],
)
def test_known_content_codings_are_decoded(coding: str, data: bytes) -> None:
    """In any letter case, the last one first."""
    assert decode_content(data, coding) == DATA


@pytest.mark.parametrize(
    "coding", ["br", "zstd", "compress", "gzip, br", "br, gzip", "aes128gcm", "gzip;q=1", "*"]
)
def test_an_unknown_content_coding_is_an_error(coding: str) -> None:
    """The content is unknown, and not altered."""
    with pytest.raises(UnreachableError, match="content coding"):
        decode_content(GZIP, coding)
    with pytest.raises(UnreachableError, match="5 content codings"):
        decode_content(GZIP, ", ".join(["gzip"] * 5))


def test_all_members_of_a_gzip_file_are_decoded() -> None:
    """RFC 1952, Section 2.2: members follow one another, empty ones too."""
    cut = (0, 1, 1, 70_000, len(DATA))
    members = [gzip.compress(DATA[a:b]) for a, b in itertools.pairwise(cut)]
    assert decode_content(b"".join(members), "gzip") == DATA


@pytest.mark.parametrize(
    ("coding", "stream"), [("gzip", GZIP), ("deflate", DEFLATE)], ids=["gzip", "deflate"]
)
@pytest.mark.parametrize(
    "rest", [b"\0", b"x", b"\x1f\x8b", b"\0" * 512, GZIP[:-1], b"tail" * 30_000]
)
def test_bytes_after_a_stream_are_appended_to_its_content(
    coding: str, stream: bytes, rest: bytes
) -> None:
    """Zeros and incomplete members too: nobody signed them."""
    assert decode_content(stream + rest, coding) == DATA + rest


def test_a_second_deflate_stream_is_trailing_bytes() -> None:
    """Only gzip has members."""
    assert decode_content(DEFLATE * 2, "deflate") == DATA + DEFLATE


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", DATA),
        ("gzip", GZIP[:-1]),
        ("gzip", GZIP[:-8]),
        ("gzip", GZIP[:-8] + bytes(8)),
        ("gzip", DEFLATE),
        ("deflate", GZIP),
        ("deflate", DEFLATE[:-1]),
        ("deflate", DEFLATE[:-4] + bytes(4)),
        ("deflate", RAW_DEFLATE),
        ("gzip", b""),
    ],
)
def test_an_incomplete_stream_is_returned_undecoded(coding: str, data: bytes) -> None:
    """Cut short, or with a wrong checksum: these bytes were not published."""
    assert decode_content(data, coding) == data


def test_a_bomb_is_decoded_up_to_the_largest_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one member, in many, and in layers."""
    monkeypatch.setattr(content_coding, "MAX_OBJECT_BYTES", 100_000)
    bomb = gzip.compress(bytes(10_000_000))
    for data, coding in (
        (bomb, "gzip"),
        (gzip.compress(bytes(60_000)) * 1000, "gzip"),
        (gzip.compress(bomb), "gzip, gzip"),
        (zlib.compress(bytes(10_000_000)), "deflate"),
    ):
        assert len(decode_content(data, coding)) == 100_001
    assert MAX_OBJECT_BYTES > 100_001


def test_work_on_empty_members_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """About a thousand are read; the rest is trailing bytes."""
    made: list[int] = []
    real = zlib.decompressobj

    def counted(wbits: int) -> "zlib._Decompress":
        made.append(wbits)
        return real(wbits=wbits)

    monkeypatch.setattr(zlib, "decompressobj", counted)
    empty = gzip.compress(b"")
    rest = decode_content(empty * 5000, "gzip")
    assert len(made) == 1024
    assert rest == empty * (5000 - 1024)
