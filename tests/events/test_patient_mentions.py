"""A patient is found wherever mentioned, in any spelling, and only that element is cut."""

import json
import unicodedata
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.events import parse_audit_event
from tests.builders.audit_event import MRN, patient_entity, r4
from tests.events.two_people import ADA, BOB, parts

BOB_SPELLED = [
    "Bob Roe",
    "roe, BOB",
    "Roe  Bob",
    "Patient/bob-1903",
    "Patient/bob-1903/_history/1",
    "https://x/List/1?subject=Patient/bob-1903",
    "id=bob-1903&x=1",
    "Patient%2Fbob-1903",
    "Bob+Roe",
    b64encode(b"patient=bob-1903").decode(),
    b64encode("Bob Roe".encode("utf-16")).decode(),
    "MRN:81726354",
    "MRN81726354",
    "81726354^^^&1.2.3&ISO",
]


@pytest.mark.parametrize("spelling", BOB_SPELLED)
@pytest.mark.parametrize(
    ("elements", "place"),
    [
        ({"outcomeDesc": "…"}, "AuditEvent.outcomeDesc"),
        ({"id": "…"}, "AuditEvent.id"),
        ({"meta": {"tag": [{"display": "…"}]}}, "AuditEvent.meta.tag[0]"),
        ({"purposeOfEvent": [{"text": "x"}, {"text": "…"}]}, "AuditEvent.purposeOfEvent[1]"),
        ({"extension": [{"url": "u", "valueString": "…"}]}, "AuditEvent.extension[0]"),
        (
            {"agent": [{"who": {"display": "Dr"}, "policy": ["p", "…"]}]},
            "AuditEvent.agent[0].policy[1]",
        ),
        (
            {"agent": [{"who": {"display": "Dr"}, "location": {"display": "…"}}]},
            "AuditEvent.agent[0].location.display",
        ),
        ({"source": {"site": "…", "observer": {"display": "d"}}}, "AuditEvent.source.site"),
        (
            {"entity": [{"what": {"identifier": {"system": "s", "value": "…"}}}]},
            "AuditEvent.entity[2]",
        ),
        ({"entity": [{"what": {"reference": "…", "type": "List"}}]}, "AuditEvent.entity[2]"),
        (
            {"entity": [{"what": {"reference": "List/1"}, "securityLabel": [{"display": "…"}]}]},
            "AuditEvent.entity[2].securityLabel[0]",
        ),
    ],
)
def test_any_other_element_that_mentions_another_patient_is_cut(
    elements: dict[str, Any], place: str, spelling: str
) -> None:
    """In any spelling and any place; the smallest meaningful element is cut."""
    filled = json.loads(json.dumps(elements).replace("\\u2026", spelling))
    extra = filled.pop("entity", [])
    bob = {**BOB, "identifier": {"system": MRN, "value": "81726354"}}
    first, second = parts(r4(entity=[{"what": ADA}, {"what": bob}, *extra], **filled))
    assert place in first.cut
    assert place not in second.cut
    assert "roe" not in first.resource.decode().casefold()
    assert b"1903" not in first.resource
    assert b"81726354" not in first.resource


def of_two(name: str, value: str = "8801018") -> list[dict[str, Any]]:
    """Return entities of Ida Larch and of another patient with this name and identifier."""
    return [
        patient_entity(name="Ida Larch", what={"identifier": {"system": MRN, "value": "8801017"}}),
        patient_entity(name=name, what={"identifier": {"system": MRN, "value": value}}),
    ]


def left(event: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the decoded part of Ida and that of the other patient."""
    ida, other = (json.loads(part.resource) for part in parts(event))
    return ida, other


NAMES = [
    # the name of the patient, the mention elsewhere
    ("Otto Heron", "HERON^OTTO^^^"),
    ("Otto Heron", "PID|1||||HERON^OTTO^^^"),
    ("Otto Heron", "Heron^Otto^^Dr.^Jr."),
    ("Otto Heron", "Heron,Otto"),
    ("Otto Heron", "heron;otto"),
    ("Otto Heron", "otto_heron"),
    ("Otto Heron", "Dr. med. Otto Friedrich Heron jun."),
    ("Otto Heron", "O. Heron"),
    ("Otto Heron", "Heron O"),
    ("Otto Heron", "Mr Heron"),
    ("Otto Heron", "HeronOtto"),
    ("Otto Heron", "<b>Otto</b> <i>Heron</i>"),
    ("Otto Friedrich Heron", "Heron, Otto"),
    ("Dr. med. Otto Heron Jr.", "Heron^Otto"),
    ("Heron^Otto^^^", "Otto Heron"),
    ("Heron, Otto", "Otto Heron"),
    ("Jürgen Müller", unicodedata.normalize("NFD", "also: Jürgen Müller")),
    (unicodedata.normalize("NFD", "Jürgen Müller"), "Jürgen Müller"),
    ("Jürgen Müller", "MUELLER^JUERGEN"),
    ("Juergen Mueller", "Müller, Jürgen"),
    ("Jürgen Müller", "Jurgen Muller"),
    ("Jürgen Müller", "J\u00c3\u00bcrgen M\u00c3\u00bcller"),
    ("Hans Strauß", "STRAUSS, HANS"),
    ("Anna-Lena Müller-Lüdenscheidt", "Müller-Lüdenscheidt"),
    ("Anna-Lena Roe", "Annalena Roe"),
    ("Sean O'Brien", "OBRIEN^SEAN"),
    ("Sean O\u2019Brien", "o'brien"),
    ("Sean OBrien", "O'Brien"),
    ("Piet van den Berg", "VANDENBERG^PIET"),
    ("Işık Yıldız", "IŞIK YILDIZ"),
    ("Işık Yıldız", "isik yildiz"),
    ("İnci Kaya", "inci"),
    ("Łukasz Sørensen", "LUKASZ SORENSEN"),
    ("Otto Heron", "\uff28\uff45\uff52\uff4f\uff4e \uff2f\uff54\uff54\uff4f"),
    ("Otto Heron", "He\u200bron"),
    ("Otto Heron", "Otto\u200bHeron"),
    ("Otto Heron", "He\u00adron"),
    ("Suharto", "seen: SUHARTO"),
    ("Otto Heron", "the Herons"),
    ("Otto Heron", "Otto Herons Akte"),
    ("Otto Heron", "H e r o n"),
    ("Otto Heron", "O.T.T.O. H.E.R.O.N."),
    ("Otto Heron", "oheron@example.org"),
    ("Otto Heron", "herono"),
    ("Jo Doe", "user jdoe"),
    ("Otto Heron", "<p>He<b>r</b>on</p>"),
    ("Otto Heron", '<span class="x">Ot</span>to'),
    ("Ng", "Ng"),
    ("A B", "A B"),
    ("\u3084\u307e\u3060 \u305f\u308d\u3046", "\u30e4\u30de\u30c0"),
    ("\u3084\u307e\u3060 \u305f\u308d\u3046", "\uff94\uff8f\uff80\uff9e"),
    ("Bo Li", "Li, Bo"),
    ("Bo Li", "Li B."),
    ("\u5c71\u7530\u592a\u90ce", "\u60a3\u8005\u5c71\u7530\u592a\u90ce\u3092\u8a3a\u5bdf"),
    ("Yamada^Tarou=\u5c71\u7530^\u592a\u90ce", "\u5c71\u7530 \u592a\u90ce"),
    ("\uae40\ucca0\uc218", "\ud658\uc790 \uae40\ucca0\uc218\ub294"),
    ("\u674e\u660e", "\u674e \u660e"),
    ("\u0930\u093e\u092e \u0915\u0941\u092e\u093e\u0930", "\u0915\u0941\u092e\u093e\u0930"),
    ("\u0645\u062d\u0645\u062f \u0639\u0644\u064a", "\u0645\u062d\u0645\u062f"),
]

IDENTIFIERS = [
    ("8801018", "8801018^^^&1.2.3&ISO"),
    ("8801018", "880-1018"),
    ("8801018", "880 1018"),
    ("880-1018", "8801018"),
    ("8801018", "\uff18\uff18\uff10\uff11\uff10\uff11\uff18"),
    ("8801018", "\u0668\u0668\u0660\u0661\u0660\u0661\u0668"),
    ("8801018^^^&1.2.3&ISO", "MRN 8801018"),
    ("12^^^A~8801018^^^&1.2.3&ISO", "8801018"),
    ("AB-8801018/7", "ab8801018 7"),
]

ENCODED = [
    ("Jürgen Müller", "M%C3%BCller"),
    ("Jürgen Müller", "M%FCller"),
    ("Jürgen Müller", "M%25C3%25BCller"),
    ("Jürgen Müller", r"{\"name\":\"M\u00fcller\"}"),
    ("Jürgen Müller", "M&uuml;ller, M&#252;ller"),
    ("Otto Heron", b64encode(b"HERON^OTTO").decode()),
    ("Otto Heron", b64encode(b"HERON^OTTO").decode().rstrip("=")),
    ("Jürgen Müller", b64encode("?patient=Müller>>>".encode()).decode().replace("+", "-")),
    ("Jürgen Müller", b64encode("Jürgen Müller".encode("latin-1")).decode()),
    ("Jürgen Müller", b64encode("Jürgen Müller".encode("utf-16-le")).decode()),
    ("Otto Heron", f"query={b64encode(b'name=Otto Heron').decode()} (GET)"),
    ("Otto Heron", b64encode(b64encode(b"the chart of Otto Heron")).decode()),
    ("Otto Heron", b64encode(b"name=%48eron").decode()),
    ("Otto Heron", b64encode(b"Heron").decode()),
    ("Otto Heron", b"Otto Heron".hex()),
    ("Otto Heron", b"Otto Heron".hex().upper()),
    ("Jürgen Müller", "M=C3=BCller"),
    ("Jürgen Müller", "M=FCller"),
    ("Otto Heron", "He=\nron"),
    ("Otto Heron", "%u0048eron"),
    ("Otto Heron", r"\u{48}eron"),
    ("Otto Heron", "&#0000000072;eron"),
]


@pytest.mark.parametrize(("name", "mention"), [*NAMES, *ENCODED])
def test_a_name_is_found_in_any_spelling(name: str, mention: str) -> None:
    """Case, marks, order, separators, script, encoding; the patient's own part retains it."""
    ida, other = left(r4(entity=of_two(name), outcomeDesc=mention))
    assert "outcomeDesc" not in ida
    assert other["outcomeDesc"] == mention


@pytest.mark.parametrize(("value", "mention"), IDENTIFIERS)
def test_an_identifier_is_found_in_any_spelling(value: str, mention: str) -> None:
    """As HL7 v2 writes it, with or without hyphens, in other digits."""
    ida, other = left(r4(entity=of_two("N. N.", value), outcomeDesc=mention))
    assert "outcomeDesc" not in ida
    assert other["outcomeDesc"] == mention


@pytest.mark.parametrize(
    "detail",
    [
        {"valueString": "HERON^OTTO"},
        {"valueBase64Binary": b64encode(b"HERON^OTTO").decode()},
        {"valueString": b64encode("Otto Heron".encode("utf-16")).decode()},
    ],
)
def test_details_of_the_patient_s_own_entity_are_searched(detail: dict[str, Any]) -> None:
    """DICOM's ParticipantObjectDetail is base64."""
    entities = of_two("Otto Heron")
    entities[0]["detail"] = [{"type": "a", **detail}, {"type": "b", "valueString": "bed 7"}]
    ida, _ = left(r4(entity=entities))
    assert ida["entity"][0]["detail"] == [{"type": "b", "valueString": "bed 7"}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Otto Heron", "heroine with a lotto ticket"),
        ("Otto Heron", "opened for Larchmont"),
        ("Al Roe", "heroes, al dente"),
        ("Otto Heron", "18801018, 88010180"),
        ("Test Patient", "the chart of a patient was opened"),
        ("Dr. Otto Heron", "signed by the Dr."),
    ],
)
def test_text_that_only_resembles_a_mention_stays(name: str, text: str) -> None:
    """Parts of longer words and numbers, titles, placeholders."""
    ida, _ = left(r4(entity=of_two(name), outcomeDesc=text))
    assert ida["outcomeDesc"] == text


def test_a_single_word_of_a_name_in_a_code_is_not_a_mention() -> None:
    """For a patient named Read, no `read` of a coding, address or reference is cut."""
    elements: dict[str, Any] = {
        "subtype": [{"code": "read", "display": "read"}],
        "agent": [{"who": {"display": "Dr"}, "network": {"address": "ward.example.org"}}],
        "entity": [*of_two("Ward Read"), {"what": {"reference": "List/ward"}}],
    }
    ida, _ = left(r4(**elements))
    assert ida["subtype"] == elements["subtype"]
    assert ida["agent"] == elements["agent"]
    assert ida["entity"][1:] == elements["entity"][2:]


def test_a_shared_surname_is_cut_from_neither_part() -> None:
    """The surname mentions both; with a given name it mentions one."""
    entities = of_two("Otto Larch")
    ida, otto = left(r4(entity=entities, outcomeDesc="Larch, both", purposeOfEvent=[]))
    assert ida["outcomeDesc"] == otto["outcomeDesc"] == "Larch, both"
    ida, otto = left(r4(entity=entities, outcomeDesc="Larch, Otto"))
    assert "outcomeDesc" not in ida
    assert "outcomeDesc" in otto


@pytest.mark.parametrize(
    "elements",
    [
        {"detail": [{"type": "PatientName", "valueString": "HERON^OTTO"}]},
        {
            "detail": [
                {
                    "type": "(0010,0010)",
                    "valueBase64Binary": b64encode(b"HERON^OTTO").decode(),
                }
            ]
        },
        {"extension": [{"url": "u", "valueHumanName": {"family": "Heron", "given": ["Otto"]}}]},
        {"extension": [{"url": "u", "valueIdentifier": {"system": "s", "value": "Heron, Otto"}}]},
        {"what": {"identifier": {"system": MRN, "value": "8801018"}, "display": "Otto Heron"}},
    ],
)
def test_all_names_in_an_element_identify_its_patient(elements: dict[str, Any]) -> None:
    """Not only `name`: details, extensions, identifiers of other kinds."""
    entities = of_two("Otto Heron")
    del entities[1]["name"]
    entities[1] |= elements
    ida, other = left(r4(entity=entities, outcomeDesc="seen: Heron, Otto"))
    assert "outcomeDesc" not in ida
    assert "outcomeDesc" in other


def test_a_name_that_contains_another_patient_s_identifies_only_its_own() -> None:
    """Words of a sentence in `name` do not identify both patients."""
    entities = of_two("Otto Heron")
    entities[0]["name"] = "Ida Larch, not Otto Heron"
    ida, otto = left(
        r4(entity=entities, outcomeDesc="HERON^OTTO", purposeOfEvent=[{"text": "Larch"}])
    )
    assert "outcomeDesc" not in ida
    assert "name" not in ida["entity"][0]
    assert otto["outcomeDesc"] == "HERON^OTTO"
    assert "purposeOfEvent" not in otto


def test_a_member_name_that_mentions_another_is_cut_and_not_listed() -> None:
    """The list of cuts in the record would name the patient."""
    event = r4(entity=of_two("Otto Heron"), extra={"Otto Heron": 1, "8801018": 2, "x": 3})
    body = json.dumps(event).encode()
    ida, other = parse_audit_event(body).parts
    assert json.loads(ida.resource)["extra"] == {"x": 3}
    assert json.loads(other.resource)["extra"] == event["extra"]
    assert ida.cut == ("AuditEvent.entity[1]", "AuditEvent.extra.…", "AuditEvent.extra.…")


def test_reported_leaks_are_cut(shared_dir: Path) -> None:
    """Ida Larch's part reveals nothing about the other patient."""
    folder = shared_dir / "cases" / "reports" / "03-other-patients-name-in-a-part"
    for path in sorted(folder.glob("*.json")):
        ida, other = parse_audit_event(path.read_bytes()).parts
        assert "outcomeDesc" not in json.loads(ida.resource), path.name
        assert "outcomeDesc" in json.loads(other.resource), path.name
        assert ida.cut == ("AuditEvent.entity[1]", "AuditEvent.outcomeDesc"), path.name


@pytest.mark.parametrize(
    ("contact", "mention"),
    [
        ({"telecom": [{"system": "phone", "value": "+49 30 1234567"}]}, "call +49301234567"),
        ({"telecom": [{"system": "phone", "value": "+49 30 1234567"}]}, "tel:+49-30-1234567"),
        ({"telecom": [{"system": "email", "value": "bittern@x.org"}]}, "to: Bittern@X.org"),
        ({"address": [{"line": ["12 Mill Lane"], "city": "Ulm"}]}, "lives at 12, Mill Lane"),
        ({"address": [{"text": "12 Mill Lane, Ulm"}]}, "12 Mill Lane Ulm"),
        ({"identifier": [{"value": "8801018"}]}, "8801018"),
    ],
)
def test_contact_details_of_a_contained_patient_are_mentions(
    contact: dict[str, Any], mention: str
) -> None:
    """Telephone, mail and postal address identify a person as a name does."""
    entities = [of_two("Otto Heron")[0], patient_entity("#otto")]
    contained = [{"resourceType": "Patient", "id": "otto", **contact}]
    ida, other = left(r4(contained=contained, entity=entities, outcomeDesc=mention))
    assert "outcomeDesc" not in ida
    assert other["outcomeDesc"] == mention
