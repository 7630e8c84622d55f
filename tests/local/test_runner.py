"""Handlers run in this process as Lambda would run them."""

import os
import sys

import pytest

from audit_ledger.errors import NotFoundError, TooLargeError
from infra.local.cloudformation.deployment import Deployment
from infra.local.lambda_runtime.runner import MAX_PAYLOAD_BYTES, FunctionFailedError, Runner
from tests.local.conftest import REGION

ECHO = "small-echo"


@pytest.fixture
def runner(small: Deployment) -> Runner:
    return Runner(small.functions, small.region)


def test_a_handler_sees_its_own_environment_and_context(runner: Runner) -> None:
    answer = runner.invoke(ECHO, {"a": 1})
    assert answer["event"] == {"a": 1}
    assert answer["environment"] == {
        "TABLE": "small-blocks",
        "STAGE": "small",
        "AWS_REGION": REGION,
    }
    assert (answer["function"], answer["memory"]) == (ECHO, "512")
    assert 0 < answer["left"] <= 20_000


def test_restores_the_environment_after_an_invocation(runner: Runner) -> None:
    before = dict(os.environ)
    runner.invoke(ECHO, {})
    with pytest.raises(FunctionFailedError):
        runner.invoke(ECHO, {"raise": "x"})
    assert dict(os.environ) == before


def test_a_warm_environment_remembers_and_a_new_one_does_not(runner: Runner) -> None:
    """Lambda quotas page: an execution environment serves one request at a time and is reused."""
    assert [runner.invoke(ECHO, {})["seen"] for _ in range(3)] == [1, 2, 3]
    assert runner.invoke(ECHO, {}, environment=1)["seen"] == 1
    assert runner.invoke(ECHO, {})["seen"] == 4
    runner.forget(ECHO)
    assert runner.invoke(ECHO, {})["seen"] == 1


def test_two_functions_of_one_handler_share_no_memory(small: Deployment) -> None:
    """Two ledgers' sequencers are one handler in two functions."""
    first = small.functions[ECHO]
    runner = Runner({"a": first, "b": type(first)(**{**vars(first), "name": "b"})}, REGION)
    assert [runner.invoke(name, {})["seen"] for name in ("a", "b", "a")] == [1, 1, 2]


def test_forgetting_leaves_no_module_behind(runner: Runner) -> None:
    runner.invoke(ECHO, {})
    assert any(ECHO in name for name in sys.modules)
    runner.forget()
    assert not any(ECHO in name for name in sys.modules)


def test_events_and_answers_pass_through_json(runner: Runner) -> None:
    assert runner.invoke(ECHO, {"answer": {"1": (1, 2)}}) == {"1": [1, 2]}
    with pytest.raises(TypeError):
        runner.invoke(ECHO, {"a": b"bytes"})


def test_a_handler_that_raises_has_failed_and_is_still_warm(runner: Runner) -> None:
    runner.invoke(ECHO, {})
    with pytest.raises(FunctionFailedError, match="small-echo raised ValueError") as failed:
        runner.invoke(ECHO, {"raise": "a name that no message may hold"})
    assert "a name" not in str(failed.value)
    assert runner.invoke(ECHO, {})["seen"] == 3


def test_payloads_end_at_six_megabytes(runner: Runner) -> None:
    """Lambda quotas: 6 MB each for request and response, synchronous, as JSON."""
    room = MAX_PAYLOAD_BYTES - len('{"answer":0, "x": ""}')
    runner.invoke(ECHO, {"answer": 0, "x": "x" * (room - 1)})
    with pytest.raises(TooLargeError):
        runner.invoke(ECHO, {"answer": 0, "x": "x" * (room + 1)})
    with pytest.raises(TooLargeError):
        runner.invoke(ECHO, {"answer": 0, "x": "ß" * (room // 2 + 1)})
    assert len(runner.invoke(ECHO, {"big": MAX_PAYLOAD_BYTES - 2})) == MAX_PAYLOAD_BYTES - 2
    with pytest.raises(FunctionFailedError, match="answer of"):
        runner.invoke(ECHO, {"big": MAX_PAYLOAD_BYTES - 1})


def test_a_function_that_is_not_deployed_is_not_found(runner: Runner) -> None:
    with pytest.raises(NotFoundError, match="no function small-nobody"):
        runner.invoke("small-nobody", {})


def test_a_function_prints_to_its_log(runner: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    print("outside")
    runner.invoke(ECHO, {})
    runner.invoke(ECHO, {})
    print("outside again")
    assert list(runner.log_of(ECHO).lines) == ["echo 0", "echo 1"]
    assert capsys.readouterr().out == "outside\noutside again\n"
