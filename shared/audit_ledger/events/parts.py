"""One event, several patients: a part for each, from which the others have been cut.

A part keeps the submitted bytes but for these spans:

- elements that name another patient: `entity[…]`, R5's `patient` and with it `encounter`;
- text that anyone may be named in: `text` (the narrative), `entity.query`, and of entities that are
  no patient's own also name, description, detail and `what.display`;
- contained resources, but those that this patient's elements, agents or source refer to;
- whatever else mentions another patient (see mentions).

Agents stay, with the contained resources that they refer to, and a patient among them too: that A's
mother, a patient herself, looked at A's record is what the record is for.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from audit_ledger.events.event import Part
from audit_ledger.events.json_document import JsonObject
from audit_ledger.events.json_spans import Cuts, Path, cut_spans, scan_spans, spell_path
from audit_ledger.events.mentions import (
    Finder,
    known_by,
    leaves,
    name_spellings,
    names_in,
)
from audit_ledger.events.patients import NamedPatient

_FREE_TEXT: Final = ("name", "description", "detail")
_AGENT_IDENTITY: Final = ("who", "name", "altId", "requestor", "type", "role")
_PATIENT_IDENTITY: Final = ("reference", "identifier", "type")
_TERMINOLOGY: Final = ("code", "system", "url")
_ENVELOPE: Final = (("specversion",), ("type",), ("time",), ("datacontenttype",))


def divide(
    body: bytes, document: JsonObject, patients: Sequence[NamedPatient], base: Path = ()
) -> tuple[Part, ...]:
    """Divide an event among its patients: the bytes as submitted when there is one or none.

    `document` is what `body` says; the AuditEvent in it stands at `base`; `patients` have their
    paths from the root of the document.
    """
    if len(patients) < 2:
        return (Part(patients[0].patient if patients else None, body),)
    return tuple(_Division(body, document, patients, base).parts())


class _Division:
    def __init__(
        self, body: bytes, document: JsonObject, patients: Sequence[NamedPatient], base: Path
    ) -> None:
        self.body = body
        self.document = document
        self.resource: JsonObject = _at(document, base)
        self.patients = patients
        self.base = base
        self.expressions: dict[Path, str] = {}
        self.owner = {path: i for i, patient in enumerate(patients) for path in patient.paths}
        self.contained = [f"#{item.get('id')}" for item in self.resource.get("contained") or ()]
        self.agents = self._references_at((*base, "agent"))

    def parts(self) -> Iterator[Part]:
        root = scan_spans(self.body)
        everywhere = list(self._cut_everywhere())
        mentions = self._mentions()
        referred = self.agents | self._references_at((*self.base, "source"))
        for number, patient in enumerate(self.patients):
            cuts: set[Path] = set(everywhere)
            cuts |= {path for path, owner in self.owner.items() if owner != number}
            if self.owner.get((*self.base, "patient"), number) != number:
                cuts.add((*self.base, "encounter"))
            keep = referred.union(*(self._references_at(path) for path in patient.paths))
            cuts |= {
                (*self.base, "contained", index)
                for index, reference in enumerate(self.contained)
                if reference not in keep
            }
            cuts |= {
                unit for unit, owners in mentions.items() if any(number not in o for o in owners)
            }
            resource, gone = cut_spans(self.body, root, _tree(cuts))
            yield Part(patient.patient, resource, tuple(self._expression(path) for path in gone))

    def _cut_everywhere(self) -> Iterator[Path]:
        """Give what no part keeps, as nobody can say whom it names."""
        yield (*self.base, "text")
        for index, _ in enumerate(self.resource.get("entity") or ()):
            path = (*self.base, "entity", index)
            yield (*path, "query")
            if path not in self.owner:
                yield (*path, "what", "display")
                for name in _FREE_TEXT:
                    yield (*path, name)

    def _mentions(self) -> dict[Path, set[frozenset[int]]]:
        """Give the units to cut where patients are mentioned, and which patients each time."""
        finder = Finder([self._known(patient) for patient in self.patients])
        texts = [(path, text) for path, text in leaves(self.document, ()) if not self._exempt(path)]
        units: dict[Path, set[frozenset[int]]] = {}
        for path, owners in finder.find(texts).items():
            units.setdefault(self._unit(path), set()).update(owners)
        return units

    def _known(self, patient: NamedPatient) -> set[str]:
        known = known_by(patient.patient)
        for path in patient.paths:
            element = _at(self.document, path)
            if not isinstance(element, dict):
                continue
            for holder in (element, element.get("what")):
                for name in ("name", "display"):
                    if isinstance(holder, dict) and isinstance(holder.get(name), str):
                        known |= name_spellings(holder[name])
            for reference in self._references_at(path):
                known |= names_in(self.resource["contained"][self.contained.index(reference)])
        return known

    def _exempt(self, path: Path) -> bool:
        """Say whether a leaf may mention patients: needed, or who acted, or whose element it is."""
        inside: tuple[Any, ...] = path[len(self.base) :]
        if path[: len(self.base)] != self.base or not inside:
            return path in self.owner or path[:1] in _ENVELOPE
        if inside in (("resourceType",), ("recorded",)) or inside[-1] in _TERMINOLOGY:
            return True
        if inside[0] == "agent" and inside[2] in _AGENT_IDENTITY:
            return True
        if inside[0] == "contained" and self.contained[inside[1]] in self.agents:
            return True
        for length in (1, 2):
            if (*self.base, *inside[:length]) in self.owner:
                rest = [name for name in inside[length:] if name != "what"]
                return not rest or rest[0] in _PATIENT_IDENTITY
        return False

    def _unit(self, path: Path) -> Path:
        """Give what goes when a leaf has to: the array element it is in, or else the member."""
        inside = path[len(self.base) :]
        if path[: len(self.base)] != self.base or len(inside) < 2:
            return path
        if inside[0] == "contained":
            return path[: len(self.base) + 2]
        first = 2 if inside[0] in ("entity", "agent") else 0
        for at in range(len(inside) - 1, first - 1, -1):
            if isinstance(inside[at], int):
                return path[: len(self.base) + at + 1]
        if inside[0] == "entity" and inside[2:3] == ("what",) and inside[3:4] != ("display",):
            return path[: len(self.base) + 2]
        if "identifier" in inside:
            return path[: path.index("identifier", len(self.base)) + 1]
        return path

    def _references_at(self, path: Path) -> set[str]:
        """Give the references to contained resources at and below a path."""
        return {text for _, text in leaves(_at(self.document, path), ()) if text in self.contained}

    def _expression(self, path: Path) -> str:
        known = self.expressions.get(path)
        if known is None:
            inside = path if self.base else ("AuditEvent", *path)
            known = self.expressions[path] = spell_path(inside)
        return known


def _at(value: Any, path: Path) -> Any:
    for name in path:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and isinstance(name, int):
            value = value[name]
        else:
            return None
    return value


def _tree(paths: Iterable[Path]) -> Cuts:
    tree: dict[str | int, Any] = {}
    for path in paths:
        branch: Any = tree
        for name in path[:-1]:
            branch = branch.setdefault(name, {})
            if branch is None:
                break
        else:
            branch[path[-1]] = None
    return tree
