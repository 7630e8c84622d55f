"""Tiles and bundles wider than those of the checkpoint: whole, and beginning as what was signed."""

from collections.abc import Callable

import pytest

from audit_ledger.tlog.entry_bundle import pack_entry_bundle
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.verification_report import VerificationReport
from tests.verify.writer import Keys, Objects, Writer, ledger_of

Files = dict[str, bytes]


def grown(size: int) -> tuple[Files, int, Writer]:
    """Files of a ledger of 300 entries with the tiles, not the digests, of its next checkpoint."""
    writer = ledger_of(300)
    early, now = dict(writer.objects.files), writer.now
    writer.add_events(size - 300)
    writer.publish()
    tiles = {path: data for path, data in writer.objects.files.items() if path.startswith("tile")}
    return early | tiles, now, writer


def without_partial(files: Files) -> Files:
    gone = ("tile/0/001.p/44", "tile/entries/001.p/44", "tile/1/000.p/1")
    return {path: data for path, data in files.items() if path not in gone}


def verified(files: Files, now: int, *, can_list: bool = True) -> VerificationReport:
    source = Objects(files, can_list=can_list)
    return verify_ledger(source, Keys().policy(), now, workers=1, wait=lambda _: None)


def found(report: VerificationReport) -> list[tuple[str, str, tuple[int, int] | None]]:
    return [(str(f.code), f.where, f.entries) for f in report.findings]


@pytest.mark.parametrize("can_list", [True, False])
@pytest.mark.parametrize("size", [301, 400, 511, 512, 600, 1000])
def test_tiles_of_the_next_checkpoint_are_no_finding(size: int, can_list: bool) -> None:
    """With the partial ones, or in their place once they are full."""
    files, now, _ = grown(size)
    for present in (files, without_partial(files)) if size >= 512 else (files,):
        report = verified(present, now, can_list=can_list)
        if "tile/1/000.p/1" not in present:
            assert found(report) == [("missing", "tile/1/000.p/1", (0, 255))]
            continue
        assert (report.answer, report.findings) == (Verdict.VERIFIED, ())


def flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


MALFORMED: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "a byte appended": lambda data: data + b"x",
    "a byte cut off": lambda data: data[:-1],
    "cut to what was signed": lambda data: data[: 44 * 32],
    "a hash appended": lambda data: data + bytes(32),
    "twice": lambda data: data + data,
}


@pytest.mark.parametrize("path", ["tile/0/001.p/100", "tile/entries/001.p/100"])
@pytest.mark.parametrize("what", MALFORMED)
def test_a_wider_partial_tile_of_another_length_fails(what: str, path: str) -> None:
    """Its name states how many hashes or entries it has."""
    files, now, _ = grown(356)
    files[path] = MALFORMED[what](files[path])
    code = "tile-malformed" if "/0/" in path else "bundle-malformed"
    assert found(verified(files, now)) == [(code, path, (256, 355))]


@pytest.mark.parametrize("can_list", [True, False])
@pytest.mark.parametrize("path", ["tile/0/001", "tile/entries/001"])
@pytest.mark.parametrize("what", MALFORMED)
def test_a_full_tile_of_another_length_fails(what: str, path: str, can_list: bool) -> None:
    """With the partial one if it can be listed, in its place always."""
    files, now, _ = grown(512)
    files[path] = MALFORMED[what](files[path])
    code = "tile-malformed" if "/0/" in path else "bundle-malformed"
    beside = found(verified(files, now, can_list=can_list))
    assert beside == ([(code, path, (256, 511))] if can_list else [])
    partial = path.replace("/001", "/001.p/44")
    del files[partial]
    report = verified(files, now, can_list=can_list)
    assert report.answer is Verdict.FAILED
    assert found(report)[0] == (code, path, (256, 299))


@pytest.mark.parametrize(
    ("path", "code"), [("tile/0/001", "tile-altered"), ("tile/entries/001", "entry-altered")]
)
@pytest.mark.parametrize("place", [0, 20, 43])
def test_a_wider_tile_with_other_signed_hashes_fails(path: str, code: str, place: int) -> None:
    """Full or not; the hashes after the signed ones are not signed yet."""
    for size, name in ((356, f"{path}.p/100"), (512, path)):
        files, now, writer = grown(size)
        if "entries" in path:
            entries = list(writer.entries[256:size])
            entries[place] = flipped(100)(entries[place])
            files[name] = pack_entry_bundle(entries)
        else:
            files[name] = flipped(32 * place)(files[name])
        assert found(verified(files, now)) == [(code, name, (256, 299))]
        files, now, _ = grown(size)
        files[name] = flipped(len(files[name]) - 1)(files[name])
        assert verified(files, now).answer is Verdict.VERIFIED


def test_a_wider_tile_above_is_checked_too() -> None:
    """Its first hashes are those of the full tiles that were signed."""
    files, now, _ = grown(600)
    files["tile/1/000.p/2"] = flipped(0)(files["tile/1/000.p/2"])
    assert found(verified(files, now)) == [("tile-altered", "tile/1/000.p/2", (0, 255))]
    files["tile/1/000.p/2"] = files["tile/1/000.p/2"][:40]
    assert found(verified(files, now)) == [("tile-malformed", "tile/1/000.p/2", (0, 511))]
