"""The environment variables of each function: the infrastructure writes them, the function reads.

A field `blocks_table` is the variable `BLOCKS_TABLE`. Variables are text; a variable without a
value is absent where its field has a default. Tables, buckets, functions and the bus are named;
keys of KMS are aliases.
"""

from collections.abc import Mapping
from typing import Any, Self

import msgspec

from audit_ledger.settings.retention import LockMode, Retention
from audit_ledger.settings.token_claims import TokenClaims


class Environment(msgspec.Struct, frozen=True, kw_only=True, rename="upper", omit_defaults=True):
    """Environment variables in both directions."""

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Read a function's environment; raise msgspec.ValidationError if a variable is missing."""
        return msgspec.convert(variables, cls, strict=False)

    def variables(self) -> dict[str, str]:
        """Return the variables for Lambda's configuration of the function."""
        return {name: str(value) for name, value in msgspec.to_builtins(self).items()}


class LockingEnvironment(Environment, frozen=True):
    """Of functions that write locked objects."""

    lock_mode: LockMode
    lock_days: int

    @property
    def retention(self) -> Retention:
        """Object Lock of the objects that the function writes."""
        return Retention(self.lock_mode, self.lock_days)


class SequencerEnvironment(Environment, frozen=True):
    """Of the sequencer of one ledger."""

    origin: str
    blocks_table: str
    events_table: str
    ledgers_table: str
    sequencer_key: str


class PublisherEnvironment(LockingEnvironment, frozen=True):
    """Of the publisher of one ledger."""

    origin: str
    ledger_id: str
    blocks_table: str
    ledgers_table: str
    views_table: str
    published_bucket: str
    archive_bucket: str
    index_bucket: str
    sequencer_key: str
    wrapping_key: str
    checkpoint_ed25519_key: str
    checkpoint_mldsa44_key: str
    event_bus: str


class DeadLettersEnvironment(LockingEnvironment, frozen=True):
    """Of the function that archives dead letters."""

    stage: str
    archive_bucket: str


class FollowerEnvironment(Environment, frozen=True):
    """Of the follower. `directory_bucket`: empty if there is no staff directory."""

    stage: str
    blocks_table: str
    events_table: str
    subjects_table: str
    ledgers_table: str
    views_table: str
    published_bucket: str
    event_bus: str
    directory_bucket: str


class TokenHolderEnvironment(Environment, frozen=True):
    """Of the functions of the API. `token_claims`: JSON of `TokenClaims`."""

    token_claims: str

    @property
    def claims(self) -> TokenClaims:
        """The names of the claims, decoded."""
        return msgspec.json.decode(self.token_claims, type=TokenClaims)


class PublishedFilesEnvironment(TokenHolderEnvironment, frozen=True):
    """Of the function that serves published files to token holders."""

    published_bucket: str


class IngestEnvironment(TokenHolderEnvironment, frozen=True):
    """Of ingest.

    `smart_configuration`: JSON of /.well-known/smart-configuration, empty where it is not known;
    `public_url`: the URL of the API as clients use it, empty where it is the API's own.
    """

    stage: str
    subjects_table: str
    ledgers_table: str
    events_table: str
    limits_table: str
    smart_configuration: str = ""
    public_url: str = ""

    @property
    def smart(self) -> dict[str, Any] | None:
        """The SMART configuration, decoded; None if it is not known."""
        if not self.smart_configuration:
            return None
        return msgspec.json.decode(self.smart_configuration, type=dict[str, Any])


class QueryEnvironment(TokenHolderEnvironment, frozen=True):
    """Of query. `ingest_function`: the alias of ingest that records the ledger's own events.

    `public_url`: the URL of the API as clients use it, empty where it is the API's own.
    """

    stage: str
    blocks_table: str
    events_table: str
    subjects_table: str
    ledgers_table: str
    views_table: str
    limits_table: str
    published_bucket: str
    ingest_function: str
    public_url: str = ""
