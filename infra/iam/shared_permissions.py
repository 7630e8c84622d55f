"""Permissions that several functions have: to open records, and to read settings."""

from collections.abc import Sequence

from infra.iam.permissions import Permission
from infra.names import Names


def read_settings(names: Names, why_pattern: str) -> Permission:
    """Read the settings of every ledger."""
    parameters = names.arn("ssm", f"parameter{names.parameter('*')}")
    return Permission("ReadSettings", ["ssm:GetParameter"], [parameters], why_pattern=why_pattern)


def use_keys(names: Names, sid: str, action: str, purpose: str, why_pattern: str) -> Permission:
    """Use the keys of every ledger for this purpose, which their aliases name."""
    return Permission(
        sid,
        [action],
        [names.arn("kms", "key/*")],
        {"ForAnyValue:StringLike": {"kms:ResourceAliases": names.key_alias("*", purpose)}},
        why_pattern=why_pattern,
    )


def unwrap_keys(names: Names) -> Permission:
    """Decrypt the keys of every ledger, as far as the policy of its wrapping key allows."""
    return use_keys(
        names,
        "UnwrapKeys",
        "kms:Decrypt",
        "wrapping",
        "Ledgers' wrapping keys are made by stacks that come later. The condition restricts it to "
        "keys with their aliases, and each key's own policy names this role.",
    )


def read_blocks(names: Names) -> Permission:
    """Read the blocks of every ledger."""
    return Permission(
        "ReadBlocks", ["dynamodb:GetItem", "dynamodb:Query"], [names.table_arn("blocks")]
    )


def read_secrets(names: Names) -> list[Permission]:
    """Read subjects' secrets, by subject and by pseudonym: ingest alone creates them."""
    subjects = names.table_arn("subjects")
    return [
        Permission("SubjectSecrets", ["dynamodb:BatchGetItem", "dynamodb:Query"], [subjects]),
        Permission("SubjectsOfPseudonyms", ["dynamodb:Query"], [f"{subjects}/index/pseudonym"]),
    ]


def read_keys_and_state(names: Names) -> Permission:
    """Read the wrapped keys and the published state of every ledger."""
    sid = "WrappedKeysAndPublishedState"
    return use_items(names, sid, ["GetItem"], "ledgers", "*#keys", "*#published")


def use_items(names: Names, sid: str, actions: Sequence[str], table: str, *keys: str) -> Permission:
    """Use the items of a table with one of these keys, which may be patterns.

    For actions that name the keys of their items: the condition is true of a request without.
    """
    operator = "StringLike" if any("*" in key for key in keys) else "StringEquals"
    return Permission(
        sid,
        [f"dynamodb:{action}" for action in actions],
        [names.table_arn(table)],
        {f"ForAllValues:{operator}": {"dynamodb:LeadingKeys": list(keys)}},
    )
