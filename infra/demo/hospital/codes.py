"""The codes that the hospital's events use, as FHIR Codings; both FHIR versions wrap them."""

from infra.demo.hospital.clinical_event import Interaction

Coding = dict[str, str]

DICOM = "http://dicom.nema.org/resources/ontology/DCM"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
BALP = "https://profiles.ihe.net/ITI/BALP"


def coding(system: str, code: str, display: str = "") -> Coding:
    """One FHIR Coding; a display only where a reader needs one: many senders leave it out."""
    found = {"system": system, "code": code}
    return {**found, "display": display} if display else found


# Kinds of event: R4 calls them type, R5 category.
REST = coding(f"{TERMINOLOGY}/audit-event-type", "rest", "Restful Operation")
EXPORT = coding(DICOM, "110106", "Export")
AUTHENTICATION = coding(DICOM, "110114", "User Authentication")

# Agents.
_SOURCE = coding(DICOM, "110153")  # Source Role ID
_DESTINATION = coding(DICOM, "110152")  # Destination Role ID
_APPLICATION = coding(DICOM, "110150")  # Application
_CUSTODIAN = coding(f"{TERMINOLOGY}/provenance-participant-type", "custodian")
RECIPIENT = coding(f"{TERMINOLOGY}/v3-ParticipationType", "IRCP")  # information recipient
_AUTHOR = coding(f"{TERMINOLOGY}/v3-ParticipationType", "AUT")  # author
_HUMAN = coding(f"{TERMINOLOGY}/extra-security-role-type", "humanuser")

# The client's, the server's and the user's part in what was done, as BALP 1.1.4 names them.
AGENT_TYPES: dict[Interaction, tuple[Coding, Coding, Coding]] = {
    "read": (_DESTINATION, _SOURCE, RECIPIENT),
    "search": (_SOURCE, _DESTINATION, RECIPIENT),
    "create": (_SOURCE, _DESTINATION, _AUTHOR),
    "update": (_SOURCE, _DESTINATION, _AUTHOR),
    "delete": (_APPLICATION, _CUSTODIAN, _AUTHOR),
    "export": (_DESTINATION, _SOURCE, RECIPIENT),
    "login": (_SOURCE, _DESTINATION, _HUMAN),
    "logout": (_SOURCE, _DESTINATION, _HUMAN),
}

# The same where an export goes to somebody else, who is an agent of type RECIPIENT.
DISCLOSURE_TYPES = (_APPLICATION, _SOURCE, _HUMAN)

# Entities.
PERSON = coding(f"{TERMINOLOGY}/audit-entity-type", "1")  # Person
SYSTEM_OBJECT = coding(f"{TERMINOLOGY}/audit-entity-type", "2")  # System Object
PATIENT_ROLE = coding(f"{TERMINOLOGY}/object-role", "1")  # Patient
REPORT_ROLE = coding(f"{TERMINOLOGY}/object-role", "3")  # Report
RESOURCE_ROLE = coding(f"{TERMINOLOGY}/object-role", "4")  # Domain Resource
QUERY_ROLE = coding(f"{TERMINOLOGY}/object-role", "24")  # Query
REQUEST_ID = coding(f"{BALP}/CodeSystem/BasicAuditEntityType", "XrequestId")

TEST_DATA = coding(f"{TERMINOLOGY}/v3-ActReason", "HTEST")
WEB_SERVER = coding(f"{TERMINOLOGY}/security-source-type", "3", "Web Server")
APPLICATION_SERVER = coding(f"{TERMINOLOGY}/security-source-type", "4", "Application Server")

ACTIONS: dict[Interaction, str] = {
    "create": "C",
    "read": "R",
    "update": "U",
    "delete": "D",
    "export": "R",
    "search": "E",
    "login": "E",
    "logout": "E",
}

_KINDS = {"login": AUTHENTICATION, "logout": AUTHENTICATION, "export": EXPORT}
_ACTS = {
    "login": coding(DICOM, "110122", "Login"),
    "logout": coding(DICOM, "110123", "Logout"),
    "export": coding(
        f"{TERMINOLOGY}/iso-21089-lifecycle", "disclose", "Disclose Record Lifecycle Event"
    ),
}


def kind_of(interaction: Interaction) -> Coding:
    """What kind of event it is: R4's type, R5's category."""
    return _KINDS.get(interaction, REST)


def act_of(interaction: Interaction) -> Coding:
    """What was done: R4's subtype, R5's code."""
    known = _ACTS.get(interaction)
    return known or coding("http://hl7.org/fhir/restful-interaction", interaction, interaction)


def purpose(code: str) -> dict[str, list[Coding]]:
    """A purpose of use (v3-ActReason) as a CodeableConcept."""
    return {"coding": [{"system": f"{TERMINOLOGY}/v3-ActReason", "code": code}]}
