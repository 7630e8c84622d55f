"""The id of a resource is inserted, and every other byte stays."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.events.resource_id import SUBMITTED_ID, with_id
from tests.builders.audit_event import audit_event_samples

ID = "ab" * 32
SUBMITTED = '{"url":"urn:audit-ledger:submitted-id","valueString":'


@pytest.mark.parametrize(
    ("submitted", "shown"),
    [
        (
            '{"resourceType":"AuditEvent","a":1.50}',
            f'{{"resourceType":"AuditEvent","id":"{ID}","a":1.50}}',
        ),
        ('{"resourceType":"AuditEvent"}', f'{{"resourceType":"AuditEvent","id":"{ID}"}}'),
        (' { "a" : [1 , 2] }\n', f' {{"id":"{ID}", "a" : [1 , 2] }}\n'),
        ("{}", f'{{"id":"{ID}"}}'),
        ('{"id":"7"}', f'{{"id":"{ID}","extension":[{SUBMITTED}"7"}}]}}'),
        (
            '{ "a":{"id":"in"}, "id" : "7" ,\t"b":"}{\\"id\\":\\""}',
            f'{{ "a":{{"id":"in"}}, "id" : "{ID}","extension":[{SUBMITTED}"7"}}] ,'
            '\t"b":"}{\\"id\\":\\""}',
        ),
        (
            '{"extension":[{"url":"u"} ],"id":"7"}',
            f'{{"extension":[{{"url":"u"}} ,{SUBMITTED}"7"}}],"id":"{ID}"}}',
        ),
        ('{"id":"7","extension":[ ]}', f'{{"id":"{ID}","extension":[ {SUBMITTED}"7"}}]}}'),
        ('{"id":"7","extension":null}', f'{{"id":"{ID}","extension":[{SUBMITTED}"7"}}]}}'),
        ('{"id":"7","extension":{"url":"u"}}', f'{{"id":"{ID}","extension":{{"url":"u"}}}}'),
        ('{"id":null}', f'{{"id":"{ID}"}}'),
        ('{"id":""}', f'{{"id":"{ID}"}}'),
        ('{"id":7.0}', f'{{"id":"{ID}","extension":[{SUBMITTED}"7.0"}}]}}'),
        (
            '{"id":"a","_id":{"extension":[]}}',
            f'{{"id":"{ID}","extension":[{SUBMITTED}"a"}}],"_id":{{"extension":[]}}}}',
        ),
        (
            '{"\\u0069d":"\\u00e9\\n"}',
            f'{{"\\u0069d":"{ID}","extension":[{SUBMITTED}"\\u00e9\\n"}}]}}',
        ),
        (
            '{"_id":1,"contained":[{"id":"c"}]}',
            f'{{"id":"{ID}","_id":1,"contained":[{{"id":"c"}}]}}',
        ),
    ],
)
def test_only_the_id_and_its_extension_change(submitted: str, shown: str) -> None:
    """In any place, any spelling and of any type."""
    assert with_id(submitted.encode(), ID) == shown.encode()


def test_samples_decode_to_the_same_resource_but_for_the_id(shared_dir: Path) -> None:
    """By an independent decoder: nothing else is changed, added or lost."""
    for path in audit_event_samples(shared_dir):
        before, after = (
            json.loads(text, parse_float=str, parse_int=str)
            for text in (path.read_bytes(), with_id(path.read_bytes(), ID))
        )
        assert after.pop("id") == ID
        submitted = before.pop("id", None)
        if submitted is not None:
            added = after["extension"].pop()
            assert added == {"url": SUBMITTED_ID, "valueString": submitted}
            if not after["extension"]:
                del after["extension"]
        assert after == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=8,
)
RESOURCES = st.dictionaries(
    st.sampled_from(["id", "_id", "extension", "resourceType"]) | st.text(max_size=3),
    JSON,
    max_size=6,
)
SPACE = st.sampled_from([None, 1, "\t"])


@given(RESOURCES, SPACE, st.booleans())
def test_any_object_gets_the_id_and_retains_the_rest(
    resource: dict[str, Any], indent: Any, is_ascii: bool
) -> None:
    """It decodes to the same object but for id and last extension."""
    body = json.dumps(resource, indent=indent, ensure_ascii=is_ascii)
    try:
        sent = body.encode()
    except UnicodeEncodeError:  # a lone surrogate, which ingest refuses
        return
    shown = json.loads(with_id(sent, ID))
    expected = {**resource, "id": ID}
    submitted, extensions = resource.get("id"), resource.get("extension")
    if submitted not in (None, "") and isinstance(extensions, list | None):
        text = submitted
        if not isinstance(submitted, str):
            text = shown["extension"][-1]["valueString"]
            assert json.loads(text) == submitted
        expected["extension"] = [*(extensions or ()), {"url": SUBMITTED_ID, "valueString": text}]
    assert shown == expected


@pytest.mark.parametrize("body", [b"", b"[]", b'"id"', b"{", b'{"id":"1","id":"2"}', b'{"a":"\n"}'])
def test_json_that_ingest_rejects_is_rejected(body: bytes) -> None:
    """No JSON object, or one with repeated names."""
    with pytest.raises(FormatError) as refused:
        with_id(body, ID)
    assert "1" not in str(refused.value)
