"""Policies as parliament judges them: the actions, resources and keys of AWS' service reference.

It reads a copy of that reference in its own package, and nothing of the network.
"""

import json
import sys
from collections.abc import Mapping
from importlib.resources import files
from types import ModuleType
from typing import Any
from unittest.mock import patch


def _parliament() -> Any:
    """Import parliament, which expects a module that setuptools no longer contains."""
    resources = ModuleType("pkg_resources")
    vars(resources)["resource_filename"] = lambda package, name: str(files(package) / name)
    with patch.dict(sys.modules, {"pkg_resources": resources}):
        import parliament
    return parliament


PARLIAMENT = _parliament()


def findings(policy: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return what parliament finds in a policy document: rule and detail."""
    document = {"Version": "2012-10-17", **policy}
    # parliament expects the values of conditions as text; IAM accepts numbers and booleans too.
    text = json.dumps(json.loads(json.dumps(document), parse_float=str, parse_int=str))
    found = PARLIAMENT.analyze_policy_string(text).findings
    return {(finding.issue, str(finding.detail)) for finding in found}
