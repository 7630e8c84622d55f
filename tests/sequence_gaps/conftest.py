"""Property tests of this folder say what holds, not how fast this machine is just now."""

from hypothesis import settings

settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")
