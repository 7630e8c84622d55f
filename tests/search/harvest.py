"""Values to search for: those of the samples in every form, and others."""

from typing import Any

from tests.search import reference_filter as reference

TOKENS = (
    "patient.identifier", "agent.identifier", "source.identifier", "entity.identifier",
    "entity-type", "entity-role", "action", "type", "category", "subtype", "code", "outcome",
    "purpose", "agent-role", "altid", "site",
)  # fmt: skip
MAY_BE_MISSING = (
    *TOKENS, "patient", "agent", "entity", "source", "address", "agent-name", "entity-name",
    "policy",
)  # fmt: skip
MISSES: dict[str, list[str]] = {
    "date": ["1999", "2031-02", "lt2000-01-01", "gt2030"],
    "_lastUpdated": ["2020", "gt2026-11-27", "eb2026-11-26"],
    "_id": ["0" * 64, "none"],
    "patient": ["nobody", "Patient/nobody", "https://else.example/Patient/no", "urn:uuid:0"],
    "agent": ["nobody", "Practitioner/nobody", "Patient/nobody", "https://x.example/users"],
    "address": ["nowhere"],
    "address:exact": ["nowhere", "WORKSTATION1.EHR.FAMILYCLINIC.COM"],
    "address:contains": ["nowhere"],
    "entity": ["nobody", "Observation/nothing", "https://else.example/Patient/no"],
    "source": ["nobody", "Device/nothing", "Device/9", "urn:uuid:0"],
    "agent-name": ["nobody", "zz", "0", "dr"],
    "agent-name:contains": ["nobody"],
    "entity-name": ["nobody", "zz", "0", "audit"],
    "entity-name:exact": ["nobody"],
    "policy": ["nowhere", "http", "urn:none", "https://consent.com"],
    "agent:identifier": ["urn:none|1"],
    "patient:Patient.identifier": ["urn:none|1"],
    "agent:Practitioner": ["nobody"],
    "patient:Patient": ["nobody"],
    "type:not": ["none"],
    "outcome:not": ["12"],
    "entity-role:not": ["none"],
    **{f"{name}:missing": ["true", "false"] for name in MAY_BE_MISSING},
}


def escaped(text: str) -> str:
    """Return a text with the escapes of a query."""
    for character in "\\,|$":
        text = text.replace(character, "\\" + character)
    return text


def values(events: list[tuple[dict[str, Any], str, int]]) -> dict[str, list[str]]:
    """Return by parameter all values of events (document, event id, entry time), and misses."""
    found = {name: set(misses) for name, misses in MISSES.items()}
    for name in TOKENS:
        found[name] = {"none", "urn:none|", "urn:none|none", "|none"}
    for event, event_id, _ in events:
        for name in TOKENS:
            for system, code in reference.tokens(event, name):
                of, what = escaped(system or ""), escaped(code)
                found[name] |= {what, f"|{what}", f"{of}|{what}", f"urn:none|{what}"}
                found[name] |= {f"{of}|"} if system else set()
        for who in reference.references(reference.patients(event)):
            found["patient"] |= spellings(who)
        for who in reference.references(reference.agents(event)):
            found["agent"] |= spellings(who)
        _add_further(event, found)
        for address in reference.addresses(event):
            found["address"] |= {escaped(address[:4].upper()), escaped(address), address[2:5]}
            found["address:exact"] |= {escaped(address), escaped(address[:-1])}
            found["address:contains"] |= {escaped(address[3:9].upper()), escaped(address)}
        found["_id"].add(event_id)
        found["date"] |= dates(event["recorded"])
    found["_lastUpdated"] |= dates("2026-11-26T06:39:01Z") | {"2026-11", "ge2026-11-26T06:39:02Z"}
    found["action"] = {value for value in found["action"] if is_action(value)} | ALL_ACTIONS
    found["outcome"] -= {"none", "|none"}
    return {name: sorted(some - {""}) for name, some in found.items()}


ALL_ACTIONS = {"C", "R", "U", "D", "E"}


def is_action(value: str) -> bool:
    """Whether a value is one of FHIR's codes for actions: others are refused."""
    system, bar, code = value.rpartition("|")
    systems = ("", "http://hl7.org/fhir/audit-event-action")
    return system in systems and (code in ALL_ACTIONS or (bar == "|" and not code and system != ""))


def _add_further(event: dict[str, Any], found: dict[str, set[str]]) -> None:
    """Add values of what R4 and R5 have beside IHE's parameters, and of modifiers."""
    for name in ("entity", "source"):
        for what in reference.references(reference.named(event, name)):
            if not what.startswith("#"):
                found[name] |= spellings(what) if "/" in what else {what}
    for name in ("agent-name", "entity-name"):
        for text in reference.texts(event, name):
            found[name] |= {escaped(text), escaped(text[:3].upper())}
            found[f"{name}:exact" if name == "entity-name" else f"{name}:contains"] |= {
                escaped(text),
                escaped(text[2:]),
            }
    found["policy"] |= {escaped(uri) for uri in reference.texts(event, "policy")}
    for by in ("agent", "patient"):
        for system, code in reference.tokens(event, f"{by}.identifier"):
            modifier = "identifier" if by == "agent" else "Patient.identifier"
            found[f"{by}:{modifier}"] |= {f"{escaped(system or '')}|{escaped(code)}"}
    for who in reference.references(reference.agents(event)):
        found["agent:Practitioner"] |= _id_of(who, "Practitioner")
    for who in reference.references(reference.patients(event)):
        found["patient:Patient"] |= _id_of(who, "Patient")
    for name in ("type", "outcome", "entity-role"):
        for system, code in reference.tokens(event, name):
            found[f"{name}:not"] |= {escaped(code), f"{escaped(system or '')}|{escaped(code)}"}


def _id_of(reference_: str, kind: str) -> set[str]:
    """Return the id of a reference of this type: the type is the modifier."""
    type_, id_ = ["", *reference_.split("/")][-2:]
    return {id_} if type_ == kind else set()


def spellings(reference_: str) -> set[str]:
    """Return references to one resource, and to one of another type."""
    type_, id_ = reference_.split("/_history/", maxsplit=1)[0].split("/")[-2:]
    other = "Device" if type_ != "Device" else "Patient"
    url = f"https://a.example/fhir/{type_}/{id_}/_history/3"
    same = {f"{type_}/{id_}", id_, url, f"{type_}/{id_}/_history/3"}
    return same | ({f"{other}/{id_}"} if type_ != "Patient" else set())


def dates(instant: str) -> set[str]:
    """Return dates of every precision around an instant, with every prefix."""
    plain = {instant, instant[:4], instant[:7], instant[:10], instant[:16], instant[:16] + "Z"}
    plain |= {instant[:19] + "+01:00", instant[:19] + ".1Z", instant[:19] + ".0009999Z"}
    return {
        prefix + date for prefix in ("", "eq", "ge", "gt", "le", "lt", "sa", "eb") for date in plain
    }
