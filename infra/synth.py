"""Synthesis as a function: a cloud assembly in a folder, without the CDK command and AWS.

The app runs in a process of its own: Node, its memory and its switches stay out of the caller's.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.assets.packaged_node import use_packaged_node
from infra.settings import KEY, STAGES, SettingsError

REPOSITORY = Path(__file__).resolve().parent.parent
WRONG_SETTING = 2


def synthesize(
    outdir: Path,
    *,
    stage: str = "dev",
    settings: Mapping[str, Any] | None = None,
    alone: bool = False,
    bundle: bool = False,
    for_this_machine: bool = False,
    validate: bool = False,
) -> Path:
    """Synthesize one stage into `outdir` and return that.

    `settings` replace those of the same name under `audit-ledger` in cdk.json; `alone`: nothing
    else is read from there. `bundle`: assets contain wheels for Lambda (from the package registry);
    without them the templates are the same, but cannot be deployed; `for_this_machine`: wheels
    that run here, under this Python, and not on Lambda. `validate`: with CDK's own
    validation and cdk-nag, some ten seconds more.

    Raises SettingsError for a wrong setting, RuntimeError with the app's output otherwise.
    """
    context: dict[str, Any] = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    context["stage"] = stage
    context[KEY] = {**({} if alone else context[KEY]), **(settings or {})}
    if not bundle:
        context["aws:cdk:bundling-stacks"] = []
    if for_this_machine:
        context["bundle-for"] = "this-machine"
    use_packaged_node()
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(outdir.absolute()),
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


def main() -> None:
    """`python -m infra.synth`: the templates of a stage, into cdk.out, without the CDK command."""
    parser = argparse.ArgumentParser(prog="python -m infra.synth", description=main.__doc__)
    parser.add_argument("--stage", choices=STAGES, default="dev")
    parser.add_argument("--outdir", type=Path, default=REPOSITORY / "cdk.out")
    parser.add_argument("--bundle", action="store_true", help="with wheels for Lambda")
    parser.add_argument("--validate", action="store_true", help="with CDK's checks and cdk-nag")
    options = parser.parse_args()
    try:
        folder = synthesize(
            options.outdir, stage=options.stage, bundle=options.bundle, validate=options.validate
        )
    except SettingsError as error:
        sys.exit(str(error))
    templates = list(folder.glob(f"audit-ledger-{options.stage}-*.template.json"))
    print(f"{len(templates)} templates in {folder}")


if __name__ == "__main__":
    main()
