"""Split an event about several patients: each patient's part omits the other patients.

A part contains the submitted bytes without these spans:

- elements that name another patient: `entity[…]`, R5's `patient` and with it `encounter`;
- text that may name anyone: `text` (the narrative), `entity.query`, and in entities that are no
  patient also name, description, detail and `what.display`;
- contained resources, except those that this patient's elements, agents or source refer to;
- everything else that mentions another patient (see `patient_mentions`).

Agents stay, with the contained resources that they refer to, even if an agent is a patient: the
record exists to show that A's mother, a patient herself, looked at A's record.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from audit_ledger.events.event import Part
from audit_ledger.events.json_cut import Cuts, Path, cut_spans, scan_spans, spell_path
from audit_ledger.events.limits import (
    MAX_EVENT_PART_BYTES,
    MAX_NAMES,
    PartsTooLargeError,
    require_at_most,
)
from audit_ledger.events.patient_mentions import MentionFinder, leaves, member_names
from audit_ledger.events.patient_names import (
    PatientTerms,
    contacts_in,
    distinguish_names,
    names_and_identifiers,
    names_in,
    patient_terms,
)
from audit_ledger.events.patients import NamedPatient
from audit_ledger.events.strict_json import JsonObject

_FREE_TEXT: Final = ("name", "description", "detail")
_AGENT_IDENTITY: Final = ("who", "name", "altId", "requestor", "type", "role")
_PATIENT_IDENTITY: Final = ("reference", "identifier", "type")
_TERMINOLOGY: Final = ("code", "system", "url", "resourceType")
_ENVELOPE: Final = (("specversion",), ("type",), ("time",), ("datacontenttype",))
_NAME_CUT: Final = "…"
"""Replaces the name of a member that was cut because its name mentions a patient."""


def split_by_patient(
    body: bytes,
    document: JsonObject,
    patients: Sequence[NamedPatient],
    place: str,
    base: Path = (),
) -> tuple[Part, ...]:
    """Return a part per patient; for one patient or none, a part with the bytes as submitted.

    `document` is the decoded `body`; `base` is the path of the AuditEvent in it; the paths of
    `patients` start at the root of the document. Raise RejectedEventError (413), which names
    `place`, if the parts together exceed MAX_EVENT_PART_BYTES.
    """
    if len(patients) < 2:
        return (Part(patients[0].patient if patients else None, body),)
    parts = []
    size = 0
    for part in _Splitter(body, document, patients, place, base).parts():
        size += part.size
        if size > MAX_EVENT_PART_BYTES:
            raise PartsTooLargeError(place, len(patients))
        parts.append(part)
    return tuple(parts)


class _Splitter:
    """Splits one event. The readers of its spans are the patients: bit `1 << i` is patient `i`."""

    def __init__(
        self,
        body: bytes,
        document: JsonObject,
        patients: Sequence[NamedPatient],
        place: str,
        base: Path,
    ) -> None:
        self.body = body
        self.document = document
        self.resource: JsonObject = _at(document, base)
        self.patients = patients
        self.place = place
        self.base = base
        self.everyone = (1 << len(patients)) - 1
        self.expressions: dict[Path, str] = {}
        self.owner = {path: i for i, patient in enumerate(patients) for path in patient.paths}
        self.contained: dict[str, list[int]] = {}
        for index, item in enumerate(self.resource.get("contained") or ()):
            self.contained.setdefault(f"#{item.get('id')}", []).append(index)
        self.of_agents = self._contained_at((*base, "agent"))
        self.of_patients = [
            set[int]().union(*(self._contained_at(path) for path in patient.paths))
            for patient in patients
        ]

    def parts(self) -> Iterator[Part]:
        root = scan_spans(self.body)
        cuts = Cuts()
        for path, readers in (*self._elements(), *self._shared_texts(), *self._mentions()):
            cuts.add(path, readers)
        for number, patient in enumerate(self.patients):
            resource, gone = cut_spans(self.body, root, cuts, 1 << number)
            yield Part(patient.patient, resource, tuple(map(self._expression, gone)))

    def _elements(self) -> Iterator[tuple[Path, int]]:
        """Yield elements to cut: of one patient, from all others; unreferenced ones, from all."""
        for path, number in self.owner.items():
            yield path, self.everyone & ~(1 << number)
        if (patient := self.owner.get((*self.base, "patient"))) is not None:
            yield (*self.base, "encounter"), self.everyone & ~(1 << patient)
        referrers = dict.fromkeys(
            self.of_agents | self._contained_at((*self.base, "source")), self.everyone
        )
        for number, indices in enumerate(self.of_patients):
            for index in indices:
                referrers[index] = referrers.get(index, 0) | 1 << number
        for index, _ in enumerate(self.resource.get("contained") or ()):
            yield (*self.base, "contained", index), self.everyone & ~referrers.get(index, 0)

    def _shared_texts(self) -> Iterator[tuple[Path, int]]:
        """Yield the texts to cut from all parts, since they may name anyone."""
        yield (*self.base, "text"), self.everyone
        for index, _ in enumerate(self.resource.get("entity") or ()):
            path = (*self.base, "entity", index)
            yield (*path, "query"), self.everyone
            if path not in self.owner:
                yield (*path, "what", "display"), self.everyone
                for name in _FREE_TEXT:
                    yield (*path, name), self.everyone

    def _mentions(self) -> Iterator[tuple[Path, int]]:
        """Yield the units to cut because they mention patients."""
        finder = MentionFinder(list(self._known()))
        texts = ((path, text) for path, text in leaves(self.document, ()) if not self._exempt(path))
        for path, readers in finder.find(texts).items():
            yield self._unit(path), readers
        for path, readers in finder.find_names(member_names(self.document, ())).items():
            self.expressions[path] = self._spelled((*path[:-1], _NAME_CUT))
            yield path, readers

    def _known(self) -> Iterator[PatientTerms]:
        of_contained: dict[int, list[str]] = {}
        of_contacts: dict[int, list[str]] = {}
        for index in set[int]().union(*self.of_patients):
            item = self.resource["contained"][index]
            place = f"{self.place}.contained[{index}].name"
            require_at_most(item.get("name"), place, MAX_NAMES, "names")
            of_contained[index] = names_in(item)
            of_contacts[index] = contacts_in(item)
        terms: list[tuple[list[str], list[str]]] = []
        for patient, indices in zip(self.patients, self.of_patients, strict=True):
            names = [name for index in sorted(indices) for name in of_contained[index]]
            identifiers = [one for i in sorted(indices) for one in of_contacts[i]]
            for path in patient.paths:
                more_names, more_identifiers = names_and_identifiers(_at(self.document, path))
                names += more_names
                identifiers += more_identifiers
            terms.append((names, identifiers))
        names_of = distinguish_names([names for names, _ in terms])
        for patient, names, (_, identifiers) in zip(self.patients, names_of, terms, strict=True):
            yield patient_terms(patient.patient, names, identifiers)

    def _exempt(self, path: Path) -> bool:
        """Return whether a leaf may mention patients: required, an agent's, or a patient's own."""
        inside: tuple[Any, ...] = path[len(self.base) :]
        if path[: len(self.base)] != self.base or not inside:
            return path in self.owner or path[:1] in _ENVELOPE
        if inside in (("resourceType",), ("recorded",)) or inside[-1] in _TERMINOLOGY:
            return True
        if inside[0] == "agent" and inside[2] in _AGENT_IDENTITY:
            return True
        if inside[0] == "contained" and inside[1] in self.of_agents:
            return True
        for length in (1, 2):
            if (*self.base, *inside[:length]) in self.owner:
                rest = [name for name in inside[length:] if name != "what"]
                return not rest or rest[0] in _PATIENT_IDENTITY
        return False

    def _unit(self, path: Path) -> Path:
        """Return the path to cut for a leaf: that of its array element, or else of its member."""
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

    def _contained_at(self, path: Path) -> set[int]:
        """Return the indices of the contained resources referred to at and below a path."""
        found: set[int] = set()
        for _, text in leaves(_at(self.document, path), ()):
            found.update(self.contained.get(text, ()))
        return found

    def _expression(self, path: Path) -> str:
        known = self.expressions.get(path)
        if known is None:
            known = self.expressions[path] = self._spelled(path)
        return known

    def _spelled(self, path: Path) -> str:
        return spell_path(path if self.base else ("AuditEvent", *path))


def _at(value: Any, path: Path) -> Any:
    for name in path:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and isinstance(name, int):
            value = value[name]
        else:
            return None
    return value
