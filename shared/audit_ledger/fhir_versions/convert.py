"""Convert an AuditEvent to the requested release: R4 to R5, or R5 to R4.

Elements go where HL7's mapping places them (FHIR R5, AuditEvent, "R4 conversion"). Elements without
a place go to extensions (see `cross_version_extensions`), and elements that only the target release
requires are made and marked, so that converting there and back yields the same event. Malformed
values stay unchanged. Every conversion is checked: an event that would not convert back to itself,
or would not have the shape of the target release, is not converted. So events may contain anything,
even extensions that look like those marks.
"""

from decimal import Decimal
from typing import Final

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.events.fhir_version import Release
from audit_ledger.events.strict_json import JsonObject
from audit_ledger.fhir_versions.resource_shape import has_shape_of
from audit_ledger.fhir_versions.to_r4 import to_r4
from audit_ledger.fhir_versions.to_r5 import to_r5

TAG_SYSTEM: Final = "urn:audit-ledger:tag"
TAG_CODE: Final = "converted"

_decoder = msgspec.json.Decoder(JsonObject, float_hook=Decimal)  # preserves decimal digits
_encoder = msgspec.json.Encoder(decimal_format="number")


def convert(resource: bytes, to: Release) -> bytes:
    """Return an AuditEvent of the other release as JSON of `to`; `meta.tag` marks it.

    Raise FormatError if the event cannot be converted without loss.
    """
    event = _decoder.decode(resource)
    there, back = (to_r5, to_r4) if to == "fhir-r5" else (to_r4, to_r5)
    try:
        converted = there(event)
        is_same = back(converted) == event
    except (AttributeError, LookupError, TypeError, ValueError):  # of another shape than FHIR's
        raise FormatError("AuditEvent: expected the shape of its FHIR release") from None
    if not is_same or not has_shape_of(converted, to):
        raise FormatError("AuditEvent: cannot be converted to the other release without loss")
    meta = converted.get("meta", {})
    if isinstance(meta, dict) and isinstance(meta.get("tag", []), list):
        tag = {"system": TAG_SYSTEM, "code": TAG_CODE, "display": f"Made of {_OTHER[to]}"}
        converted["meta"] = {**meta, "tag": [*meta.get("tag", []), tag]}
    return _encoder.encode(converted)


_OTHER: Final[dict[Release, str]] = {"fhir-r5": "FHIR R4", "fhir-r4": "FHIR R5"}
