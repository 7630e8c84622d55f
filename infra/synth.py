"""Synthesis for others: a cloud assembly in a folder, without the CDK command and without AWS.

The app runs in a process of its own: Node, its memory and its switches stay out of the caller's.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.node import use_packaged_node
from infra.settings import KEY, SettingsError

REPOSITORY = Path(__file__).resolve().parent.parent
WRONG_SETTING = 2


def synthesize(
    outdir: Path,
    *,
    stage: str = "dev",
    settings: Mapping[str, Any] | None = None,
    bundle: bool = False,
    validate: bool = False,
) -> Path:
    """Synthesize one stage into `outdir` and give it back.

    `settings` replace those of the same name under `audit-ledger` in cdk.json. `bundle`: assets
    hold wheels for Lambda too (needs the package registry), otherwise only our sources.
    `validate`: with CDK's own validation and cdk-nag, some ten seconds more.

    Raises SettingsError for a wrong setting, RuntimeError with the app's output otherwise.
    """
    context: dict[str, Any] = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    context["stage"] = stage
    context[KEY] = {**context[KEY], **(settings or {})}
    if not bundle:
        context["aws:cdk:bundling-stacks"] = []
    use_packaged_node()
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(outdir),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_VALIDATION": "true" if validate else "false",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == WRONG_SETTING:
        raise SettingsError(ran.stderr.strip())
    if ran.returncode != 0:
        raise RuntimeError(f"synthesis failed:\n{ran.stdout}{ran.stderr}")
    return outdir
