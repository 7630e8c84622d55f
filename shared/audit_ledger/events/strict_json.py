"""Decode JSON strictly: reject all that two decoders could interpret differently.

Accept RFC 8259 in UTF-8 without byte order mark, without repeated names in an object (its Section
4 leaves their meaning open), with numbers in the range of a double, at most MAX_DEPTH deep. Raise
RejectedEventError and no other error.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.json_faults import describe_fault, repeated_name, syntax_fault

MAX_DEPTH: Final = 64  # FHIR is about 10 deep; a fixed bound does not depend on a reader's stack

JsonObject = dict[str, Any]

_decoder = msgspec.json.Decoder()
_members_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_encoder = msgspec.json.Encoder()
_ESCAPE: Final = re.compile(rb"\\(?:u003[aA]|.)", re.DOTALL)
_BUT_OPENING: Final = bytes(set(range(256)) - set(b"{["))
_FAULTS: Final = (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError)


def read_json(body: bytes, place: str) -> Any:
    """Decode `body`; raise RejectedEventError (400), which names `place`, if it is not strict."""
    try:
        document = _decoder.decode(body)
        compact = _encoder.encode(document)
    except _FAULTS as error:
        raise _not_json(body, place, error) from None
    may_be_deep = len(body.translate(None, _BUT_OPENING)) > MAX_DEPTH
    if may_be_deep and any(islice(container_levels(document), MAX_DEPTH, None)):
        raise _too_deep(place)
    if compact != body:
        _refuse_repeated_names(body, compact, place)
    return document


def container_levels(document: Any) -> Iterator[list[Any]]:
    """Yield the objects and arrays of each level of decoded JSON, without recursion."""
    level = [document] if type(document) in (dict, list) else []
    while level:
        yield level
        below: list[Any] = []
        for container in level:
            values = container.values() if type(container) is dict else container
            below += [value for value in values if type(value) in (dict, list)]
        level = below


def slice_members(body: bytes, place: str) -> dict[str, bytes]:
    """Return the members of a JSON object, each value as its bytes in `body`.

    Reject repeated names among them; do not check the content of values.
    """
    try:
        members = _members_decoder.decode(body)
        compact = _encoder.encode(members)
    except _FAULTS as error:
        raise _not_json(body, place, error, "a JSON object") from None
    _refuse_repeated_names(body, compact, place)
    return {name: bytes(value) for name, value in members.items()}


def slice_elements(body: bytes, place: str, limit: int, what: str) -> list[bytes]:
    """Return the elements of a JSON array, each as its bytes in `body`, unchecked.

    Raise RejectedEventError (413), which names `what`, if there are more than `limit`.
    """
    try:
        elements = _elements_decoder.decode(body)
    except _FAULTS as error:
        raise _not_json(body, place, error, "a JSON array") from None
    if len(elements) > limit:
        raise RejectedEventError(
            413, "too-costly", place, f"at most {limit:,} {what}, not {len(elements):,}"
        )
    return [bytes(element) for element in elements]


def _not_json(body: bytes, place: str, error: Exception, what: str = "JSON") -> RejectedEventError:
    if isinstance(error, RecursionError):
        return _too_deep(place)
    fault = syntax_fault(body, error)
    expected = f"{what} in UTF-8, without byte order mark; found {fault}"
    return RejectedEventError(400, "structure", place, expected)


def _too_deep(place: str) -> RejectedEventError:
    return RejectedEventError(400, "structure", place, f"JSON at most {MAX_DEPTH} levels deep")


def _refuse_repeated_names(body: bytes, compact: bytes, place: str) -> None:
    # The decoder returns only the last of equal names. Each dropped name had a colon, so that the
    # compact form has fewer colons than the body; strings may also spell a colon as \u003a.
    missing = body.count(b":") - compact.count(b":")
    if b"\\" in body and b"\\u003" in body:
        missing += _escaped_colons(body) - _escaped_colons(compact)
    if missing:
        position = repeated_name(body)
        fault = "" if position is None else describe_fault(body, position, "a repeated name")
        found = f"; found {fault}" if fault else ""
        raise RejectedEventError(
            400, "structure", place, f"a JSON object without repeated names{found}"
        )


def _escaped_colons(text: bytes) -> int:
    return sum(len(escape) > 2 for escape in _ESCAPE.findall(text))
