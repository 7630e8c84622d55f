"""A second way to decide what a search finds: over plain JSON, straight from FHIR's definitions.

It shares nothing with audit_ledger: its own reading of query values, of dates, of references.
"""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
OUTCOME = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
ACTION = "http://hl7.org/fhir/audit-event-action"


def keeps(event: Json, query: list[tuple[str, str]], *, event_id: str, entry_time: int) -> bool:
    """Return whether an AuditEvent (decoded JSON) is found by a query of filters."""
    for given, text in query:
        name, _, modifier = given.partition(":")
        if modifier == "missing":
            if is_there(event, name) == (text == "true"):
                return False
            continue
        alternatives = cut_at(text, ",")
        if modifier == "not":
            if any(finds(event, name, value, event_id, entry_time) for value in alternatives):
                return False
            continue
        if modifier in ("identifier", "Patient.identifier"):
            name = f"{name}.identifier"
        elif modifier[:1].isupper():
            alternatives = [f"{modifier}/{value}" for value in alternatives]
        elif modifier:
            name = given
        if not any(finds(event, name, value, event_id, entry_time) for value in alternatives):
            return False
    return True


def finds(event: Json, name: str, value: str, event_id: str, entry_time: int) -> bool:
    """Return whether one value of one parameter fits."""
    name, _, modifier = name.partition(":")
    if name == "_id":
        return value == event_id
    if name in ("date", "_lastUpdated"):
        moment = datetime.fromtimestamp(entry_time, UTC)
        if name == "date":
            moment = datetime.fromisoformat(event["recorded"])
        return in_time(moment, value)
    if name in ("address", "agent-name", "entity-name"):
        return any(fits_text(text, plain(value), modifier) for text in texts(event, name))
    if name == "policy":
        return plain(value) in texts(event, name)
    if name in ("patient", "agent", "entity", "source"):
        found = references(whom(event)) if name == "patient" else references(named(event, name))
        return any(same_resource(reference, plain(value), name) for reference in found)
    return any(fits_token(system, code, value) for system, code in tokens(event, name))


def is_there(event: Json, name: str) -> bool:
    """Return whether there is anything that a parameter looks at."""
    if name in ("address", "agent-name", "entity-name", "policy"):
        return bool(texts(event, name))
    if name == "patient":
        return bool(whom(event))
    if name in ("agent", "entity", "source"):
        return any(says_something(event, reference) for reference in named(event, name))
    return any(True for _ in tokens(event, name))


def says_something(event: Json, reference: Json) -> bool:
    """Return whether a Reference names anything; a contained resource does by its identifiers."""
    literal = reference.get("reference", "")
    if literal.startswith("#"):
        inside = [one for one in event.get("contained", []) if f"#{one.get('id')}" == literal]
        literal = "".join("named" for one in inside if "identifier" in one)
    return bool(literal or reference.get("identifier") or reference.get("display"))


def texts(event: Json, name: str) -> list[str]:
    """Return what a string or URI parameter looks at."""
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
    """Return what a token parameter looks at: (system, code), system None where there is none."""
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
        return whom(event)
    if by == "agent":
        return agents(event)
    if by == "source":
        return [event["source"].get("observer", {})]
    return [entity.get("what", {}) for entity in event.get("entity", [])]


def concepts(event: Json, name: str) -> list[Any]:
    """Return the elements of codes that a parameter looks at."""
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
    """Take Codings out of whatever holds them."""
    if isinstance(concept, list):
        for one in concept:
            yield from codings(one)
    elif concept:
        for coding in concept.get("coding", [concept]):
            if "code" in coding:
                yield coding.get("system"), coding["code"]


def agents(event: Json) -> list[Json]:
    """The References of those who did it."""
    return [agent.get("who", {}) for agent in event["agent"]]


def whom(event: Json) -> list[Json]:
    """The References that name a patient."""
    found = [event["patient"]] if "patient" in event else []
    for entity in event.get("entity", []):
        what = entity.get("what", {})
        is_role = any(code == "1" for _, code in codings(entity.get("role")))
        if is_role or "Patient/" in what.get("reference", "") or what.get("type") == "Patient":
            found.append(what)
    return found + [w for w in agents(event) if "Patient/" in w.get("reference", "")]


def references(named: list[Json]) -> list[str]:
    """The literal references among them."""
    return [reference["reference"] for reference in named if "reference" in reference]


def identifiers(named: list[Json]) -> Iterator[tuple[str | None, str]]:
    """The identifiers of References; `id^^^&oid&ISO` without a system is one of that oid too."""
    for reference in named:
        identifier = reference.get("identifier", {})
        if "value" in identifier:
            system, value = identifier.get("system"), identifier["value"]
            yield system, value
            parts = value.split("&")
            if not system and len(parts) == 3 and parts[2] == "ISO":
                yield f"urn:oid:{parts[1]}", parts[0].removesuffix("^^^")


def addresses(event: Json) -> Iterator[str]:
    """The network addresses of agents."""
    for agent in event["agent"]:
        for place in (agent.get("network", {}).get("address"), agent.get("networkUri")):
            if place:
                yield place
        if "networkString" in agent:
            yield agent["networkString"]


def same_resource(reference: str, asked: str, name: str) -> bool:
    """Compare by the last two segments (type and id), without the version; patients by all."""
    reference = reference.split("/_history/", maxsplit=1)[0]
    asked = asked.split("/_history/", maxsplit=1)[0]
    if name == "patient" and "/" in asked:
        return reference == asked
    if "/" in asked:
        return reference.split("/")[-2:] == asked.split("/")[-2:]
    if asked.startswith("urn:"):
        return reference == asked
    type_, _, id_ = "/".join(reference.split("/")[-2:]).partition("/")
    return id_ == asked and type_[:1].isupper() and (name != "patient" or type_ == "Patient")


def fits_token(system: str | None, code: str, asked: str) -> bool:
    """Compare by the four forms of a token."""
    parts = [plain(part) for part in cut_at(asked, "|")]
    if len(parts) == 1:
        return code == parts[0]
    asked_system, asked_code = parts
    return (system or "") == asked_system and asked_code in ("", code)


def fits_text(text: str, asked: str, modifier: str) -> bool:
    """Compare by FHIR's three ways to search a string."""
    if modifier == "exact":
        return text == asked
    text, asked = simple(text), simple(asked)
    return asked in text if modifier == "contains" else text[: len(asked)] == asked


def simple(text: str) -> str:
    """Without accents and case."""
    letters = unicodedata.normalize("NFD", text)
    return "".join(c for c in letters if unicodedata.category(c) != "Mn").lower()


def in_time(moment: datetime, asked: str) -> bool:
    """Compare an instant with a date of any precision."""
    prefix, asked = (asked[:2], asked[2:]) if asked[0].isalpha() else ("eq", asked)
    start, end = bounds(asked)
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


def bounds(asked: str) -> tuple[datetime, datetime]:
    """The first instant that a date names, and the first after it."""
    day, _, rest = asked.partition("T")
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


def cut_at(text: str, separator: str) -> list[str]:
    """Cut at separators that are not escaped."""
    marked = text.replace("\\\\", "\0").replace("\\" + separator, "\1")
    return [
        part.replace("\1", "\\" + separator).replace("\0", "\\\\")
        for part in marked.split(separator)
    ]


def plain(text: str) -> str:
    """Without escapes."""
    marked = text.replace("\\\\", "\0")
    for character in ",|$":
        marked = marked.replace("\\" + character, character)
    return marked.replace("\0", "\\")
