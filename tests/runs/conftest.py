"""Small runs and pages, so that small ledgers have all levels and large groups of rows."""

from collections.abc import Iterator

import pytest

from audit_ledger.runs import keyed_run, located_rows, merge, run_id, time_run


@pytest.fixture(autouse=True, scope="session")
def small_runs() -> Iterator[None]:
    """Let runs of levels 0 to 2 cover 16, 256 and 4,096 entries, and pages have 4 rows.

    Buckets above 500 bytes are read by parts, and more than 4 rows of a person merged by pages.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_id, "LEVEL_0_ENTRIES", 16)
        patch.setattr(located_rows, "PAGE_ROWS", 4)
        patch.setattr(time_run, "PAGE_ROWS", 4)
        patch.setattr(keyed_run, "_TAIL_BYTES", 500)
        patch.setattr(merge, "_MAX_SORTED_BYTES", 160)
        yield
