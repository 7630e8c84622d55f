"""The limits table: one number per caller, changed by conditional updates only.

{"key": {"S": "audit.example.org/st-elsewhere#portal#ehr"}, "arrival": {"N": "1796083200000000"}}
"""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from audit_ledger.aws.clients import AwsError, error_code
from audit_ledger.errors import UnreachableError
from audit_ledger.limits import Leased
from audit_ledger.token_bucket import Rate, taken

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MAX_TRIES = 3
_FULL = "attribute_not_exists(arrival) OR arrival < :now OR arrival > :impossible"
_IN_USE = "arrival BETWEEN :now AND :latest"


class LimitsTable:
    """The buckets of all callers. `client`: one with short time-outs."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def lease(self, key: str, rate: Rate, now: int, tokens: int, known: int) -> Leased:
        """Take tokens, all or none, by the rule of `taken`; raise UnreachableError on failure.

        Add to a bucket in use, whatever others add meanwhile; reset a full one. `known` decides
        which of the two applies, then the item of a failed condition.
        """
        arrival: int | None = known
        for _ in range(_MAX_TRIES):
            if arrival is not None and now <= arrival <= rate.latest(now, tokens):
                found = self._add(key, rate, now, tokens)
            else:
                found = self._begin(key, rate, now, tokens)
            if found.is_granted:
                return found
            arrival = found.arrival
            if taken(rate, arrival, now, tokens) is None:
                return found
        # Others took tokens between all attempts: none are left now.
        return Leased(False, rate.latest(now, tokens) + 1)

    def _add(self, key: str, rate: Rate, now: int, tokens: int) -> Leased:
        return self._update(
            key,
            "SET arrival = arrival + :tokens",
            _IN_USE,
            {
                ":tokens": rate.microseconds(tokens),
                ":now": now,
                ":latest": rate.latest(now, tokens),
            },
        )

    def _begin(self, key: str, rate: Rate, now: int, tokens: int) -> Leased:
        begun = now + rate.microseconds(tokens)
        numbers = {":begun": begun, ":now": now, ":impossible": rate.impossible(now)}
        return self._update(key, "SET arrival = :begun", _FULL, numbers)

    def _update(self, key: str, what: str, condition: str, numbers: dict[str, int]) -> Leased:
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key={"key": {"S": key}},
                UpdateExpression=what,
                ConditionExpression=condition,
                ExpressionAttributeValues={n: {"N": str(v)} for n, v in numbers.items()},
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise UnreachableError(f"limits: {error_code(error)}") from None
            return Leased(False, _arrival(error.response.get("Item", {})))
        except AwsError as error:
            raise UnreachableError(f"limits: {error_code(error)}") from None
        return Leased(True, _arrival(answer["Attributes"]))


def _arrival(item: Any) -> int:
    """Read the number; 0, that of a full bucket, if there is none yet."""
    try:
        return int(item["arrival"]["N"]) if "arrival" in item else 0
    except (KeyError, ValueError):
        raise UnreachableError("limits: item: expected the number of a bucket") from None
