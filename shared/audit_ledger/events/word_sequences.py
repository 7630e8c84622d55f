"""Many sequences of words, looked for in one pass over a text (Aho and Corasick, 1975).

    of ("a", "b", "c") → 1 and ("b",) → 2, the words a b d give 2, and x a b c y give 3

Each node is a beginning of a sequence; it falls back to its longest proper end that is a beginning
too. Its bits are its own and those of where it falls back to, so that a step costs the same however
many sequences end there.
"""

from collections import deque
from collections.abc import Iterable, Mapping


class WordSequences:
    """Finds sequences of words; `bits` are what each of them, not empty, stands for."""

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
        """Return the bits of all sequences that stand in `words`, together."""
        node = found = 0
        for word in words:
            node = self._step(node, word)
            found |= self._bits[node]
        return found
