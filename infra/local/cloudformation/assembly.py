"""Reads a cloud assembly: the folder that `cdk synth` writes."""

import json
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from audit_ledger.errors import FormatError, NotFoundError

STACK = "aws:cloudformation:stack"


@dataclass(frozen=True)
class StackTemplate:
    """One stack as synthesized: its name, its template, and the stacks that must be there first."""

    name: str
    template: dict[str, Any]
    needs: tuple[str, ...] = ()


def read_assembly(directory: Path) -> list[StackTemplate]:
    """Return all stacks of a cloud assembly, each after those that it needs.

    Raises NotFoundError where there is no manifest, FormatError on a nested assembly.
    """
    manifest_file = directory / "manifest.json"
    if not manifest_file.is_file():
        raise NotFoundError(f"{directory}: no manifest.json, so no cloud assembly")
    artifacts: dict[str, Any] = json.loads(manifest_file.read_text())["artifacts"]
    nested = [name for name, a in artifacts.items() if a["type"] == "cdk:cloud-assembly"]
    if nested:
        raise FormatError(f"{directory}: nested assembly {nested[0]}: deploy that folder")
    stacks = {name: a for name, a in artifacts.items() if a["type"] == STACK}
    needs = {
        name: tuple(n for n in artifact.get("dependencies", ()) if n in stacks)
        for name, artifact in stacks.items()
    }
    return [
        StackTemplate(
            stacks[name]["properties"].get("stackName", name),
            json.loads((directory / stacks[name]["properties"]["templateFile"]).read_text()),
            needs[name],
        )
        for name in TopologicalSorter(needs).static_order()
    ]
