"""Read the staff directory, and reread it when the hospital's files change.

Rules that need data missing from it do not run. If a file is invalid, the directory read before
stays in use for the lifetime of this container, and following continues. If the bucket is not
reachable, following stops until the next run.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from audit_ledger.aws.staff_directory_objects import DirectoryFiles
from audit_ledger.detections.staff_directory import Directory
from audit_ledger.detections.staff_directory_files import read_directory
from audit_ledger.errors import FormatError, TooLargeError

_NOBODY = Directory()


@dataclass
class DirectoryReader:
    """A cache of one ledger's directory. `report_fault` receives faults, which quote no content."""

    report_fault: Callable[[str], None]
    _ledger_id: str = ""
    _tags: Mapping[str, str] = field(default_factory=dict)
    _directory: Directory = _NOBODY

    def read(self, files: DirectoryFiles) -> Directory:
        """Return a ledger's current directory; cache that of the last ledger.

        Raise UnreachableError if files change faster than they are read.
        """
        if files.ledger_id != self._ledger_id:
            self._ledger_id, self._tags, self._directory = files.ledger_id, {}, _NOBODY
        try:
            tags = files.tags()
            if tags != self._tags:
                tags, contents = files.read()
                self._directory, self._tags = read_directory(contents), tags
        except (FormatError, TooLargeError) as error:
            self.report_fault(str(error))
        return self._directory
