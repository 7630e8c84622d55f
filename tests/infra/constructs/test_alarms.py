"""Alarms: every failure that needs a person reaches the topic."""

from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.infra.assembly import FUNCTIONS, LEDGERS, Assembly

P = "audit-ledger-dev"


def alarms(assembly: Assembly) -> dict[str, Any]:
    return {
        name: r.properties
        for name, r in assembly.named("AWS::CloudWatch::Alarm", "AlarmName").items()
    }


def dimensions(metric: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((d["Name"], d["Value"]) for d in metric["Dimensions"])


def metrics(alarm: dict[str, Any]) -> set[tuple[str, str]]:
    """What an alarm looks at: metric and the one dimension's value."""
    stats = [m["MetricStat"]["Metric"] for m in alarm.get("Metrics", []) if "MetricStat" in m]
    return {(m["MetricName"], m["Dimensions"][0]["Value"]) for m in (stats or [alarm])}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_and_throttles_of_every_function(dev: Assembly, name: str) -> None:
    """The first one in a minute."""
    found = alarms(dev)
    for suffix, metric in (("errors", "Errors"), ("throttles", "Throttles")):
        alarm = found[f"{name}-{suffix}"]
        assert metrics(alarm) == {(metric, f"{P}-{name}")}
        assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0, 1)


@pytest.mark.parametrize("ledger", LEDGERS)
def test_alarms_of_a_ledger(dev: Assembly, ledger: str) -> None:
    """Dead letters, old messages, frozen, not published, a schedule that could not start."""
    found, dead = alarms(dev), f"{P}-{ledger}-dead"
    assert metrics(found[f"{ledger}-dead-letters"]) == {
        ("NumberOfMessagesReceived", dead),
        ("ApproximateNumberOfMessagesVisible", dead),
    }
    old = found[f"{ledger}-old"]
    assert metrics(old) == {("ApproximateAgeOfOldestMessage", f"{P}-{ledger}")}
    assert old["Threshold"] == 600
    assert metrics(found[f"{ledger}-frozen"]) == {
        ("Frozen", f"{P}-{ledger}-sequencer"),
        ("Frozen", f"{P}-{ledger}-publisher"),
    }
    refused, unfinished = found[f"{ledger}-refused"], found[f"{ledger}-unfinished"]
    assert metrics(refused) == {("Refused", f"{P}-{ledger}-sequencer")}
    assert (refused["Threshold"], refused["EvaluationPeriods"]) == (0, 1)
    assert metrics(unfinished) == {("UnfinishedBatches", f"{P}-{ledger}-sequencer")}
    assert (unfinished["Period"], unfinished["EvaluationPeriods"]) == (15 * 60, 2)
    for end in ("frozen", "old", "unfinished", "dead-letters"):
        assert "seven days" in found[f"{ledger}-{end}"]["AlarmDescription"]
    silent = found[f"{ledger}-not-published"]
    assert metrics(silent) == {
        ("Invocations", f"{P}-{ledger}-publisher"),
        ("Errors", f"{P}-{ledger}-publisher"),
    }
    assert silent["TreatMissingData"] == "breaching"
    assert silent["ComparisonOperator"] == "LessThanThreshold"
    assert f"{ledger}-unpublished" in found


def test_alarms_of_shared_resources(dev: Assembly) -> None:
    """Throttled tables, an API that fails, events of the bus that nobody took."""
    found = alarms(dev)
    tables = dev.named("AWS::DynamoDB::Table", "TableName")
    assert tables.keys() == {"blocks", "events", "subjects", "ledgers", "views", "limits"}
    for name, table in tables.items():
        alarm = found[f"{name}-throttled"]
        of_indexes = [i["IndexName"] for i in table.properties.get("GlobalSecondaryIndexes", [])]
        watched = {
            (m["MetricStat"]["Metric"]["MetricName"], dimensions(m["MetricStat"]["Metric"]))
            for m in alarm["Metrics"]
            if "MetricStat" in m
        }
        own = {("TableName", f"{P}-{name}")}
        assert watched == {
            (f"{way}ThrottleEvents", frozenset(own | of_index))
            for way in ("Read", "Write")
            for of_index in (set(), *({("GlobalSecondaryIndexName", i)} for i in of_indexes))
        }
    assert "api-failures" in found
    unlimited = found["unlimited"]
    assert metrics(unlimited) == {("LimitsUnchecked", f"{P}-{f}") for f in ("ingest", "query")}
    assert (unlimited["Threshold"], unlimited["EvaluationPeriods"]) == (0, 1)
    assert f"{P}_undelivered" in found


def test_our_own_metrics_are_those_that_the_functions_write(dev: Assembly) -> None:
    """Powertools writes them in this namespace under the dimension `service`."""
    own = [
        m["MetricStat"]["Metric"]
        for alarm in alarms(dev).values()
        for m in alarm.get("Metrics", [])
        if m.get("MetricStat", {}).get("Metric", {}).get("Namespace") == "AuditLedger"
    ]
    assert own
    for metric in own:
        (dimension,) = metric["Dimensions"]
        assert dimension["Name"] == "service"
    sources = REPOSITORY / "functions"
    for metric in own:
        function = metric["Dimensions"][0]["Value"].rpartition("-")[2]
        handler = (sources / function / "handler.py").read_text()
        assert f'add_metric("{metric["MetricName"]}"' in handler, function


def test_every_alarm_notifies_the_encrypted_topic(dev: Assembly) -> None:
    """When it starts and when it ends."""
    (topic,) = dev.resources("AWS::SNS::Topic")
    assert topic.properties["TopicName"] == f"{P}-alarms"
    assert "KmsMasterKeyId" in topic.properties
    (subscription,) = dev.resources("AWS::SNS::Subscription")
    assert subscription.properties["Endpoint"] == "ops@example.org"
    for name, alarm in alarms(dev).items():
        assert len(alarm["AlarmActions"]) == len(alarm["OKActions"]) == 1, name
        assert len(alarm["AlarmDescription"]) > 20, name


def test_digests_without_a_follower_run_raise_an_alarm(dev: Assembly) -> None:
    """For two hours: the follower itself cannot report a run that did not begin."""
    alarm = alarms(dev)["follower-not-following"]
    assert metrics(alarm) == {
        ("Invocations", f"{P}-follower"),
        *(("Digests", f"{P}-{ledger}-publisher") for ledger in LEDGERS),
    }
    (said,) = (m["Expression"] for m in alarm["Metrics"] if "Expression" in m)
    assert said == "IF(FILL(d0, 0) + FILL(d1, 0) > 0 AND FILL(runs, 0) < 1, 1, 0)"
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0, 2)
    assert {m["MetricStat"]["Period"] for m in alarm["Metrics"] if "MetricStat" in m} == {3600}


def test_missing_and_unopened_events_raise_alarms(dev: Assembly) -> None:
    """The follower sees both: what is newly missing, which ends the alarm, and what is altered."""
    found, follower = alarms(dev), f"{P}-follower"
    missing, unopened = found["follower-missing-events"], found["follower-unopened"]
    assert metrics(missing) == {("NewlyMissing", follower)}
    assert metrics(unopened) == {("Unopened", follower)}
    assert (missing["Statistic"], unopened["Statistic"]) == ("Sum", "Sum")
    assert missing["Threshold"] == unopened["Threshold"] == 0
    behind = found["follower-behind"]
    assert (metrics(behind), behind["Statistic"]) == ({("BehindSeconds", follower)}, "Maximum")
    assert (behind["Threshold"], behind["EvaluationPeriods"]) == (1800, 1)
