"""HL7's StructureDefinitions of AuditEvent: validate events and generate some."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

OF_CODEABLE_CONCEPT = {"coding", "text", "extension", "id"}
OF_REFERENCE = {"reference", "type", "identifier", "display", "extension", "id"}
OF_META = {"versionId", "lastUpdated", "source", "profile", "security", "tag", "extension", "id"}
STRING_FORMS = {
    "code": r"\S+",
    "uri": r"\S+",
    "string": r"(?s:.+)",
    "dateTime": r"[0-9]{4}.*",
    "instant": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-].{5})",
    "base64Binary": r"\S+",
}
OF_CODING = {"system", "code", "display", "version", "userSelected", "extension", "id"}
LEFT_OUT = {"id", "contained", "text", "implicitRules", "language", "modifierExtension"}
WORDS = ("alpha", "beta", "Grüße", "x" * 40)


def plain(item: dict[str, Any]) -> set[str]:
    """Return the names of elements, also of those that have only extensions."""
    return {name.removeprefix("_") for name in item}


class Profile:
    """The elements of one release, by path."""

    def __init__(self, profiles: Path, release: str) -> None:
        read = json.loads((profiles / f"{release}-auditevent.profile.json").read_bytes())
        elements = read["snapshot"]["element"][1:]
        self.elements: dict[str, dict[str, Any]] = {each["path"]: each for each in elements}

    def below(self, path: str) -> dict[str, dict[str, Any]]:
        """Return the elements of an object by name; choices as `value[x]`."""
        return {
            p.rpartition(".")[2]: e
            for p, e in self.elements.items()
            if p.rpartition(".")[0] == path
        }

    def faults(self, value: dict[str, Any], path: str = "AuditEvent") -> list[str]:
        """Return the differences between an object and the definition of the release."""
        below, faults, present = self.below(path), [], set()
        for name, member in value.items():
            if name == "resourceType":
                continue
            element, kind = self._element(below, name.removeprefix("_"))
            if element is None or (name.startswith("_") and kind[0].isupper()):
                faults.append(f"{path}.{name}: unknown")
                continue
            if name.startswith("_"):
                present.add(element["path"].rpartition(".")[2])
                continue
            present.add(element["path"].rpartition(".")[2])
            is_list = element["max"] == "*"
            if is_list != isinstance(member, list) or member in ([], {}, ""):
                faults.append(f"{path}.{name}: wrong cardinality, or empty")
                continue
            for item in member if is_list else [member]:
                faults += self._of_value(item, f"{path}.{name}", element, kind)
        for name, element in below.items():
            stem = name.removesuffix("[x]")
            if element["min"] and not any(s == name or s.startswith(stem) for s in present):
                faults.append(f"{path}.{name}: missing")
        return faults

    def _element(
        self, below: dict[str, dict[str, Any]], name: str
    ) -> tuple[dict[str, Any] | None, str]:
        if name in below:
            types = below[name].get("type")
            return below[name], types[0]["code"] if types else "agent"
        for choice, element in below.items():
            stem = choice.removesuffix("[x]")
            if choice.endswith("[x]") and name.startswith(stem):
                for type_ in element["type"]:
                    code = str(type_["code"])
                    if name == stem + code[0].upper() + code[1:]:
                        return element, code
        return None, ""

    def _of_value(self, item: Any, path: str, element: dict[str, Any], kind: str) -> list[str]:
        if kind == "BackboneElement":
            return self.faults(item, element["path"])
        if kind == "agent":
            return self.faults(item, "AuditEvent.agent")
        wrong = {
            "CodeableConcept": lambda: not plain(item) <= OF_CODEABLE_CONCEPT,
            "Coding": lambda: not plain(item) <= OF_CODING,
            "boolean": lambda: not isinstance(item, bool),
            "Reference": lambda: not isinstance(item, dict) or not plain(item) <= OF_REFERENCE,
            "Meta": lambda: not plain(item) <= OF_META,
        }.get(kind)
        if kind in STRING_FORMS:
            is_valid = isinstance(item, str) and re.fullmatch(STRING_FORMS[kind], item)
            return [] if is_valid else [f"{path}: no {kind}"]
        return [f"{path}: no {kind}"] if wrong is not None and wrong() else []

    def make(self, random: Random, path: str = "AuditEvent", depth: int = 0) -> dict[str, Any]:
        """Generate an object with a random selection of elements."""
        generated: dict[str, Any] = {} if depth else {"resourceType": "AuditEvent"}
        for name, element in self.below(path).items():
            if name in LEFT_OUT:
                continue
            if not element["min"] and random.random() < 0.45:
                continue
            types = element.get("type")
            kind = random.choice(types)["code"] if types else "agent"
            if kind == "agent" and depth > 1:
                continue
            stem = name.removesuffix("[x]")
            member = name if stem == name else stem + kind[0].upper() + kind[1:]
            count = random.randint(1, 3) if element["max"] == "*" else 1
            values = [self._value(random, kind, element["path"], depth) for _ in range(count)]
            generated[member] = values if element["max"] == "*" else values[0]
        return generated

    def _value(self, random: Random, kind: str, path: str, depth: int) -> Any:
        word = random.choice(WORDS)
        if kind == "BackboneElement":
            while not (generated := self.make(random, path, depth + 1)):
                pass  # FHIR has no empty objects
            return generated
        if kind == "agent":  # entity.agent has no extensions of its own
            agent = self.make(random, "AuditEvent.agent", depth + 1)
            return {n: v for n, v in agent.items() if n not in ("extension", "id")}
        if kind == "Coding":
            return self._coding(random)
        if kind == "CodeableConcept":
            concept: dict[str, Any] = {}
            if random.random() < 0.8:
                concept["coding"] = [self._coding(random) for _ in range(random.randint(1, 2))]
            if not concept or random.random() < 0.3:
                concept["text"] = word
            return concept
        if kind == "Reference":
            return random.choice(
                [
                    {"reference": f"Patient/{word}"},
                    {"display": word},
                    {"identifier": {"value": word}},
                ]
            )
        return {
            "boolean": random.random() < 0.5,
            "instant": "2026-11-26T05:59:00.123+01:00",
            "dateTime": "2026-11-26",
            "Period": {"start": "2026-11-26"},
            "Meta": {"versionId": word},
            "Extension": {"url": f"urn:test:{word}", "valueDecimal": 1.5},
            "Quantity": {"value": 7, "unit": word},
            "integer": 7,
            "Range": {"low": {"value": 1}},
            "Ratio": {"numerator": {"value": 1}},
            "code": random.choice(["0", "4", "8", "12", "1", "2", "5"]),
        }.get(kind, word)

    def _coding(self, random: Random) -> dict[str, Any]:
        systems = (
            "urn:test",
            "http://terminology.hl7.org/CodeSystem/audit-event-outcome",
            "http://hl7.org/fhir/issue-severity",
        )
        code = random.choice(["0", "8", "error", "warning", "other"])
        return {"system": random.choice(systems), "code": code}
