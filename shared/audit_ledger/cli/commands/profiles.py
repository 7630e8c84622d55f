"""`ledger profiles`: which ledgers are known here. No token is ever shown, nor fetched."""

import os

import click

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import Columns
from audit_ledger.cli.exit_codes import VERIFIED
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import AS_JSON
from audit_ledger.client.profiles import list_profiles, profiles_file


@click.command("profiles", cls=LedgerCommand)
@AS_JSON
def command(as_json: bool) -> int:
    """List the ledgers that are known here; tokens are never shown.

    \b
    They are in $XDG_CONFIG_HOME/audit-ledger/profiles.toml (~/.config):
      default = "st-elsewhere"
      [profiles.st-elsewhere]
      url = "https://api.example.org"
      token_command = ["pass", "show", "audit-ledger"]    # prints a token; or
      token = "…"                                         # then only you may read the file; or
      token_endpoint = "https://…/oauth2/token"           # client credentials
      client_id = "…"
      client_secret_env = "AUDIT_LEDGER_CLIENT_SECRET"    # the variable with the secret
      scope = "…"                                         # if the issuer wants it

    A command goes to --url with --token, or to --profile; else to AUDIT_LEDGER_URL with
    AUDIT_LEDGER_TOKEN; else to the profile AUDIT_LEDGER_PROFILE, else the default, else the only
    one. --token and, where no --profile is given, AUDIT_LEDGER_TOKEN replace a profile's token.

    `--profile local` is what `make local` serves from this folder: the portal's token to send,
    the security officer's to read; local:patient, local:portal, local:security choose one.
    """
    path = profiles_file(os.environ)
    known = list(list_profiles(os.environ))
    if as_json:
        profiles = [
            {"name": name, "url": profile.url, "token_from": profile.token_from, "default": chosen}
            for name, profile, chosen in known
        ]
        echo_json({"file": str(path), "profiles": profiles})
        return VERIFIED
    if not known:
        click.echo(f"no profiles: {path} does not exist, or has none")
        return VERIFIED
    columns = Columns(("profile", "url", "token from"), (0, 0, 0))
    for name, profile, chosen in known:
        columns.row((f"{name} (default)" if chosen else name, profile.url, profile.token_from))
    return VERIFIED
