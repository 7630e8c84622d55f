"""Record: the private bytes stored for an event, with the submitted resource byte for byte.

    {"portal":"ehr","received":"2026-11-22T05:59:00.123Z","format":"fhir-r4","resource":{…}}

and, before `resource`, `"cut":["AuditEvent.entity[2]"]` if the event named several patients and
the elements of the others were removed from this patient's record.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.private_repr import PrivateRepr

_WHITE_SPACE = b" \t\n\r"  # RFC 8259, Section 2
FORMATS = ("fhir-r4", "fhir-r5", "cloudevents")


class Record(
    PrivateRepr, msgspec.Struct, frozen=True, forbid_unknown_fields=True, repr_omit_defaults=True
):
    """A record. `resource` contains the bytes that the portal submitted."""

    SHOWN = ("format",)
    portal: str
    received: str
    format: str
    resource: msgspec.Raw
    cut: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the bytes that are sealed: `resource` is contained verbatim."""
        return b"".join(
            (
                b'{"portal":',
                _text.encode(self.portal),
                b',"received":',
                _text.encode(self.received),
                b',"format":"',
                self.format.encode(),
                b'","cut":' + _text.encode(self.cut) if self.cut else b'"',
                b',"resource":',
                self.resource,
                b"}",
            )
        )


_decoder = msgspec.json.Decoder(Record)
_text = msgspec.json.Encoder()


def new_record(
    portal: str, received_ms: int, format_: str, resource: bytes, cut: Sequence[str] = ()
) -> Record:
    """Return a record. `received_ms`: milliseconds since 1970; `resource`: JSON, verbatim."""
    seconds, milliseconds = divmod(received_ms, 1000)
    received = f"{_to_the_second(seconds)}.{milliseconds:03d}Z"
    return Record(portal, received, format_, msgspec.Raw(resource), tuple(cut))


@lru_cache(maxsize=1)
def _to_the_second(seconds: int) -> str:
    """Return `2026-11-22T05:59:00`; a busy second has many records."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def parse_record(data: bytes) -> Record:
    """Parse a record; raise FormatError, without quotes of it, for anything else."""
    try:
        record = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError("record: not JSON with exactly the keys of a record") from None
    if record.format not in FORMATS:
        raise FormatError(f"record: format is none of {', '.join(FORMATS)}")
    start = msgspec.structs.replace(record, resource=msgspec.Raw(b"")).to_bytes()[:-1]
    # The decoder drops white space around the submitted resource.
    resource = data[len(start) : -1]
    if (
        not data.startswith(start)
        or data[-1:] != b"}"
        or resource.strip(_WHITE_SPACE) != bytes(record.resource)
    ):
        raise FormatError("record: not spelled as the encoder spells it")
    return msgspec.structs.replace(record, resource=msgspec.Raw(resource))
