"""Settings of a test process that save time and change no result.

Before these, garbage collection took half of the CPU time of the tests that run on moto.
"""

import gc
from functools import cache
from typing import Any

import botocore.hooks
import botocore.session

from infra.demo.moto_speedups import speed_up_moto
from infra.local.aws.emulator import serialise_calls
from infra.local.aws.patching import replace

ALLOCATIONS_PER_COLLECTION = 50_000  # Python's own 700 suits small processes
KEYWORDS = 0x08  # of a code object: the function takes **kwargs
_ALIASER: Any = botocore.hooks.EventAliaser  # its stub omits what is private
_spell_alias = _ALIASER._alias_event_name
_aliases: dict[str, str] = {}  # every aliaser has the same table
_accepts_kwargs: Any = botocore.hooks.accepts_kwargs


def quicken_botocore() -> None:
    """Read each service description once per process; and each event name and handler too."""
    replace(botocore.session, "create_loader", cache(botocore.session.create_loader))
    replace(botocore.hooks, "accepts_kwargs", _takes_keywords)
    replace(_ALIASER, "_alias_event_name", _alias_event_name)
    serialise_calls()  # as `speed_up_moto` demands
    speed_up_moto()


def _takes_keywords(handler: Any) -> bool:
    code = getattr(getattr(handler, "__func__", handler), "__code__", None)
    return bool(code.co_flags & KEYWORDS if code else _accepts_kwargs(handler))


def _alias_event_name(aliaser: Any, event_name: str) -> str:
    if event_name not in _aliases:
        _aliases[event_name] = _spell_alias(aliaser, event_name)
    return _aliases[event_name]


def spare_collections() -> None:
    """Exempt all modules and collected tests from garbage collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS_PER_COLLECTION, 20, 20)
