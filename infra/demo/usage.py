"""Sums and parts of the usage of AWS."""

from collections.abc import Collection

from infra.local.cost.meter import Usage


def sum_of(one: Usage, other: Usage) -> Usage:
    """Add two usages up."""
    calls, units = dict(one.calls_by_caller), dict(one.units_by_caller)
    for call, count in other.calls_by_caller.items():
        calls[call] = calls.get(call, 0) + count
    for unit, amount in other.units_by_caller.items():
        units[unit] = units.get(unit, 0.0) + amount
    return Usage(calls, units)


def part_of(usage: Usage, callers: Collection[str]) -> Usage:
    """Return what only these callers used."""
    return Usage(
        {call: count for call, count in usage.calls_by_caller.items() if call[0] in callers},
        {unit: amount for unit, amount in usage.units_by_caller.items() if unit[0] in callers},
    )
