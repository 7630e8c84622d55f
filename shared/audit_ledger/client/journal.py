"""What was sent before: a journal of requests, so that nothing is sent twice nor lost by a crash.

    {"to":"<16 hex>","request":"<key>","events":["<SHA-256>","<SHA-256>#1",…]}   before it is sent
    {"to":"<16 hex>","request":"<key>","refused":[3]}                            after its response

`to` is a hash of the address and of whom the token is for: what one ledger took, another did not.
Events are known by hashes alone; of equal ones in a file the second is `#1`. A request that was
sent and not response, whatever became of it, goes again with the very same events, and so under the
same key. A last line that was cut short by a crash is none.
"""

import os
from base64 import urlsafe_b64decode
from binascii import Error
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from audit_ledger.client.errors import InvalidInputError
from audit_ledger.client.event_files import FoundEvent
from audit_ledger.client.files import NOT_JSON

_OF_THE_MOMENT: Final = ("exp", "iat", "nbf", "auth_time", "jti")  # claims that each token changes


class _Line(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    to: str
    request: str
    events: tuple[str, ...] | None = None
    refused: tuple[int, ...] | None = None


_line = msgspec.json.Decoder(_Line)


class Journal:
    """The requests of one input to one ledger. `path` None: remembered in this run only."""

    def __init__(self, path: Path | None, to: str) -> None:
        """Read the journal. InvalidInputError: it is none, or cannot be read."""
        self._path = path
        self._to = to
        self._file: BinaryIO | None = None
        self._taken: set[str] = set()
        self._open: dict[str, tuple[str, ...]] = {}
        if path is not None:
            self._load(path)

    def took(self, identity: str) -> bool:
        """Whether the ledger accepted this event."""
        return identity in self._taken

    @property
    def unanswered(self) -> list[tuple[str, ...]]:
        """The events of each request that was sent and not response, in order."""
        return list(self._open.values())

    def record_request(self, key: str, identities: Sequence[str]) -> None:
        """Write down a request, before it is sent."""
        self._open[key] = tuple(identities)
        self._write(_Line(self._to, key, events=tuple(identities)))

    def record_response(self, key: str, refused: Sequence[int]) -> None:
        """Write down an answer: the numbers of events that were not accepted."""
        self._settle(key, refused)
        self._write(_Line(self._to, key, refused=tuple(refused)))

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _settle(self, key: str, refused: Iterable[int]) -> None:
        not_taken = set(refused)
        for number, identity in enumerate(self._open.pop(key, ())):
            if number not in not_taken:
                self._taken.add(identity)

    def _load(self, path: Path) -> None:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise InvalidInputError(f"state {path}: {error.strerror}") from None
        whole = data[: data.rfind(b"\n") + 1]
        for number, text in enumerate(whole.splitlines(), 1):
            try:
                line = _line.decode(text)
            except NOT_JSON:
                message = f"state {path}, line {number}: not what this command writes"
                raise InvalidInputError(message) from None
            if line.to != self._to:
                continue
            if line.events is not None:
                self._open[line.request] = line.events
            if line.refused is not None:
                self._settle(line.request, line.refused)
        if whole != data:
            self._open_file(path).truncate(len(whole))

    def _write(self, line: _Line) -> None:
        if self._path is None:
            return
        try:
            file = self._open_file(self._path)
            file.write(msgspec.json.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise InvalidInputError(f"state {self._path}: {error.strerror}") from None

    def _open_file(self, path: Path) -> BinaryIO:
        if self._file is None:
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            except OSError as error:
                raise InvalidInputError(f"state {path}: {error.strerror}") from None
            self._file = os.fdopen(descriptor, "ab")
        return self._file


class Identities:
    """Names events of one file by their bytes: equal ones get numbers in their order.

    A whole request's events (one AuditEvent in a file, a Bundle sent as it is) need no number: the
    ledger itself takes equal ones for the same.
    """

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def of(self, event: FoundEvent) -> str:
        """Return the name of the next event."""
        digest = sha256(f"{event.kind}\n".encode() + event.body).digest()
        number = self._seen[digest]
        self._seen[digest] += 1
        return digest.hex() + (f"#{number}" if number else "")


def destination(url: str, token: str) -> str:
    """Name an address together with whom a token is for, by a hash: 16 hex digits.

    Claims that change with each new token are left out. A token that cannot be read is taken whole:
    then what was sent under another is sent again, which the ledger knows by its keys.
    """
    identity = token.encode()
    parts = token.split(".")
    if len(parts) == 3:
        try:
            content = urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
            claims = msgspec.json.decode(content, type=dict[str, object])
            lasting = {name: claims[name] for name in sorted(claims) if name not in _OF_THE_MOMENT}
            identity = msgspec.json.encode(lasting, order="sorted")
        except (Error, ValueError):  # not a JWT, then
            pass
    return sha256(url.encode() + b"\n" + identity).hexdigest()[:16]
