"""Reads the settings, `audit-ledger` in cdk.json, and checks them before anything else runs.

A stage's own settings (`stages.<stage>`) replace the general ones of the same name. Every error
states its place, what was found and what was expected, and for an unknown name the nearest known.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, get_args

import msgspec

from infra.settings.settings import KEY, STAGES, Settings, SettingsError
from infra.settings.validation import DOMAIN, faults, warnings

_NAMES = frozenset(field.name for field in msgspec.structs.fields(Settings)) - {"stage"}

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

_IN_WORDS = {
    "str": "text, in quotes",
    "int": "a whole number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}
"""JSON types by their names in messages of msgspec."""


def read_settings(context: Mapping[str, Any]) -> Settings:
    """Read the CDK context: `stage` (default dev) and `audit-ledger`. Raises SettingsError."""
    stage = context.get("stage", "dev")
    if stage not in STAGES:
        raise SettingsError(_wrong("stage", stage, f"one of {', '.join(STAGES)} (-c stage=…)"))
    given = context.get(KEY)
    if not isinstance(given, dict):
        near = get_close_matches(KEY, context, 1) if given is None else []
        found = near[0] if near else given
        raise SettingsError(_wrong(KEY, found, "an object of this name, in cdk.json under context"))
    stages = given.get("stages", {})
    if not isinstance(stages, dict) or any(not isinstance(s, dict) for s in stages.values()):
        raise SettingsError(_wrong(f"{KEY}.stages", stages, "an object of objects"))
    unknown = sorted(set(stages) - set(STAGES))
    if unknown:
        raise SettingsError(_wrong(f"{KEY}.stages", unknown[0], f"one of {', '.join(STAGES)}"))
    general = {name: value for name, value in given.items() if name != "stages"}
    _require_known(KEY, given, (*_NAMES, "stages"))
    for each, own in stages.items():  # of the other stage as well
        _require_known(f"{KEY}.stages.{each}", own, _NAMES)
    domain = _domain(stage, given)
    for each in STAGES:
        if each != stage and _is_domain(domain) and _domain(each, given) == domain:
            expected = (
                f"another domain than {each}'s: verifiers remember a ledger by its origin, "
                "<domain>/<ledger id>"
            )
            raise SettingsError(_wrong(f"{KEY}.stages.{stage}.domain", domain, expected))
    merged = {**_STAGE_DEFAULTS[stage], **general, **stages.get(stage, {}), "stage": stage}
    if domain is not None:
        merged["domain"] = domain
    try:
        settings = msgspec.convert(merged, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(str(error), merged)) from None
    for place, found, expected in faults(settings):
        raise SettingsError(_wrong(f"{KEY}.{place}", found, expected))
    return settings


def read_warnings(settings: Settings) -> list[str]:
    """Return a line for each setting that is allowed but rarely intended."""
    return [_wrong(f"{KEY}.{place}", found, why) for place, found, why in warnings(settings)]


def _domain(stage: str, given: Mapping[str, Any]) -> Any:
    """Return a stage's domain: its own, or else the general one, prefixed by the stage except prod.

    The prefix keeps the origins of two stages different. A value that is no domain is returned as
    it is, for validation to report.
    """
    own = given.get("stages", {}).get(stage, {})
    if "domain" in own:
        return own["domain"]
    general = given.get("domain")
    return f"{stage}.{general}" if stage != "prod" and _is_domain(general) else general


def _is_domain(value: Any) -> bool:
    return isinstance(value, str) and DOMAIN.fullmatch(value) is not None


def _require_known(place: str, given: Mapping[str, Any], names: Collection[str]) -> None:
    for name in given:
        if name == "stage":
            raise SettingsError(_wrong(f"{place}.stage", given[name], "-c stage=… in its place"))
        if name not in names:
            raise SettingsError(
                f"{place}: object contains unknown field `{name}`{_near(name, names)}"
            )


def _near(name: str, names: Iterable[str]) -> str:
    """Return the nearest known name for a message, or all known names."""
    known = sorted(names)
    near = get_close_matches(name.lower(), known, 1, 0.6)
    near = near or [each for each in known if each.startswith(name.lower())][:1]
    return f"; did you mean `{near[0]}`?" if near else f", expected one of {', '.join(known)}"


def _wrong(place: str, found: object, expected: str) -> str:
    shown = "nothing" if found is None else json.dumps(found, default=str, ensure_ascii=False)
    return f"{place}: found {shown}, expected {expected}"


def _explain(message: str, merged: Mapping[str, Any]) -> str:
    """Return a message of msgspec, `Expected `int`, got `str` - at `$.a.b``, in the form above."""
    what, _, path = message.partition(" - at `$")
    path = path.rstrip("`")
    if path.endswith("[...]"):  # a value of an object with keys of the user's choice
        path = path.removesuffix("[...]")
    found: Any = merged
    kind: Any = Settings
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        found = found[name] if name else found[int(index)]
        kind = _type_of(kind, name)
    where = KEY + path
    if "unknown field" in what:
        (unknown,) = re.findall("`(.+)`", what)
        return f"{where}: {what[0].lower()}{what[1:]}{_near(unknown, _fields(kind))}"
    if "missing required field" in what:
        return f"{where}: {what[0].lower()}{what[1:]}"
    if "Invalid enum value" in what:
        return _wrong(where, found, f"one of {', '.join(map(str, get_args(kind)))}")
    expected = what.removeprefix("Expected ").split(", got")[0].replace("`", "")
    return _wrong(where, found, _IN_WORDS.get(expected.removesuffix(" | null"), expected))


def _type_of(kind: Any, name: str) -> Any:
    """Return the type of a member, or of the items where there is no name."""
    if name:
        return next((f.type for f in msgspec.structs.fields(kind) if f.encode_name == name), None)
    return get_args(kind)[0]


def _fields(kind: Any) -> list[str]:
    """Return the names of the members of an object, also of the values of a mapping."""
    for each in (kind, *get_args(kind)):
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            return [field.encode_name for field in msgspec.structs.fields(each)]
    return []
