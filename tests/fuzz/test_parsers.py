"""Whatever a parser reads, only its documented error comes out, and what it accepts prints back."""

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.fuzz import seeds
from tests.fuzz.mutations import spoilt
from tests.fuzz.parsers import PARSERS

EXAMPLES = 300
# The same examples in every run, and no hunt for a smaller one: the long form looks further.
SHORT = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("name", PARSERS)
def test_the_examples_are_accepted(name: str) -> None:
    """So spoilt ones are near to what is valid. What needs the other side's key is refused."""
    parser = PARSERS[name]
    accepted = [parser.check(seed) for seed in parser.seeds]
    assert any(accepted) or name in ("ML-DSA cosignature", "Authorization")


@pytest.mark.parametrize("name", PARSERS)
@SHORT
@given(random=st.randoms(use_true_random=True))
def test_spoilt_examples_raise_the_documented_error_or_are_accepted_whole(
    name: str, random: Random
) -> None:
    """Bytes flipped, cut, spliced, repeated; lines swapped; numbers and values replaced."""
    parser = PARSERS[name]
    data = spoilt(random, parser.seeds)
    note(f"{name}: {data!r}")
    parser.check(data)


# What longer runs once found, each a fault that is mended.
FOUND = [
    ("public key", seeds.PUBLIC_KEYS[0].replace(b"+ep", b"+eu")),
    ("claims", b'{"scp": ["system/*.cruds", 7]}'),
    ("Authorization", b"Bearer a.b.\xe1"),
    ("dead letter", b'{"x":' + b"[" * 2000),
    ("digest", seeds.DIGEST.encode() + b"\xff"),
]


@pytest.mark.parametrize(("name", "data"), FOUND, ids=[name for name, _ in FOUND])
def test_repaired_faults_do_not_return(name: str, data: bytes) -> None:
    """The documented error and no other exception."""
    assert not PARSERS[name].check(data)
