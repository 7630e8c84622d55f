"""All stacks of a stage, in the order in which they are deployed."""

import aws_cdk as cdk

from infra.buckets import BucketsStack
from infra.settings import Settings
from infra.tables import TablesStack


def add_stacks(app: cdk.App, settings: Settings) -> None:
    """Add the stacks that all ledgers share and one per ledger."""
    TablesStack(app, settings)
    BucketsStack(app, settings)
