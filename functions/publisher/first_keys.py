"""The first keys of a new ledger: created once, stored in the archive, copied for readers.

Only the ledger's own publisher may create them, and it cannot unwrap them. Ingest, which processes
foreign input, may only read them.
"""

from contextlib import suppress

from audit_ledger.aws.kms_data_keys import WrappingKey
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.errors import LostRaceError, UnreachableError, VerificationError
from audit_ledger.records.wrapped_keys import parse_wrapped_keys

FIRST_KEYS = "keys/1"


def make_first_keys(
    table: LedgersTable, archive: LedgerObjects, wrapping: WrappingKey, now: int
) -> bool:
    """Create a ledger's first keys; return false if it has keys already. `now`: whole seconds.

    1. Put them into the archive under Object Lock, if absent (its policy requires the condition).
       The first run that gets so far, even if it crashes then, sets this ledger's keys for ever.
    2. Copy the archived keys into the table, if it has none. Until then the ledger accepts no
       events; after a crash here the next run copies the same keys.
    """
    if table.keys() is not None:
        return False
    with suppress(VerificationError):  # others exist: those are this ledger's keys
        archive.put_once(FIRST_KEYS, wrapping.first_keys().to_bytes(), now, locked=True)
    archived = archive.get(FIRST_KEYS)
    if archived is None:
        raise UnreachableError("the ledger's first keys were archived and cannot be read back")
    try:
        table.put_first_keys(parse_wrapped_keys(archived.data))
    except LostRaceError:
        return False  # another run put the same keys
    return True
