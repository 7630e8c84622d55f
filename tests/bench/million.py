"""A published ledger of a million entries in plain files, and how fast it is verified."""

import os
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit_ledger.ledger.block import MAX_ENTRIES
from audit_ledger.ledger.digest import NO_DIGEST, Digest
from audit_ledger.ledger.entry import created, link_events
from audit_ledger.ledger.tile_writer import TileWriter
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.compact_range import CompactRange
from audit_ledger.tlog.rfc6962 import leaf_hash
from audit_ledger.tlog.tile_proofs import RightEdge
from audit_ledger.verify.policy_file import policy_for
from functions.publisher.signing import Signer

ORIGIN = "audit.example.org/million"
ENTRIES = 1_000_000
STEP = 1000


def make_ledger(folder: Path, entries: int = ENTRIES) -> Path:
    """Write a ledger as the publisher would, with one digest; gives its policy file."""
    policy = folder.with_suffix(".policy")
    ed25519, mldsa44 = Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate()
    public = [
        key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for key in (ed25519, mldsa44)
    ]
    now = int(time.time())
    tree, growth = CompactRange(), TileWriter(RightEdge(0, {}))
    first = created(ORIGIN, now).to_bytes()
    head = leaf_hash(first)
    batch, leaves = [first], [head]
    while True:
        tree.extend(leaves)
        for path, data in growth.extend(batch, leaves):
            _write(folder / path, data)
        if tree.size == entries:
            break
        count = min(STEP, entries - tree.size)
        commitments = [sha256(b"%d" % (tree.size + n)).digest() for n in range(count)]
        batch, leaves = link_events(tree.size, now, leaves[-1], commitments)
    for path, data in growth.partial_objects(0):
        _write(folder / path, data)
    signer = Signer(ORIGIN, public[0], ed25519.sign, public[1], mldsa44.sign)
    checkpoint = signer.checkpoint(Checkpoint(ORIGIN, tree.size, tree.root()), now)
    digest = Digest(
        ORIGIN, now, now, 0, entries, bytes(32), entries, 1,
        -(-entries // MAX_ENTRIES),
        0, 0, 0, "", NO_DIGEST, checkpoint,
    )  # fmt: skip
    note = signer.digest(digest).data
    for path, data in (("checkpoint", checkpoint), (digest.name, note), ("digests/latest", note)):
        _write(folder / path, data)
    policy.write_bytes(policy_for(ORIGIN, [public[0]], [public[1]]).to_bytes())
    return policy


def verify_figures(folder: Path, policy: Path, rounds: int = 3) -> dict[str, float]:
    """Entries a second, peak memory of all processes, CPU over that of the same hashes alone."""
    seconds, cpu, peak = [], [], 0.0
    for _ in range(rounds):
        before, start = os.times(), time.perf_counter()
        peak = max(peak, _run(["verify", str(folder), "--policy", str(policy), "--no-state"]))
        seconds.append(time.perf_counter() - start)
        after = os.times()
        cpu.append((after[2] - before[2]) + (after[3] - before[3]))
    return {
        "verify_entries_per_second": ENTRIES / min(seconds),
        "verify_peak_mb": peak,
        "verify_to_bare_sha256": min(cpu) / _bare_sha256_seconds(),
    }


def _bare_sha256_seconds() -> float:
    """CPU time of the same hashes alone: a leaf and an inner node for each entry."""
    entry = b"\0" + created(ORIGIN, 0).to_bytes().ljust(153)[:153]
    node = bytes(65)
    start = time.process_time()
    for _ in range(ENTRIES):
        sha256(entry).digest()
        sha256(node).digest()
    return time.process_time() - start


def _run(arguments: list[str]) -> float:
    """Run `ledger` and give the peak of the memory of all its processes, in MB."""
    process = subprocess.Popen(
        [sys.executable, "-m", "audit_ledger.cli", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    done, peaks = Event(), [0.0]

    def watch() -> None:
        while not done.wait(0.02):
            peaks.append(_memory_mb(process.pid))

    watcher = Thread(target=watch)
    watcher.start()
    _, errors = process.communicate()
    done.set()
    watcher.join()
    if process.returncode != 0:
        raise SystemExit(f"ledger {arguments[0]} exited {process.returncode}: {errors.decode()}")
    return max(peaks)


def _memory_mb(pid: int) -> float:
    """Memory of a process and its children, shared pages counted once (PSS)."""
    total = 0.0
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return total / 1024 + sum(_memory_mb(int(child)) for child in children)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
