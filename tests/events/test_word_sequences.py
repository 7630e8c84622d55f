"""The matcher of word sequences agrees with a separate search for each sequence."""

from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.events.word_sequences import WordSequences

WORDS = st.lists(st.sampled_from("abc"), max_size=12)
SEQUENCES = st.dictionaries(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map(tuple),
    st.integers(0, 6).map(lambda n: 1 << n),
    max_size=8,
)


def search_each(sequences: dict[tuple[str, ...], int], words: list[str]) -> int:
    """Search for each sequence at each position."""
    found = 0
    for sequence, bits in sequences.items():
        for at in range(len(words) - len(sequence) + 1):
            if tuple(words[at : at + len(sequence)]) == sequence:
                found |= bits
    return found


@given(SEQUENCES, WORDS)
def test_exactly_the_sequences_in_the_words_are_found(
    sequences: dict[tuple[str, ...], int], words: list[str]
) -> None:
    """Overlapping ones, ends of each other, one within another."""
    assert WordSequences(sequences).find(words) == search_each(sequences, words)
