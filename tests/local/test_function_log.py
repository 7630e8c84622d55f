"""A function's output is stored line by line, and its metrics can be read from it."""

import io
import json
import sys
from threading import Thread

import pytest

from infra.local.lambda_runtime.function_log import FunctionLog, metric_sums, printing_to


def test_stores_a_line_at_its_end() -> None:
    log = FunctionLog()
    log.write("a")
    log.write("b\nc\n\nd")
    assert list(log.lines) == ["ab", "c", ""]


def test_stores_only_the_newest_lines() -> None:
    log = FunctionLog(max_lines=2)
    log.write("1\n2\n3\n")
    assert list(log.lines) == ["2", "3"]


def test_lines_are_copied_whole() -> None:
    copy = io.StringIO()
    FunctionLog(copy_to=copy).write("a\nb")
    assert copy.getvalue() == "a\n"


def test_another_thread_prints_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    log = FunctionLog()
    with printing_to(log):
        other = Thread(target=print, args=("outside",))
        other.start()
        other.join()
        print("inside")
    assert list(log.lines) == ["inside"]
    assert capsys.readouterr().out == "outside\n"


def test_a_stored_stream_still_writes_to_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Loggers retain the stream of the time they were created."""
    log = FunctionLog()
    with printing_to(log):
        stream = sys.stdout
    with printing_to(log):
        print("later", file=stream)
    assert list(log.lines) == ["later"]
    assert capsys.readouterr().out == ""


def test_metrics_are_added_up_by_name() -> None:
    """CloudWatch user guide, "Embedded metric format": a value or a list of values."""
    document = {
        "_aws": {
            "Timestamp": 0,
            "CloudWatchMetrics": [
                {"Namespace": "n", "Dimensions": [[]], "Metrics": [{"Name": "A"}, {"Name": "B"}]}
            ],
        },
        "A": [1.0, 2.0],
        "B": 5,
        "C": 7,
    }
    line = json.dumps(document)
    assert metric_sums([line, "no metric", '{"level":"INFO"}', line]) == {"A": 6, "B": 10}
