"""An independent search over plain JSON, written from FHIR's definitions.

It shares nothing with audit_ledger: its own reading of query values, of dates, of references.
"""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
OUTCOME = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
ACTION = "http://hl7.org/fhir/audit-event-action"


def is_found(event: Json, query: list[tuple[str, str]], *, event_id: str, entry_time: int) -> bool:
    """Return whether a query finds an AuditEvent (decoded JSON)."""
    for full_name, text in query:
        name, _, modifier = full_name.partition(":")
        if modifier == "missing":
            if has_value(event, name) == (text == "true"):
                return False
            continue
        alternatives = split_at(text, ",")
        if modifier == "not":
            if any(matches(event, name, value, event_id, entry_time) for value in alternatives):
                return False
            continue
        if modifier in ("identifier", "Patient.identifier"):
            name = f"{name}.identifier"
        elif modifier[:1].isupper():
            alternatives = [f"{modifier}/{value}" for value in alternatives]
        elif modifier:
            name = full_name
        if not any(matches(event, name, value, event_id, entry_time) for value in alternatives):
            return False
    return True


def matches(event: Json, name: str, value: str, event_id: str, entry_time: int) -> bool:
    """Return whether an event matches one value of a parameter."""
    name, _, modifier = name.partition(":")
    if name == "_id":
        return value == event_id
    if name in ("date", "_lastUpdated"):
        moment = datetime.fromtimestamp(entry_time, UTC)
        if name == "date":
            moment = datetime.fromisoformat(event["recorded"])
        return in_time(moment, value)
    if name in ("address", "agent-name", "entity-name"):
        return any(matches_text(text, plain(value), modifier) for text in texts(event, name))
    if name == "policy":
        return plain(value) in texts(event, name)
    if name in ("patient", "agent", "entity", "source"):
        found = references(patients(event)) if name == "patient" else references(named(event, name))
        return any(same_resource(reference, plain(value), name) for reference in found)
    return any(matches_token(system, code, value) for system, code in tokens(event, name))


def has_value(event: Json, name: str) -> bool:
    """Return whether the event has a value that a parameter compares."""
    if name in ("address", "agent-name", "entity-name", "policy"):
        return bool(texts(event, name))
    if name == "patient":
        return bool(patients(event))
    if name in ("agent", "entity", "source"):
        return any(names_anything(event, reference) for reference in named(event, name))
    return any(True for _ in tokens(event, name))


def names_anything(event: Json, reference: Json) -> bool:
    """Return whether a Reference names anything; a contained resource does by its identifiers."""
    literal = reference.get("reference", "")
    if literal.startswith("#"):
        inside = [one for one in event.get("contained", []) if f"#{one.get('id')}" == literal]
        literal = "".join("named" for one in inside if "identifier" in one)
    return bool(literal or reference.get("identifier") or reference.get("display"))


def texts(event: Json, name: str) -> list[str]:
    """Return the values that a string or URI parameter compares."""
    if name == "address":
        return list(addresses(event))
    if name == "policy":
        return [uri for agent in event["agent"] for uri in agent.get("policy", [])]
    holders, of = event.get("entity", []), "what"
    if name == "agent-name":
        holders, of = event["agent"], "who"
    found = [one.get("name") or one.get(of, {}).get("display") for one in holders]
    return [text for text in found if text]


def tokens(event: Json, name: str) -> Iterator[tuple[str | None, str]]:
    """Yield the pairs that a token parameter compares: system (None if absent) and code."""
    whole, _, part = name.partition(".")
    if part:
        yield from identifiers(named(event, whole))
    elif name == "altid":
        yield from ((None, agent["altId"]) for agent in event["agent"] if "altId" in agent)
    elif name == "site":
        site = event["source"].get("site")
        site = site.get("display") if isinstance(site, dict) else site
        yield from ((None, one) for one in (site,) if one)
    elif name == "action" and "action" in event:
        yield from ((None, event["action"]), (ACTION, event["action"]))
    elif name == "outcome" and isinstance(event.get("outcome"), str):
        yield from ((None, event["outcome"]), (OUTCOME, event["outcome"]))
    else:
        yield from codings(concepts(event, name))


def named(event: Json, by: str) -> list[Json]:
    """Return the References that patient, agent, source or entity are."""
    if by == "patient":
        return patients(event)
    if by == "agent":
        return agents(event)
    if by == "source":
        return [event["source"].get("observer", {})]
    return [entity.get("what", {}) for entity in event.get("entity", [])]


def concepts(event: Json, name: str) -> list[Any]:
    """Return the elements with codes that a parameter compares."""
    is_r5 = "code" in event
    if name == "outcome":
        return [event.get("outcome", {}).get("code")]
    if name in ("type", "category"):
        return [event.get("category" if is_r5 else "type")]
    if name in ("subtype", "code"):
        return [event.get("code" if is_r5 else "subtype")]
    if name == "agent-role":
        return [agent.get("role") for agent in event["agent"]]
    if name == "purpose":
        holders = ("authorization",) if is_r5 else ("purposeOfEvent", "purposeOfUse")
        return [part.get(holder) for part in (event, *event["agent"]) for holder in holders]
    return [entity.get(name.removeprefix("entity-")) for entity in event.get("entity", [])]


def codings(concept: Any) -> Iterator[tuple[str | None, str]]:
    """Yield the Codings of elements, lists and concepts."""
    if isinstance(concept, list):
        for one in concept:
            yield from codings(one)
    elif concept:
        for coding in concept.get("coding", [concept]):
            if "code" in coding:
                yield coding.get("system"), coding["code"]


def agents(event: Json) -> list[Json]:
    """Return the References of the agents."""
    return [agent.get("who", {}) for agent in event["agent"]]


def patients(event: Json) -> list[Json]:
    """Return the References that name a patient."""
    found = [event["patient"]] if "patient" in event else []
    for entity in event.get("entity", []):
        what = entity.get("what", {})
        is_role = any(code == "1" for _, code in codings(entity.get("role")))
        if is_role or "Patient/" in what.get("reference", "") or what.get("type") == "Patient":
            found.append(what)
    return found + [w for w in agents(event) if "Patient/" in w.get("reference", "")]


def references(named: list[Json]) -> list[str]:
    """Return the literal references."""
    return [reference["reference"] for reference in named if "reference" in reference]


def identifiers(named: list[Json]) -> Iterator[tuple[str | None, str]]:
    """Yield the identifiers of References; `id^^^&oid&ISO` is also one of that OID."""
    for reference in named:
        identifier = reference.get("identifier", {})
        if "value" in identifier:
            system, value = identifier.get("system"), identifier["value"]
            yield system, value
            parts = value.split("&")
            if not system and len(parts) == 3 and parts[2] == "ISO":
                yield f"urn:oid:{parts[1]}", parts[0].removesuffix("^^^")


def addresses(event: Json) -> Iterator[str]:
    """Yield the network addresses of agents."""
    for agent in event["agent"]:
        for place in (agent.get("network", {}).get("address"), agent.get("networkUri")):
            if place:
                yield place
        if "networkString" in agent:
            yield agent["networkString"]


def same_resource(reference: str, value: str, name: str) -> bool:
    """Compare by the last two segments (type and id), without the version; patients by all."""
    reference = reference.split("/_history/", maxsplit=1)[0]
    value = value.split("/_history/", maxsplit=1)[0]
    if name == "patient" and "/" in value:
        return reference == value
    if "/" in value:
        return reference.split("/")[-2:] == value.split("/")[-2:]
    if value.startswith("urn:"):
        return reference == value
    type_, _, id_ = "/".join(reference.split("/")[-2:]).partition("/")
    return id_ == value and type_[:1].isupper() and (name != "patient" or type_ == "Patient")


def matches_token(system: str | None, code: str, value: str) -> bool:
    """Compare by the four forms of a token."""
    parts = [plain(part) for part in split_at(value, "|")]
    if len(parts) == 1:
        return code == parts[0]
    value_system, value_code = parts
    return (system or "") == value_system and value_code in ("", code)


def matches_text(text: str, value: str, modifier: str) -> bool:
    """Compare by FHIR's three ways to search a string."""
    if modifier == "exact":
        return text == value
    text, value = simple(text), simple(value)
    return value in text if modifier == "contains" else text[: len(value)] == value


def simple(text: str) -> str:
    """Return a text without accents and case."""
    letters = unicodedata.normalize("NFD", text)
    return "".join(c for c in letters if unicodedata.category(c) != "Mn").lower()


def in_time(moment: datetime, date: str) -> bool:
    """Compare an instant with a date of any precision."""
    prefix, date = (date[:2], date[2:]) if date[0].isalpha() else ("eq", date)
    start, end = bounds(date)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    return {
        "eq": start <= moment < end,
        "ge": moment >= start,
        "gt": moment >= end,
        "sa": moment >= end,
        "le": moment < end,
        "lt": moment < start,
        "eb": moment < start,
    }[prefix]


def bounds(date: str) -> tuple[datetime, datetime]:
    """Return the first instant of a date, and the first after it."""
    day, _, rest = date.partition("T")
    if not rest:
        start = datetime.fromisoformat(f"{day}-01-01"[:10] + "T00:00:00+00:00")
        end = start + timedelta(days={4: 366, 7: 31, 10: 1}[len(day)])
        if len(day) < 10:  # to the first of the next month or year
            end = end.replace(day=1) if len(day) == 7 else end.replace(month=1, day=1)
            if len(day) == 4 and end.year == start.year:
                end = end.replace(year=start.year + 1)
        return start, end
    clock = rest.rstrip("Z").split("+")[0].split("-")[0]
    zone = rest[len(clock) :].replace("Z", "+00:00") or "+00:00"
    fraction = clock.partition(".")[2][:3]
    whole = clock.partition(".")[0]
    start = datetime.fromisoformat(f"{day}T{whole}{':00' if len(whole) == 5 else ''}{zone}")
    if fraction:
        start += timedelta(milliseconds=int(fraction.ljust(3, "0")))
        return start, start + timedelta(milliseconds=10 ** (3 - len(fraction)))
    return start, start + (timedelta(minutes=1) if len(whole) == 5 else timedelta(seconds=1))


def split_at(text: str, separator: str) -> list[str]:
    """Split at separators that are not escaped."""
    marked = text.replace("\\\\", "\0").replace("\\" + separator, "\1")
    return [
        part.replace("\1", "\\" + separator).replace("\0", "\\\\")
        for part in marked.split(separator)
    ]


def plain(text: str) -> str:
    """Return a text without escapes."""
    marked = text.replace("\\\\", "\0")
    for character in ",|$":
        marked = marked.replace("\\" + character, character)
    return marked.replace("\0", "\\")
