"""Costs that the bench adds to the functions' calls, computed by hand from the price lists."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from tests.bench.all_in import Taken, all_in


def test_requests_invocations_time_and_logs_are_priced() -> None:
    """$1.00 and $0.20 a million, $0.0000133334 a GB-second, $0.50 a GB."""
    function = SimpleNamespace(name="f", memory_mb=512)
    deployment: Any = SimpleNamespace(functions={"f": function})
    before, after = Taken({"f": 10}, {"f": 1_000}), Taken({"f": 1_010}, {"f": 201_000})
    calls = {("f", "dynamodb", "GetItem"): 2_000, ("g", "s3", "PutObject"): 5}
    requests = Counter({2_000: 999, 512 * 1024 + 1: 1})
    priced = all_in(deployment, before, after, calls, requests)
    assert priced.api_usd == pytest.approx(1_001 * 1.00 / 1e6)
    seconds = (1_000 * 5.0 + 2_000 * 7.0) / 1_000
    assert priced.lambda_usd == pytest.approx(1_000 * 0.20 / 1e6 + seconds * 0.5 * 0.0000133334)
    assert priced.logs_usd == pytest.approx((200_000 + 1_000 * 380 + 1_000 * 420) / 1e9 * 0.50)
