"""Reading the settings: what stands under `audit-ledger` in cdk.json, checked before anything else.

A stage's own settings (`stages.<stage>`) replace the general ones of the same name. Every error
says where, what was found and what was expected.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from infra.settings import KEY, STAGES, Settings, SettingsError
from infra.settings_faults import faults

_STAGE_DEFAULTS: dict[str, dict[str, Any]] = {
    "dev": {
        "retention": {"mode": "GOVERNANCE", "days": 1},
        "protected": False,
        "reserve_concurrency": False,
        "log_days": 30,
    },
    "prod": {
        "retention": {"mode": "COMPLIANCE", "days": 3653},
        "protected": True,
        "reserve_concurrency": True,
        "log_days": 400,
    },
}


def read_settings(context: Mapping[str, Any]) -> Settings:
    """Read the CDK context: `stage` (default dev) and `audit-ledger`. Raises SettingsError."""
    stage = context.get("stage", "dev")
    if stage not in STAGES:
        raise SettingsError(_wrong("stage", stage, f"one of {', '.join(STAGES)} (-c stage=…)"))
    given = context.get(KEY)
    if not isinstance(given, dict):
        raise SettingsError(_wrong(KEY, given, "an object, in cdk.json under context"))
    stages = given.get("stages", {})
    if not isinstance(stages, dict) or any(not isinstance(s, dict) for s in stages.values()):
        raise SettingsError(_wrong(f"{KEY}.stages", stages, "an object of objects"))
    unknown = sorted(set(stages) - set(STAGES))
    if unknown:
        raise SettingsError(_wrong(f"{KEY}.stages", unknown[0], f"one of {', '.join(STAGES)}"))
    general = {name: value for name, value in given.items() if name != "stages"}
    merged = {**_STAGE_DEFAULTS[stage], **general, **stages.get(stage, {}), "stage": stage}
    try:
        settings = msgspec.convert(merged, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(str(error), merged)) from None
    for place, found, expected in faults(settings):
        raise SettingsError(_wrong(f"{KEY}.{place}", found, expected))
    return settings


def _wrong(place: str, found: object, expected: str) -> str:
    shown = "nothing" if found is None else json.dumps(found, default=str, ensure_ascii=False)
    return f"{place}: found {shown}, expected {expected}"


def _explain(message: str, merged: Mapping[str, Any]) -> str:
    """Turn msgspec's `Expected `int`, got `str` - at `$.retention.days`` into our form."""
    what, _, path = message.partition(" - at `$")
    path = path.rstrip("`")
    found: Any = merged
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        found = found[name] if name else found[int(index)]
    where = KEY + path
    if "missing required field" in what or "unknown field" in what:
        return f"{where}: {what[0].lower()}{what[1:]}"
    return _wrong(where, found, what.removeprefix("Expected ").split(", got")[0].replace("`", ""))
