"""Bodies are decompressed up to a limit, and only if they match their Content-Encoding."""

import gzip
import zlib
from base64 import b64encode

import pytest

from audit_ledger.events import RejectedEventError
from audit_ledger.http.content_coding import (
    MAX_MEMBERS,
    MAX_UNPACKED_BYTES,
    accepts_gzip,
    undo_codings,
)
from audit_ledger.http.responses import error_response
from tests.http.test_request import read

BODY = b'{"resourceType":"AuditEvent"}'
PACKED = gzip.compress(BODY, mtime=0)


def status_of(body: bytes, coding: str = "gzip", *, is_whole: bool = True) -> int:
    with pytest.raises(RejectedEventError) as refused:
        undo_codings(body, coding, is_whole=is_whole)
    return refused.value.status


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", " gzip ", "identity, gzip", "gzip,"])
def test_gzip_bodies_are_decompressed(coding: str) -> None:
    """Names are case-insensitive; x-gzip is an alias (RFC 9110, Section 8.4.1.3)."""
    assert undo_codings(PACKED, coding, is_whole=True) == BODY


@pytest.mark.parametrize("coding", ["", "identity", "Identity", "identity, identity"])
def test_a_body_without_coding_is_unchanged(coding: str) -> None:
    """Even if it looks compressed."""
    assert undo_codings(PACKED, coding, is_whole=False) == PACKED


@pytest.mark.parametrize(
    "coding", ["deflate", "br", "zstd", "compress", "gzip, gzip", "gzip2", "*"]
)
def test_other_codings_are_415_with_the_accepted_ones(coding: str) -> None:
    """RFC 9110, Section 15.5.16 and 12.5.3."""
    with pytest.raises(RejectedEventError) as refused:
        undo_codings(PACKED, coding, is_whole=True)
    response = error_response(refused.value)
    assert response["statusCode"] == 415
    assert response["headers"]["Accept-Encoding"] == "gzip, identity"


def test_a_gzip_file_of_several_members_is_one_body() -> None:
    """RFC 1952, Section 2.2; up to a limit that no real client reaches."""
    halves = gzip.compress(BODY[:5]) + gzip.compress(BODY[5:])
    assert undo_codings(halves, "gzip", is_whole=True) == BODY
    member = gzip.compress(b"")
    assert undo_codings(member * MAX_MEMBERS, "gzip", is_whole=True) == b""
    assert status_of(member * (MAX_MEMBERS + 1)) == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        BODY,
        PACKED[:-1],
        PACKED[:10],
        PACKED + b"\0",
        PACKED + b"\0" * 512,
        PACKED + BODY,
        PACKED + PACKED[:12],
        PACKED[:-8] + b"\0" * 8,  # wrong checksum and length
        PACKED[:-4] + b"\1\0\0\0",
        zlib.compress(BODY),
        zlib.compress(BODY)[2:-4],
    ],
)
def test_an_incomplete_or_altered_gzip_file_is_rejected(body: bytes) -> None:
    """Truncated, altered, of another format, or followed by other bytes."""
    assert status_of(body) == 400


def test_decompression_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb is never decompressed further than one byte over the limit."""
    assert len(undo_codings(gzip.compress(bytes(MAX_UNPACKED_BYTES)), "gzip", is_whole=True)) == (
        MAX_UNPACKED_BYTES
    )
    sizes: list[int] = []
    real = zlib.decompressobj

    class Counting:
        def __init__(self, bits: int) -> None:
            self._decompressor = real(bits)

        def decompress(self, data: bytes, most: int) -> bytes:
            out = self._decompressor.decompress(data, most)
            sizes.append(len(out))
            return out

        @property
        def eof(self) -> bool:
            return self._decompressor.eof

        @property
        def unused_data(self) -> bytes:
            return self._decompressor.unused_data

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    bomb = gzip.compress(bytes(64 * 1024 * 1024), 9)
    half = gzip.compress(bytes(MAX_UNPACKED_BYTES // 2))
    for body in (bomb, half + half + bomb, gzip.compress(bytes(MAX_UNPACKED_BYTES + 1))):
        sizes.clear()
        assert status_of(body) == 413
        assert sum(sizes) == MAX_UNPACKED_BYTES + 1


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        ("gzip", True),
        ("GZIP;q=0.5", True),
        ("br, gzip ; q=0.001", True),
        ("x-gzip", True),
        ("*", True),
        ("deflate, *;q=0.1", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("*;q=0", False),
        ("br;q=1.0, deflate", False),
        ("gzip;q=high", False),
    ],
)
def test_responses_are_compressed_if_the_client_accepts_it(
    accept_encoding: str, accepted: bool
) -> None:
    """Accept-Encoding has weights too; weight 0 refuses a coding."""
    assert accepts_gzip(accept_encoding) is accepted


def test_an_empty_body_needs_no_decoding() -> None:
    """A client may send Content-Encoding with every request."""
    assert read(headers={"content-encoding": "gzip"}).body == b""


def test_a_compressed_request_is_read_decompressed() -> None:
    """API Gateway passes bytes as base64; bytes passed as text are damaged: 415."""
    headers = {"content-encoding": "gzip", "content-type": "application/fhir+json"}
    sent = b64encode(PACKED).decode()
    assert read(headers=headers, body=sent, isBase64Encoded=True).body == BODY
    with pytest.raises(RejectedEventError, match=r"application/fhir\+json") as refused:
        read(headers=headers, body=PACKED.decode("utf-8", "replace"))
    assert refused.value.status == 415
