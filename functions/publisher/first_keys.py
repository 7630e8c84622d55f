"""The first keys of a new ledger: created once, stored in the archive, copied for readers.

Nobody but a ledger's own publisher may make them, and it cannot unwrap what it makes. Ingest, which
takes what others send, may only read them.
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
    """Create a ledger's first keys; return false if it has some already. `now`: whole seconds.

    1. The archive takes an object only where none is (its policy demands the condition), under
       Object Lock: the first run, also one before a crash, creates this ledger's keys for ever.
    2. The table gets a copy of what the archive has, if it has none. A crash before it leaves a
       ledger that does not accept yet; the next run puts the same.
    """
    if table.keys() is not None:
        return False
    with suppress(VerificationError):  # others are there: they are this ledger's keys
        archive.put_once(FIRST_KEYS, wrapping.first_keys().to_bytes(), now, locked=True)
    archived = archive.get(FIRST_KEYS)
    if archived is None:
        raise UnreachableError("the ledger's first keys were put and are not there")
    try:
        table.put_first_keys(parse_wrapped_keys(archived.data))
    except LostRaceError:
        return False  # another run put the same
    return True
