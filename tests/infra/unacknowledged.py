"""Synthesize the app without acknowledgments; run by test_nag in a process of its own.

    python tests/infra/unacknowledged.py FILE   (the context is in CDK_CONTEXT_JSON)

FILE gets what the app would have acknowledged: construct path, rule, reason.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.assets.packaged_node import use_packaged_node


def main() -> None:
    """Replace `acknowledge`, synthesize, and write its arguments to the file."""
    use_packaged_node()
    from constructs import IConstruct

    import infra.stage_stack
    from infra.settings.reader import read_settings

    acknowledged: list[tuple[str, str, str]] = []

    def note(construct: IConstruct, reason: str, rules: Sequence[str]) -> None:
        acknowledged.extend((construct.node.path, rule, reason) for rule in rules)

    replaced: Any = infra.stage_stack
    replaced.acknowledge = note
    from infra.app import context, synthesize_app

    try:
        synthesize_app(read_settings(context()))
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise
    Path(sys.argv[1]).write_text(json.dumps(acknowledged))


if __name__ == "__main__":
    main()
