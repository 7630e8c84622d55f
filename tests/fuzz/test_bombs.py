"""Input that would cost a careless parser minutes or gigabytes is rejected at little cost.

Each raises the documented error, within two seconds of work, and takes no more memory than a few
times its own size.
"""

import json
import time
import tracemalloc
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
import zstandard

from audit_ledger.errors import FormatError
from audit_ledger.events import (
    MAX_ENTRIES,
    RejectedEventError,
    parse_audit_event,
    parse_bundle,
    parse_cloudevents_batch,
)
from audit_ledger.events.batch import MAX_PATIENTS_PER_REQUEST
from audit_ledger.events.media_type import parse_media_type
from audit_ledger.ledger.block import parse_block, parse_body
from audit_ledger.ledger.digest import parse_digest
from audit_ledger.ledger.entry import parse_entry
from audit_ledger.records.compression import decompress_record
from audit_ledger.records.dead_letter import parse_dead_letter
from audit_ledger.records.index_row import parse_index_row
from audit_ledger.records.queue_message import parse_queue_message
from audit_ledger.records.record import parse_record
from audit_ledger.tlog.entry_bundle import parse_entry_bundle
from audit_ledger.tlog.note import VerifierKey, parse_note
from audit_ledger.tlog.policy import parse_policy
from audit_ledger.tlog.proof import parse_proof
from tests.builders.audit_event import r4

SECONDS = 2.0
MEGABYTES = 8
DEEP = 100_000


def sections(*of: bytes) -> bytes:
    """Return a block's body of these sections and a time."""
    return b"".join(len(s).to_bytes(4, "big") + s for s in of) + bytes(8)


def queue_message(sealed_bytes: int) -> str:
    """Return a queue message of one record."""
    head = b"\x01\x00\x01o" + bytes(8) + b"\x00\x01" + bytes(32) + b"\x00\x00"
    return b64encode(head + sealed_bytes.to_bytes(4, "big") + bytes(sealed_bytes)).decode()


def of_patients(count: int, prefix: str) -> dict[str, Any]:
    """Return an AuditEvent about `count` patients, different for each prefix."""
    return r4(entity=[{"what": {"reference": f"Patient/{prefix}-{n}"}} for n in range(count)])


def skippable_frame() -> bytes:
    """Return twelve bytes of zstd that claim to be followed by 4 GiB."""
    return b"\x50\x2a\x4d\x18" + (2**32 - 1).to_bytes(4, "little") + b"abcd"


def lying_frame() -> bytes:
    """Return a frame that claims 500,000 bytes and decompresses to a hundred million."""
    compressor = zstandard.ZstdCompressor(level=3).compressobj()
    frame = compressor.compress(bytes(100_000_000)) + compressor.flush()
    descriptor = bytes([frame[4] & 4 | 2 << 6])  # the content's size in four bytes
    return frame[:4] + descriptor + frame[5:6] + (500_000).to_bytes(4, "little") + frame[6:]


BOMBS: dict[str, tuple[Callable[[Any], object], Callable[[], bytes | str], type[Exception]]] = {
    "body of empty entries": (
        parse_body,
        lambda: sections(bytes(2_000_000), bytes(4_000_000), bytes(3_000_000), b""),
        FormatError,
    ),
    "archived block of empty lines": (parse_block, lambda: b"\n" * 10_000_000, FormatError),
    "archived block of lines": (parse_block, lambda: b"ab\n" * 3_000_000, FormatError),
    "bundle of empty entries": (parse_entry_bundle, lambda: bytes(10_000_000), FormatError),
    "proof of short lines": (
        parse_proof,
        lambda: b"c2sp.org/tlog-proof@v1\nindex 0\n" + b"ab\n" * 3_000_000 + b"\n",
        FormatError,
    ),
    "proof of nothing": (parse_proof, lambda: b"\n" * 10_000_000, FormatError),
    "note of nothing": (parse_note, lambda: b"\n" * 10_000_000, FormatError),
    "digest of lines": (
        parse_digest,
        lambda: "audit-ledger/digest/v1\n" + "ab\n" * 3_000_000,
        FormatError,
    ),
    "dead letter, nested": (parse_dead_letter, lambda: b'{"x":' + b"[" * DEEP, FormatError),
    "entry, nested": (parse_entry, lambda: b'{"control":' + b'{"a":' * DEEP, FormatError),
    "index row, nested": (parse_index_row, lambda: b'{"agents":' + b"[" * DEEP, FormatError),
    "record, nested": (parse_record, lambda: b'{"resource":' + b"[" * DEEP, FormatError),
    "AuditEvent, nested": (parse_audit_event, lambda: b"[" * DEEP, RejectedEventError),
    "Bundle, nested": (parse_bundle, lambda: b'{"entry":' * DEEP, RejectedEventError),
    "batch, nested": (parse_cloudevents_batch, lambda: b"[" * DEEP, RejectedEventError),
    "queue message over 1 MiB": (
        parse_queue_message,
        lambda: queue_message(1_000_000),
        FormatError,
    ),
    "zstd of 500 MB": (
        decompress_record,
        lambda: zstandard.ZstdCompressor().compress(bytes(500_000_000)),
        FormatError,
    ),
    "zstd that claims less": (decompress_record, lying_frame, FormatError),
    "zstd to be skipped": (decompress_record, skippable_frame, FormatError),
}


def measured(parse: Callable[[], object]) -> tuple[Exception | None, float, int]:
    """Parse twice; return the error, the CPU seconds of the first time, and the peak memory."""
    caught = None
    began = time.process_time()
    try:
        parse()
    except (FormatError, RejectedEventError) as error:
        caught = error
    seconds = time.process_time() - began
    tracemalloc.start()
    try:
        parse()
    except (FormatError, RejectedEventError):
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return caught, seconds, peak


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_rejected_at_little_cost(name: str) -> None:
    """The documented error, soon, in little more memory than the input itself takes."""
    parse, make, error = BOMBS[name]
    data = make()
    caught, seconds, peak = measured(lambda: parse(data))
    assert type(caught) is error, name
    assert seconds < SECONDS, f"{name}: {seconds:.1f} s"
    assert peak < MEGABYTES * 1_000_000 + 6 * len(data), f"{name}: {peak / 1e6:.0f} MB"


def test_a_bundle_of_too_many_patients_is_refused_early() -> None:
    """Thousands of patients, twenty an event: too many records for a queue message."""
    entries = [{"resource": of_patients(20, str(n))} for n in range(1000)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    body = json.dumps(bundle).encode()
    began = time.process_time()
    with pytest.raises(
        RejectedEventError, match=f"at most {MAX_PATIENTS_PER_REQUEST:,} patients"
    ) as refused:
        parse_bundle(body)
    assert refused.value.status == 413
    assert time.process_time() - began < 2 * SECONDS


@pytest.mark.parametrize("kind", ["log", "witness"])
def test_a_policy_of_very_many_keys_is_parsed_in_linear_time(kind: str) -> None:
    """Of the maximum size, with a key in every line."""
    line = {
        "log": lambda n: f"log {VerifierKey('a', 1, n.to_bytes(32, 'big')).text}\n",
        "witness": lambda n: f"witness w{n} {VerifierKey('a', 4, n.to_bytes(32, 'big')).text}\n",
    }[kind]
    data = "".join(map(line, range(14_000))).encode() + b"quorum none\n"
    began = time.process_time()
    parse_policy(data)
    assert time.process_time() - began < SECONDS


ARRAYS = {"numbers": b"0", "objects": b"{}", "texts": b'""'}


@pytest.mark.parametrize("element", ARRAYS)
def test_an_array_of_very_many_elements_is_refused(element: str) -> None:
    """4 MB, the most that reaches the function, of minimal elements."""
    array = b"[" + b",".join([ARRAYS[element]] * (4_000_000 // (len(ARRAYS[element]) + 1))) + b"]"
    for parse, body in (
        (parse_cloudevents_batch, array),
        (parse_bundle, b'{"resourceType":"Bundle","type":"batch","entry":' + array + b"}"),
    ):
        with pytest.raises(RejectedEventError, match=f"at most {MAX_ENTRIES:,}") as refused:
            parse(body)
        assert refused.value.status == 413


@pytest.mark.parametrize(
    "text", [";" * 60_000, "; " * 30_000, ";a" + " " * 60_000, ';a="' + '\\"' * 30_000]
)
def test_a_media_type_of_any_length_is_parsed_in_linear_time(text: str) -> None:
    """A malformed one has no parameters."""
    began = time.process_time()
    assert parse_media_type(text).essence == ""
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("number", ["9" * 19, "9" * 400, "9" * 100_000, "1e999999999", "-1"])
def test_an_entry_number_of_2_63_or_more_is_rejected(number: str) -> None:
    """A ledger has fewer than 2^63 entries; longer numbers are not converted."""
    zeros = "A" * 43 + "="
    entry = f'{{"seq":{number},"time":"2026-11-22T05:59:00Z","prev":"{zeros}","event":"{zeros}"}}'
    with pytest.raises(FormatError):
        parse_entry(entry.encode())


@pytest.mark.parametrize("numbers", ["-1 1", "0 0", "0 -1", "01 1", "0 1000", "9" * 20 + " 1"])
def test_the_name_of_an_archived_block_is_canonical(numbers: str) -> None:
    """First seq from 0, count from 1, in decimal without leading zeros."""
    lines = f"audit-ledger/block/v1\no\n{numbers}\n{'A' * 43}=\n{'A' * 86}==\n\nx"
    with pytest.raises(FormatError, match="first seq and count"):
        parse_block(lines.encode())


def test_a_digest_that_is_not_utf_8_is_rejected() -> None:
    """A lone surrogate, which no note can contain."""
    with pytest.raises(FormatError, match="UTF-8"):
        parse_digest("audit-ledger/digest/v1\n\ud800\n")
