"""Chance that can be repeated: every part of the day has dice of its own, thrown from one seed."""

from random import Random


def dice(seed: int, what: str) -> Random:
    """The same seed and word give the same throws on every machine and in every process."""
    return Random(f"{seed} {what}")  # noqa: S311 - tells a story, makes no secret
