"""Independent checks of parts: which texts they contain, and whether only spans were removed."""

import json
import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote_plus


def texts_in(resource: bytes) -> Iterator[str]:
    """Yield every text that JSON reveals, case folded: raw, decoded, unpacked."""
    document = json.loads(resource)
    yield resource.decode().casefold()
    yield json.dumps(document, ensure_ascii=False).casefold()
    for text in _strings(document):
        yield " ".join(unquote_plus(text).casefold().split())
        try:
            unpacked = b64decode(text, validate=True)
        except (Error, ValueError):
            continue
        yield unpacked.decode("latin-1").replace("\0", "").casefold()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def assert_only_spans_were_removed(part: bytes, whole: bytes, cut: Sequence[str]) -> None:
    """Assert that the part is the whole without the paths in `cut`, in values and in bytes."""
    document = json.loads(whole)
    for path in cut:
        _mark(document, [int(s) if s.isdigit() else s for s in re.findall(r"[^.\[\]]+", path)[1:]])
    assert json.loads(part) == _sweep(document)
    rest = iter(whole)
    assert all(byte in rest for byte in part), "not the submitted bytes with some left out"


_CUT = {"cut": object()}


def _mark(document: Any, path: list[str | int]) -> None:
    for name in path[:-1]:
        document = document[name]
    assert document[path[-1]] is not _CUT
    document[path[-1]] = _CUT


def _sweep(value: Any) -> Any:
    """Remove marked values, and containers that become empty."""
    if isinstance(value, dict):
        swept = {name: _sweep(member) for name, member in value.items() if member is not _CUT}
        return {n: m for n, m in swept.items() if m not in ({}, []) or value[n] in ({}, [])}
    if isinstance(value, list):
        swept_list = [(member, _sweep(member)) for member in value if member is not _CUT]
        return [new for old, new in swept_list if new not in ({}, []) or old in ({}, [])]
    return value
