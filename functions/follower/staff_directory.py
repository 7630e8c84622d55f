"""The directory that rules look people up in, read again when the hospital's files change.

Rules that need what it does not say do not run. A file that cannot be read is as one that is not
there yet: what was read before stays in use for as long as this container lives, and following
goes on either way. Where the bucket does not answer, following waits: the next run asks again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from audit_ledger.aws.staff_directory_objects import DirectoryFiles
from audit_ledger.detections import Directory, read_directory
from audit_ledger.errors import FormatError, TooLargeError

_NOBODY = Directory()


@dataclass
class Feed:
    """`wrong`: told what is wrong with the files, in words that quote nothing of them."""

    wrong: Callable[[str], None]
    _ledger_id: str = ""
    _tags: Mapping[str, str] = field(default_factory=dict)
    _directory: Directory = _NOBODY

    def directory(self, files: DirectoryFiles) -> Directory:
        """Return a ledger's directory as its files now say; that of one ledger is kept.

        UnreachableError where files change faster than they are read.
        """
        if files.ledger_id != self._ledger_id:
            self._ledger_id, self._tags, self._directory = files.ledger_id, {}, _NOBODY
        try:
            tags = files.tags()
            if tags != self._tags:
                tags, read = files.read()
                self._directory, self._tags = read_directory(read), tags
        except (FormatError, TooLargeError) as error:
            self.wrong(str(error))
        return self._directory
