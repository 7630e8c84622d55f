"""Read the directory's files: CSV (RFC 4180) in UTF-8, with a header line; a BOM is optional.

    users.csv        id, names, surname, given, department, valid_from, valid_to
    departments.csv  id, name, time_zone, monday, tuesday, … sunday
    patients.csv     names, surname, household, contacts, employee
    encounters.csv   patient, department, from, to

Every file is optional, and so is every column except `id`, `names`, `patient`, `department` of an
encounter and `from`. Other columns are rejected: a misspelt one would disable a rule, and unused
data should not be transferred. `;` separates several names or contacts. Times are instants
(`2026-11-22T05:59:00+01:00`) or dates, in the department's time zone or else UTC: an end date is
the last day. Days have hours like `08:00-12:00;13:00-17:00`, `22:00-06:00` or `closed`: all seven,
or none if hours are unknown.
"""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from io import StringIO
from typing import Final, NoReturn

import msgspec

from audit_ledger.detections.hours import WEEKDAYS, read_hours, read_time_zone
from audit_ledger.detections.staff_directory import (
    Department,
    Directory,
    DirectoryEncounter,
    DirectoryPatient,
    User,
)
from audit_ledger.errors import FormatError
from audit_ledger.events.instant import parse_instant_ms
from audit_ledger.events.references import normalize_reference

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_CELL: Final = 4_096  # characters
MAX_NAMES: Final = 32  # in a cell

_USER_KINDS: Final = ("reference", "identifier", "altId", "display")
_PATIENT_KINDS: Final = ("reference", "identifier")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class _Form(msgspec.Struct, frozen=True):
    file: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    max_rows: int


_USERS: Final = _Form(
    "users.csv",
    ("id", "names", "surname", "given", "department", "valid_from", "valid_to"),
    ("id", "names"),
    200_000,
)
_DEPARTMENTS: Final = _Form(
    "departments.csv", ("id", "name", "time_zone", *WEEKDAYS), ("id",), 10_000
)
_PATIENTS: Final = _Form(
    "patients.csv", ("names", "surname", "household", "contacts", "employee"), ("names",), 1_000_000
)
_ENCOUNTERS: Final = _Form(
    "encounters.csv",
    ("patient", "department", "from", "to"),
    ("patient", "department", "from"),
    2_000_000,
)
FILES: Final = tuple(form.file for form in (_USERS, _DEPARTMENTS, _PATIENTS, _ENCOUNTERS))


def read_directory(files: Mapping[str, bytes]) -> Directory:
    """Return the directory in `files`, by name.

    Raise FormatError with file, line, column and expectation; it quotes no cell.
    """
    for number, name in enumerate(files):
        if name not in FILES:
            raise FormatError(f"directory, file {number + 1}: one of {', '.join(FILES)} expected")
    departments = list(_departments(files.get(_DEPARTMENTS.file)))
    by_id = None if _DEPARTMENTS.file not in files else {d.id: d for d in departments}
    users = list(_users(files.get(_USERS.file), by_id))
    user_ids = None if _USERS.file not in files else {user.id for user in users}
    digest = sha256()
    for name in sorted(files):
        digest.update(f"{name} {len(files[name])}\n".encode() + files[name])
    return Directory(
        users,
        departments,
        list(_patients(files.get(_PATIENTS.file), user_ids)),
        _encounters(files.get(_ENCOUNTERS.file), by_id),
        digest=digest.digest(),
    )


class _Row:
    """One line: its stripped cells by column; an absent column is empty."""

    def __init__(self, form: _Form, line: int, cells: Mapping[str, str]) -> None:
        self.form = form
        self.line = line
        self.cells = cells

    def text(self, column: str) -> str | None:
        return self.cells.get(column) or None

    def needed(self, column: str) -> str:
        value = self.text(column)
        if value is None:
            self.refuse(column, "a value expected")
        return value

    def several(self, column: str) -> tuple[str, ...]:
        parts = [part.strip() for part in (self.text(column) or "").split(";")]
        values = tuple(dict.fromkeys(part for part in parts if part))
        if len(values) > MAX_NAMES:
            self.refuse(column, f"at most {MAX_NAMES} of them expected")
        return values

    def names(self, column: str, kinds: Sequence[str]) -> tuple[str, ...]:
        self.needed(column)
        return tuple(self._name(name, column, kinds) for name in self.several(column))

    def _name(self, name: str, column: str, kinds: Sequence[str]) -> str:
        kind, bar, rest = name.partition("|")
        is_whole = kind != "identifier" or all(rest.partition("|")[1:])
        if kind not in kinds or not bar or not rest or not is_whole:
            kinds_expected = "|, ".join(kinds)
            self.refuse(column, f"names that begin with {kinds_expected}| expected, separated by ;")
        return f"reference|{normalize_reference(rest)[1]}" if kind == "reference" else name

    def time_ms(self, column: str, zone: str, *, is_end: bool = False) -> int | None:
        text = self.text(column)
        if text is None:
            return None
        try:
            if len(text) == len("2026-11-22"):
                day = date.fromisoformat(text) + timedelta(days=is_end)
                midnight = datetime(day.year, day.month, day.day, tzinfo=read_time_zone(zone))
                return (midnight - _EPOCH) // _MILLISECOND
            return parse_instant_ms(text)
        except (ValueError, OverflowError):
            self.refuse(column, "a date like 2026-11-22 or an instant expected")

    def period(self, first: str, last: str, zone: str) -> tuple[int | None, int | None]:
        from_ms, to_ms = self.time_ms(first, zone), self.time_ms(last, zone, is_end=True)
        if from_ms is not None and to_ms is not None and to_ms < from_ms:
            self.refuse(last, "a time that is not before the beginning expected")
        return from_ms, to_ms

    def check_unique(self, column: str, values: Sequence[str], lines: dict[str, int]) -> None:
        """Refuse a value of an earlier line; `lines`: of all values so far."""
        for value in values:
            line = lines.setdefault(value, self.line)
            if line != self.line:
                self.refuse(column, f"each once expected, line {line} has it too")

    def check_id(
        self, column: str, id_: str | None, ids: Collection[str] | None, file: str
    ) -> None:
        """Refuse an id that is not in a file; `ids`: of that file, None if it is missing."""
        if ids is not None and id_ is not None and id_ not in ids:
            self.refuse(column, f"an id of {file} expected")

    def refuse(self, column: str, expected: str) -> NoReturn:
        raise FormatError(f"{self.form.file}, line {self.line}, column {column}: {expected}")


def _departments(data: bytes | None) -> Iterator[Department]:
    lines: dict[str, int] = {}
    for row in _rows(data, _DEPARTMENTS):
        id_ = row.needed("id")
        row.check_unique("id", (id_,), lines)
        zone = row.text("time_zone")
        days = [row.text(day) for day in WEEKDAYS]
        hours = None
        try:
            if zone is not None:
                read_time_zone(zone)
        except FormatError:
            row.refuse("time_zone", "a name of the IANA database expected")
        if any(days):
            for day in WEEKDAYS:
                row.needed(day)
            try:
                hours = read_hours([day or "" for day in days])
            except FormatError as error:
                column, _, expected = str(error).partition(": ")
                row.refuse(column, expected)
        yield Department(id=id_, name=row.text("name"), hours=hours, time_zone=zone)


def _users(data: bytes | None, departments: Mapping[str, Department] | None) -> Iterator[User]:
    id_lines: dict[str, int] = {}
    name_lines: dict[str, int] = {}
    for row in _rows(data, _USERS):
        id_, names = row.needed("id"), row.names("names", _USER_KINDS)
        row.check_unique("id", (id_,), id_lines)
        row.check_unique("names", names, name_lines)
        department = row.text("department")
        row.check_id("department", department, departments, "departments.csv")
        zone = _zone(department, departments)
        from_ms, to_ms = row.period("valid_from", "valid_to", zone)
        yield User(
            id=id_,
            names=names,
            surname=row.text("surname"),
            given=row.text("given"),
            department=department,
            valid_from_ms=from_ms,
            valid_to_ms=to_ms,
        )


def _patients(data: bytes | None, user_ids: set[str] | None) -> Iterator[DirectoryPatient]:
    name_lines: dict[str, int] = {}
    employee_lines: dict[str, int] = {}
    for row in _rows(data, _PATIENTS):
        names = row.names("names", _PATIENT_KINDS)
        row.check_unique("names", names, name_lines)
        employee, contacts = row.text("employee"), row.several("contacts")
        if employee is not None:
            row.check_unique("employee", (employee,), employee_lines)
        row.check_id("employee", employee, user_ids, "users.csv")
        for contact in contacts:
            row.check_id("contacts", contact, user_ids, "users.csv")
        yield DirectoryPatient(
            names=names,
            surname=row.text("surname"),
            household=row.text("household"),
            contacts=contacts,
            employee=employee,
        )


def _encounters(
    data: bytes | None, departments: Mapping[str, Department] | None
) -> Iterator[DirectoryEncounter]:
    for row in _rows(data, _ENCOUNTERS):
        patient, *more = row.names("patient", _PATIENT_KINDS)
        if more:
            row.refuse("patient", "one name expected")
        department = row.needed("department")
        row.check_id("department", department, departments, "departments.csv")
        row.needed("from")
        from_ms, to_ms = row.period("from", "to", _zone(department, departments))
        assert from_ms is not None  # noqa: S101 - `needed` rejected lines without it
        yield DirectoryEncounter(
            patient=patient, department=department, from_ms=from_ms, to_ms=to_ms
        )


def _rows(data: bytes | None, form: _Form) -> Iterator[_Row]:
    if data is None:
        return
    if len(data) > MAX_FILE_BYTES:
        raise FormatError(f"{form.file}: {len(data)} bytes, at most {MAX_FILE_BYTES}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormatError(f"{form.file}, line {line}: UTF-8 expected") from None
    header: list[str] | None = None
    count = 0
    for number, cells in _numbered(text, form):
        if header is None:
            header = _header(cells, form)
            continue
        count += 1
        if count > form.max_rows:
            raise FormatError(f"{form.file}, line {number}: at most {form.max_rows} lines expected")
        if len(cells) != len(header):
            raise FormatError(
                f"{form.file}, line {number}: {len(cells)} cells, {len(header)} expected"
            )
        row = _Row(form, number, dict(zip(header, map(str.strip, cells), strict=True)))
        for column, cell in row.cells.items():
            if len(cell) > MAX_CELL or not cell.isprintable():
                row.refuse(column, f"at most {MAX_CELL} printable characters expected")
        yield row
    if header is None:
        raise FormatError(f"{form.file}: a header line expected")


def _numbered(text: str, form: _Form) -> Iterator[tuple[int, list[str]]]:
    """Yield the non-empty lines, with their numbers."""
    lines = csv.reader(StringIO(text, newline=""), strict=True)
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error:
            raise FormatError(
                f"{form.file}, line {lines.line_num}: CSV as in RFC 4180 expected"
            ) from None
        if any(cells):
            yield lines.line_num, cells


def _header(cells: Sequence[str], form: _Form) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    for position, name in enumerate(names):
        where = f"{form.file}, line 1, column {position + 1}"
        if name not in form.columns:
            raise FormatError(f"{where}: one of {', '.join(form.columns)} expected")
        if name in names[:position]:
            raise FormatError(f"{where}: each column once expected")
    for name in form.required:
        if name not in names:
            raise FormatError(f"{form.file}, line 1: column {name} expected")
    return names


def _zone(department: str | None, departments: Mapping[str, Department] | None) -> str:
    of_id = None if department is None else (departments or {}).get(department)
    return "UTC" if of_id is None or of_id.time_zone is None else of_id.time_zone
