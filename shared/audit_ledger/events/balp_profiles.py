"""The profiles of IHE Basic Audit Log Patterns 1.1.4 that an AuditEvent can claim, as a table.

The table contains the requirements of the implementation guide's StructureDefinitions beyond base
R4, as far as a fault makes the event hard to search or to trust. The type discriminates the slices
of agents and entities, as in the guide. `must support` requires nothing of an event: left out.
"""

from typing import Final, Literal

import msgspec

from audit_ledger.events.code_systems import (
    DICOM,
    ENTITY_TYPE,
    LIFECYCLE,
    OBJECT_ROLE,
    PARTICIPATION,
    PROVENANCE_ROLE,
    RESOURCE_TYPES,
    RESTFUL,
    ROLE_CLASS,
    SECURITY_ROLE,
    SNOMED,
    USER_AGENT,
)
from audit_ledger.events.fhir_model import Code

_BALP_ENTITY: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
_AUTHZ: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"

_REST: Final = ("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest")


class AgentSlice(msgspec.Struct, frozen=True, kw_only=True):
    """The requirements on the agents of a type."""

    name: str
    types: frozenset[Code]
    min_count: int = 1
    max_count: int | None = 1
    who: bool = True
    identifier: bool = False
    network: Literal["required", "forbidden", None] = None
    policy: bool = False
    requestor: bool | None = None
    recorder: bool = False  # must equal source.observer


class EntitySlice(msgspec.Struct, frozen=True, kw_only=True):
    """The requirements on the entities of a type."""

    name: str
    type: Code
    roles: frozenset[Code] = frozenset()
    min_count: int = 1
    max_count: int | None = 1
    what: Literal["required", "forbidden", "patient", "identifier", None] = "required"
    query: bool = False


class BalpProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The requirements of a profile. An empty set or None requires nothing."""

    type: Code | None = None
    subtypes: frozenset[Code] = frozenset()
    action: str | None = None
    outcome: Literal["success", "any", None] = None
    agents: tuple[AgentSlice, ...] = ()
    entities: tuple[EntitySlice, ...] = ()
    agent_slice_of: dict[Code, int] = {}  # by type: which of `agents`
    entity_slice_of: dict[Code, int] = {}

    def __post_init__(self) -> None:
        """Index the slices by type, which is unique among the slices of a profile."""
        agents = {code: i for i, one in enumerate(self.agents) for code in one.types}
        entities = {one.type: i for i, one in enumerate(self.entities)}
        msgspec.structs.force_setattr(self, "agent_slice_of", agents)
        msgspec.structs.force_setattr(self, "entity_slice_of", entities)


def _codes(system: str, *codes: str) -> frozenset[Code]:
    return frozenset((system, code) for code in codes)


def _party(name: str, *types: Code, recorder: bool = False) -> AgentSlice:
    return AgentSlice(name=name, types=frozenset(types), network="required", recorder=recorder)


def _user(types: frozenset[Code], min_count: int = 0) -> AgentSlice:
    return AgentSlice(
        name="user", types=types, min_count=min_count, network="forbidden", requestor=True
    )


_SOURCE: Final = (DICOM, "110153")
_DESTINATION: Final = (DICOM, "110152")
_APPLICATION: Final = (DICOM, "110150")
_RECIPIENT: Final = _codes(PARTICIPATION, "IRCP")
_AUTHORS: Final = _codes(PARTICIPATION, "AUT", "INF", "CST")
_ORGANIZATION: Final = AgentSlice(
    name="organization", types=_codes(ROLE_CLASS, "PROV"), network="forbidden", requestor=False
)

_TRANSACTION: Final = EntitySlice(
    name="transaction", type=(_BALP_ENTITY, "XrequestId"), min_count=0, what="identifier"
)
_DATA: Final = EntitySlice(
    name="data", type=(ENTITY_TYPE, "2"), roles=_codes(OBJECT_ROLE, "3", "4", "20")
)
_QUERY: Final = EntitySlice(
    name="query",
    type=(ENTITY_TYPE, "2"),
    roles=_codes(OBJECT_ROLE, "24"),
    what="forbidden",
    query=True,
)
_PATIENT: Final = EntitySlice(
    name="patient", type=(ENTITY_TYPE, "1"), roles=_codes(OBJECT_ROLE, "1"), what="patient"
)


def _rest(
    action: str,
    interactions: tuple[str, ...],
    client: Code,
    server: Code,
    users: frozenset[Code],
    *entities: EntitySlice,
) -> BalpProfile:
    return BalpProfile(
        type=_REST,
        subtypes=_codes(RESTFUL, *interactions),
        action=action,
        outcome="success",
        agents=(_party("client", client), _party("server", server), _user(users)),
        entities=(_TRANSACTION, *entities),
    )


def _both(profile: BalpProfile, name: str) -> dict[str, BalpProfile]:
    """Return the profile of an interaction, and its variant with a known patient."""
    with_patient = msgspec.structs.replace(profile, entities=(*profile.entities, _PATIENT))
    return {f"IHE.BasicAudit.{name}": profile, f"IHE.BasicAudit.Patient{name}": with_patient}


def _disclosure(type_: Code, action: str, source: AgentSlice, recipient: AgentSlice) -> BalpProfile:
    return BalpProfile(
        type=type_,
        subtypes=_codes(LIFECYCLE, "disclose"),
        action=action,
        outcome="any",
        agents=(
            source,
            recipient,
            AgentSlice(name="custodian", types=_codes(SNOMED, "159541003"), min_count=0),
            AgentSlice(name="authorizer", types=_codes(SNOMED, "429577009"), min_count=0),
        ),
        entities=(_PATIENT,),
    )


_CUSTODIAN: Final = (PROVENANCE_ROLE, "custodian")
_OAUTH_USER: Final = AgentSlice(
    name="user", types=_codes(USER_AGENT, "UserOauthAgent"), who=False, policy=True, requestor=True
)
_SAML_USER: Final = AgentSlice(
    name="user",
    types=_codes(USER_AGENT, "UserSamlAgent"),
    max_count=None,
    identifier=True,
    network="forbidden",
    policy=True,
    requestor=True,
)

PROFILES: Final[dict[str, BalpProfile]] = {
    **_both(_rest("C", ("create",), _SOURCE, _DESTINATION, _AUTHORS, _DATA), "Create"),
    **_both(_rest("U", ("update", "patch"), _SOURCE, _DESTINATION, _AUTHORS, _DATA), "Update"),
    **_both(_rest("D", ("delete",), _APPLICATION, _CUSTODIAN, _AUTHORS, _DATA), "Delete"),
    **_both(_rest("R", ("read", "vread"), _DESTINATION, _SOURCE, _RECIPIENT, _DATA), "Read"),
    **_both(
        _rest(
            "E",
            ("search", "search-type", "search-system"),
            _SOURCE,
            _DESTINATION,
            _RECIPIENT,
            _QUERY,
        ),
        "Query",
    ),
    "IHE.BasicAudit.PrivacyDisclosure.Source": _disclosure(
        (DICOM, "110106"),
        "R",
        _party("source", _SOURCE, recorder=True),
        _party("recipient", _DESTINATION),
    ),
    "IHE.BasicAudit.PrivacyDisclosure.Recipient": _disclosure(
        (DICOM, "110107"),
        "C",
        _party("source", _SOURCE),
        _party("recipient", _DESTINATION, recorder=True),
    ),
    "IHE.BasicAudit.AuthZconsent": BalpProfile(
        type=(DICOM, "110113"),
        subtypes=_codes(_AUTHZ, "AuthZ-Consent", "AuthZ-Role"),
        action="E",
        outcome="any",
        agents=(
            _party("client", _APPLICATION),
            _user(_RECIPIENT, min_count=1),
            _ORGANIZATION,
            AgentSlice(
                name="authorizer",
                types=_codes(SECURITY_ROLE, "authserver"),
                network="forbidden",
                requestor=False,
                recorder=True,
            ),
        ),
        entities=(
            _PATIENT,
            EntitySlice(name="consent", type=(RESOURCE_TYPES, "Consent"), max_count=None),
            EntitySlice(
                name="token", type=(USER_AGENT, "UserOauthAgent"), min_count=0, what="identifier"
            ),
        ),
    ),
    "IHE.IUA.71": BalpProfile(
        type=(DICOM, "110114"),
        subtypes=_codes("urn:ihe:event-type-code", "ITI-71"),
        action="E",
        outcome="success",
        agents=(
            _party("client", _APPLICATION),
            _party("auth-server", (USER_AGENT, "AuthzOauthService")),
            _user(_RECIPIENT),
        ),
        entities=(_QUERY,),
    ),
    "IHE.BasicAudit.OAUTHaccessTokenUse.Opaque": BalpProfile(agents=(_OAUTH_USER,)),
    "IHE.BasicAudit.OAUTHaccessTokenUse.Minimal": BalpProfile(
        agents=(msgspec.structs.replace(_OAUTH_USER, network="forbidden"),)
    ),
    "IHE.BasicAudit.OAUTHaccessTokenUse.Comprehensive": BalpProfile(
        agents=(
            AgentSlice(name="client", types=frozenset({_APPLICATION}), identifier=True),
            msgspec.structs.replace(
                _user(_RECIPIENT), identifier=True, policy=True, requestor=True
            ),
        )
    ),
    "IHE.BasicAudit.SAMLaccessTokenUse.Minimal": BalpProfile(agents=(_SAML_USER,)),
    "IHE.BasicAudit.SAMLaccessTokenUse.Comprehensive": BalpProfile(
        agents=(
            _SAML_USER,
            msgspec.structs.replace(_ORGANIZATION, min_count=0, identifier=True),
            AgentSlice(
                name="home-community-id",
                types=_codes("urn:ihe:iti:xca:2010", "homeCommunityId"),
                min_count=0,
                identifier=True,
                network="forbidden",
                requestor=False,
            ),
        ),
        entities=(
            EntitySlice(
                name="consent",
                type=(RESOURCE_TYPES, "Consent"),
                min_count=0,
                max_count=None,
                what=None,
            ),
        ),
    ),
}
