"""`ledger policy`: whom to trust, from a ledger's public keys in KMS or from its API."""

import os
from pathlib import Path

import click

from audit_ledger.aws import clients
from audit_ledger.aws.kms_signing import public_key_der
from audit_ledger.aws.ssm_settings import SsmSettings
from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.exit_codes import VERIFIED, IncompleteError, UsageError
from audit_ledger.cli.parameters import FILE, ORIGIN, with_connection
from audit_ledger.client.api import ConnectionOptions, open_api
from audit_ledger.client.files import write_file
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.errors import FormatError, NotFoundError
from audit_ledger.public_keys import raw_public_key
from audit_ledger.tlog.policy import parse_policy
from audit_ledger.verify.policy_file import policy_for

PATH = "/policy"


@click.command("policy", cls=LedgerCommand)
@click.option("--stage", help="dev or prod: with --ledger, from the keys in KMS.")
@click.option("--ledger", "ledger_id", help="The ledger's id, with --stage.")
@ORIGIN
@click.option("-o", "--output", type=FILE, help="File to write; else standard output.")
@with_connection
def command(
    connection: ConnectionOptions,
    stage: str | None,
    ledger_id: str | None,
    origin: str | None,
    output: Path | None,
) -> int:
    """Write the policy file of a ledger: its public keys, from its API or from KMS.

    With --stage and --ledger the keys are read in KMS. Else the API returns them (--url or
    --profile): its server chooses which keys you trust, so compare them with those that you
    received by another way.
    """
    if stage is None and ledger_id is None and origin is None:
        return _write_from_api(connection, output)
    if stage is None or ledger_id is None:
        raise click.UsageError("--stage and --ledger go together")
    if any((connection.profile, connection.url, connection.token)):
        raise click.UsageError("--stage and --ledger go with neither --url, --profile nor --token")
    return _write_from_kms(stage, ledger_id, origin, output)


def _write_from_api(connection: ConnectionOptions, output: Path | None) -> int:
    """Write the policy file that a ledger's API gives, and return the exit code."""
    api = open_api(connection, os.environ)
    where = f"{api.url}: GET {PATH}"
    text = api.request(ApiRequest("GET", PATH, headers={"Accept": "text/plain"})).body
    try:
        policy = parse_policy(text)
    except FormatError as error:
        raise IncompleteError(f"{where}: {error}") from None
    if not policy.logs:
        raise IncompleteError(f"{where}: a policy without a key of the ledger")
    _write(policy.logs[0].key.name, text, output)
    click.echo(
        f"ledger: these keys are from {api.url}; compare them with those that you received "
        "by another way",
        err=True,
    )
    return VERIFIED


def _write_from_kms(stage: str, ledger_id: str, origin: str | None, output: Path | None) -> int:
    """Write the policy file of the keys in KMS, and return the exit code."""
    aliases = f"alias/audit-ledger-{stage}/{ledger_id}"
    try:
        if origin is None:
            origin = SsmSettings(clients.ssm(), stage).read(ledger_id).origin
        kms = clients.kms()
        ed25519, mldsa44 = (
            raw_public_key(public_key_der(kms, f"{aliases}/checkpoint-{kind}"))
            for kind in ("ed25519", "mldsa44")
        )
        text = policy_for(origin, [ed25519], [mldsa44]).to_bytes()
    except (FormatError, NotFoundError) as error:
        raise UsageError(f"{aliases}: {error}") from None
    except clients.AwsError as error:
        raise IncompleteError(f"{aliases}: {error}") from None
    _write(origin, text, output)
    return VERIFIED


def _write(origin: str, text: bytes, output: Path | None) -> None:
    text = f"# Ledger {origin}\n".encode() + text
    if output is None:
        click.echo(text, nl=False)
    else:
        write_file(output, text)
