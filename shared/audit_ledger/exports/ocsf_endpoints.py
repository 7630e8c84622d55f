"""The actor, client and server of an event in OCSF."""

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from audit_ledger.events.event_details import AgentDetails, EventDetails
from audit_ledger.events.strict_json import JsonObject
from audit_ledger.exports.labels import names_of_agent, without_none
from audit_ledger.exports.ocsf_class import is_read_by_rest

UNKNOWN: Final = "Unknown"

_APPLICATION, _DESTINATION, _SOURCE, _CUSTODIAN = "110150", "110152", "110153", "custodian"
_USER, _SYSTEM = {"type_id": 1, "type": "User"}, {"type_id": 3, "type": "System"}
_IP_URN: Final = re.compile(r"urn:ipv[46]:", re.IGNORECASE)
_MAX_IP: Final = 40  # characters, OCSF's ip_t


def actor_agent(details: EventDetails) -> AgentDetails | None:
    """Return the actor: a requesting person, else another person, any requestor, anyone."""
    return min(
        details.agents,
        key=lambda agent: (not agent.agent.is_person, not agent.agent.requestor),
        default=None,
    )


def ocsf_actor(details: EventDetails, client: AgentDetails | None) -> JsonObject:
    """Return OCSF's actor: a person and the application at `client`, or an application alone."""
    agent = actor_agent(details)
    is_person = agent is not None and agent.agent.is_person
    actor: JsonObject = {"user": ocsf_user(agent)} if is_person else {}
    application = client if is_person else agent
    if application is not None and not application.agent.is_person:
        names = names_of_agent(application)
        if application.name:
            actor["app_name"] = application.name
        if names:
            actor["app_uid"] = names[0]
    return actor or {"app_name": UNKNOWN}


def ocsf_user(agent: AgentDetails | None) -> JsonObject:
    """Return an agent as an OCSF user."""
    if agent is None:
        return {"name": UNKNOWN, "type_id": 0, "type": UNKNOWN}
    names = names_of_agent(agent)
    user = without_none(
        {
            "name": agent.name,
            "uid": names[0] if names else None,
            "uid_alt": names[1] if len(names) > 1 else None,
        }
    )
    return {**(user or {"name": UNKNOWN}), **(_USER if agent.agent.is_person else _SYSTEM)}


def _with_role(details: EventDetails, code: str) -> AgentDetails | None:
    return next((a for a in details.agents if any(r.code == code for r in a.roles)), None)


def client_of(details: EventDetails) -> AgentDetails | None:
    """Return the client of the request: BALP calls the client of a read the destination."""
    source, destination = _with_role(details, _SOURCE), _with_role(details, _DESTINATION)
    if source and destination and is_read_by_rest(details):
        return destination
    if client := source or _with_role(details, _APPLICATION):
        return client
    server = server_of(details)
    return next((a for a in details.agents if a.address and a is not server), None)


def server_of(details: EventDetails) -> AgentDetails | None:
    """Return the server that handled the request."""
    source, destination = _with_role(details, _SOURCE), _with_role(details, _DESTINATION)
    if source and destination and is_read_by_rest(details):
        return source
    return destination or _with_role(details, _CUSTODIAN)


def ocsf_endpoint(agent: AgentDetails | None) -> JsonObject:
    """Return an agent as an OCSF network endpoint."""
    if agent is None:
        return {"name": UNKNOWN}
    names = names_of_agent(agent)
    endpoint = without_none(
        {"name": agent.name, "uid": names[0] if names else None, **_address(agent.address)}
    )
    return endpoint or {"name": UNKNOWN}


def _address(address: str | None) -> JsonObject:
    """Parse an IP address (also `urn:ipv6:…`), a host name, or host and port of a URL."""
    if address is None:
        return {}
    bare = _IP_URN.sub("", address, count=1).strip()
    if _is_ip_address(bare):
        return {"ip": bare}
    try:
        url = urlsplit(address)
        host, port = url.hostname, url.port
    except ValueError:
        return {"hostname": address}
    if host is None:
        return {"hostname": address}
    return {**_address(host), **({} if port is None else {"port": port})}


def _is_ip_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return len(text) <= _MAX_IP
