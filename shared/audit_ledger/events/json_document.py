"""JSON, read strictly: what two readers could understand differently is refused.

RFC 8259 in UTF-8 without byte order mark, no name twice in an object (its Section 4 leaves open
what that means), numbers that fit a double, no deeper than MAX_DEPTH. Nothing else than
RejectedEvent ever escapes from here.
"""

import re
from typing import Any

import msgspec

from audit_ledger.events.rejected import RejectedEvent

MAX_DEPTH = 64  # FHIR resources nest some 10 deep; a fixed bound, so that no reader's stack decides

JsonObject = dict[str, Any]

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
_ESCAPE = re.compile(rb"\\(?:u003[aA]|.)", re.DOTALL)


def read_json(body: bytes, place: str) -> Any:
    """Decode `body`; RejectedEvent (400) that names `place` when it is not strict JSON."""
    try:
        document = _decoder.decode(body)
        compact = _encoder.encode(document)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError):
        raise RejectedEvent(
            400, "structure", place, "JSON in UTF-8, without byte order mark"
        ) from None
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _is_deeper(document, MAX_DEPTH):
        raise RejectedEvent(400, "structure", place, f"JSON at most {MAX_DEPTH} levels deep")
    # The decoder keeps the last of equal names. Each name it dropped took its colon along, so the
    # compact form has fewer colons than the body, whose strings may also spell a colon as \u003a.
    escaped = 0
    if b"\\u003" in body:
        escaped = sum(len(escape) > 2 for escape in _ESCAPE.findall(body))
    if body.count(b":") + escaped != compact.count(b":"):
        raise RejectedEvent(400, "structure", place, "no name twice in a JSON object")
    return document


def _is_deeper(document: Any, limit: int) -> bool:
    level = [document]
    for _ in range(limit):
        below = []
        for container in level:
            values = container.values() if type(container) is dict else container
            below += [value for value in values if type(value) in (dict, list)]
        if not below:
            return False
        level = below
    return True
