"""docs/design.md suffices to read and verify digests: a reader made from its text alone.

Nothing of the package but the writer under test: the lines, their order and their rules are those
of the document's example and table.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256

import pytest

from tests.conftest import REPOSITORY
from tests.verify.writer import MINUTE, Keys, Writer

DOCUMENT = (REPOSITORY / "docs" / "design.md").read_text()
EXAMPLE = DOCUMENT[DOCUMENT.index("```\naudit-ledger/digest/v1") + 4 :].split("\n```", 1)[0]
KEYS = [line.split(" ")[0] for line in EXAMPLE.splitlines()[2:13]]


def lines_of(note: bytes) -> tuple[dict[str, str], str]:
    """Return values by key, and the checkpoint, of a digest that the ledger's key signed."""
    text, _, signatures = note.decode().rpartition("\n\n")
    (signature,) = signatures.splitlines()
    signed = b64decode(signature.split(" ")[2])[4:]
    Keys().ed25519.public_key().verify(signed, (text + "\n").encode())
    lines = (text + "\n").split("\n")
    assert lines[0] == EXAMPLE.splitlines()[0]
    assert [line.split(" ")[0] for line in lines[2:13]] == KEYS
    assert lines[13] == "checkpoint"
    values = {"origin": lines[1]} | dict(line.split(" ", 1) for line in lines[2:13])
    return values, "\n".join(lines[14:])


def chain_of(files: dict[str, bytes]) -> Iterator[dict[str, str]]:
    """Follow the chain as the document describes, newest first."""
    note, after = files["digests/latest"], None
    while True:
        values, checkpoint = lines_of(note)
        compact = re.sub("[-:]", "", values["to"])
        day = values["to"][:10].replace("-", "/")
        assert files[f"digests/{day}/{compact}-{values['size-after']}"] == note
        number = {key: int(values[key]) for key in values if values[key].isdecimal()}
        assert number["entries"] == number["size-after"] - number["size-before"]
        assert number["entries"] <= 256 * number["blocks"] <= 256 * number["entries"]
        assert number["control-entries"] <= number["entries"]
        assert number["followed"] <= number["size-after"]
        head = [values["origin"], values["size-after"]]
        assert checkpoint.splitlines()[:2] == head
        if after is not None:
            assert (after["from"], after["size-before"]) == (values["to"], values["size-after"])
        yield values
        name, hash_ = values["previous"].split(" ")
        if name == "-":
            assert values["size-before"] == "0"
            assert b64decode(hash_) == bytes(32)
            return
        note, after = files[name], values
        assert b64decode(hash_) == sha256(note).digest()


@pytest.mark.parametrize("heartbeats", [0, 2])
def test_a_reader_written_from_the_document_follows_the_chain(heartbeats: int) -> None:
    """Of a ledger with events, control entries and heartbeats, to its first digest."""
    writer = Writer()
    writer.publish()
    writer.add_events(299)
    writer.add_control()
    writer.publish()
    for _ in range(heartbeats):
        writer.now += 59 * MINUTE
        writer.publish()
    counted = [values["control-entries"] for values in chain_of(writer.objects.files)]
    assert counted == ["0"] * heartbeats + ["1", "1"]


def test_the_table_explains_every_line_of_the_example() -> None:
    """In the order in which they stand."""
    rows = re.findall(r"^\| `([a-z-]+)` \|", DOCUMENT, re.MULTILINE)
    assert [row for row in rows if row in KEYS] == KEYS
    assert "checkpoint" in rows
