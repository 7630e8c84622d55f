"""Cutting JSON bytes leaves valid JSON with every byte that was not cut."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.events.json_cut import Cuts, Path, cut_spans, scan_spans

SCALARS = st.none() | st.booleans() | st.integers() | st.text(alphabet='ab,:"\\[]{} é', max_size=5)
DOCUMENTS = st.dictionaries(
    st.text("abcde", min_size=1, max_size=2),
    st.recursive(
        SCALARS,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text('ab"\\,', min_size=1, max_size=2), inner, max_size=4)
        ),
        max_leaves=15,
    ),
    min_size=1,
    max_size=4,
)


def tree(paths: list[Path], reader: int = 1) -> Cuts:
    """Return the cuts as `cut_spans` takes them; the longer of two nested paths is redundant."""
    cuts = Cuts()
    for path in paths:
        cuts.add(path, reader)
    return cuts


def cuts_of(nested: dict[str | int, Any], path: Path = ()) -> list[Path]:
    """Return the paths of a tree with None as leaves."""
    return [
        cut
        for name, below in nested.items()
        for cut in ([(*path, name)] if below is None else cuts_of(below, (*path, name)))
    ]


def paths_of(value: Any, path: Path = ()) -> list[Path]:
    """Return every path in a document but that of the document itself."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    paths: list[Path] = []
    for name, child in items:
        paths.append((*path, name))
        if isinstance(child, dict | list):
            paths += paths_of(child, (*path, name))
    return paths


REMOVED = object()


def without(value: Any, cuts: set[Path], path: Path = ()) -> Any:
    """Return the document without the cut values and without containers that become empty."""
    if path in cuts:
        return REMOVED
    if isinstance(value, dict):
        members = {n: without(v, cuts, (*path, n)) for n, v in value.items()}
        remaining: Any = {n: v for n, v in members.items() if v is not REMOVED}
    elif isinstance(value, list):
        elements = [without(v, cuts, (*path, i)) for i, v in enumerate(value)]
        remaining = [v for v in elements if v is not REMOVED]
    else:
        return value
    return remaining if remaining or not value or path == () else REMOVED


def is_subsequence(part: bytes, whole: bytes) -> bool:
    """Return whether `part` is `whole` with bytes left out."""
    rest = iter(whole)
    return all(byte in rest for byte in part)


@given(st.data(), DOCUMENTS, st.sampled_from([None, 0, 2]))
def test_cutting_bytes_equals_cutting_the_decoded_document(
    data: st.DataObject, document: dict[str, Any], indent: int | None
) -> None:
    """For any cuts and any white space."""
    body = json.dumps(document, indent=indent, ensure_ascii=False).encode()
    paths = data.draw(st.lists(st.sampled_from(paths_of(document)), max_size=5))
    cut, listed = cut_spans(body, scan_spans(body), tree(paths))
    assert json.loads(cut) == without(copy.deepcopy(document), set(paths))
    assert is_subsequence(cut, body)
    assert set(listed) <= set(paths)


@given(DOCUMENTS, st.sampled_from([None, 3]))
def test_without_cuts_all_bytes_stay(document: dict[str, Any], indent: int | None) -> None:
    """For any document and white space."""
    body = json.dumps(document, indent=indent).encode()
    assert cut_spans(body, scan_spans(body), Cuts()) == (body, ())


CASES = [
    # body, cuts, result
    ('{"a":[1,{"b":2},3],"c":4}', {"a": {1: None}}, '{"a":[1,3],"c":4}'),
    ('{"a":[1,{"b":2},3],"c":4}', {"a": {0: None}}, '{"a":[{"b":2},3],"c":4}'),
    ('{"a":[1,{"b":2},3],"c":4}', {"a": {2: None}}, '{"a":[1,{"b":2}],"c":4}'),
    ('{"a":[1,{"b":2},3],"c":4}', {"a": {0: None, 1: None}}, '{"a":[3],"c":4}'),
    ('{"a":[1,{"b":2},3],"c":4}', {"a": {0: None, 2: None}}, '{"a":[{"b":2}],"c":4}'),
    ('{"a":[1,{"b":2},3],"c":4}', {"a": {0: None, 1: None, 2: None}}, '{"c":4}'),
    ('{"a":[1,{"b":2},3],"c":4}', {"a": {1: {"b": None}}}, '{"a":[1,3],"c":4}'),
    ('{"a":[1,{"b":2},3],"c":4}', {"a": None}, '{"c":4}'),
    ('{"a":[1,{"b":2},3],"c":4}', {"c": None}, '{"a":[1,{"b":2},3]}'),
    ('{"a":1,"c":4}', {"a": None, "c": None}, "{}"),
    ('{"a":1}', {"x": None, "a": {"y": None, 3: None}}, '{"a":1}'),
    ('{ "a" : 1 ,\n\t"b" : 2 , "c" : 3 }', {"b": None}, '{ "a" : 1 , "c" : 3 }'),
    ('{ "a" : 1 ,\n\t"b" : 2 , "c" : 3 }', {"a": None}, '{ "b" : 2 , "c" : 3 }'),
    ('{ "a" : 1 ,\n\t"b" : 2 , "c" : 3 }', {"c": None}, '{ "a" : 1 ,\n\t"b" : 2 }'),
    (r'{"\u0061":1,"b\"":"]}","c":[]}', {"a": None}, r'{"b\"":"]}","c":[]}'),
    (r'{"\u0061":1,"b\"":"]}","c":[]}', {'b"': None}, r'{"\u0061":1,"c":[]}'),
    (' {"a":[-1.5e3 ,true,null]} \n', {"a": {1: None}}, ' {"a":[-1.5e3,null]} \n'),
]


@pytest.mark.parametrize(("body", "cuts", "left"), CASES)
def test_a_separating_comma_is_cut_with_its_element(body: str, cuts: Any, left: str) -> None:
    """First, middle, last, several, all; names with escapes; unusual white space."""
    cut, _ = cut_spans(body.encode(), scan_spans(body.encode()), tree(cuts_of(cuts)))
    assert cut.decode() == left
    json.loads(cut)


def test_cut_paths_are_in_document_order() -> None:
    """Whatever the order of the request; paths that do not exist are left out."""
    body = b'{"b": [1, 2], "a": {"x": 1, "y": 2}}'
    cuts: Any = {"z": None, "a": {"y": None}, "b": {1: None, 0: None, 7: None}}
    assert cut_spans(body, scan_spans(body), tree(cuts_of(cuts)))[1] == (
        ("b", 0),
        ("b", 1),
        ("a", "y"),
    )


def test_one_tree_has_separate_cuts_for_each_reader() -> None:
    """A value that is cut for one reader stays for the other."""
    body = b'{"a":1,"b":[1,2],"c":3}'
    cuts = tree([("a",), ("b", 0)], reader=0b01)
    cuts.add(("c",), 0b11)
    cuts.add(("b", 1), 0b10)
    root = scan_spans(body)
    assert cut_spans(body, root, cuts, 0b01) == (b'{"b":[2]}', (("a",), ("b", 0), ("c",)))
    assert cut_spans(body, root, cuts, 0b10) == (b'{"a":1,"b":[1]}', (("b", 1), ("c",)))
    assert cut_spans(body, root, cuts, 0b100) == (body, ())
