"""Ways of tampering with checkpoint and digests, with and without the keys that sign them."""

from dataclasses import replace
from hashlib import sha256

from audit_ledger.ledger.digest import Digest
from audit_ledger.ledger.signed_digest import parse_signed_digest
from audit_ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from audit_ledger.tlog.cosignature import mldsa44_message, pack_timestamped_signature
from audit_ledger.tlog.note import MLDSA44_COSIGNATURE, Note, Signature, VerifierKey, parse_note
from tests.attacks.case import Tamper
from tests.attacks.ledger import (
    CHECKPOINT,
    D520,
    D600,
    HEARTBEAT,
    HOUR,
    LATEST,
    SIZE,
    AttackedLedger,
)
from tests.verify.writer import Keys
from tests.world import ORIGIN

STRANGER = Keys(b"stranger")
OTHER = "audit.example.org/other"
PLANTED_DIGEST = "digests/2026/11/23/20261123T021519Z-600"
MOVED = "digests/2026/11/23/20261123T021430Z-520"
LATER = "digests/2026/11/23/20261123T031620Z-600"
TO_COME = "digests/2026/11/23/20261123T033000Z-700"


def digest_of(ledger: AttackedLedger, path: str) -> Digest:
    return parse_signed_digest(ledger.files[path]).digest


def signed_tree(ledger: AttackedLedger) -> Checkpoint:
    return parse_checkpoint(parse_note(ledger.files[CHECKPOINT]).text)


def older_checkpoint(path: str) -> Tamper:
    """Replace the newest checkpoint by that of a digest."""
    return lambda ledger: ledger.write(CHECKPOINT, digest_of(ledger, path).checkpoint)


def with_signatures(ledger: AttackedLedger, *signatures: Signature) -> None:
    text = parse_note(ledger.files[CHECKPOINT]).text
    ledger.write(CHECKPOINT, Note(text, signatures).to_bytes())


def cosigned(ledger: AttackedLedger, name: str, root: bytes) -> Signature:
    """Return a cosignature of a root by the ledger's ML-DSA key, under a name."""
    message = mldsa44_message(name, ledger.clock.now, ORIGIN, 0, SIZE, root)
    key = VerifierKey(name, MLDSA44_COSIGNATURE, ledger.signer.mldsa44_key)
    value = pack_timestamped_signature(ledger.clock.now, ledger.signer.mldsa44_sign(message))
    return Signature(name, key.key_id, value)


def own_signatures(ledger: AttackedLedger) -> tuple[Signature, ...]:
    return parse_note(ledger.files[CHECKPOINT]).signatures


def keep_signature(number: int) -> Tamper:
    return lambda ledger: with_signatures(ledger, own_signatures(ledger)[number])


def cosigned_under_another_name(ledger: AttackedLedger) -> None:
    cosignature = cosigned(ledger, OTHER, signed_tree(ledger).root)
    with_signatures(ledger, own_signatures(ledger)[0], cosignature)


def cosigned_another_root(ledger: AttackedLedger) -> None:
    cosignature = cosigned(ledger, ORIGIN, bytes(32))
    with_signatures(ledger, own_signatures(ledger)[0], cosignature)


def signed_by_a_stranger(ledger: AttackedLedger) -> None:
    tree = signed_tree(ledger)
    signatures = STRANGER.sign(tree.text), STRANGER.cosign(tree, ledger.clock.now)
    with_signatures(ledger, *signatures)


def signed_ahead(ledger: AttackedLedger) -> None:
    """Sign for tomorrow with the ledger's keys: the checkpoint would be fresh for a day."""
    time = ledger.clock.now + 24 * HOUR
    ledger.write(CHECKPOINT, ledger.signer.checkpoint(signed_tree(ledger), time))


def another_root_signed(ledger: AttackedLedger) -> None:
    time = digest_of(ledger, LATEST).period_to
    tree = Checkpoint(ORIGIN, SIZE, bytes(32))
    ledger.write(CHECKPOINT, ledger.signer.checkpoint(tree, time))


def of_another_origin(ledger: AttackedLedger) -> None:
    """Sign the checkpoint of another origin with this ledger's keys."""
    tree = replace(signed_tree(ledger), origin=OTHER)
    other = replace(ledger.signer, origin=OTHER)
    ledger.write(CHECKPOINT, other.checkpoint(tree, ledger.clock.now))


def claimed_larger(ledger: AttackedLedger) -> None:
    """Put a checkpoint without a valid signature that is larger than all signed ones."""
    tree = Checkpoint(ORIGIN, 10**9, bytes(32))
    signatures = STRANGER.sign(tree.text), STRANGER.cosign(tree, ledger.clock.now)
    ledger.write(CHECKPOINT, Note(tree.text, signatures).to_bytes())


def digest_by_a_stranger(*paths: str) -> Tamper:
    def tamper(ledger: AttackedLedger) -> None:
        text = parse_note(ledger.files[paths[0]]).text
        for path in paths:
            ledger.write(path, Note(text, (STRANGER.sign(text),)).to_bytes())

    return tamper


def plant_signed_digest(ledger: AttackedLedger) -> None:
    """Put a signed digest, a second earlier, that no other digest names."""
    digest = digest_of(ledger, D600)
    stray = replace(digest, period_to=digest.period_to - 1)
    ledger.write(stray.name, ledger.signer.digest(stray).data)


def skip_a_digest(ledger: AttackedLedger) -> None:
    """Sign the newest digest again, so that it skips the one before it."""
    before = digest_of(ledger, D520)
    skipping = replace(
        digest_of(ledger, HEARTBEAT),
        previous_name=before.name,
        previous_sha256=sha256(ledger.files[D520]).digest(),
    )
    for path in (HEARTBEAT, LATEST):
        ledger.write(path, ledger.signer.digest(skipping).data)
