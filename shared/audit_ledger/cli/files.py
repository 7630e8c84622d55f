"""What users name on the command line, opened."""

from pathlib import Path

from audit_ledger.cli.exit_codes import UsageError
from audit_ledger.client.files import read_file
from audit_ledger.errors import FormatError
from audit_ledger.shown_url import shown_url
from audit_ledger.tlog.policy import MAX_POLICY_BYTES, Policy, parse_policy
from audit_ledger.verify.policy_file import require_ed25519_log
from audit_ledger.verify.sources import Folder, Source


def open_source(text: str, token: str | None) -> Source:
    """Open a folder, an http(s) URL or `s3://bucket/prefix`."""
    scheme, separator, _ = text.partition("://")
    try:
        if not separator:
            return Folder(Path(text))
        if scheme in ("http", "https"):
            from audit_ledger.verify.http_source import HttpSource  # noqa: PLC0415

            return HttpSource(text, token)
        if scheme == "s3":
            from audit_ledger.aws.published_source import s3_source  # noqa: PLC0415

            return s3_source(text)
    except FormatError as error:
        raise UsageError(str(error)) from None
    shown = shown_url(text)
    raise UsageError(f"{shown}: neither a folder nor http://, https:// or s3://")


def read_policy(path: Path) -> Policy:
    """Read a policy file, which must have an Ed25519 key on a log line."""
    try:
        policy = parse_policy(read_file(path, MAX_POLICY_BYTES))
        require_ed25519_log(policy)
    except FormatError as error:
        raise UsageError(f"{path}: {error}") from None
    return policy
