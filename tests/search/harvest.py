"""Values to search for: what the samples hold, in every form, and what they do not."""

from typing import Any

from tests.search import reference_filter as reference

TOKENS = (
    "patient.identifier", "agent.identifier", "source.identifier", "entity.identifier",
    "entity-type", "entity-role", "action", "type", "category", "subtype", "code", "outcome",
    "purpose",
)  # fmt: skip
MISSES = {
    "date": ["1999", "2031-02", "lt2000-01-01", "gt2030"],
    "_lastUpdated": ["2020", "gt2026-11-27", "eb2026-11-26"],
    "_id": ["0" * 64, "none"],
    "patient": ["nobody", "Patient/nobody", "https://else.example/Patient/no", "urn:uuid:0"],
    "agent": ["nobody", "Practitioner/nobody", "Patient/nobody", "https://x.example/users"],
    "address": ["nowhere"],
    "address:exact": ["nowhere", "WORKSTATION1.EHR.FAMILYCLINIC.COM"],
    "address:contains": ["nowhere"],
}


def escaped(text: str) -> str:
    """Spell a value's text as a query has it."""
    for character in "\\,|$":
        text = text.replace(character, "\\" + character)
    return text


def values(events: list[tuple[dict[str, Any], str, int]]) -> dict[str, list[str]]:
    """For each parameter all values of the samples (document, event id, entry time), and misses."""
    found = {name: set(misses) for name, misses in MISSES.items()}
    for name in TOKENS:
        found[name] = {"none", "urn:none|", "urn:none|none", "|none"}
    for event, event_id, _ in events:
        for name in TOKENS:
            for system, code in reference.tokens(event, name):
                of, what = escaped(system or ""), escaped(code)
                found[name] |= {what, f"|{what}", f"{of}|{what}", f"urn:none|{what}"}
                found[name] |= {f"{of}|"} if system else set()
        for who in reference.references(reference.whom(event)):
            found["patient"] |= spellings(who)
        for who in reference.references(reference.agents(event)):
            found["agent"] |= spellings(who)
        for address in reference.addresses(event):
            found["address"] |= {escaped(address[:4].upper()), escaped(address), address[2:5]}
            found["address:exact"] |= {escaped(address), escaped(address[:-1])}
            found["address:contains"] |= {escaped(address[3:9].upper()), escaped(address)}
        found["_id"].add(event_id)
        found["date"] |= dates(event["recorded"])
    found["_lastUpdated"] |= dates("2026-11-26T06:39:01Z") | {"2026-11", "ge2026-11-26T06:39:02Z"}
    return {name: sorted(some - {""}) for name, some in found.items()}


def spellings(reference_: str) -> set[str]:
    """Ways to ask for one resource."""
    type_, id_ = reference_.split("/_history/", maxsplit=1)[0].split("/")[-2:]
    other = "Device" if type_ != "Device" else "Patient"
    asked = {f"{type_}/{id_}", id_, f"https://a.example/fhir/{type_}/{id_}/_history/3"}
    return asked | ({f"{other}/{id_}"} if type_ != "Patient" else set())


def dates(instant: str) -> set[str]:
    """Dates of every precision around an instant, with every prefix."""
    plain = {instant, instant[:4], instant[:7], instant[:10], instant[:16], instant[:16] + "Z"}
    plain |= {instant[:19] + "+01:00", instant[:19] + ".1Z", instant[:19] + ".0009999Z"}
    return {
        prefix + date for prefix in ("", "eq", "ge", "gt", "le", "lt", "sa", "eb") for date in plain
    }
