"""`make local --keep`: the state of the emulated AWS outlives the process, also a killed one.

Two files. `keys`: the KMS keys, ids included, so that ledgers keep their keys; written whole.
`journal`: each call that changed a table, a bucket or a queue, appended before it returns to its
caller; replayed, in order, when the next process starts. A killed process loses no appended call,
because the operating system has it; a power failure may lose the last. A call that cannot be
appended (a full disk) fails, and so does every later one: the server ends.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO
from unittest.mock import patch

import msgspec
from botocore import xform_name
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa
from moto.backends import get_backend
from moto.kms import models

from audit_ledger.errors import LedgerError
from infra.local.aws.calls import Call, client, observing
from infra.local.aws.emulator import ACCOUNT
from infra.local.aws.moto_kms import PureKey
from infra.local.mirror import write_whole

CHANGES = {
    "dynamodb": frozenset(
        {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
    ),
    "s3": frozenset({"PutObject", "DeleteObject"}),
}
_LOCKS = ("ObjectLockMode", "ObjectLockRetainUntilDate")  # of a day that may have passed meanwhile
_LENGTH_BYTES = 4
_OTHER_SETTINGS = "it was stored for other settings; remove the folder to start again"


class Change(msgspec.Struct, frozen=True, array_like=True):
    """A call that changed state; `id` and `queue`: of the message that was sent or deleted."""

    service: str
    operation: str
    parameters: dict[str, Any]
    id: str = ""


class StoredKey(msgspec.Struct, frozen=True):
    """A KMS key. `seed`: of a signing key; `purpose`: its description, which names its owner."""

    id: str
    purpose: str
    material: bytes
    seed: bytes = b""


@contextmanager
def restored_keys(folder: Path, region: str) -> Iterator[None]:
    """Within the block, deploy with the ids and material of keys that an earlier process stored.

    They are created in the order of the templates. Raises LedgerError if they differ from the
    stored ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "keys"
    stored: list[StoredKey] = []
    if file.exists():
        stored = msgspec.msgpack.decode(file.read_bytes(), type=list[StoredKey])
    ids = iter([key.id for key in stored])
    generate: Callable[[bool], str] = models.generate_key_id  # type: ignore[attr-defined]

    def next_id(multi_region: bool = False) -> str:
        return next(ids, None) or generate(multi_region)

    with patch.object(models, "generate_key_id", next_id):
        yield
    created = list(get_backend("kms")[ACCOUNT][region].keys.values())
    if stored and [(k.id, k.purpose) for k in stored] != [(k.id, k.description) for k in created]:
        raise LedgerError(f"{file}: {_OTHER_SETTINGS}")
    for before, key in zip(stored, created, strict=False):
        key.key_material = before.material
        if before.seed:
            pair: Any = key.private_key
            pair.private_key = _from_seed(key.key_spec, before.seed)
    if not stored:
        write_whole(file, msgspec.msgpack.encode([_stored_key(key) for key in created]))


def _stored_key(key: Any) -> StoredKey:
    signs = isinstance(key.private_key, PureKey)
    seed = key.private_key.private_key.private_bytes_raw() if signs else b""
    return StoredKey(key.id, key.description, key.key_material, seed)


@contextmanager
def journaled_in(folder: Path, region: str) -> Iterator["StateJournal"]:
    """Replay the changes that a folder stores, then store the changes within the block.

    Call it right after the app is deployed with `restored_keys`. Raises LedgerError if the stored
    state does not match the app.
    """
    file = folder / "journal"
    _replay(file, region)
    with file.open("ab", buffering=0) as target:
        journal = StateJournal(target)
        with observing(journal.note):
            yield journal


@dataclass
class StateJournal:
    """Appends changes. `broken`: an append failed, so no further one is allowed."""

    target: BinaryIO
    broken: bool = False
    _handles: dict[str, str] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def note(self, call: Call) -> None:
        """Append a call that changed state; raise OSError if that fails."""
        if call.status >= 300:
            return
        for change in self._changes(call):
            frame = msgspec.msgpack.encode(change)
            with self._lock:
                if self.broken:
                    raise OSError("an earlier change could not be stored")
                self._append(len(frame).to_bytes(_LENGTH_BYTES, "big") + frame)

    def _append(self, data: bytes) -> None:
        try:
            if self.target.write(data) != len(data):
                raise OSError("the journal took a part of a change only")
        except OSError:
            self.broken = True
            raise

    def _changes(self, call: Call) -> Iterator[Change]:
        parameters = dict(call.parameters)
        if call.operation in CHANGES.get(call.service, ()):
            yield Change(call.service, call.operation, _plain(parameters))
        elif call.service == "sqs" and call.operation == "SendMessage":
            yield Change("sqs", "SendMessage", parameters, call.answer["MessageId"])
        elif call.service == "sqs" and call.operation == "ReceiveMessage":
            for message in call.answer.get("Messages", ()):
                self._handles[message["ReceiptHandle"]] = message["MessageId"]
        elif call.service == "sqs" and call.operation == "DeleteMessageBatch":
            for entry in parameters["Entries"]:
                if id_ := self._handles.pop(entry["ReceiptHandle"], ""):
                    yield Change("sqs", "DeleteMessage", {}, id_)


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as the caller passed them: botocore turns a body into a file."""
    body = parameters.get("Body", b"")
    if isinstance(body, BytesIO):
        body = body.getvalue()
    if not isinstance(body, bytes):
        raise LedgerError("a body that is not bytes cannot be stored")
    return {**parameters, "Body": body} if "Body" in parameters else dict(parameters)


def _replay(file: Path, region: str) -> None:
    """Replay the changes of a journal; truncate an incomplete last one, which a killed process or a
    machine without power (which may leave zeros) leaves."""
    data = file.read_bytes() if file.exists() else b""
    waiting: dict[str, dict[str, Any]] = {}
    end = 0
    try:
        for end, change in _frames(data):  # noqa: B007  where the whole ones end
            if change.service == "sqs":
                if change.operation == "SendMessage":
                    waiting[change.id] = change.parameters
                else:
                    waiting.pop(change.id, None)
                continue
            parameters = {n: v for n, v in change.parameters.items() if n not in _LOCKS}
            getattr(client(change.service, region), xform_name(change.operation))(**parameters)
        for sent in waiting.values():
            client("sqs", region).send_message(**sent)
    except msgspec.MsgspecError:
        raise LedgerError(f"{file}: damaged behind byte {end}; remove the folder") from None
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise LedgerError(
            f"{file}: {error.operation_name} cannot be replayed ({code}): {_OTHER_SETTINGS}"
        ) from None
    if end < len(data):
        os.truncate(file, end)


def _frames(data: bytes) -> Iterator[tuple[int, Change]]:
    """Return each complete change and the offset of its end."""
    place = 0
    while place + _LENGTH_BYTES <= len(data):
        begin = place + _LENGTH_BYTES
        length = int.from_bytes(data[place:begin], "big")
        place = begin + length
        if place > len(data) or (length == 0 and not any(data[begin:])):
            return
        yield place, msgspec.msgpack.decode(data[begin:place], type=Change)


def _from_seed(spec: str, seed: bytes) -> Any:
    if spec == "ML_DSA_44":
        return mldsa.MLDSA44PrivateKey.from_seed_bytes(seed)
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed)
