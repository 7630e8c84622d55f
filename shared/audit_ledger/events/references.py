"""Normalize FHIR references and identifiers (R4 and R5, References)."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

from audit_ledger.events.fhir_model import Identifier, Reference
from audit_ledger.events.token_syntax import read_token, split_unescaped

# An HL7 v2 CX, which ATNA systems put into an identifier without system: id^^^&<OID>&ISO
_CX = re.compile(r"([^^&]+)\^\^\^[^^&]*&([0-9]+(?:\.[0-9]+)+)&ISO")

_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}

ReferenceTarget = tuple[str | None, str]  # (resource type if known, normal form of the reference)


def normalize_reference(reference: str) -> ReferenceTarget:
    """Return the resource type and the normal form of a reference.

    `https://host/fhir/Patient/1/_history/2` and `Patient/1` both become `Patient/1`; `urn:uuid:…`
    becomes lower case; fragments (`#p1`), searches (`Patient?identifier=…`) and other references
    stay unchanged.
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
    """Return the normal form of the base URL of `<base>/<type>/<id>`; "" if it is relative.

    Scheme and host are in lower case, without the scheme's default port. A prefix that is no URL
    (`tenant-2/Patient/1`) is returned unchanged: such a reference is not relative either.
    """
    segments = reference.partition("?")[0].rstrip("/").split("/")
    if len(segments) > 3 and segments[-2] == "_history":
        del segments[-2:]
    return normal_base("/".join(segments[:-2]))


def normal_base(base: str) -> str:
    """Return the normal form of a base URL: `https://Host:443/fhir/` is `https://host/fhir`."""
    scheme, separator, rest = base.rstrip("/").partition("://")
    if not separator:
        return scheme
    scheme = scheme.lower()
    authority, slash, path = rest.partition("/")
    authority = authority.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ":"))
    return f"{scheme}://{authority}{slash}{path}"


def patient_reference(reference: str) -> str | None:
    """Return the normal form of a reference to a Patient; None for any other reference.

    The form is `Patient/1`, or `https://host/fhir/Patient/1` if the reference names a server, where
    the same id is another patient. The version is removed.
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
    """Return the identifiers of a Reference: (system, value), system "" if absent."""
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
            if len(values) == 1 and code:  # several values are alternatives: none is certain
                found.append((system or "", code))
    return found


def pairs_of(identifiers: Iterable[Identifier]) -> list[tuple[str, str]]:
    """Return (system, value) of FHIR Identifiers, and in addition those inside a CX.

    Remove white space around a value, which comes from columns of fixed width.
    """
    found = []
    for identifier in identifiers:
        if identifier.value and (value := identifier.value.strip()):
            found.append((identifier.system or "", value))
            if not identifier.system and "^" in value:
                cx = _CX.fullmatch(value)
                found += [(f"urn:oid:{cx[2]}", cx[1])] if cx else []
    return found
