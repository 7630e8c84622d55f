"""Cutting JSON bytes leaves valid JSON, and every byte that was not cut."""

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
    """The same cuts as `cut_spans` takes them; the longer of two nested paths is redundant."""
    cuts = Cuts()
    for path in paths:
        cuts.add(path, reader)
    return cuts


def cuts_of(nested: dict[str | int, Any], path: Path = ()) -> list[Path]:
    """Paths of a tree whose leaves are None."""
    return [
        found
        for name, below in nested.items()
        for found in ([(*path, name)] if below is None else cuts_of(below, (*path, name)))
    ]


def paths_of(value: Any, path: Path = ()) -> list[Path]:
    """Every path in a document but that of the document itself."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[Path] = []
    for name, child in items:
        found.append((*path, name))
        if isinstance(child, dict | list):
            found += paths_of(child, (*path, name))
    return found


GONE = object()


def without(value: Any, cuts: set[Path], path: Path = ()) -> Any:
    """The document without what is cut, and without what that leaves empty."""
    if path in cuts:
        return GONE
    if isinstance(value, dict):
        kept = {n: without(v, cuts, (*path, n)) for n, v in value.items()}
        rest: Any = {n: v for n, v in kept.items() if v is not GONE}
    elif isinstance(value, list):
        left = [without(v, cuts, (*path, i)) for i, v in enumerate(value)]
        rest = [v for v in left if v is not GONE]
    else:
        return value
    return rest if rest or not value or path == () else GONE


def is_subsequence(part: bytes, whole: bytes) -> bool:
    """Whether `part` is `whole` with bytes left out."""
    rest = iter(whole)
    return all(byte in rest for byte in part)


@given(st.data(), DOCUMENTS, st.sampled_from([None, 0, 2]))
def test_a_cut_leaves_what_a_decoded_cut_leaves(
    data: st.DataObject, document: dict[str, Any], indent: int | None
) -> None:
    """Against deletion in the decoded document, for any cuts and any white space."""
    body = json.dumps(document, indent=indent, ensure_ascii=False).encode()
    paths = data.draw(st.lists(st.sampled_from(paths_of(document)), max_size=5))
    cut, gone = cut_spans(body, scan_spans(body), tree(paths))
    assert json.loads(cut) == without(copy.deepcopy(document), set(paths))
    assert is_subsequence(cut, body)
    assert set(gone) <= set(paths)


@given(DOCUMENTS, st.sampled_from([None, 3]))
def test_cutting_nothing_changes_nothing(document: dict[str, Any], indent: int | None) -> None:
    """Byte for byte."""
    body = json.dumps(document, indent=indent).encode()
    assert cut_spans(body, scan_spans(body), Cuts()) == (body, ())


CASES = [
    # body, cuts, what is left
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
def test_a_comma_goes_with_what_it_parts(body: str, cuts: Any, left: str) -> None:
    """Literal cases: first, middle, last, several, all; names with escapes; odd white space."""
    cut, _ = cut_spans(body.encode(), scan_spans(body.encode()), tree(cuts_of(cuts)))
    assert cut.decode() == left
    json.loads(cut)


def test_cut_paths_come_in_the_order_of_the_document() -> None:
    """Whatever the order in which they were asked for; what is not there is not named."""
    body = b'{"b": [1, 2], "a": {"x": 1, "y": 2}}'
    cuts: Any = {"z": None, "a": {"y": None}, "b": {1: None, 0: None, 7: None}}
    assert cut_spans(body, scan_spans(body), tree(cuts_of(cuts)))[1] == (
        ("b", 0),
        ("b", 1),
        ("a", "y"),
    )


def test_each_reader_gets_other_cuts_of_one_tree() -> None:
    """What one of them may not see stays for the other."""
    body = b'{"a":1,"b":[1,2],"c":3}'
    cuts = tree([("a",), ("b", 0)], reader=0b01)
    cuts.add(("c",), 0b11)
    cuts.add(("b", 1), 0b10)
    root = scan_spans(body)
    assert cut_spans(body, root, cuts, 0b01) == (b'{"b":[2]}', (("a",), ("b", 0), ("c",)))
    assert cut_spans(body, root, cuts, 0b10) == (b'{"a":1,"b":[1]}', (("b", 1), ("c",)))
    assert cut_spans(body, root, cuts, 0b100) == (body, ())
