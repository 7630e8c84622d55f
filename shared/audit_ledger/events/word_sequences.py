"""Search a text for many sequences of words in one pass (Aho and Corasick, 1975).

    with ("a", "b", "c") → 1 and ("b",) → 2, find(a b d) returns 2, and find(x a b c y) returns 3

Each node is a prefix of a sequence; its fallback is its longest proper suffix that is a prefix too.
Its bits include those of its fallback, so that a step has the same cost however many sequences end
there.
"""

from collections import deque
from collections.abc import Iterable, Mapping


class WordSequences:
    """A matcher of word sequences; `bits` maps each sequence (not empty) to its bits."""

    def __init__(self, bits: Mapping[tuple[str, ...], int]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._bits = [0]
        for words, own in bits.items():
            node = 0
            for word in words:
                below = self._next[node].get(word)
                if below is None:
                    below = self._next[node][word] = len(self._next)
                    self._next.append({})
                    self._bits.append(0)
                node = below
            self._bits[node] |= own
        self._back = [0] * len(self._next)
        self._fall_back()

    def _fall_back(self) -> None:
        waiting = deque(self._next[0].values())
        while waiting:
            node = waiting.popleft()
            for word, below in self._next[node].items():
                back = self._back[below] = self._step(self._back[node], word)
                self._bits[below] |= self._bits[back]
                waiting.append(below)

    def _step(self, node: int, word: str) -> int:
        while node and word not in self._next[node]:
            node = self._back[node]
        return self._next[node].get(word, 0)

    def find(self, words: Iterable[str]) -> int:
        """Return the union of the bits of all sequences in `words`."""
        node = found = 0
        for word in words:
            node = self._step(node, word)
            found |= self._bits[node]
        return found
