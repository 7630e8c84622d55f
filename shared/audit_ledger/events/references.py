"""FHIR references and identifiers, brought to one form (R4 and R5, References)."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

from audit_ledger.events.fhir_model import Identifier, Reference
from audit_ledger.events.token_syntax import read_token, split_unescaped

# An HL7 v2 CX, as ATNA systems put it into an identifier without system: id^^^&<OID>&ISO
_CX = re.compile(r"([^^&]+)\^\^\^[^^&]*&([0-9]+(?:\.[0-9]+)+)&ISO")

_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}

Target = tuple[str | None, str]  # (resource type where it can be told, the reference's one form)


def normalize_reference(reference: str) -> Target:
    """Bring a reference to its one form.

    `https://host/fhir/Patient/1/_history/2` and `Patient/1` are both `Patient/1`; `urn:uuid:…`
    comes in lower case; a fragment (`#p1`), a search (`Patient?identifier=…`) and the rest stay.
    """
    head, _, tail = reference.partition("/")
    if tail and head.isalpha() and head[0].isupper() and "/" not in tail and "?" not in tail:
        return head, reference
    if reference[:4].lower() == "urn:":
        return None, reference.lower() if reference[:9].lower() == "urn:uuid:" else reference
    path, question_mark, _ = reference.partition("?")
    segments = path.rstrip("/").split("/")
    if question_mark:
        return segments[-1] if is_type_name(segments[-1]) else None, reference
    if len(segments) > 3 and segments[-2] == "_history":
        del segments[-2:]
    if len(segments) > 1 and is_type_name(segments[-2]):
        return segments[-2], f"{segments[-2]}/{segments[-1]}"
    return segments[0] if is_type_name(segments[0]) else None, reference


def base_of(reference: str) -> str:
    """Return the base URL that a reference `<base>/<type>/<id>` names, in one form; "" if relative.

    Scheme and host come in lower case, without the scheme's own port. What stands before the type
    without being a URL (`tenant-2/Patient/1`) is given as it is: it is not relative either.
    """
    segments = reference.partition("?")[0].rstrip("/").split("/")
    if len(segments) > 3 and segments[-2] == "_history":
        del segments[-2:]
    return normal_base("/".join(segments[:-2]))


def normal_base(base: str) -> str:
    """Bring a base URL to its one form: `https://Host:443/fhir/` is `https://host/fhir`."""
    scheme, separator, rest = base.rstrip("/").partition("://")
    if not separator:
        return scheme
    scheme = scheme.lower()
    authority, slash, path = rest.partition("/")
    authority = authority.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ":"))
    return f"{scheme}://{authority}{slash}{path}"


def patient_reference(reference: str) -> str | None:
    """Return a reference to a Patient in its one form; None for what is none.

    `Patient/1`, or `https://host/fhir/Patient/1` where another server's is named by its URL: the
    same id is another patient there. The version is left out.
    """
    _, normal = normalize_reference(reference)
    if not normal.startswith("Patient/"):
        return None
    base = "" if normal is reference else base_of(reference)
    return f"{base}/{normal}" if base else normal


def is_type_name(segment: str) -> bool:
    """Return whether a path segment looks like the name of a resource type."""
    return segment.isalpha() and segment[0].isupper()


def identifiers_of(reference: Reference) -> list[tuple[str, str]]:
    """Return what a Reference names by identifier: (system, value), system "" where absent."""
    found = [] if reference.identifier is None else pairs_of((reference.identifier,))
    if reference.reference and "?" in reference.reference:
        for name, text in parse_qsl(reference.reference.partition("?")[2]):
            if name != "identifier":
                continue
            try:
                values = split_unescaped(text, ",")
                system, code = read_token(text)
            except ValueError:
                continue
            if len(values) == 1 and code:  # of several, any may be meant
                found.append((system or "", code))
    return found


def pairs_of(identifiers: Iterable[Identifier]) -> list[tuple[str, str]]:
    """Give (system, value) of FHIR Identifiers; a CX in one is taken apart as well.

    White space around a value, as columns of fixed width leave it, is no part of it.
    """
    found = []
    for identifier in identifiers:
        if identifier.value and (value := identifier.value.strip()):
            found.append((identifier.system or "", value))
            if not identifier.system and "^" in value:
                cx = _CX.fullmatch(value)
                found += [(f"urn:oid:{cx[2]}", cx[1])] if cx else []
    return found
