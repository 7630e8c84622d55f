"""Metrics of a function: written after each run that counted something, and only then."""

import json

import pytest

from audit_ledger.aws.function_metrics import FunctionMetrics

metrics = FunctionMetrics(namespace="AuditLedger", service="north-ingest")


@metrics.log_metrics
def handler(event: int, context: object) -> None:
    metrics.add_metric("Accepted", "Count", 5 // event)


def test_metrics_of_a_run_are_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    """In the embedded metric format, with the function as dimension; none stay for the next run."""
    for _ in range(2):
        handler(5, None)
        written = json.loads(capsys.readouterr().out)
        (stated,) = written["_aws"]["CloudWatchMetrics"]
        assert (stated["Namespace"], stated["Dimensions"]) == ("AuditLedger", [["service"]])
        assert (written["service"], written["Accepted"]) == ("north-ingest", [1.0])


@pytest.mark.filterwarnings("error")
def test_a_run_without_metrics_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Its error is raised, without a warning beside it."""
    with pytest.raises(ZeroDivisionError):
        handler(0, None)
    assert capsys.readouterr().out == ""
