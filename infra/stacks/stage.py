"""All stacks of a stage, in their order of deployment."""

import aws_cdk as cdk

from infra.settings import Settings
from infra.stacks.api import ApiStack
from infra.stacks.buckets import BucketsStack
from infra.stacks.bus import BusStack
from infra.stacks.dead_letters import DeadLettersStack
from infra.stacks.delivery import DeliveryStack
from infra.stacks.follower import FollowerStack
from infra.stacks.ledger import LedgerStack
from infra.stacks.operations import OperationsStack
from infra.stacks.tables import TablesStack


def add_stacks(app: cdk.App, settings: Settings) -> None:
    """Add the stacks that all ledgers share, then one for each ledger."""
    operations = OperationsStack(app, settings)
    tables = TablesStack(app, settings, operations.operations)
    buckets = BucketsStack(app, settings)
    bus = BusStack(app, settings, operations.operations)
    api = ApiStack(app, settings, operations.operations, bus)
    follower = FollowerStack(app, settings, operations.operations, bus)
    follower.add_stack_dependency(bus)
    dead_letters = DeadLettersStack(app, settings, operations.operations)
    if any(ledger.public for ledger in settings.ledgers):
        DeliveryStack(app, settings).add_stack_dependency(buckets)
    for ledger in settings.ledgers:
        stack = LedgerStack(app, settings, ledger, operations.operations)
        # By name only, so that CDK does not see it: an event source mapping wants its function,
        # a rule its bus and ingest; and a ledger that runs wants its tables and buckets.
        for needed in (tables, buckets, bus, api, dead_letters):
            stack.add_stack_dependency(needed)
