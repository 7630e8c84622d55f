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
from collections.abc import Iterator, Mapping, Sequence
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
    departments = _departments(files.get(_DEPARTMENTS.file))
    known = None if _DEPARTMENTS.file not in files else {d.id: d for d in departments}
    users = _users(files.get(_USERS.file), known)
    ids = None if _USERS.file not in files else {user.id for user in users}
    digest = sha256()
    for name in sorted(files):
        digest.update(f"{name} {len(files[name])}\n".encode() + files[name])
    return Directory(
        users,
        departments,
        _patients(files.get(_PATIENTS.file), ids),
        _encounters(files.get(_ENCOUNTERS.file), known),
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
        found = self.text(column)
        if found is None:
            self.refuse(column, "a value expected")
        return found

    def several(self, column: str) -> tuple[str, ...]:
        found = [part.strip() for part in (self.text(column) or "").split(";")]
        found = list(dict.fromkeys(part for part in found if part))
        if len(found) > MAX_NAMES:
            self.refuse(column, f"at most {MAX_NAMES} of them expected")
        return tuple(found)

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

    def refuse(self, column: str, expected: str) -> NoReturn:
        raise FormatError(f"{self.form.file}, line {self.line}, column {column}: {expected}")


def _departments(data: bytes | None) -> list[Department]:
    found = []
    seen: dict[str, int] = {}
    for row in _rows(data, _DEPARTMENTS):
        id_ = row.needed("id")
        _once(row, "id", (id_,), seen)
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
        found.append(Department(id=id_, name=row.text("name"), hours=hours, time_zone=zone))
    return found


def _users(data: bytes | None, departments: Mapping[str, Department] | None) -> list[User]:
    found = []
    seen: dict[str, int] = {}
    named: dict[str, int] = {}
    for row in _rows(data, _USERS):
        id_, names = row.needed("id"), row.names("names", _USER_KINDS)
        _once(row, "id", (id_,), seen)
        _once(row, "names", names, named)
        department = row.text("department")
        _known(row, "department", department, departments, "departments.csv")
        zone = _zone(department, departments)
        from_ms = row.time_ms("valid_from", zone)
        to_ms = row.time_ms("valid_to", zone, is_end=True)
        _in_order(row, "valid_to", from_ms, to_ms)
        found.append(
            User(
                id=id_,
                names=names,
                surname=row.text("surname"),
                given=row.text("given"),
                department=department,
                valid_from_ms=from_ms,
                valid_to_ms=to_ms,
            )
        )
    return found


def _patients(data: bytes | None, users: set[str] | None) -> list[DirectoryPatient]:
    found = []
    named: dict[str, int] = {}
    employed: dict[str, int] = {}
    for row in _rows(data, _PATIENTS):
        names = row.names("names", _PATIENT_KINDS)
        _once(row, "names", names, named)
        employee, contacts = row.text("employee"), row.several("contacts")
        if employee is not None:
            _once(row, "employee", (employee,), employed)
        _known(row, "employee", employee, users, "users.csv")
        for contact in contacts:
            _known(row, "contacts", contact, users, "users.csv")
        found.append(
            DirectoryPatient(
                names=names,
                surname=row.text("surname"),
                household=row.text("household"),
                contacts=contacts,
                employee=employee,
            )
        )
    return found


def _encounters(
    data: bytes | None, departments: Mapping[str, Department] | None
) -> Iterator[DirectoryEncounter]:
    for row in _rows(data, _ENCOUNTERS):
        patient, *more = row.names("patient", _PATIENT_KINDS)
        if more:
            row.refuse("patient", "one name expected")
        department = row.needed("department")
        _known(row, "department", department, departments, "departments.csv")
        row.needed("from")
        zone = _zone(department, departments)
        from_ms = row.time_ms("from", zone)
        to_ms = row.time_ms("to", zone, is_end=True)
        _in_order(row, "to", from_ms, to_ms)
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


def _known(
    row: _Row,
    column: str,
    id_: str | None,
    known: Mapping[str, Department] | set[str] | None,
    file: str,
) -> None:
    if known is not None and id_ is not None and id_ not in known:
        row.refuse(column, f"an id of {file} expected")


def _once(row: _Row, column: str, names: Sequence[str], seen: dict[str, int]) -> None:
    for name in names:
        before = seen.setdefault(name, row.line)
        if before != row.line:
            row.refuse(column, f"each once expected, line {before} has it too")


def _in_order(row: _Row, column: str, from_ms: int | None, to_ms: int | None) -> None:
    if from_ms is not None and to_ms is not None and to_ms < from_ms:
        row.refuse(column, "a time that is not before the beginning expected")


def _zone(department: str | None, departments: Mapping[str, Department] | None) -> str:
    known = None if department is None else (departments or {}).get(department)
    return "UTC" if known is None or known.time_zone is None else known.time_zone
