"""The directory's files: read as they are meant, refused with the place and never the content."""

import csv
from io import StringIO

import pytest

from audit_ledger.detections import FILES, Directory, read_directory
from audit_ledger.detections.staff_directory_files import MAX_CELL, MAX_FILE_BYTES, MAX_NAMES
from audit_ledger.errors import FormatError
from audit_ledger.events.event import Agent, PatientReference
from tests.detections.rules import DAY, at

USERS = """id,names,surname,given,department,valid_from,valid_to
u1,reference|Practitioner/1; identifier|urn:staff|1,Roe,Jane,ward,2026-01-01,2026-06-30
u2,"display|Doe, John",Doe,John,er,,2026-06-30T12:00:00Z
"""
DEPARTMENTS = """id,name,time_zone,monday,tuesday,wednesday,thursday,friday,saturday,sunday
ward,Ward 1,Europe/Vienna,08:00-17:00,08:00-17:00,08:00-17:00,08:00-17:00,08:00-12:00,closed,closed
er,Emergency,,,,,,,,
"""
PATIENTS = """names,surname,household,contacts,employee
reference|https://ehr.example/Patient/1;identifier|urn:mrn|7,Roe,h1,u1;u2,u2
"""
ENCOUNTERS = """patient,department,from,to
identifier|urn:mrn|7,ward,2026-03-01,2026-03-02
reference|Patient/2,er,2026-03-01T10:00:00+01:00,
"""
ALL = {
    "users.csv": USERS,
    "departments.csv": DEPARTMENTS,
    "patients.csv": PATIENTS,
    "encounters.csv": ENCOUNTERS,
}


def read(**files: str) -> Directory:
    """The files, with some replaced (`users` for `users.csv`)."""
    texts = ALL | {f"{name}.csv": text for name, text in files.items()}
    return read_directory({name: text.encode() for name, text in texts.items()})


def agent(*candidates: str) -> Agent:
    return Agent(candidates, requestor=True, is_person=True)


def test_all_that_the_files_say() -> None:
    """Names find users and patients; times are those of the department's clock."""
    directory = read()
    user = directory.user_of(agent("display|nobody", "identifier|urn:staff|1"))
    assert user is not None
    assert (user.id, user.surname, user.given, user.department) == ("u1", "Roe", "Jane", "ward")
    assert user.valid_from_ms == at("2025-12-31 23:00")  # midnight in Vienna
    assert user.valid_to_ms == at("2026-06-30 22:00")  # the end of the last day
    other = directory.user_of(agent("display|Doe, John"))
    assert other is not None
    assert other.valid_to_ms == at("2026-06-30 12:00")
    patient = directory.patient_of(PatientReference("Patient/1"))
    assert patient is not None
    assert patient is directory.patient_of(PatientReference(None, (("urn:mrn", "7"),)))
    assert (patient.household, patient.contacts, patient.employee) == ("h1", ("u1", "u2"), "u2")
    assert directory.own_record_of(other) is patient
    (stay,) = directory.encounters_of(PatientReference("Patient/1"))
    assert (stay.department, stay.from_ms) == ("ward", at("2026-02-28 23:00"))
    assert stay.to_ms == at("2026-02-28 23:00") + 2 * DAY
    (lasting,) = directory.encounters_of(PatientReference("Patient/2"))
    assert (lasting.from_ms, lasting.to_ms) == (at("2026-03-01 09:00"), None)
    ward, er = directory.departments["ward"], directory.departments["er"]
    assert ward.hours is not None
    assert ward.hours[0] == (8 * 60, 17 * 60)
    assert (len(ward.hours), er.hours, er.name) == (5, None, "Emergency")


def test_every_file_is_optional() -> None:
    """Alone, none needs another: what it refers to is then taken as it is."""
    assert read_directory({}).users == {}
    for name, text in ALL.items():
        read_directory({name: text.encode()})
    assert read_directory({"users.csv": b"id,names\nu1,altId|1\n"}).users["u1"].surname is None


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_how_spreadsheets_write(newline: str, mark: bytes) -> None:
    """With byte order mark, CRLF, empty lines; columns in any order and case."""
    text = f"Names , ID{newline}altId|1 , u1{newline},{newline}{newline}"
    directory = read_directory({"users.csv": mark + text.encode()})
    assert directory.user_of(agent("altId|1")) is directory.users["u1"]


def test_what_csv_writes_is_read() -> None:
    """Quotes and commas, by the standard library's own writer."""
    out = StringIO()
    csv.writer(out).writerows([["id", "names", "surname"], ['a"b', "display|Roe, Jane", "R,oe"]])
    user = read_directory({"users.csv": out.getvalue().encode()}).users['a"b']
    assert (user.names, user.surname) == (("display|Roe, Jane",), "R,oe")


def test_the_time_zone_of_dates_may_be_set() -> None:
    """Where no department says."""
    files = {"users.csv": b"id,names,valid_to\nu1,altId|1,2026-06-30\n"}
    user = read_directory(files, time_zone="America/New_York").users["u1"]
    assert user.valid_to_ms == at("2026-07-01 04:00")


def test_digests_tell_directories_apart() -> None:
    """Whatever differs, also what moved from file to file."""
    digests = {read().digest, read(users=USERS + "\n").digest, read_directory({}).digest}
    assert len(digests) == 3
    assert read().digest == read().digest


SECRET = "Hippolyta"
USER_NAMES = (
    "names that begin with reference|, identifier|, altId|, display| expected, separated by ;"
)
PATIENT_NAMES = "names that begin with reference|, identifier| expected, separated by ;"
USER_COLUMNS = "one of id, names, surname, given, department, valid_from, valid_to expected"
HOURS = "closed, or hours like 08:00-12:00;13:00-17:00 expected"
ONCE = "each once expected, line 2 has it too"
TIME = "a date like 2026-11-22 or an instant expected"
PRINTABLE = "at most 4096 printable characters expected"


@pytest.mark.parametrize(
    ("file", "text", "place", "expected"),
    [
        ("users", "", "", "a header line expected"),
        ("users", f"id,names,{SECRET}\n", "line 1, column 3", USER_COLUMNS),
        ("users", "id,names,id\n", "line 1, column 3", "each column once expected"),
        ("users", "id,surname\n", "line 1", "column names expected"),
        ("users", f"id,names\nu1,altId|{SECRET},x\n", "line 2", "3 cells, 2 expected"),
        (
            "users",
            f"id,names\nu1,altId|1\n,altId|{SECRET}\n",
            "line 3, column id",
            "a value expected",
        ),
        ("users", f"id,names\n{SECRET},\n", "line 2, column names", "a value expected"),
        ("users", f"id,names\nu1,{SECRET}\n", "line 2, column names", USER_NAMES),
        ("users", f"id,names\nu1,identifier|{SECRET}\n", "line 2, column names", USER_NAMES),
        ("users", f"id,names\n{SECRET},altId|1\n{SECRET},altId|2\n", "line 3, column id", ONCE),
        (
            "users",
            f"id,names\nu1,altId|{SECRET}\nu2,altId|{SECRET}\n",
            "line 3, column names",
            ONCE,
        ),
        (
            "users",
            f"id,names,department\nu1,altId|1,{SECRET}\n",
            "line 2, column department",
            "an id of departments.csv expected",
        ),
        ("users", f"id,names,valid_to\nu1,altId|1,{SECRET}\n", "line 2, column valid_to", TIME),
        ("users", "id,names,valid_to\nu1,altId|1,2026-02-30\n", "line 2, column valid_to", TIME),
        ("users", "id,names,valid_to\nu1,altId|1,9999-12-31\n", "line 2, column valid_to", TIME),
        (
            "users",
            "id,names,valid_from,valid_to\nu1,altId|1,2026-02-03,2026-02-01\n",
            "line 2, column valid_to",
            "a time that is not before the beginning expected",
        ),
        (
            "users",
            f'id,names\nu1,altId|1\nu2,"{SECRET}"x\n',
            "line 3",
            "CSV as in RFC 4180 expected",
        ),
        ("users", f'id,names\nu1,"{SECRET}', "line 2", "CSV as in RFC 4180 expected"),
        ("users", f'id,names\nu1,"altId|{SECRET}\nx"\n', "line 3, column names", PRINTABLE),
        ("users", "id,names\nu1,altId|" + "x" * MAX_CELL + "\n", "line 2, column names", PRINTABLE),
        (
            "users",
            "id,names\nu1," + ";".join(f"altId|{n}" for n in range(MAX_NAMES + 1)) + "\n",
            "line 2, column names",
            "at most 32 of them expected",
        ),
        (
            "departments",
            f"id,time_zone\nward,{SECRET}\n",
            "line 2, column time_zone",
            "a name of the IANA database expected",
        ),
        ("departments", "id,monday\nward,closed\n", "line 2, column tuesday", "a value expected"),
        ("departments", DEPARTMENTS.replace("08:00-12:00", SECRET), "line 2, column friday", HOURS),
        ("departments", f"id\n{SECRET}\n{SECRET}\n", "line 3, column id", ONCE),
        ("patients", f"names\naltId|{SECRET}\n", "line 2, column names", PATIENT_NAMES),
        (
            "patients",
            f"names,employee\nreference|Patient/1,{SECRET}\n",
            "line 2, column employee",
            "an id of users.csv expected",
        ),
        (
            "patients",
            f"names,contacts\nreference|Patient/1,u1;{SECRET}\n",
            "line 2, column contacts",
            "an id of users.csv expected",
        ),
        (
            "patients",
            "names,employee\nreference|Patient/1,u1\nreference|Patient/2,u1\n",
            "line 3, column employee",
            ONCE,
        ),
        (
            "patients",
            "names\nreference|Patient/1\nreference|https://x.example/Patient/1\n",
            "line 3, column names",
            ONCE,
        ),
        (
            "encounters",
            "patient,department,from\nreference|P/1;reference|P/2,er,2026-01-01\n",
            "line 2, column patient",
            "one name expected",
        ),
        (
            "encounters",
            "patient,department,from\nreference|Patient/1,er,\n",
            "line 2, column from",
            "a value expected",
        ),
        (
            "encounters",
            f"patient,department,from\nreference|Patient/1,{SECRET},2026-01-01\n",
            "line 2, column department",
            "an id of departments.csv expected",
        ),
    ],
)
def test_each_fault_has_a_place(file: str, text: str, place: str, expected: str) -> None:
    """File, line, column and what was expected: one rule broken at a time."""
    with pytest.raises(FormatError) as raised:
        read(**{file: text})
    where = f"{file}.csv, {place}" if place else f"{file}.csv"
    assert str(raised.value) == f"{where}: {expected}"
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_what_is_not_utf_8_is_refused() -> None:
    """By its line."""
    with pytest.raises(FormatError, match=r"^users.csv, line 2: UTF-8 expected$"):
        read_directory({"users.csv": "id,names\nu1,display|Müller\n".encode("latin-1")})


def test_what_is_too_large_is_refused() -> None:
    """Before it is read."""
    with pytest.raises(FormatError, match=r"^users.csv: 67108865 bytes, at most 67108864$"):
        read_directory({"users.csv": b"x" * (MAX_FILE_BYTES + 1)})


def test_too_many_lines_are_refused() -> None:
    """By the first that is one too many."""
    many = "id\n" + "".join(f"d{n}\n" for n in range(10_001))
    with pytest.raises(FormatError, match=r"departments.csv, line 10002: at most 10000 lines"):
        read(departments=many)


def test_unknown_files_are_refused() -> None:
    """Without their names, which may be anything."""
    with pytest.raises(FormatError, match=r"^directory, file 1: one of users.csv, ") as raised:
        read_directory({f"{SECRET}.csv": b""})
    assert SECRET not in str(raised.value)
    assert set(ALL) == set(FILES)


def test_reprs_show_nobody() -> None:
    """They may be in a message by mistake."""
    directory = read()
    shown = repr([*directory.users.values(), *directory.patients, directory])
    shown += repr(directory.encounters_of(PatientReference("Patient/1")))
    assert not any(name in shown for name in ("Roe", "Jane", "mrn", "Practitioner", "u1"))
