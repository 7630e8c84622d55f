"""Findings of a verification, with place and entries, and the verdict they add up to.

    verified      everything that was checked is valid
    failed        something is not what was signed, or what the format demands: altered, not missing
    incomplete    unknown: missing, unreachable, stale, or not witnessed as the policy requires

Altered and missing are distinct: bytes that contradict a signature or a hash are evidence of
tampering, bytes that are not there are evidence of nothing, so they are never a reason to say
*verified* either. `failed` outweighs `incomplete`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """The result of a verification."""

    VERIFIED = "verified"
    FAILED = "failed"
    INCOMPLETE = "incomplete"


class FindingCode(StrEnum):
    """The kind of a finding. Scripts may rely on the values."""

    # failed
    CHECKPOINT_MALFORMED = "checkpoint-malformed"  # not a checkpoint
    CHECKPOINT_REJECTED = "checkpoint-rejected"  # no known log signed it, or a signature is bad
    CHECKPOINT_BEHIND = "checkpoint-behind"  # the newest digest knows a larger signed checkpoint
    ROOT_MISMATCH = "root-mismatch"  # the entries are not those of the signed root
    ROLLED_BACK = "rolled-back"  # smaller than the checkpoint verified before
    BEGUN_ANEW = "begun-anew"  # another creation than the one verified before, by the same keys
    FORKED = "forked"  # two signed checkpoints that no single ledger can have
    ENTRY_ALTERED = "entry-altered"  # an entry is not the one that its tile commits to
    BUNDLE_MALFORMED = "bundle-malformed"  # an entry bundle is cut short or has bytes too many
    TILE_ALTERED = "tile-altered"  # a tile's hash does not follow from what is below it
    TILE_MALFORMED = "tile-malformed"  # a tile is cut short or has bytes too many
    ENTRY_MALFORMED = "entry-malformed"  # signed, but not written as an entry is
    SEQ_MISMATCH = "seq-mismatch"  # an entry's seq is not its place
    LINK_BROKEN = "link-broken"  # prev is not the leaf hash of the entry before
    TIME_BACKWARDS = "time-backwards"  # an entry's time is before that of the entry before
    NOT_CREATED = "not-created"  # entry 0 does not create this ledger
    DIGEST_MALFORMED = "digest-malformed"  # not a digest
    DIGEST_REJECTED = "digest-rejected"  # no known log signed it or its checkpoint
    DIGEST_CHAIN_BROKEN = "digest-chain-broken"  # a digest is not the one that its successor names
    DIGEST_DISAGREES = "digest-disagrees"  # a digest's root or counts are not those of the entries
    DIGEST_BEHIND = "digest-behind"  # the newest digest is older than the checkpoint
    UNKNOWN_OBJECT = "unknown-object"  # an object that no ledger publishes
    FUTURE_TIME = "future-time"  # a time later than now
    # incomplete
    MISSING = "missing"
    UNREACHABLE = "unreachable"
    NOT_WITNESSED = "not-witnessed"
    STALE = "stale"
    IN_PROGRESS = "in-progress"  # digest and checkpoint differ and one is minutes old


_AND_MORE = " (and so for those that follow)"
_INCOMPLETE = frozenset(
    (
        FindingCode.MISSING,
        FindingCode.UNREACHABLE,
        FindingCode.NOT_WITNESSED,
        FindingCode.STALE,
        FindingCode.IN_PROGRESS,
    )
)


@dataclass(frozen=True)
class Finding:
    """One defect, or one thing that could not be checked.

    `where`: path below the ledger's prefix. `entries`: first and last index concerned, both
    included, or None where it concerns no entry in particular.
    """

    code: FindingCode
    where: str
    entries: tuple[int, int] | None
    message: str

    @property
    def answer(self) -> Verdict:
        """The verdict if this were the only finding."""
        return Verdict.INCOMPLETE if self.code in _INCOMPLETE else Verdict.FAILED


@dataclass
class Findings:
    """Collects findings: lists the first `limit` of them, and counts the rest.

    Findings of one kind about consecutive entries are joined into one. Bundles and their tiles
    alternate, so a finding is compared with the last two.
    """

    limit: int = 100
    listed: list[Finding] = field(default_factory=list)
    left_out: int = 0
    failed: bool = False
    incomplete: bool = False

    def add(self, finding: Finding) -> None:
        """Add a finding, joined with one of the last two if it continues it."""
        self.failed |= finding.answer is Verdict.FAILED
        self.incomplete |= finding.answer is Verdict.INCOMPLETE
        for place in range(len(self.listed) - 1, max(-1, len(self.listed) - 3), -1):
            if joined := _join(self.listed[place], finding):
                self.listed[place] = joined
                return
        if len(self.listed) < self.limit:
            self.listed.append(finding)
        else:
            self.left_out += 1

    def add_all(self, found: "Findings | Iterable[Finding]") -> None:
        """Add the findings of a step, in order, and its count of those beyond its limit."""
        if isinstance(found, Findings):
            self.left_out += found.left_out
            self.failed |= found.failed
            self.incomplete |= found.incomplete
            found = found.listed
        for finding in found:
            self.add(finding)

    @property
    def answer(self) -> Verdict:
        """The verdict that all findings add up to, including those left out."""
        if self.failed:
            return Verdict.FAILED
        return Verdict.INCOMPLETE if self.incomplete else Verdict.VERIFIED


def _join(before: Finding, after: Finding) -> Finding | None:
    """Return one finding for two of one kind about consecutive entries, None for any others."""
    if before.code is not after.code or before.entries is None or after.entries is None:
        return None
    if before.code in (FindingCode.MISSING, FindingCode.UNREACHABLE):
        same_place = before.where.split("/", 2)[:2] == after.where.split("/", 2)[:2]
    else:
        same_place = before.where == after.where
    if not same_place or before.entries[1] + 1 != after.entries[0]:
        return None
    start = before.message.removesuffix(_AND_MORE)
    entries = (before.entries[0], after.entries[1])
    return Finding(before.code, before.where, entries, start + _AND_MORE)
