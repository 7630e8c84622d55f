"""Subject secret: without it, no record of its subject and generation opens."""

from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class SubjectSecret:
    """A subject's secret of one generation."""

    generation: int
    secret: bytes
