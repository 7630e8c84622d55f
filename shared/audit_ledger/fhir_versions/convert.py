"""An AuditEvent converted to the requested release: R4 as R5, R5 as R4.

Elements go where HL7's mapping places them (FHIR R5, AuditEvent, "R4 conversion"). What has no
place is carried (see `carried`), and what one release demands and the other need not have is made
and marked, so that converting there and back gives the same event. A value that has not the shape
that its release gives it stays as it is. All of that is checked of every event: one that would not
come back the same, or would not have the other release's shape, is not converted. Senders may write
what they like, also what looks like our own marks.
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

_decoder = msgspec.json.Decoder(JsonObject, float_hook=Decimal)  # a decimal keeps its digits
_encoder = msgspec.json.Encoder(decimal_format="number")


def convert(resource: bytes, to: Release) -> bytes:
    """Return an AuditEvent of the other release as JSON of `to`; `meta.tag` marks it.

    FormatError where it is not of the shape that could be converted without loss.
    """
    event = _decoder.decode(resource)
    there, back = (to_r5, to_r4) if to == "fhir-r5" else (to_r4, to_r5)
    try:
        made = there(event)
        is_same = back(made) == event
    except (AttributeError, LookupError, TypeError, ValueError):  # of other shapes than FHIR's
        raise FormatError("AuditEvent: not as its release has it") from None
    if not is_same or not has_shape_of(made, to):
        raise FormatError("AuditEvent: the other release cannot say the same")
    meta = made.get("meta", {})
    if isinstance(meta, dict) and isinstance(meta.get("tag", []), list):
        tag = {"system": TAG_SYSTEM, "code": TAG_CODE, "display": f"Made of {_OTHER[to]}"}
        made["meta"] = {**meta, "tag": [*meta.get("tag", []), tag]}
    return _encoder.encode(made)


_OTHER: Final[dict[Release, str]] = {"fhir-r5": "FHIR R4", "fhir-r4": "FHIR R5"}
