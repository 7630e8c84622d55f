"""Each way of tampering with a published ledger, and exactly what verification says of it.

The ledger: 600 entries, published at 1, 257, 300 and 600, entry 280 a control entry. Its tiles are
tile/0/000 and 001 (full), tile/0/002.p/88 and tile/1/000.p/2.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from hashlib import sha256

import pytest

from audit_ledger.chain.digest import Digest, decode_digest
from audit_ledger.chain.entry import EventEntry, decode_entry, encode_entry
from audit_ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from audit_ledger.tlog.entry_bundle import decode_bundle, encode_bundle
from audit_ledger.tlog.note import Note, parse_note
from audit_ledger.tlog.rfc6962 import leaf_hash
from audit_ledger.verify.findings import Answer
from audit_ledger.verify.verification import Report, verify
from tests.verify.writer import BEGIN, MINUTE, ORIGIN, Keys, Objects, Writer

Tamper = Callable[[dict[str, bytes]], None]
Found = tuple[str, str, tuple[int, int] | None]

FAILED, INCOMPLETE = Answer.FAILED, Answer.INCOMPLETE
STRANGER = Keys(b"stranger")


def build(change: Callable[[Digest], Digest] = lambda digest: digest) -> Writer:
    """The ledger; `change` lies in every digest before it is signed."""
    writer = Writer()
    writer.publish(change)
    writer.add_events(256)
    writer.publish(change)
    writer.add_events(23)
    writer.add_control()
    writer.add_events(19)
    writer.publish(change)
    writer.add_events(300)
    writer.publish(change)
    return writer


@cache
def ledger() -> Writer:
    return build()


def digest_at(size: int) -> str:
    """The path of the digest published at a size."""
    return next(path for path in ledger().objects.files if path.endswith(f"Z-{size}"))


def verified(files: dict[str, bytes], now: int | None = None, *, can_list: bool = True) -> Report:
    return verify(
        Objects(files, can_list=can_list),
        Keys().policy(),
        ledger().now if now is None else now,
        workers=1,
        wait=lambda _: None,
    )


def found(report: Report) -> list[Found]:
    return [(str(f.code), f.where, f.entries) for f in report.findings]


def flip(path: str, offset: int) -> Tamper:
    def tamper(files: dict[str, bytes]) -> None:
        data = bytearray(files[path])
        data[offset] ^= 1
        files[path] = bytes(data)

    return tamper


def remove(*paths: str) -> Tamper:
    def tamper(files: dict[str, bytes]) -> None:
        for path in paths:
            del files[path]

    return tamper


def cut(path: str, end: int) -> Tamper:
    def tamper(files: dict[str, bytes]) -> None:
        files[path] = files[path][:end]

    return tamper


def add(path: str, data: bytes = b"planted") -> Tamper:
    def tamper(files: dict[str, bytes]) -> None:
        files[path] = files.get(path, b"") + data

    return tamper


def swap(first: str, second: str) -> Tamper:
    def tamper(files: dict[str, bytes]) -> None:
        files[first], files[second] = files[second], files[first]

    return tamper


def offset_of(index: int, within: int = 0) -> int:
    """Where in its bundle an entry begins, and some bytes further."""
    entries = ledger().entries[index // 256 * 256 : index]
    return sum(2 + len(entry) for entry in entries) + 2 + within


def resign_checkpoint(files: dict[str, bytes]) -> None:
    """Somebody else signs the checkpoint, under the ledger's name."""
    text = parse_note(files["checkpoint"]).text
    checkpoint = parse_checkpoint(text)
    signatures = (STRANGER.sign(text), STRANGER.cosign(checkpoint, ledger().now))
    files["checkpoint"] = Note(text, signatures).encode()


def without_mldsa44(files: dict[str, bytes]) -> None:
    note = parse_note(files["checkpoint"])
    files["checkpoint"] = Note(note.text, note.signatures[:1]).encode()


def mldsa44_of_another_name(files: dict[str, bytes]) -> None:
    """The right key cosigned, but under the name of another ledger."""
    note = parse_note(files["checkpoint"])
    checkpoint = parse_checkpoint(note.text)
    other = Keys().cosign(checkpoint, ledger().now, "audit.example.org/other")
    files["checkpoint"] = Note(note.text, (note.signatures[0], other)).encode()


def mldsa44_of_another_message(files: dict[str, bytes]) -> None:
    """The key's line under the ledger's name, over another ledger's checkpoint."""
    note = parse_note(files["checkpoint"])
    checkpoint = replace(parse_checkpoint(note.text), root=bytes(32))
    forged = Keys().cosign(checkpoint, ledger().now)
    files["checkpoint"] = Note(note.text, (note.signatures[0], forged)).encode()


def another_root(files: dict[str, bytes]) -> None:
    """The signer itself signs a root that its entries do not have."""
    files["checkpoint"] = ledger().checkpoint(Checkpoint(ORIGIN, 600, bytes(32)))


def older_checkpoint(files: dict[str, bytes]) -> None:
    files["checkpoint"] = decode_digest(parse_note(files[digest_at(300)]).text).checkpoint


def replace_entry(files: dict[str, bytes]) -> None:
    """Another commitment in entry 300, in entries and tile alike."""
    entries = decode_bundle(files["tile/entries/001"])
    entry = decode_entry(entries[44])
    assert isinstance(entry, EventEntry)
    entries[44] = encode_entry(replace(entry, commitment=bytes(32)))
    files["tile/entries/001"] = encode_bundle(entries)
    at = 44 * 32
    tile = files["tile/0/001"]
    files["tile/0/001"] = tile[:at] + leaf_hash(entries[44]) + tile[at + 32 :]


def forge_digest(files: dict[str, bytes]) -> None:
    """A stranger's digest in the place of an older one."""
    text = parse_note(files[digest_at(257)]).text
    files[digest_at(257)] = Note(text, (STRANGER.sign(text),)).encode()


def forge_latest(files: dict[str, bytes]) -> None:
    text = parse_note(files["digests/latest"]).text
    forged = Note(text, (STRANGER.sign(text),)).encode()
    files["digests/latest"] = files[digest_at(600)] = forged


def rename_digest(files: dict[str, bytes]) -> None:
    files["digests/2026/11/22/20261122T060030Z-257"] = files.pop(digest_at(257))


def older_latest(files: dict[str, bytes]) -> None:
    files["digests/latest"] = files[digest_at(300)]


def no_digests(files: dict[str, bytes]) -> None:
    for path in [path for path in files if path.startswith("digests/")]:
        del files[path]


def plant_digest(files: dict[str, bytes]) -> None:
    """A signed digest of an hour ago that no digest leads to."""
    digest = decode_digest(parse_note(files[digest_at(300)]).text)
    stray = replace(digest, period_to=digest.period_to - 1)
    files[stray.name] = ledger().sign_digest(stray)


B0, B1, B2 = "tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"
T0, T1, T2, UP = "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"


TABLE: dict[str, tuple[Callable[[], Tamper], Answer, Callable[[], list[Found]]]] = {
    "entry: a byte of entry 300": (
        lambda: flip(B1, offset_of(300, 100)),
        FAILED,
        lambda: [("entry-altered", B1, (300, 300))],
    ),
    "entry: a byte of the control entry": (
        lambda: flip(B1, offset_of(280, 20)),
        FAILED,
        lambda: [("entry-altered", B1, (280, 280))],
    ),
    "entry: a byte of the first": (
        lambda: flip(B0, offset_of(0, 100)),
        FAILED,
        lambda: [("entry-altered", B0, (0, 0))],
    ),
    "entry: a byte of the last, below no other tile": (
        lambda: flip(B2, offset_of(599, 100)),
        FAILED,
        lambda: [("entry-altered", B2, (599, 599))],
    ),
    "entry: replaced, its leaf hash too": (
        lambda: replace_entry,
        FAILED,
        lambda: [
            ("link-broken", B1, (301, 301)),
            ("tile-altered", UP, (256, 511)),
            ("root-mismatch", "checkpoint", (300, 599)),
            ("digest-disagrees", digest_at(600), (300, 599)),
        ],
    ),
    "bundle: a length": (
        lambda: flip(B1, offset_of(300, -1)),
        FAILED,
        lambda: [("bundle-malformed", B1, (300, 511))],
    ),
    "bundle: cut in entry 300": (
        lambda: cut(B1, offset_of(300, 10)),
        FAILED,
        lambda: [("bundle-malformed", B1, (300, 511))],
    ),
    "bundle: cut between entries": (
        lambda: cut(B2, offset_of(590, -2)),
        FAILED,
        lambda: [("bundle-malformed", B2, (590, 599))],
    ),
    "bundle: empty": (
        lambda: cut(B0, 0),
        FAILED,
        lambda: [("bundle-malformed", B0, (0, 255))],
    ),
    "bundle: a byte more": (
        lambda: add(B1, b"\0"),
        FAILED,
        lambda: [("bundle-malformed", B1, (511, 511))],
    ),
    "bundle: missing": (
        lambda: remove(B1),
        INCOMPLETE,
        lambda: [("missing", B1, (256, 511))],
    ),
    "bundle: partial one missing": (
        lambda: remove(B2),
        INCOMPLETE,
        lambda: [("missing", B2, (512, 599))],
    ),
    "bundles: swapped": (
        lambda: swap(B0, B1),
        FAILED,
        lambda: [("entry-altered", B0, (0, 255)), ("entry-altered", B1, (256, 511))],
    ),
    "tile: a byte": (
        lambda: flip(T1, 32 * 44),
        FAILED,
        lambda: [("tile-altered", T1, (300, 300))],
    ),
    "tile: a byte of the partial one": (
        lambda: flip(T2, 32 * 10),
        FAILED,
        lambda: [("tile-altered", T2, (522, 522))],
    ),
    "tile: cut": (
        lambda: cut(T1, 32 * 44 + 7),
        FAILED,
        lambda: [("tile-malformed", T1, (300, 511))],
    ),
    "tile: a hash more": (
        lambda: add(T2, bytes(32)),
        FAILED,
        lambda: [("tile-malformed", T2, (599, 599))],
    ),
    "tile: missing": (
        lambda: remove(T1),
        INCOMPLETE,
        lambda: [("missing", T1, (256, 511))],
    ),
    "tiles: swapped": (
        lambda: swap(T0, T1),
        FAILED,
        lambda: [("tile-altered", T0, (0, 255)), ("tile-altered", T1, (256, 511))],
    ),
    "tile and bundle: missing": (
        lambda: remove(T1, B1),
        INCOMPLETE,
        lambda: [("missing", B1, (256, 511)), ("missing", T1, (256, 511))],
    ),
    "tile above: a byte": (
        lambda: flip(UP, 40),
        FAILED,
        lambda: [("tile-altered", UP, (256, 511))],
    ),
    "tile above: cut": (
        lambda: cut(UP, 40),
        FAILED,
        lambda: [("tile-malformed", UP, (0, 511))],
    ),
    "tile above: missing": (
        lambda: remove(UP),
        INCOMPLETE,
        lambda: [("missing", UP, (0, 511))],
    ),
    "checkpoint: a byte of the root": (
        lambda: flip("checkpoint", len(ORIGIN) + 12),
        FAILED,
        lambda: [("checkpoint-rejected", "checkpoint", None)],
    ),
    "checkpoint: no note": (
        lambda: cut("checkpoint", 20),
        FAILED,
        lambda: [("checkpoint-malformed", "checkpoint", None)],
    ),
    "checkpoint: missing": (
        lambda: remove("checkpoint"),
        INCOMPLETE,
        lambda: [("missing", "checkpoint", None)],
    ),
    "checkpoint: signed by a stranger": (
        lambda: resign_checkpoint,
        FAILED,
        lambda: [("checkpoint-rejected", "checkpoint", None)],
    ),
    "checkpoint: no ML-DSA signature": (
        lambda: without_mldsa44,
        INCOMPLETE,
        lambda: [("not-witnessed", "checkpoint", None)],
    ),
    "checkpoint: cosigner of another name": (
        lambda: mldsa44_of_another_name,
        INCOMPLETE,
        lambda: [("not-witnessed", "checkpoint", None)],
    ),
    "checkpoint: cosignature of another tree": (
        lambda: mldsa44_of_another_message,
        FAILED,
        lambda: [("checkpoint-rejected", "checkpoint", None)],
    ),
    "checkpoint: another root, well signed": (
        lambda: another_root,
        FAILED,
        lambda: [
            ("root-mismatch", "checkpoint", None),
            ("forked", "digests/latest", (0, 599)),
        ],
    ),
    "digest: older one missing": (
        lambda: remove(digest_at(257)),
        INCOMPLETE,
        lambda: [("missing", digest_at(257), None)],
    ),
    "digest: first one missing": (
        lambda: remove(digest_at(1)),
        INCOMPLETE,
        lambda: [("missing", digest_at(1), None)],
    ),
    "digest: newest one missing under its name": (
        lambda: remove(digest_at(600)),
        INCOMPLETE,
        lambda: [("missing", digest_at(600), None)],
    ),
    "digest: latest missing": (
        lambda: remove("digests/latest"),
        INCOMPLETE,
        lambda: [("missing", "digests/latest", None)],
    ),
    "digests: all missing": (
        lambda: no_digests,
        INCOMPLETE,
        lambda: [("missing", "digests/latest", None)],
    ),
    "digest: older one altered": (
        lambda: flip(digest_at(257), 70),
        FAILED,
        lambda: [("digest-chain-broken", digest_at(257), None)],
    ),
    "digest: older one replaced": (
        lambda: swap(digest_at(257), digest_at(300)),
        FAILED,
        lambda: [
            ("digest-chain-broken", digest_at(300), None),
            ("digest-chain-broken", digest_at(257), None),
        ],
    ),
    "digest: older one signed by a stranger": (
        lambda: forge_digest,
        FAILED,
        lambda: [("digest-chain-broken", digest_at(257), None)],
    ),
    "digest: newest one signed by a stranger": (
        lambda: forge_latest,
        FAILED,
        lambda: [("digest-rejected", digest_at(600), None)],
    ),
    "digest: renamed": (
        lambda: rename_digest,
        FAILED,
        lambda: [
            ("missing", digest_at(257), None),
            ("unknown-object", "digests/2026/11/22/20261122T060030Z-257", None),
        ],
    ),
    "digest: latest is no note": (
        lambda: cut("digests/latest", 30),
        FAILED,
        lambda: [("digest-malformed", "digests/latest", None)],
    ),
    "planted: an object": (
        lambda: add("tile/0/planted"),
        FAILED,
        lambda: [("unknown-object", "tile/0/planted", None)],
    ),
    "planted: a tile that no next checkpoint can have": (
        lambda: add("tile/9/000"),
        FAILED,
        lambda: [("unknown-object", "tile/9/000", None)],
    ),
    "planted: a bundle far beyond the checkpoint": (
        lambda: add("tile/entries/x009/999"),
        FAILED,
        lambda: [("unknown-object", "tile/entries/x009/999", None)],
    ),
    "planted: beside the tiles": (
        lambda: add("index.html"),
        FAILED,
        lambda: [("unknown-object", "index.html", None)],
    ),
    "planted: a digest": (
        lambda: plant_digest,
        FAILED,
        lambda: [("unknown-object", "digests/2026/11/22/20261122T060059Z-300", None)],
    ),
    "planted: a digest of the time to come, unsigned": (
        lambda: add("digests/2026/11/22/20261122T070000Z-700"),
        FAILED,
        lambda: [("unknown-object", "digests/2026/11/22/20261122T070000Z-700", None)],
    ),
    "planted: an old partial tile with other hashes": (
        lambda: add("tile/0/002.p/3", bytes(96)),
        FAILED,
        lambda: [("tile-altered", "tile/0/002.p/3", (512, 514))],
    ),
    "planted: an old partial bundle with other entries": (
        lambda: add("tile/entries/001.p/1", b"\0\1x"),
        FAILED,
        lambda: [("entry-altered", "tile/entries/001.p/1", (256, 256))],
    ),
}


@pytest.mark.parametrize("way", TABLE)
def test_tampering_is_named(way: str) -> None:
    """Answer, kind, place and entries are exactly these, and nothing else is blamed."""
    tamper, answer, expected = TABLE[way]
    files = dict(ledger().objects.files)
    tamper()(files)
    report = verified(files)
    assert (report.answer, found(report)) == (answer, expected())


@pytest.mark.parametrize("way", TABLE)
def test_tampering_is_seen_without_a_listing(way: str) -> None:
    """Over plain HTTP nothing can be listed; all but planted objects are found all the same."""
    tamper, answer, _ = TABLE[way]
    files = dict(ledger().objects.files)
    tamper()(files)
    report = verified(files, can_list=False)
    if way == "digest: renamed":
        answer = INCOMPLETE
    assert report.answer is (Answer.VERIFIED if way.startswith("planted") else answer)


def test_the_untouched_ledger_is_verified() -> None:
    """The table is about what was done to it, not about the ledger."""
    report = verified(dict(ledger().objects.files))
    assert (report.answer, report.findings) == (Answer.VERIFIED, ())


LIES: dict[str, tuple[Callable[[Digest], Digest], set[str]]] = {
    "root": (lambda d: replace(d, root=bytes(32)), {"digest-disagrees", "forked"}),
    "control entries": (lambda d: replace(d, control_entries=9), {"digest-disagrees"}),
    "period": (
        lambda d: replace(d, period_from=max(BEGIN, d.period_from - 1)),
        {"digest-chain-broken"},
    ),
    "size before": (
        lambda d: replace(
            d, size_before=d.size_before // 2, entries=d.size_after - d.size_before // 2
        ),
        {"digest-chain-broken", "digest-disagrees"},
    ),
    "previous": (
        lambda d: (
            replace(d, previous_sha256=sha256(d.previous_name.encode()).digest())
            if d.previous_name
            else d
        ),
        {"digest-chain-broken"},
    ),
    "checkpoint": (
        lambda d: replace(d, checkpoint=ledger().checkpoint(Checkpoint(ORIGIN, 7, bytes(32)))),
        {"digest-disagrees"},
    ),
    "checkpoint's cosignature": (
        lambda d: replace(d, checkpoint=_without_cosignature(d.checkpoint)),
        {"not-witnessed"},
    ),
    "checkpoint's signature": (
        lambda d: replace(d, checkpoint=_signed_by_stranger(d.checkpoint)),
        {"digest-rejected"},
    ),
    "origin": (
        lambda d: replace(d, origin="audit.example.org/other"),
        {"digest-disagrees"},
    ),
}


def _without_cosignature(checkpoint: bytes) -> bytes:
    note = parse_note(checkpoint)
    return Note(note.text, note.signatures[:1]).encode()


def _signed_by_stranger(checkpoint: bytes) -> bytes:
    text = parse_note(checkpoint).text
    return Note(text, (STRANGER.sign(text),)).encode()


@pytest.mark.parametrize("what", LIES)
def test_a_signed_digest_that_lies_is_found(what: str) -> None:
    """Being signed does not make a digest true: the ledger's own signer is not trusted either."""
    change, expected = LIES[what]
    writer = build(change)
    report = verified(writer.objects.files, writer.now)
    codes = {str(finding.code) for finding in report.findings}
    assert codes == expected
    assert report.answer is (INCOMPLETE if codes == {"not-witnessed"} else FAILED)


def test_an_older_checkpoint_beside_a_newer_digest_fails_once_it_is_not_news() -> None:
    """Within minutes of the digest it may be a publication under way, later it is none."""
    files = dict(ledger().objects.files)
    older_checkpoint(files)
    report = verified(files)
    assert (report.answer, found(report)) == (
        INCOMPLETE,
        [("in-progress", "checkpoint", (300, 599))],
    )
    report = verified(files, ledger().now + 10 * MINUTE)
    assert (report.answer, found(report)) == (
        FAILED,
        [("checkpoint-behind", "checkpoint", (300, 599))],
    )


def test_an_older_digest_beside_a_newer_checkpoint_fails_once_it_is_not_news() -> None:
    """The same the other way round."""
    files = dict(ledger().objects.files)
    older_latest(files)
    assert verified(files).answer is INCOMPLETE
    report = verified(files, ledger().now + 10 * MINUTE)
    assert (report.answer, found(report)) == (
        FAILED,
        [("digest-behind", "digests/latest", (300, 599))],
    )


def test_an_older_pair_of_checkpoint_and_digest_is_stale() -> None:
    """Whoever never saw the ledger can only see that nothing is signed since."""
    files = dict(ledger().objects.files)
    older_checkpoint(files)
    older_latest(files)
    report = verified(files, ledger().now + 76 * MINUTE)
    assert (report.answer, found(report)) == (INCOMPLETE, [("stale", "checkpoint", None)])
