"""Versions of functions: what makes a new one, whichever account and region are written down.

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
    """Give a name to what a function runs: hex digits of a hash over it, without account or region.

    `runs`: what is published with a version. AssertionError where it holds what only CloudFormation
    knows, other than account, region and partition.
    """
    text = json.dumps(runs, sort_keys=True)
    for found, name in (
        (f"arn:{stack.partition}:", "arn:<partition>:"),
        (stack.account, "<account>"),
        (stack.region, "<region>"),
        (stack.url_suffix, "<suffix>"),
    ):
        text = text.replace(found, name)
    if cdk.Token.is_unresolved(text):
        raise AssertionError(f"a version is named after what is known at synthesis: {text}")
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
