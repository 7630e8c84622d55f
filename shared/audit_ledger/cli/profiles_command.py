"""`ledger profiles`: which ledgers are known here. No token is ever shown, nor fetched."""

import os

import click

from audit_ledger.cli.console import Columns
from audit_ledger.cli.exit_codes import VERIFIED
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.profiles import list_profiles, profiles_file


def run(*, as_json: bool) -> int:
    """List them, and give the exit code."""
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
        click.echo(f"no profiles: {path} is not there, or holds none")
        return VERIFIED
    columns = Columns(("profile", "url", "token from"), (0, 0, 0))
    for name, profile, chosen in known:
        columns.row((f"{name} (default)" if chosen else name, profile.url, profile.token_from))
    return VERIFIED
