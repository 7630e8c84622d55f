"""What was verified before: the last checkpoint of each origin, kept between verifications.

A ledger that was cut short or written anew verifies in itself. Only who remembers an earlier
checkpoint can tell. What is kept is the signed note as it was published, so that two that
contradict each other are evidence that anyone can check.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from audit_ledger.errors import FormatError
from audit_ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from audit_ledger.tlog.note import MAX_NOTE_BYTES, parse_note


class Memory(Protocol):
    """Remembers the last verified checkpoint of each origin."""

    def load(self, origin: str) -> Checkpoint | None:
        """Give it; None at first contact. Raises FormatError where it cannot be read."""

    def save(self, note: bytes) -> None:
        """Keep a verified checkpoint (the signed note). Raises OSError where it cannot."""


@dataclass(frozen=True)
class StateFile:
    """Memory in one file that the user names, of one origin."""

    path: Path

    def load(self, origin: str) -> Checkpoint | None:
        """Read the file; it must be of this origin."""
        try:
            with self.path.open("rb") as file:
                note = file.read(MAX_NOTE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FormatError(f"state {self.path}: {error.strerror}") from None
        try:
            checkpoint = parse_checkpoint(parse_note(note).text)
        except FormatError as error:
            raise FormatError(f"state {self.path}: {error}") from None
        if checkpoint.origin != origin:
            raise FormatError(
                f"state {self.path}: remembers {checkpoint.origin}, this ledger is {origin}"
            )
        return checkpoint

    def save(self, note: bytes) -> None:
        """Replace the file at once, whole; a crash leaves the old or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name[:40]}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(note)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


@dataclass(frozen=True)
class StateFolder:
    """Memory in a folder, with a file for each origin."""

    path: Path

    def load(self, origin: str) -> Checkpoint | None:
        """Read the origin's file."""
        return self._file(origin).load(origin)

    def save(self, note: bytes) -> None:
        """Replace the origin's file."""
        self._file(parse_checkpoint(parse_note(note).text).origin).save(note)

    def _file(self, origin: str) -> StateFile:
        name = quote(origin, safe="")
        if len(name) > 200:
            raise FormatError(f"origin of {len(origin)} characters: too long to remember by name")
        return StateFile(self.path / name)


def default_state_folder(environment: "os._Environ[str] | dict[str, str]") -> Path:
    """Give where a user's programs keep state (XDG Base Directory Specification)."""
    home = environment.get("XDG_STATE_HOME", "")
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "state"
    return base / "audit-ledger" / "checkpoints"
