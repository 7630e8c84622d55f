"""CloudEvents as portals send them."""

import json
from base64 import b64encode
from typing import Any

from tests.builders.audit_event import ni_uri


def cloudevent(**attributes: Any) -> dict[str, Any]:
    """Return a CloudEvent with these attributes."""
    required = {"specversion": "1.0", "id": "1", "source": "urn:lab", "type": "record.result.filed"}
    return required | attributes


def result_filed(document: bytes, patient: str = "rose") -> dict[str, Any]:
    """Return a CloudEvent: a result was filed for a patient."""
    return cloudevent(
        id=ni_uri(document),
        data={
            "patient": {"reference": f"Patient/{patient}"},
            "actor": {"reference": "Practitioner/2"},
            "document": {"digest": ni_uri(document)},
        },
    )


def with_json(document: Any, *, is_base64: bool = False, **attributes: Any) -> dict[str, Any]:
    """Return a CloudEvent that carries a document as JSON, or in base64."""
    in_base64 = {
        "datacontenttype": "application/fhir+json",
        "data_base64": b64encode(json.dumps(document, indent=1).encode()).decode(),
    }
    data = in_base64 if is_base64 else {"data": document}
    return cloudevent(source="urn:ehr", type="org.example.fhir", **data) | attributes


def enveloped(body: bytes, *, is_base64: bool) -> bytes:
    """Return a CloudEvent that carries the unchanged bytes of an AuditEvent, or their base64."""
    envelope = b'{"specversion":"1.0","id":"1","source":"urn:lab","type":"fhir.audit","time":"'
    envelope += b'2020-01-01T00:00:00Z","datacontenttype":"application/fhir+json",'
    if is_base64:
        return envelope + b'"data_base64":"' + b64encode(body) + b'"}'
    return envelope + b'"data": ' + body + b" }"
