"""The SQS queue in which accepted requests wait for the sequencer."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class LedgerQueue:
    """One ledger's queue, found by its name."""

    def __init__(self, client: "SQSClient", name: str) -> None:
        self._client = client
        self._url = client.get_queue_url(QueueName=name)["QueueUrl"]

    def send(self, body: str) -> None:
        """Send one message; once this returns, SQS stores it for fourteen days."""
        self._client.send_message(QueueUrl=self._url, MessageBody=body)
