"""Documents: which entries name one, by its digest alone."""

from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path

import msgspec

from audit_ledger.client.api import Api, json_of
from audit_ledger.client.errors import InvalidInputError, UnansweredError
from audit_ledger.client.event_files import STDIN
from audit_ledger.client.files import standard_input
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.events.ni_uri import ni_uri

PATH = "/documents/verify"


class DocumentEntry(msgspec.Struct, frozen=True):
    """An entry that names a document; `id` is that of its event."""

    id: str
    entry: int
    time: str
    action: str | None = None


class VisibleEntries(msgspec.Struct, frozen=True):
    """The entries that the requester may see; `more`: there may be others."""

    entries: list[DocumentEntry]
    more: bool = False


def find_document(api: Api, digest: str) -> VisibleEntries:
    """Return the entries that name a document of this digest (RFC 6920)."""
    body = msgspec.json.encode({"digest": digest})
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    response = api.request(ApiRequest("POST", PATH, body=body, headers=headers), also=(404,))
    if response.status == 404:
        raise UnansweredError(f"{api.url}: POST {PATH}: this server verifies no documents (404)")
    return json_of(response.body, VisibleEntries, f"{api.url}: POST {PATH}")


def digest_uri(file: Path) -> str:
    """Return the SHA-256 of a file's bytes as an RFC 6920 URI; `-` is standard input."""
    digest = sha256()
    try:
        with nullcontext(standard_input()) if str(file) == STDIN else file.open("rb") as opened:
            while piece := opened.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise InvalidInputError(f"{file}: {error.strerror}") from None
    return ni_uri(digest.digest())
