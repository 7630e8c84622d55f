"""Files of the staff directory: read as documented, rejected without quoting their content."""

import csv
from io import StringIO

import pytest

from audit_ledger.detections.staff_directory import Directory
from audit_ledger.detections.staff_directory_files import (
    FILES,
    MAX_CELL,
    MAX_FILE_BYTES,
    MAX_NAMES,
    read_directory,
)
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
    """Return the directory of these files, with some replaced (`users` for `users.csv`)."""
    texts = ALL | {f"{name}.csv": text for name, text in files.items()}
    return read_directory({name: text.encode() for name, text in texts.items()})


def agent(*candidates: str) -> Agent:
    return Agent(candidates, requestor=True, is_person=True)


def test_reads_every_column() -> None:
    """Names identify users and patients; times are in the department's zone."""
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
    """References to missing files are not checked."""
    assert read_directory({}).users == {}
    for name, text in ALL.items():
        read_directory({name: text.encode()})
    assert read_directory({"users.csv": b"id,names\nu1,altId|1\n"}).users["u1"].surname is None


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_accepts_files_of_spreadsheets(newline: str, mark: bytes) -> None:
    """With byte order mark, CRLF, empty lines; columns in any order and case."""
    text = f"Names , ID{newline}altId|1 , u1{newline},{newline}{newline}"
    directory = read_directory({"users.csv": mark + text.encode()})
    assert directory.user_of(agent("altId|1")) is directory.users["u1"]


def test_reads_quoted_cells() -> None:
    """As the standard library writes them."""
    out = StringIO()
    csv.writer(out).writerows([["id", "names", "surname"], ['a"b', "display|Roe, Jane", "R,oe"]])
    user = read_directory({"users.csv": out.getvalue().encode()}).users['a"b']
    assert (user.names, user.surname) == (("display|Roe, Jane",), "R,oe")


def test_dates_without_a_department_are_in_utc() -> None:
    """Or with a department that has no time zone."""
    user = read_directory({"users.csv": b"id,names,valid_to\nu1,altId|1,2026-06-30\n"}).users["u1"]
    assert user.valid_to_ms == at("2026-07-01 00:00")


def test_digests_distinguish_directories() -> None:
    """Also if a line moves from file to file."""
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


FAULTS = {
    "users": [
        ("", "a header line expected"),
        (f"id,names,{SECRET}\n", f"line 1, column 3: {USER_COLUMNS}"),
        ("id,names,id\n", "line 1, column 3: each column once expected"),
        ("id,surname\n", "line 1: column names expected"),
        (f"id,names\nu1,altId|{SECRET},x\n", "line 2: 3 cells, 2 expected"),
        (f"id,names\nu1,altId|1\n,altId|{SECRET}\n", "line 3, column id: a value expected"),
        (f"id,names\n{SECRET},\n", "line 2, column names: a value expected"),
        (f"id,names\nu1,{SECRET}\n", f"line 2, column names: {USER_NAMES}"),
        (f"id,names\nu1,identifier|{SECRET}\n", f"line 2, column names: {USER_NAMES}"),
        (f"id,names\n{SECRET},altId|1\n{SECRET},altId|2\n", f"line 3, column id: {ONCE}"),
        (f"id,names\nu1,altId|{SECRET}\nu2,altId|{SECRET}\n", f"line 3, column names: {ONCE}"),
        (
            f"id,names,department\nu1,altId|1,{SECRET}\n",
            "line 2, column department: an id of departments.csv expected",
        ),
        (f"id,names,valid_to\nu1,altId|1,{SECRET}\n", f"line 2, column valid_to: {TIME}"),
        ("id,names,valid_to\nu1,altId|1,2026-02-30\n", f"line 2, column valid_to: {TIME}"),
        ("id,names,valid_to\nu1,altId|1,9999-12-31\n", f"line 2, column valid_to: {TIME}"),
        (
            "id,names,valid_from,valid_to\nu1,altId|1,2026-02-03,2026-02-01\n",
            "line 2, column valid_to: a time that is not before the beginning expected",
        ),
        (f'id,names\nu1,altId|1\nu2,"{SECRET}"x\n', "line 3: CSV as in RFC 4180 expected"),
        (f'id,names\nu1,"{SECRET}', "line 2: CSV as in RFC 4180 expected"),
        (f'id,names\nu1,"altId|{SECRET}\nx"\n', f"line 3, column names: {PRINTABLE}"),
        ("id,names\nu1,altId|" + "x" * MAX_CELL + "\n", f"line 2, column names: {PRINTABLE}"),
        (
            "id,names\nu1," + ";".join(f"altId|{n}" for n in range(MAX_NAMES + 1)) + "\n",
            "line 2, column names: at most 32 of them expected",
        ),
    ],
    "departments": [
        (
            f"id,time_zone\nward,{SECRET}\n",
            "line 2, column time_zone: a name of the IANA database expected",
        ),
        ("id,monday\nward,closed\n", "line 2, column tuesday: a value expected"),
        (DEPARTMENTS.replace("08:00-12:00", SECRET), f"line 2, column friday: {HOURS}"),
        (f"id\n{SECRET}\n{SECRET}\n", f"line 3, column id: {ONCE}"),
    ],
    "patients": [
        (f"names\naltId|{SECRET}\n", f"line 2, column names: {PATIENT_NAMES}"),
        (
            f"names,employee\nreference|Patient/1,{SECRET}\n",
            "line 2, column employee: an id of users.csv expected",
        ),
        (
            f"names,contacts\nreference|Patient/1,u1;{SECRET}\n",
            "line 2, column contacts: an id of users.csv expected",
        ),
        (
            "names,employee\nreference|Patient/1,u1\nreference|Patient/2,u1\n",
            f"line 3, column employee: {ONCE}",
        ),
        (
            "names\nreference|Patient/1\nreference|https://x.example/Patient/1\n",
            f"line 3, column names: {ONCE}",
        ),
    ],
    "encounters": [
        (
            "patient,department,from\nreference|P/1;reference|P/2,er,2026-01-01\n",
            "line 2, column patient: one name expected",
        ),
        (
            "patient,department,from\nreference|Patient/1,er,\n",
            "line 2, column from: a value expected",
        ),
        (
            f"patient,department,from\nreference|Patient/1,{SECRET},2026-01-01\n",
            "line 2, column department: an id of departments.csv expected",
        ),
    ],
}


@pytest.mark.parametrize(
    ("file", "text", "message"), [(file, *fault) for file in FAULTS for fault in FAULTS[file]]
)
def test_error_has_the_place_and_no_content(file: str, text: str, message: str) -> None:
    """File, line, column and expectation, for one fault at a time."""
    with pytest.raises(FormatError) as raised:
        read(**{file: text})
    assert str(raised.value) == f"{file}.csv{', ' if message.startswith('line') else ': '}{message}"
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_rejects_other_encodings() -> None:
    """The message contains the line."""
    with pytest.raises(FormatError, match=r"^users.csv, line 2: UTF-8 expected$"):
        read_directory({"users.csv": "id,names\nu1,display|Müller\n".encode("latin-1")})


def test_rejects_large_files() -> None:
    """Before reading them."""
    with pytest.raises(FormatError, match=r"^users.csv: 67108865 bytes, at most 67108864$"):
        read_directory({"users.csv": b"x" * (MAX_FILE_BYTES + 1)})


def test_rejects_too_many_lines() -> None:
    """The message contains the first excess line."""
    many = "id\n" + "".join(f"d{n}\n" for n in range(10_001))
    with pytest.raises(FormatError, match=r"departments.csv, line 10002: at most 10000 lines"):
        read(departments=many)


def test_rejects_unknown_files() -> None:
    """The message does not contain the name, which may be anything."""
    with pytest.raises(FormatError, match=r"^directory, file 1: one of users.csv, ") as raised:
        read_directory({f"{SECRET}.csv": b""})
    assert SECRET not in str(raised.value)
    assert set(ALL) == set(FILES)


def test_reprs_contain_no_personal_data() -> None:
    """They may end up in messages."""
    directory = read()
    shown = repr([*directory.users.values(), *directory.patients, directory])
    shown += repr(directory.encounters_of(PatientReference("Patient/1")))
    assert not any(name in shown for name in ("Roe", "Jane", "mrn", "Practitioner", "u1"))
