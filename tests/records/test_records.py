"""Records: committed, sealed, pseudonymised; recounted here with the standard library alone."""

import hashlib
import hmac
import json
import struct
from base64 import b64decode, b64encode
from pathlib import Path
from string import ascii_letters, digits

import msgspec
import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

import audit_ledger.records
from audit_ledger.errors import FormatError, TooLargeError, VerificationError
from audit_ledger.records import pseudonyms
from audit_ledger.records.binding import binding_key
from audit_ledger.records.commitment import RecordDisclosure, row_commitment
from audit_ledger.records.index_row import IndexRow, parse_index_row
from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.queue_message import (
    QueueMessage,
    parse_queue_message,
)
from audit_ledger.records.record import new_record, parse_record
from audit_ledger.records.seal import (
    OtherKeyError,
    open_sealed,
    require_bound,
    seal,
    subject_key,
)
from audit_ledger.records.sealed_record import SealedRecord, SealHeader, parse_header
from tests.builders.commitment import design_commitment
from tests.conftest import REPOSITORY

ORIGIN = "audit.example.org/x"
KEY, SECRET = b"k" * 32, b"s" * 32
KEYED = KeyedHash(KEY)
ROW = IndexRow(
    event_id="ab" * 32,
    time_ms=1_795_327_140_123,
    patient=b"p" * 16,
    agents=(b"a" * 16,),
    fingerprint=b"f" * 32,
    generation=2026000,
    flags=("balp.x",),
)


def framed(label: str, *parts: bytes) -> bytes:
    return label.encode() + b"\n" + b"".join(struct.pack(">I", len(p)) + p for p in parts)


def test_the_commitment_is_as_the_design_has_it() -> None:
    """SHA-256 over label and the two parts, each SHA-256 over label, blind and bytes."""
    disclosed = RecordDisclosure(b"row", b"r" * 32, b"record", b"b" * 32)
    expected = design_commitment(b"r" * 32, b"row", b"b" * 32, b"record")
    assert disclosed.commitment == disclosed.without_record().commitment == expected


@pytest.mark.parametrize("field", ["row_blind", "record_blind"])
@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_blind_of_another_length_is_refused(field: str, length: int) -> None:
    """32 bytes hide a record, fewer might not; another length would shift bytes between fields."""
    disclosed = RecordDisclosure(b"row", b"r" * 32, b"record", b"b" * 32)
    with pytest.raises(FormatError):
        _ = msgspec.structs.replace(disclosed, **{field: bytes(length)}).commitment


def test_a_record_holds_the_resource_byte_for_byte() -> None:
    """White space, key order, number spelling and escapes as submitted."""
    resource = b'{ "b" : 1.50e0,\n "a":"\\u00e9\xc3\xa9", "a": [ ] }'
    data = new_record("ehr", 1_795_327_140_007, "fhir-r4", resource).to_bytes()
    assert data.endswith(b',"resource":' + resource + b"}")
    assert data.startswith(b'{"portal":"ehr","received":"2026-11-22T05:59:00.007Z"')
    assert bytes(parse_record(data).resource) == resource
    assert resource.decode() not in repr(parse_record(data))


def test_a_record_names_what_was_cut_from_it() -> None:
    """Before the resource; and not at all where nothing was."""
    cut = new_record("ehr", 0, "fhir-r5", b"{}", ["AuditEvent.entity[2]"]).to_bytes()
    assert json.loads(cut)["cut"] == ["AuditEvent.entity[2]"]
    assert parse_record(cut).cut == ("AuditEvent.entity[2]",)
    assert "cut" not in json.loads(new_record("ehr", 0, "fhir-r5", b"{}").to_bytes())


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"portal":1}', b"\xff", b"[" * 99_999])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    """With FormatError, which quotes nothing."""
    with pytest.raises(FormatError, match=r"^record: not JSON with exactly the keys"):
        parse_record(data)


def unpacked_with_dictionary(frame: bytes) -> bytes:
    """Unpack a frame with the dictionary whose number it has in its header (RFC 8878)."""
    assert zstandard.get_frame_parameters(frame).dict_id == 40_001
    data = (Path(audit_ledger.records.__path__[0]) / "fhir-1.zdict").read_bytes()
    dictionary = zstandard.ZstdCompressionDict(data)
    unpacked: bytes = zstandard.ZstdDecompressor(dict_data=dictionary).decompress(frame)
    return unpacked


def test_the_dictionary_is_the_one_that_records_were_sealed_with() -> None:
    """One byte changed would lose every record: its SHA-256, as `docs/decisions` has it."""
    data = (Path(audit_ledger.records.__path__[0]) / "fhir-1.zdict").read_bytes()
    decision = REPOSITORY / "docs" / "decisions" / "0005-dictionary-for-records.md"
    assert hashlib.sha256(data).hexdigest() in decision.read_text()


BLIND, ROW_BLIND = b"b" * 32, b"r" * 32
HEADER = SealHeader(3, 2026000)
ROW_BYTES = ROW.to_bytes()


def single_use_key(key: bytes, salt: bytes) -> bytes:
    """HKDF-Expand (RFC 5869, Section 2.3), one block."""
    return hmac.digest(key, b"audit-ledger/single-use-key/v1\n" + salt + b"\x01", "sha256")


def seal_by_hand(plain: bytes, key: bytes, row: bytes = ROW_BYTES) -> bytes:
    salt = bytes(16)
    cipher = AESGCM(single_use_key(key, salt))
    header = struct.pack(">BHI", 1, 1, 1)
    associated = b"o\n" + row_commitment(ROW_BLIND, row)
    return header + salt + cipher.encrypt(bytes(12), plain, associated) + bytes(16)


def committed(record: bytes, sealed: bytes) -> SealedRecord:
    disclosed = RecordDisclosure(ROW_BYTES, ROW_BLIND, record, BLIND)
    hidden = disclosed.without_record().record_commitment
    return SealedRecord(ROW, ROW_BYTES, ROW_BLIND, hidden, disclosed.commitment, sealed)


def sealed_record(record: bytes = b"record" * 50, origin: str = ORIGIN) -> SealedRecord:
    key = subject_key(KEY, SECRET, origin)
    return seal(record, ROW, key=key, binding=binding_key(KEY), header=HEADER, origin=origin)


def test_a_record_compressed_without_a_dictionary_opens() -> None:
    """The frame says whether it needs one."""
    sealed = seal_by_hand(BLIND + zstandard.compress(b"record"), KEY)
    assert open_sealed(committed(b"record", sealed), key=KEY, origin="o") == (b"record", BLIND)


def test_a_sealed_record_opens_by_the_documented_steps() -> None:
    """HKDF, AES-256-GCM and zstd done by hand give the record and the blind back."""
    key = subject_key(KEY, SECRET, ORIGIN)
    prk = hmac.digest(bytes(32), KEY + SECRET, "sha256")
    info = b"audit-ledger/subject-key/v1\n" + ORIGIN.encode()
    assert key == hmac.digest(prk, info + b"\x01", "sha256")
    stored = sealed_record()
    sealed = stored.sealed
    assert struct.unpack(">BHI", sealed[:7]) == (1, 3, 2026000)
    cipher = AESGCM(single_use_key(key, sealed[7:23]))
    row_part = hashlib.sha256(b"audit-ledger/row/v1\n" + stored.row_blind + ROW_BYTES).digest()
    plain = cipher.decrypt(bytes(12), sealed[23:-16], ORIGIN.encode() + b"\n" + row_part)
    blind = plain[:32]
    assert unpacked_with_dictionary(plain[32:]) == b"record" * 50
    committed_to = design_commitment(stored.row_blind, ROW_BYTES, blind, b"record" * 50)
    assert stored.commitment == committed_to
    assert open_sealed(stored, key=key, origin=ORIGIN) == (b"record" * 50, blind)


def test_every_record_is_sealed_under_a_key_of_its_own() -> None:
    """Salts of 128 bits: 10,000 records of one subject share none, nor a byte of key stream."""
    sealed = [sealed_record(b"r").sealed for _ in range(10_000)]
    assert len({one[7:23] for one in sealed}) == len(sealed)
    assert len({one[23:39] for one in sealed}) == len(sealed)


def test_the_binding_tag_is_as_documented() -> None:
    """HMAC-SHA256 over origin, commitment, header and ciphertext, by the standard library."""
    stored = sealed_record()
    prk = hmac.digest(bytes(32), KEY, "sha256")
    key = hmac.digest(prk, b"audit-ledger/binding-key/v1\x01", "sha256")
    parts = (ORIGIN.encode(), stored.commitment, stored.sealed[:-16])
    message = framed("audit-ledger/binding/v1", *parts)
    assert stored.sealed[-16:] == hmac.digest(key, message, "sha256")[:16]
    require_bound(stored, binding=binding_key(KEY), origin=ORIGIN)


OTHER_ROW = msgspec.structs.replace(ROW, patient=b"q" * 16).to_bytes()


@pytest.mark.parametrize("place", [0, 2, 6, 7, 22, 23, 60, -17, -16, -1])
def test_a_sealed_record_of_which_a_byte_was_changed_is_not_bound(place: int) -> None:
    """Of header, salt, ciphertext or tag."""
    stored = sealed_record()
    sealed = bytearray(stored.sealed)
    sealed[place] ^= 1
    with pytest.raises(VerificationError):
        require_bound(
            msgspec.structs.replace(stored, sealed=bytes(sealed)),
            binding=binding_key(KEY),
            origin=ORIGIN,
        )


@pytest.mark.parametrize("what", ["commitment", "row", "blind", "record", "origin", "ledger key"])
def test_what_belongs_to_another_record_is_not_bound(what: str) -> None:
    """Whether or not its subject was erased: no secret is needed to see it."""
    stored = sealed_record()
    changed = msgspec.structs.replace(
        stored,
        commitment=bytes(32) if what == "commitment" else stored.commitment,
        row_bytes=OTHER_ROW if what == "row" else stored.row_bytes,
        row_blind=bytes(32) if what == "blind" else stored.row_blind,
        record_commitment=bytes(32) if what == "record" else stored.record_commitment,
    )
    binding = binding_key(SECRET if what == "ledger key" else KEY)
    with pytest.raises(VerificationError):
        require_bound(changed, binding=binding, origin="o" if what == "origin" else ORIGIN)


@pytest.mark.parametrize("what", ["key", "origin", "row", "salt", "first byte", "last byte"])
def test_a_sealed_record_opens_for_nothing_else(what: str) -> None:
    """Another key, place or byte: it does not open, and says no more."""
    stored = sealed_record()
    sealed = bytearray(stored.sealed)
    place = {"salt": 8, "first byte": 23, "last byte": -17}.get(what)
    if place is not None:
        sealed[place] ^= 1
    row_bytes = OTHER_ROW if what == "row" else stored.row_bytes
    with pytest.raises(OtherKeyError):
        open_sealed(
            msgspec.structs.replace(stored, row_bytes=row_bytes, sealed=bytes(sealed)),
            key=bytes(32) if what == "key" else subject_key(KEY, SECRET, ORIGIN),
            origin="p" if what == "origin" else ORIGIN,
        )


def test_what_is_opened_is_compared_with_what_its_entry_commits_to() -> None:
    """Also where all else holds: row and sealed record of one seal, commitment of another."""
    stored = sealed_record()
    other = msgspec.structs.replace(stored, commitment=sealed_record(b"other").commitment)
    with pytest.raises(VerificationError, match="its entry commits to another"):
        open_sealed(other, key=subject_key(KEY, SECRET, ORIGIN), origin=ORIGIN)


@pytest.mark.parametrize(
    "frame",
    {
        "no zstd": b"no zstd",
        "a bomb": zstandard.ZstdCompressor().compress(bytes(50_000_000)),
        "of unknown size": zstandard.ZstdCompressor(write_content_size=False).compress(b"x"),
        "text behind": zstandard.compress(b"x") + b"more",
        "another dictionary": zstandard.ZstdCompressor(
            dict_data=zstandard.train_dictionary(
                256, [b"%d" % (n * 7919) * 9 for n in range(400)], dict_id=40_002
            )
        ).compress(b"7919" * 20),
    }.items(),
    ids=lambda case: case[0],
)
def test_what_was_sealed_must_be_one_small_zstd_frame(frame: tuple[str, bytes]) -> None:
    """Who holds the key still cannot make a reader unpack a bomb."""
    with pytest.raises(FormatError):
        open_sealed(committed(b"", seal_by_hand(BLIND + frame[1], KEY)), key=KEY, origin="o")


@pytest.mark.parametrize("data", [b"", b"\x01" + bytes(85), b"\x02" + bytes(86)])
def test_what_is_no_sealed_record_is_refused(data: bytes) -> None:
    """Too short, or of another version."""
    with pytest.raises(FormatError):
        parse_header(data)


def test_an_index_row_is_written_as_documented() -> None:
    """Keys in order, nothing empty, pseudonyms of 16 bytes."""
    row = json.loads(ROW.to_bytes())
    assert list(row) == ["id", "time", "patient", "agents", "fingerprint", "generation", "flags"]
    assert b64decode(row["patient"]) == b"p" * 16
    assert parse_index_row(ROW.to_bytes()) == ROW


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("{", "{ ", id="white space"),
        pytest.param('"flags":["balp.x"]', '"flags":["Mallory <script>"]', id="flag is no code"),
        pytest.param("ab" * 32, "AB" * 32, id="upper-case id"),
        pytest.param("ab" * 32, "ab" * 31, id="short id"),
        pytest.param('"generation":2026000', '"generation":-1', id="negative generation"),
        pytest.param(',"generation":2026000', "", id="no generation"),
        pytest.param('"flags"', '"flag"', id="unknown key"),
        pytest.param(b64encode(b"p" * 16).decode(), "cHBw", id="short pseudonym"),
        pytest.param(b64encode(b"f" * 32).decode(), "", id="no fingerprint"),
        pytest.param('"time":1795327140123', '"time":1.5', id="time a float"),
    ],
)
def test_any_other_index_row_is_refused(old: str, new: str) -> None:
    """One fault each."""
    text = ROW.to_bytes().decode()
    assert old in text
    with pytest.raises(FormatError):
        parse_index_row(text.replace(old, new, 1).encode())


def test_event_ids_are_keyed_hashes_of_portal_sender_id_and_part() -> None:
    """HMAC-SHA256, each part behind its length: nothing can be shifted from one to the other."""
    expected = hmac.new(
        KEY, framed("audit-ledger/event-id/v1", b"ehr", b"id-1", b"0"), "sha256"
    ).hexdigest()
    assert pseudonyms.event_id(KEYED, "ehr", "id-1", 0) == expected
    assert pseudonyms.event_id(KEYED, "ehri", "d-1", 0) != expected


def test_each_use_of_a_key_gives_its_own_pseudonyms() -> None:
    """The same identifier as patient row, staff or special subject: nothing to join on."""
    found = {
        pseudonyms.subject_key_hash(KEYED, "ledger"),
        pseudonyms.subject_key_hash(KEYED, None),
        pseudonyms.event_id(KEYED, "ledger", "ledger", 0),
        pseudonyms.staff_pseudonym(KEYED, "ledger").hex(),
        pseudonyms.patient_pseudonym(KEYED).hex(),
        pseudonyms.fingerprint(KEYED, b"ledger").hex(),
    }
    assert len(found) == 6
    assert pseudonyms.conflict_key("ab" * 32, b"f" * 32) == (
        hashlib.sha256(b"\xab" * 32 + b"f" * 32).hexdigest()
    )


RECORD = SealedRecord(ROW, ROW_BYTES, b"r" * 32, b"h" * 32, b"c" * 32, b"sealed")


def test_a_queue_message_is_laid_out_as_documented() -> None:
    """Written here by hand."""
    body = QueueMessage(ORIGIN, 7, (RECORD,)).to_text()
    row = RECORD.row_bytes
    assert b64decode(body) == (
        struct.pack(">BH", 1, len(ORIGIN))
        + ORIGIN.encode()
        + struct.pack(">QH", 7, 1)
        + b"c" * 32
        + b"r" * 32
        + b"h" * 32
        + struct.pack(">H", len(row))
        + row
        + struct.pack(">I", 6)
        + b"sealed"
    )
    decoded = parse_queue_message(body)
    assert (decoded.origin, decoded.accepted_ms, decoded.records) == (ORIGIN, 7, (RECORD,))


@given(st.binary(max_size=200))
def test_arbitrary_queue_messages_are_refused_or_print_back(data: bytes) -> None:
    """Nothing but FormatError escapes; a poisoned message fails alone."""
    body = b64encode(data).decode()
    try:
        message = parse_queue_message(body)
    except FormatError:
        return
    assert message.to_text() == body


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_truncated_queue_message_is_refused(cut: int) -> None:
    """At whatever byte."""
    data = b64decode(QueueMessage(ORIGIN, 7, (RECORD,)).to_text())
    with pytest.raises(FormatError):
        parse_queue_message(b64encode(data[:-cut]).decode())


@given(st.integers(0, 80), st.data())
def test_a_changed_character_of_a_queue_message_is_refused_or_prints_back(
    size: int, data: st.DataObject
) -> None:
    """Also in the last group, where base64 leaves up to four bits open."""
    body = QueueMessage(ORIGIN, 7, (msgspec.structs.replace(RECORD, sealed=bytes(size)),)).to_text()
    place = data.draw(st.one_of(st.integers(0, len(body) - 1), st.integers(-4, -1)))
    changed = list(body)
    changed[place] = data.draw(st.sampled_from(ascii_letters + digits + "+/="))
    altered = "".join(changed)
    try:
        message = parse_queue_message(altered)
    except FormatError:
        return
    assert message.to_text() == altered


@pytest.mark.parametrize("size", [5, 6, 7])
def test_a_queue_message_has_no_second_spelling_in_base64(size: int) -> None:
    """Bits set behind the last byte are refused, at each of the three lengths of a last group."""
    record = msgspec.structs.replace(RECORD, sealed=bytes(size))
    body = QueueMessage(ORIGIN, 7, (record,)).to_text()
    last = len(body.rstrip("=")) - 1
    spellings = {f"{body[:last]}{c}{body[last + 1 :]}" for c in ascii_letters + digits + "+/"}
    data = b64decode(body)
    for spelling in spellings - {body}:
        if b64decode(spelling) == data:
            with pytest.raises(FormatError):
                parse_queue_message(spelling)


def test_a_request_larger_than_a_message_is_refused_whole() -> None:
    """SQS carries 1 MiB."""
    with pytest.raises(TooLargeError, match="1048576"):
        QueueMessage(ORIGIN, 7, (msgspec.structs.replace(RECORD, sealed=bytes(800_000)),)).to_text()


@pytest.mark.parametrize("resource", [b"{}\n", b"\n\t {} \r\n", b" [1, 2]"])
def test_white_space_around_what_was_submitted_is_kept(resource: bytes) -> None:
    """A file that ends in a line feed, say: its record is read, byte for byte."""
    record = new_record("ehr", 0, "fhir-r4", resource).to_bytes()
    assert bytes(parse_record(record).resource) == resource
    for spelled_otherwise in (record + b"\n", b" " + record, record.replace(b'":', b'": ', 1)):
        with pytest.raises(FormatError):
            parse_record(spelled_otherwise)
