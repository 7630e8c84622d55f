"""GET /metadata is a CapabilityStatement of the release that it says.

Names, codes and invariants are those of HL7's definitions (capabilitystatement.html, R4 to R5),
which agree on what stands here. The models of fhir.resources 8.3.0 accepted all three by hand.
"""

import json
from typing import Any

import pytest

from functions.ingest.capability_statement import capability_statement

BASE = "https://audit.hospital.example/prod"
TOP = {
    *("resourceType", "status", "date", "kind", "software", "implementation", "fhirVersion"),
    *("format", "rest"),
}
REST = {"mode", "documentation", "security", "resource", "interaction"}
RESOURCE = {
    *("type", "interaction", "searchParam", "conditionalCreate", "documentation", "operation"),
    *("versioning", "readHistory", "updateCreate", "conditionalRead", "conditionalUpdate"),
    *("conditionalDelete", "searchInclude", "searchRevInclude"),
}
INTERACTIONS = {
    *("read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create"),
    "search-type",
}
TYPES = {
    *("number", "date", "string", "token", "reference", "composite", "quantity", "uri"),
    "special",
}


def statement(version: str) -> Any:
    return json.loads(capability_statement(version, BASE))


@pytest.mark.parametrize(
    ("version", "full"), [("4.0", "4.0.1"), ("4.3", "4.3.0"), ("5.0", "5.0.0")]
)
def test_it_has_what_the_release_demands_and_nothing_else(version: str, full: str) -> None:
    """Mandatory: status, date, kind, fhirVersion, format; cpb-14: an instance says which."""
    said = statement(version)
    assert set(said) == TOP
    assert (said["resourceType"], said["status"], said["kind"]) == (
        "CapabilityStatement",
        "active",
        "instance",
    )
    assert said["fhirVersion"] == full
    assert said["format"] == ["application/fhir+json", "json"]
    assert said["implementation"]["description"]
    assert said["implementation"]["url"] == BASE
    (rest,) = said["rest"]
    assert rest["mode"] == "server"
    assert set(rest) <= REST
    (resource,) = rest["resource"]
    assert resource["type"] == "AuditEvent"
    assert set(resource) <= RESOURCE
    assert {each["code"] for each in resource["interaction"]} <= INTERACTIONS
    assert {each["code"] for each in rest["interaction"]} == {"transaction", "batch"}
    names = [each["name"] for each in resource["searchParam"]]
    assert len(set(names)) == len(names)  # cpb-12
    assert {each["type"] for each in resource["searchParam"]} <= TYPES


def test_it_declares_the_reads_that_are_routed() -> None:
    """Create, read, versioned read and search: no more is served."""
    (rest,) = statement("4.0")["rest"]
    codes = {each["code"] for each in rest["resource"][0]["interaction"]}
    assert codes == {"create", "read", "vread", "search-type"}
