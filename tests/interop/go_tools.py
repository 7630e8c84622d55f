"""The Go programs of this folder, each as one function from a ledger to its verdict."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.interop.published_ledger import PublishedLedger

GO_MODULE = Path(__file__).parent
SECONDS = 120  # no tool may hang over a damaged ledger


@dataclass(frozen=True)
class Verdict:
    """A program's exit status and its output on both streams."""

    exit_status: int
    output: str


@dataclass(frozen=True)
class GoTools:
    """The go command, and the folder with the built programs."""

    go: str
    folder: Path

    def ledgerverify(self, ledger: PublishedLedger, *options: str) -> Verdict:
        """Verify under the policy, with sumdb's note and tlog and another ML-DSA-44."""
        return self._run(
            "ledgerverify", "-policy", str(ledger.policy), "-log", str(ledger.folder), *options
        )

    def ledgerverify_receipt(self, policy: Path, proof: Path, entry: Path | None = None) -> Verdict:
        """Verify a tlog-proof of an entry, or of its extra data, under the policy."""
        options = () if entry is None else ("-entry", str(entry))
        return self._run("ledgerverify", "-policy", str(policy), "-proof", str(proof), *options)

    def fsck(self, ledger: PublishedLedger, key_file: Path) -> Verdict:
        """Run tessera's fsck command. The pinned release exits 0 even if it finds damage."""
        key_file.write_text(ledger.log_key)
        return self._run(
            "fsck",
            "-N=16",
            "-ui=false",
            f"-storage_url=file://{ledger.folder}/",
            f"-public_key={key_file}",
        )

    def fsckstatus(self, ledger: PublishedLedger, key_file: Path) -> Verdict:
        """Run tessera's same check, with an exit status that reports its result."""
        key_file.write_text(ledger.log_key)
        return self._run("fsckstatus", "-log", str(ledger.folder), "-key", str(key_file))

    def _run(self, program: str, *arguments: str) -> Verdict:
        ran = subprocess.run(
            [self.folder / program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Verdict(ran.returncode, ran.stdout)
