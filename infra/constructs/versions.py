"""Versions of functions: what requires a new one, independent of account and region.

Lambda publishes a version only where code or configuration changed; where nothing did, publishing
fails. CDK names versions after the template's text, which changes when `account` or `region` are
added to the settings although the function does not. So they are named after what they run, and the
name stands in the function's description: with another name, something did change.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk

from infra.stage_stack import StageStack

_DIGITS = 32


def version_of(stack: StageStack, runs: Mapping[str, Any]) -> str:
    """Return a name for what a function runs: hex digits of a hash over it, wherever it runs.

    `runs`: what is published with a version.
    """
    text = _as_text(stack.resolve(json.dumps(runs, sort_keys=True)))
    for written, name in (
        (stack.account, "<AWS::AccountId>"),
        (stack.region, "<AWS::Region>"),
        (f"arn:{stack.partition}:", "arn:<AWS::Partition>:"),
        (stack.url_suffix, "<AWS::URLSuffix>"),
    ):
        if not cdk.Token.is_unresolved(written):
            text = text.replace(written, name)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _as_text(resolved: Any) -> str:
    """Return values of CloudFormation as `<logical id>` or `<logical id.attribute>`."""
    if isinstance(resolved, str):
        return resolved
    match resolved:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(_as_text, parts))
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
    return json.dumps(resolved, sort_keys=True)
