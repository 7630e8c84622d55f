"""Names of events on the bus: functions send them, rules of the infrastructure match them."""

from typing import Final

BUS_SOURCE: Final = "audit-ledger"  # events of portals never have it
DIGEST_PUBLISHED: Final = "Digest Published"
FINDING: Final = "Finding"
QUERY_SOURCE: Final = "audit-ledger.query"  # of events that query has ingest accept, not by the bus
