"""`ledger policy`: whom to trust, written down from a ledger's public keys in KMS."""

from pathlib import Path

import click

from audit_ledger.aws import clients
from audit_ledger.aws.keys import public_key_der
from audit_ledger.aws.parameters import LedgerSettings
from audit_ledger.cli.exit_codes import VERIFIED, CannotTellError, WrongInputError
from audit_ledger.cli.inputs import write_file
from audit_ledger.errors import FormatError, NotFoundError
from audit_ledger.public_keys import raw_public_key
from audit_ledger.verify.policy_file import policy_for


def run(stage: str, ledger_id: str, origin: str | None, output: Path | None) -> int:
    """Write the policy file, and give the exit code."""
    aliases = f"alias/audit-ledger-{stage}/{ledger_id}"
    try:
        if origin is None:
            origin = LedgerSettings(clients.ssm(), stage).read(ledger_id).origin
        kms = clients.kms()
        ed25519, mldsa44 = (
            raw_public_key(public_key_der(kms, f"{aliases}/checkpoint-{kind}"))
            for kind in ("ed25519", "mldsa44")
        )
        text = policy_for(origin, [ed25519], [mldsa44]).encode()
    except (FormatError, NotFoundError) as error:
        raise WrongInputError(f"{aliases}: {error}") from None
    except clients.AwsError as error:
        raise CannotTellError(f"{aliases}: {error}") from None
    text = f"# Ledger {origin}\n".encode() + text
    if output is None:
        click.echo(text, nl=False)
    else:
        write_file(output, text)
    return VERIFIED
