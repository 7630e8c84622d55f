"""GET /metadata: a FHIR CapabilityStatement of this server (IHE ATNA repository)."""

from typing import Any

import msgspec

from audit_ledger.http.request import FHIR_JSON
from audit_ledger.search.parameter_docs import PARAMETERS, REFUSED, UNSUPPORTED

DATE = "2026-11-26"
INTERACTIONS = ("create", "read", "vread", "search-type")
FHIR_RELEASES = {"4.0": "4.0.1", "4.3": "4.3.0", "5.0": "5.0.0"}


def capability_statement(fhir_version: str, base: str) -> bytes:
    """Return the CapabilityStatement of a release. `base`: the server's URL."""
    statement: dict[str, Any] = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "software": {"name": "Audit Ledger"},
        "implementation": {
            "description": "A tamper-evident ledger of FHIR AuditEvents",
            "url": base,
        },
        "fhirVersion": FHIR_RELEASES[fhir_version],
        "format": [FHIR_JSON[0], "json"],
        "rest": [
            {
                "mode": "server",
                "documentation": "IHE ITI-20: POST [base]/AuditEvent, or a batch, transaction or "
                "collection Bundle to [base]. IHE ITI-81: GET [base]/AuditEvent?date=…; each "
                "search is recorded. CloudEvents 1.0: POST [base]/events.",
                "security": {
                    "service": [
                        {
                            "coding": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/"
                                    "restful-security-service",
                                    "code": "SMART-on-FHIR",
                                }
                            ]
                        }
                    ]
                },
                "resource": [
                    {
                        "type": "AuditEvent",
                        "documentation": "Search parameters that are not supported are left out "
                        "and named in the answer, and refused with Prefer: handling=strict: "
                        f"{UNSUPPORTED}. Refused either way: {REFUSED}. Modifiers: :missing; "
                        ":not of tokens; :exact and :contains of strings; :identifier and "
                        ":<type> of references.",
                        "interaction": [{"code": code} for code in INTERACTIONS],
                        "conditionalCreate": False,
                        "searchParam": [
                            {
                                "name": parameter.name,
                                "type": parameter.type,
                                "documentation": parameter.looks_at,
                            }
                            for parameter in PARAMETERS
                        ],
                    }
                ],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }
    return msgspec.json.encode(statement)
