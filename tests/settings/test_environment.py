"""Environments of functions: read back as they were written, and refused where one is missing."""

import msgspec
import pytest

from audit_ledger.settings.environment import (
    DeadLettersEnvironment,
    IngestEnvironment,
    PublishedFilesEnvironment,
)
from audit_ledger.settings.retention import Retention
from audit_ledger.settings.token_claims import TokenClaims

DEAD_LETTERS = {
    "STAGE": "dev",
    "ARCHIVE_BUCKET": "archive",
    "LOCK_MODE": "GOVERNANCE",
    "LOCK_DAYS": "1",
}
INGEST = {
    "STAGE": "dev",
    "SUBJECTS_TABLE": "subjects",
    "LEDGERS_TABLE": "ledgers",
    "EVENTS_TABLE": "events",
    "LIMITS_TABLE": "limits",
    "TOKEN_CLAIMS": '{"ledger": "l", "portal": "p", "patient": "x"}',
}


def test_an_environment_is_read_back_as_it_was_written() -> None:
    """Numbers are text in between; other variables of Lambda are ignored."""
    environment = DeadLettersEnvironment.read({**DEAD_LETTERS, "AWS_REGION": "eu-central-1"})
    assert environment.retention == Retention("GOVERNANCE", 1)
    assert environment.variables() == DEAD_LETTERS


@pytest.mark.parametrize("name", DEAD_LETTERS)
def test_a_missing_variable_is_an_error_that_names_it(name: str) -> None:
    """At the first use of the environment, before anything is read or written."""
    variables = {key: value for key, value in DEAD_LETTERS.items() if key != name}
    with pytest.raises(msgspec.ValidationError, match=f"`{name}`"):
        DeadLettersEnvironment.read(variables)


@pytest.mark.parametrize(("name", "value"), [("LOCK_MODE", "NONE"), ("LOCK_DAYS", "a day")])
def test_a_variable_of_another_type_is_refused(name: str, value: str) -> None:
    """A lock mode that S3 does not have, days that are no number."""
    with pytest.raises(msgspec.ValidationError, match=name):
        DeadLettersEnvironment.read({**DEAD_LETTERS, name: value})


def test_optional_variables_are_absent_where_they_are_empty() -> None:
    """So that the configuration of a function without them does not change."""
    environment = IngestEnvironment.read(INGEST)
    assert (environment.smart, environment.public_url) == (None, "")
    assert environment.variables() == INGEST
    smart = IngestEnvironment.read({**INGEST, "SMART_CONFIGURATION": '{"a": []}'})
    assert smart.smart == {"a": []}


def test_the_names_of_claims_are_json_in_one_variable() -> None:
    """With no other members."""
    variables = {"PUBLISHED_BUCKET": "b", "TOKEN_CLAIMS": INGEST["TOKEN_CLAIMS"]}
    claims = PublishedFilesEnvironment.read(variables).claims
    assert claims == TokenClaims(ledger="l", portal="p", patient="x")
    variables["TOKEN_CLAIMS"] = '{"subject": "sub"}'
    with pytest.raises(msgspec.ValidationError, match="unknown field `subject`"):
        _ = PublishedFilesEnvironment.read(variables).claims
