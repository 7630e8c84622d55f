"""Handlers that the tests of the local ledger deploy: they return their input."""

import os
from typing import Any

REMEMBERED: list[Any] = []


def echo(event: Any, context: Any) -> Any:
    """Return the event, or do what the event or its query requests."""
    print(f"echo {len(REMEMBERED)}")
    REMEMBERED.append(1)
    wish = event.get("queryStringParameters", event)
    if "raise" in wish:
        raise ValueError(wish["raise"])
    if "answer" in wish:
        return wish["answer"]
    if "big" in wish:
        return "x" * wish["big"]
    return {
        "event": event,
        "seen": len(REMEMBERED),
        "environment": {k: os.environ.get(k) for k in ("TABLE", "STAGE", "AWS_REGION")},
        "function": context.function_name,
        "memory": context.memory_limit_in_mb,
        "left": context.get_remaining_time_in_millis(),
    }


def consume(event: Any, context: Any) -> Any:
    """Consume a batch; a message's body states whether and how it fails."""
    REMEMBERED.append(event)
    if "Records" not in event:
        return {"ticks": len(REMEMBERED)}
    bodies = {record["messageId"]: record["body"] for record in event["Records"]}
    if "raise" in bodies.values():
        raise ValueError("raise")
    if "unknown" in bodies.values():
        return {"batchItemFailures": [{"itemIdentifier": "nobody"}]}
    if "nothing" in bodies.values():
        return None
    return {
        "batchItemFailures": [
            {"itemIdentifier": message_id} for message_id, body in bodies.items() if body == "fail"
        ]
    }
