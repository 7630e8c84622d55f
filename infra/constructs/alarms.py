"""Alarms, all of one form. Each notifies the topic when it starts and when it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

MINUTE = cdk.Duration.minutes(1)
METRICS_NAMESPACE = "AuditLedger"


@dataclass(frozen=True)
class Operations:
    """The topic of all alarms, and the key that encrypts them and the logs."""

    key: kms.IKey
    topic: sns.ITopic


def metric(
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    *,
    statistic: str = "Sum",
    period: cdk.Duration = MINUTE,
) -> cloudwatch.Metric:
    """Return a metric of AWS or of this project by its name."""
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dict(dimensions),
        statistic=statistic,
        period=period,
    )


def of_function(name: str, function: str, period: cdk.Duration = MINUTE) -> cloudwatch.Metric:
    """Return a metric of Lambda about a function."""
    return metric("AWS/Lambda", name, {"FunctionName": function}, period=period)


def of_queue(name: str, queue: str, statistic: str = "Maximum") -> cloudwatch.Metric:
    """Return a metric of SQS about a queue."""
    return metric("AWS/SQS", name, {"QueueName": queue}, statistic=statistic)


def ledger_metric(
    name: str, function: str, statistic: str = "Sum", period: cdk.Duration = MINUTE
) -> cloudwatch.Metric:
    """Return a metric that a function of this project writes itself."""
    dimensions = {"service": function}
    return metric(METRICS_NAMESPACE, name, dimensions, statistic=statistic, period=period)


def alarm(
    scope: Construct,
    construct_id: str,
    what: cloudwatch.IMetric,
    operations: Operations,
    *,
    name: str,
    description: str,
    over: float = 0,
    minutes: int = 1,
    missing_is_bad: bool = False,
    below: float | None = None,
) -> cloudwatch.Alarm:
    """Add an alarm on a metric above `over` (or below `below`, if set) for `minutes` in a row.

    `description` states what happened and what to do. `missing_is_bad`: missing data is an alarm.
    """
    comparison = cloudwatch.ComparisonOperator
    made = cloudwatch.Alarm(
        scope,
        construct_id,
        metric=what,
        alarm_name=name,
        alarm_description=description,
        threshold=over if below is None else below,
        evaluation_periods=minutes,
        comparison_operator=(
            comparison.GREATER_THAN_THRESHOLD if below is None else comparison.LESS_THAN_THRESHOLD
        ),
        treat_missing_data=(
            cloudwatch.TreatMissingData.BREACHING
            if missing_is_bad
            else cloudwatch.TreatMissingData.NOT_BREACHING
        ),
    )
    action = actions.SnsAction(operations.topic)
    made.add_alarm_action(action)
    made.add_ok_action(action)
    return made


def total(label: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.MathExpression:
    """Return the sum of metrics over a minute; a metric without data counts as 0."""
    names = [f"m{number}" for number, _ in enumerate(metrics)]
    return cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({name}, 0)" for name in names),
        using_metrics=dict(zip(names, metrics, strict=True)),
        label=label,
        period=MINUTE,
    )


def succeeded(function: str, period: cdk.Duration) -> cloudwatch.MathExpression:
    """Return the number of a function's runs that did not fail."""
    return cloudwatch.MathExpression(
        expression="runs - errors",
        using_metrics={
            "runs": of_function("Invocations", function, period),
            "errors": of_function("Errors", function, period),
        },
        label="successful runs",
        period=period,
    )
