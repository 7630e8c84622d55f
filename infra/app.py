"""The CDK app. `cdk.json` runs it as `.venv/bin/python -m infra.app`; settings come from there.

npx aws-cdk@2.1148.1 deploy --all -c stage=prod
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from infra.assets.packaged_node import use_packaged_node
from infra.settings import Settings, SettingsError
from infra.settings.reader import read_settings, read_warnings

REPOSITORY = Path(__file__).resolve().parent.parent


def main() -> int:
    """Synthesize all stacks of one stage. Return the exit code: 2 if a setting is wrong."""
    try:
        settings = read_settings(context())
    except SettingsError as error:
        print(f"cdk.json: {error}", file=sys.stderr)
        return 2
    for warning in read_warnings(settings):
        print(f"cdk.json: warning: {warning}", file=sys.stderr)
    use_packaged_node()
    synthesize_app(settings)
    return 0


def context() -> dict[str, Any]:
    """Return the context that the CDK command passes, or else that of cdk.json."""
    handed_over = os.environ.get("CDK_CONTEXT_JSON")
    if handed_over:
        found: dict[str, Any] = json.loads(handed_over)
        if "audit-ledger" in found:
            return found
    return {**written_context(), **(json.loads(handed_over) if handed_over else {})}


def written_context() -> dict[str, Any]:
    """Read the context of cdk.json. Raise SettingsError if it is no JSON object with a context."""
    try:
        written = json.loads((REPOSITORY / "cdk.json").read_text())
        found: dict[str, Any] = written["context"]
    except json.JSONDecodeError as error:
        raise SettingsError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except (KeyError, TypeError):
        raise SettingsError('no "context" that is an object') from None
    return found


def synthesize_app(settings: Settings) -> None:
    """Build and synthesize; imports of aws_cdk start Node, so only now."""
    import aws_cdk as cdk  # noqa: PLC0415
    from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks  # noqa: PLC0415

    from infra.stacks.stage import add_stacks  # noqa: PLC0415

    app = cdk.App()
    add_stacks(app, settings)
    if os.environ.get("CDK_VALIDATION") != "false":
        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), HIPAASecurityChecks(app))
    app.synth()


if __name__ == "__main__":
    sys.exit(main())
