"""ministack with patches for what it lacks, run by its own environment; not imported by tests.

    GATEWAY_PORT=… SCHEDULE_MINUTE_SECONDS=… python patched_ministack.py

Each item names what to delete when ministack learns it:

- ML-DSA keys in KMS (1.5 refuses the key spec): `patch_mldsa44`, by the rules of `infra/local`.
- alarms over several metrics in CloudFormation (1.5 refuses the stack): `patch_metric_math`, which
  keeps them as alarms of their first metric; no test here looks at alarms.
- Object Lock of buckets in CloudFormation (1.5 makes them without): `patch_object_lock`.
- policies of event buses in CloudFormation (1.5 refuses the stack): `patch_bus_policies`.
- the alias by which the API or a rule calls a function (1.5 tells the version): `patch_aliases`.
- schedules in less than their real time, for tests: `shorten_minutes`.
- functions see the emulator's own packages, botocore among them, so that one missing from an asset
  would not be missed: `isolate_functions` starts them with an interpreter that has none.
"""

import base64
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from ministack import app
from ministack.core import lambda_runtime
from ministack.services import eventbridge, kms, lambda_svc, s3, scheduler
from ministack.services.cloudformation import provisioners

SPEC, ALGORITHM = "ML_DSA_44", "ML_DSA_SHAKE_256"


def patch_mldsa44() -> None:
    """Create a key as an Ed25519 one and give it the material of the other; sign with that."""
    create_key, sign = kms._create_key, kms._sign

    def patched_create_key(data: dict[str, Any]) -> Any:
        if data.get("KeySpec") != SPEC:
            return create_key(data)
        before = set(kms._keys)
        answer = create_key({**data, "KeySpec": "ECC_NIST_EDWARDS25519"})
        for key_id in set(kms._keys) - before:
            record = kms._keys[key_id]
            record["KeySpec"], record["SigningAlgorithms"] = SPEC, [ALGORITHM]
            kms._set_asymmetric_material(record, MLDSA44PrivateKey.generate())
        return answer

    def patched_sign(data: dict[str, Any]) -> Any:
        record = kms._resolve_key(data.get("KeyId", ""))
        if not record or record["KeySpec"] != SPEC:
            return sign(data)
        message = base64.b64decode(data["Message"])
        if data.get("MessageType") != "RAW" or data.get("SigningAlgorithm") != ALGORITHM:
            return kms.error_response_json("ValidationException", "RAW and ML_DSA_SHAKE_256", 400)
        if len(message) > 4096:
            return kms.error_response_json("ValidationException", "over 4,096 bytes", 400)
        signature = base64.b64encode(record["_private_key"].sign(message)).decode()
        return kms.json_response(
            {"KeyId": record["Arn"], "Signature": signature, "SigningAlgorithm": ALGORITHM}
        )

    kms._create_key, kms._sign = patched_create_key, patched_sign


def patch_metric_math() -> None:
    """Treat an alarm over several metrics as one over the first."""
    record = provisioners._cw_metric_alarm_record

    def patched(name: str, props: dict[str, Any]) -> Any:
        metrics = props.get("Metrics")
        if metrics:
            stat = next(m["MetricStat"] for m in metrics if "MetricStat" in m)
            props = {k: v for k, v in props.items() if k != "Metrics"}
            props |= {k: stat["Metric"][k] for k in ("Namespace", "MetricName")}
            props |= {"Period": stat["Period"], "Statistic": stat["Stat"]}
        return record(name, props)

    provisioners._cw_metric_alarm_record = patched


def patch_object_lock() -> None:
    """Make buckets with Object Lock if the template sets it."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    create = handlers["create"]

    def patched(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        made = create(logical_id, props, stack_name)
        if props.get("ObjectLockEnabled") in (True, "true"):
            s3._bucket_object_lock[made[0]] = {"enabled": True, "default_retention": None}
        return made

    handlers["create"] = patched


def patch_bus_policies() -> None:
    """Make policies of buses, which are not enforced here."""
    provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {
        "create": lambda logical_id, _props, stack_name: (f"{stack_name}-{logical_id}", {}),
        "delete": lambda _physical_id, _props: None,
    }


def patch_aliases() -> None:
    """Put the alias by which API and bus called a function into the ARN of its context."""
    effective = lambda_svc._effective_func_record_for_qualifier

    def patched(func: Any, qualifier: str | None) -> Any:
        record, config = effective(func, qualifier)
        if config is not None and qualifier in func.get("aliases", {}):
            arn = func["config"]["FunctionArn"]
            config = {**config, "FunctionArn": f"{arn}:{qualifier}"}
        return record, config

    lambda_svc._effective_func_record_for_qualifier = patched


def shorten_minutes(seconds: float) -> None:
    """Shorten `rate(1 minute)` to a few seconds."""
    parse_rate = eventbridge._parse_rate_seconds

    def shortened(expression: str) -> float | None:
        found = parse_rate(expression)
        return None if found is None else found * seconds / 60

    eventbridge._parse_rate_seconds = shortened
    scheduler._SCHEDULE_TICK_INTERVAL = 1


def isolate_functions(folder: Path) -> None:
    """Run functions with the same Python, but without its site-packages: as bare as Lambda's."""
    python = folder / "bare-python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S "$@"\n')
    python.chmod(0o700)
    detect = lambda_runtime._detect_runtime_binary

    def bare(runtime: str) -> tuple[str, str]:
        binary, script = detect(runtime)
        return (str(python) if binary == sys.executable else binary), script

    lambda_runtime._detect_runtime_binary = bare


if __name__ == "__main__":
    # It listens everywhere by default, and for MQTT on another port even then.
    os.environ |= {"BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0"}
    with tempfile.TemporaryDirectory(prefix="bare-python-") as name:
        patch_mldsa44()
        patch_metric_math()
        patch_object_lock()
        patch_bus_policies()
        patch_aliases()
        shorten_minutes(float(os.environ["SCHEDULE_MINUTE_SECONDS"]))
        isolate_functions(Path(name))
        sys.argv = ["ministack"]
        app.main()
