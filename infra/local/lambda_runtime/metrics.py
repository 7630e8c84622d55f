"""Metrics that functions emit: CloudWatch's embedded metric format, read from their logs."""

import json
from collections import Counter
from collections.abc import Iterable


def metric_sums(lines: Iterable[str]) -> Counter[str]:
    """Add up the values of every metric in a function's log, by name."""
    sums: Counter[str] = Counter()
    for line in lines:
        if not line.startswith("{") or '"_aws"' not in line:
            continue
        document = json.loads(line)
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    sums[metric["Name"]] += value
    return sums
