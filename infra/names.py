"""Fixed names. Stacks, policies and functions find each other by them, so no stack needs another's.

A policy names a role by the ARN that its name gives: the role need not exist yet, stacks have no
cycles, and a ledger can be added without touching what is there.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """Names of one stage in one account and region; `account` and `region` may be CDK tokens.

    `ledger_ids`: the ledgers of the stage, whose roles policies name one by one. `qualifier`: that
    of the CDK bootstrap stack, whose role deploys.
    """

    stage: str
    partition: str
    region: str
    account: str
    ledger_ids: tuple[str, ...] = ()
    qualifier: str = "hnb659fds"

    @property
    def prefix(self) -> str:
        """Prefix of every name of this stage."""
        return f"audit-ledger-{self.stage}"

    def named(self, name: str) -> str:
        """`ingest` → `audit-ledger-dev-ingest`: functions, roles, tables and the bus."""
        return f"{self.prefix}-{name}"

    def of_ledger(self, ledger_id: str, name: str) -> str:
        """`sequencer` → `audit-ledger-dev-st-elsewhere-sequencer`."""
        return f"{self.prefix}-{ledger_id}-{name}"

    def queue(self, ledger_id: str) -> str:
        """Queue of a ledger's accepted requests."""
        return f"{self.prefix}-{ledger_id}"

    def dead_letters(self, ledger_id: str) -> str:
        """Queue of a ledger's messages that could not be appended."""
        return f"{self.prefix}-{ledger_id}-dead"

    def unpublished(self, ledger_id: str) -> str:
        """Queue of the schedule's calls that could not start a ledger's publisher."""
        return f"{self.prefix}-{ledger_id}-unpublished"

    def queues(self, ledger_id: str) -> tuple[str, ...]:
        """Every queue name that a ledger takes."""
        return (self.queue(ledger_id), self.dead_letters(ledger_id), self.unpublished(ledger_id))

    @property
    def undelivered(self) -> str:
        """Queue of events of the bus that ingest did not accept. No ledger id contains a `_`."""
        return f"{self.prefix}_undelivered"

    def bucket(self, purpose: str) -> str:
        """`published` → `audit-ledger-dev-published-<account>-<region>`."""
        return f"{self.prefix}-{purpose}-{self.account}-{self.region}"

    def key_alias(self, ledger_id: str, purpose: str) -> str:
        """Alias of a ledger's KMS key; `*` as ledger id gives a pattern."""
        return f"alias/{self.prefix}/{ledger_id}/{purpose}"

    def parameter(self, ledger_id: str) -> str:
        """SSM parameter with the settings of a ledger."""
        return f"/{self.prefix}/ledgers/{ledger_id}"

    def arn(self, service: str, resource: str) -> str:
        """`arn:aws:<service>:<region>:<account>:<resource>`."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def role_arn(self, role: str) -> str:
        """ARN of a role of this account, or a pattern of such."""
        return f"arn:{self.partition}:iam::{self.account}:role/{role}"

    def table_arn(self, table: str) -> str:
        """ARN of the table with this short name (`blocks`)."""
        return self.arn("dynamodb", f"table/{self.named(table)}")

    def queue_arn(self, queue: str) -> str:
        """ARN of the queue with this whole name."""
        return self.arn("sqs", queue)

    def function_arn(self, function: str) -> str:
        """ARN of the function with this whole name."""
        return self.arn("lambda", f"function:{function}")

    def bucket_arn(self, purpose: str, key: str = "") -> str:
        """ARN of a bucket, or with `key` of objects in it."""
        bucket = f"arn:{self.partition}:s3:::{self.bucket(purpose)}"
        return f"{bucket}/{key}" if key else bucket

    # The fixed roles that policies name, each by its exact ARN: with a pattern, anyone who may make
    # a role could choose a name that matches.
    @property
    def deployment_role(self) -> str:
        """The role of the CDK bootstrap stack under which CloudFormation changes resources."""
        return self.role_arn(f"cdk-{self.qualifier}-cfn-exec-role-{self.account}-{self.region}")

    @property
    def ingest_role(self) -> str:
        """Accepts events; may read and make subject secrets."""
        return self.role_arn(self.named("ingest"))

    @property
    def query_role(self) -> str:
        """Answers questions; may read subject secrets."""
        return self.role_arn(self.named("query"))

    @property
    def sequencer_roles(self) -> tuple[str, ...]:
        """The sequencers of all ledgers."""
        return tuple(self.role_arn(self.of_ledger(i, "sequencer")) for i in self.ledger_ids)

    @property
    def publisher_roles(self) -> tuple[str, ...]:
        """The publishers of all ledgers."""
        return tuple(self.role_arn(self.of_ledger(i, "publisher")) for i in self.ledger_ids)

    @property
    def dead_letters_role(self) -> str:
        """Copies dead letters to the archive."""
        return self.role_arn(self.named("dead-letters"))

    @property
    def rebuild_role(self) -> str:
        """Break-glass: rebuilds blocks and index from the archive, and lifts freezes."""
        return self.role_arn(self.named("rebuild"))

    @property
    def follower_role(self) -> str:
        """Keeps what is derived from opened records."""
        return self.role_arn(self.named("follower"))

    @property
    def reader_roles(self) -> tuple[str, ...]:
        """Who may read subject secrets: ingest, query, follower."""
        return (
            self.ingest_role,
            self.query_role,
            self.follower_role,
        )
