"""Files with the last verified states, shared by all verifications of a user.

A file is replaced whole, under a lock, and never by something older: of two concurrent
verifications, the state of the one that saw more is stored.
"""

import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.tlog.note import parse_note
from audit_ledger.tlog.policy import Policy
from audit_ledger.verify.checkpoint_store import (
    MAX_STATE_BYTES,
    KnownLedger,
    parse_known,
    require_signed,
)

_LOCK_ATTEMPTS, _LOCK_PAUSE_SECONDS = 100, 0.05
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class StateFile:
    """The state of one ledger in a file that the user names. Symbolic links are followed."""

    path: Path

    def load(self, origin: str, policy: Policy) -> KnownLedger | None:
        """Read the file; it must be of this ledger, signed by a log key of the policy."""
        known = self.read()
        if known is not None:
            try:
                require_signed(known, origin, policy)
            except FormatError as error:
                raise FormatError(f"state {self.path}: {error}") from None
        return known

    def read(self) -> KnownLedger | None:
        """Read the file, None if there is none; FormatError if it is not a state.

        A pipe or device in its place does not block.
        """
        try:
            file = os.open(self.path, _OPEN_FLAGS)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise FormatError(f"state {self.path}: {_reason(error)}") from None
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise FormatError("not a regular file")
            with os.fdopen(file, "rb", closefd=False) as opened:
                return parse_known(opened.read(MAX_STATE_BYTES + 1))
        except OSError as error:
            raise FormatError(f"state {self.path}: {error.strerror}") from None
        except FormatError as error:
            raise FormatError(f"state {self.path}: {error}") from None
        finally:
            os.close(file)

    def knows_other_keys(self, origin: str, policy: Policy) -> bool:  # noqa: ARG002 - load refuses it
        """Return False: a file is of one ledger."""
        return False

    def save(self, known: KnownLedger, policy: Policy) -> None:  # noqa: ARG002 - the file is of one ledger
        """Replace the file atomically; a crash leaves the old or the new one."""
        path = Path(os.path.realpath(self.path))  # a link stays one
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.parent):
            there = StateFile(path).read()
            if there is None or _is_older(there, known, self.path):
                _replace(path, known.to_bytes())


@dataclass(frozen=True)
class StateFolder:
    """States in a folder, with a file for each ledger, named after origin and signing key.

    Another ledger of the same origin, with keys of its own, has a file of its own.
    """

    path: Path

    def load(self, origin: str, policy: Policy) -> KnownLedger | None:
        """Return the newest state stored under a log key of the policy."""
        files = [
            self._file(origin, log.key.key_id) for log in policy.logs if log.key.name == origin
        ]
        known = [found for file in files if (found := file.load(origin, policy)) is not None]
        return max(known, key=lambda found: found.age, default=None)

    def knows_other_keys(self, origin: str, policy: Policy) -> bool:
        """Return whether this origin has a file of a key that the policy lacks."""
        own = {self._file(origin, log.key.key_id).path.name for log in policy.logs}
        start = f"{quote(origin, safe='')}+"
        try:
            names = os.listdir(self.path)
        except OSError:
            return False
        return any(name.startswith(start) and name not in own for name in names)

    def save(self, known: KnownLedger, policy: Policy) -> None:
        """Replace the ledger's file of each log key that signed: two in a rotation."""
        note = parse_note(known.note)
        for log in policy.logs:
            if note.signatures_by(log.key):
                self._file(log.key.name, log.key.key_id).save(known, policy)

    def _file(self, origin: str, key_id: int) -> StateFile:
        name = f"{quote(origin, safe='')}+{key_id:08x}"
        if len(name) > 200:
            raise FormatError(f"origin of {len(origin)} characters: too long to remember by name")
        return StateFile(self.path / name)


def default_state_folder(environment: "os._Environ[str] | dict[str, str]") -> Path:
    """Return where a user's programs keep state (XDG Base Directory Specification)."""
    home = environment.get("XDG_STATE_HOME", "")
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "state"
    return base / "audit-ledger" / "verified"


def _is_older(there: KnownLedger, known: KnownLedger, path: Path) -> bool:
    """Return whether the state stored by another verification meanwhile may be replaced.

    Raises FormatError if it is of another ledger, VerificationError if it contradicts this one.
    """
    before, now = there.checkpoint, known.checkpoint
    is_created_alike = there.created == known.created or None in (there.created, known.created)
    if before.origin != now.origin or not is_created_alike:
        raise FormatError(f"state {path}: remembers another ledger, {before.origin}")
    if before.size == now.size and before.root != now.root:
        raise VerificationError(
            f"state {path}: at size {now.size} another verification has just verified another "
            "root: forked"
        )
    return there.age <= known.age


def _replace(path: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder. A lock file would be left behind for ever."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        for attempt in range(_LOCK_ATTEMPTS):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == _LOCK_ATTEMPTS - 1:
                    message = "locked by another verification"
                    raise TimeoutError(errno.ETIMEDOUT, message, str(folder)) from None
                time.sleep(_LOCK_PAUSE_SECONDS)
        yield
    finally:
        os.close(descriptor)  # and with it the lock


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
