"""The representation of a response: by `_format`, else by Accept, else the first available.

FHIR is served as JSON, in R4 (4.0) unless R5 (5.0) or R4B (4.3, whose resources here are those
of R4) is requested by `fhirVersion` (FHIR, http.html, content types and version parameter). XML is
not served; see docs/decisions/0013-json-only.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from audit_ledger.events import RejectedEventError
from audit_ledger.events.fhir_version import Release
from audit_ledger.http.accept_header import MediaRange, Offer, choose, parse_accept
from audit_ledger.http.request import FHIR_JSON, Request
from audit_ledger.http.responses import FHIR_VERSIONS


@dataclass(frozen=True)
class FhirJson:
    """FHIR JSON of a release. `version`: the `fhirVersion` that the answer declares."""

    release: Release
    version: str


R4: Final = FhirJson("fhir-r4", "4.0")
_SERVED: Final = (R4, FhirJson("fhir-r5", "5.0"), FhirJson("fhir-r4", "4.3"))
_FHIR_OFFERS: Final = tuple(Offer(FHIR_JSON, form.version) for form in _SERVED)
_FORMAT_WORDS: Final = {"json": "application/fhir+json"}


def fhir_json(request: Request) -> FhirJson:
    """Choose the release of a FHIR answer; RejectedEventError (406) if none is acceptable."""
    format_ = _format_of(request)
    accepted = parse_accept(request.headers.get("accept", ""))
    if format_ is not None:
        wanted = _format_ranges(format_, _FORMAT_WORDS)
        chosen = choose(wanted, _FHIR_OFFERS) if wanted else None
        if chosen is None:
            raise RejectedEventError(
                406, "not-supported", "_format", "json or application/fhir+json, of 4.0 or 5.0"
            )
        # A format without a version leaves the version to Accept.
        by_header = (
            None if wanted[0].fhir_version or not accepted else choose(accepted, _FHIR_OFFERS)
        )
        return _SERVED[chosen if by_header is None else by_header]
    chosen = choose(accepted, _FHIR_OFFERS)
    if chosen is None:
        raise RejectedEventError(
            406, "not-supported", "Accept", "application/fhir+json, with fhirVersion 4.0 or 5.0"
        )
    return _SERVED[chosen]


def fhir_version_of(release: Release, requested: FhirJson) -> str:
    """Return the `fhirVersion` of a resource that may be of another release than requested."""
    return requested.version if release == requested.release else FHIR_VERSIONS[release]


def require_acceptable(request: Request, *media_types: str) -> str:
    """Return the one of these types that Accept wants most; RejectedEventError (406) if none will
    do.
    """
    offers = [Offer(FHIR_JSON if each == FHIR_JSON[0] else (each,)) for each in media_types]
    chosen = choose(parse_accept(request.headers.get("accept", "")), offers)
    if chosen is None:
        raise RejectedEventError(406, "not-supported", "Accept", " or ".join(media_types))
    return media_types[chosen]


def _format_of(request: Request) -> str | None:
    return next((value for name, value in request.pairs if name == "_format"), None)


def _format_ranges(text: str, words: Mapping[str, str]) -> list[MediaRange]:
    """Read `_format`: a word, or a media type whose `+` a query string made a space."""
    essence, semicolon, rest = text.partition(";")
    essence = essence.strip().lower()
    essence = words.get(essence, essence.replace(" ", "+"))
    return parse_accept(essence + semicolon + rest)
