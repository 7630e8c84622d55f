"""For any input a parser raises only its documented errors, or returns what prints back."""

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.fuzz import seeds
from tests.fuzz.mutations import mutated
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
    """So mutated ones are almost valid. Those that need another party's key are refused."""
    parser = PARSERS[name]
    accepted = [parser.check(seed) for seed in parser.seeds]
    assert any(accepted) or name in ("ML-DSA cosignature", "Authorization")


@pytest.mark.parametrize("name", PARSERS)
@SHORT
@given(random=st.randoms(use_true_random=True))
def test_mutated_examples_raise_a_documented_error_or_print_back(name: str, random: Random) -> None:
    """Bytes flipped, cut, spliced, repeated; lines swapped; numbers and values replaced."""
    parser = PARSERS[name]
    data = mutated(random, parser.seeds)
    note(f"{name}: {data!r}")
    parser.check(data)


# Inputs of longer runs that revealed faults, all repaired.
REPAIRED = [
    ("public key", seeds.PUBLIC_KEYS[0].replace(b"+ep", b"+eu")),
    ("claims", b'{"scp": ["system/*.cruds", 7]}'),
    ("Authorization", b"Bearer a.b.\xe1"),
    ("dead letter", b'{"x":' + b"[" * 2000),
    ("digest", seeds.DIGEST.encode() + b"\xff"),
]


@pytest.mark.parametrize(("name", "data"), REPAIRED, ids=[name for name, _ in REPAIRED])
def test_repaired_faults_do_not_return(name: str, data: bytes) -> None:
    """The documented error and no other exception."""
    assert not PARSERS[name].check(data)
