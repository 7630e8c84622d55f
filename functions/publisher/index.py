"""Index of a publication: its runs and its index file, put before the digest that states its hash.

All of it is derived from verified blocks. Objects are named after their hashes and put if absent; a
crash leaves objects that no digest names, or that the next run puts again with the same bytes.
"""

from collections.abc import Iterator

from audit_ledger.aws.objects import BINARY
from audit_ledger.errors import FormatError, UnreachableError, VerificationError
from audit_ledger.ledger.block import parse_body
from audit_ledger.ledger.digest import Digest
from audit_ledger.ledger.index import StoredEntry, stored_entries
from audit_ledger.runs.index_file import index_file_path, parse_index_file
from audit_ledger.runs.index_writer import IndexWriter, first_partial_entry
from functions.publisher.storage import Blocks, Objects


def resume_index(origin: str, digest: Digest, objects: Objects, blocks: Blocks) -> IndexWriter:
    """Return the writer of the index that a published digest states.

    Raise UnreachableError if its index file is missing or damaged: it is derived, so the ledger is
    not frozen, and the next run tries again. Raise VerificationError if the blocks have other rows
    than those that were indexed.
    """
    path = index_file_path(digest.size_after, digest.index)
    stored = objects.get(path)
    if stored is None:
        raise UnreachableError(f"{path}: the index file of the newest digest is missing")
    try:
        file = parse_index_file(stored.data, digest.size_after)
    except FormatError as error:
        raise UnreachableError(f"{path}: {error}") from None
    if file.hash(origin) != digest.index:
        raise UnreachableError(f"{path}: not the index that the newest digest states")
    return IndexWriter.resume(origin, file, _partial_entries(digest.size_after, blocks))


def _partial_entries(size: int, blocks: Blocks) -> Iterator[StoredEntry]:
    """Yield the events' entries of the partial run of a published size, read from the blocks."""
    first = first_partial_entry(size)
    if first == size:
        return
    start = blocks.ending_before(first + 1)
    for block in blocks.since(0 if start is None else start.first_seq):
        if block.first_seq >= size:
            return
        entries = stored_entries(block.first_seq, parse_body(block.body))
        yield from (entry for entry in entries if entry.seq >= first)


def put_index(writer: IndexWriter, objects: Objects, now: int, published: Digest | None) -> bytes:
    """Put the index file of the writer's size; return the hash that the digest states.

    `published`: the newest digest, whose index file is there.
    """
    file = writer.file()
    index = file.hash(writer.origin)
    if published is None or (published.size_after, published.index) != (file.size, index):
        put_derived(objects, index_file_path(file.size, index), file.to_bytes(), now)
    return index


def put_derived(objects: Objects, path: str, data: bytes, now: int) -> None:
    """Put an object of the index; one with other bytes under its name is damaged, and replaced."""
    try:
        objects.put_once(path, data, now, locked=False)
    except VerificationError:
        objects.replace(path, data, objects.get(path), BINARY)
