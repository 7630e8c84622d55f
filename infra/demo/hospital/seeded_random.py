"""Reproducible randomness: every part of the day has a generator of its own, from one seed."""

from random import Random


def dice(seed: int, what: str) -> Random:
    """Return a generator with the same values for a seed and word on every machine."""
    return Random(f"{seed} {what}")  # noqa: S311 - generates test data, no secrets
