"""Deploys a cloud assembly as `cdk deploy` does: assets to their bucket, then stack by stack."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.cloudformation.assembly import read_assembly

BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"
STACK_SECONDS = 60


@dataclass(frozen=True)
class Assets:
    """Where CloudFormation finds code and templates."""

    bucket: str
    region: str


def deploy(assembly: Path, client: Callable[[str], Any], assets: Assets) -> dict[str, Any]:
    """Deploy all stacks of an assembly, and return their outputs, by stack and name."""
    client("ssm").put_parameter(Name=BOOTSTRAP_VERSION, Value="21", Type="String")
    s3 = client("s3")
    location = {"LocationConstraint": assets.region}
    s3.create_bucket(Bucket=assets.bucket, CreateBucketConfiguration=location)
    for key, data in bundled(assembly):
        s3.put_object(Bucket=assets.bucket, Key=key, Body=data)
    cloudformation = client("cloudformation")
    outputs: dict[str, Any] = {}
    for stack in read_assembly(assembly):
        # From the bucket, as `cdk deploy` does: in a request a template has 51,200 bytes at most.
        key = f"{stack.name}.template.json"
        s3.put_object(Bucket=assets.bucket, Key=key, Body=json.dumps(stack.template).encode())
        cloudformation.create_stack(
            StackName=stack.name,
            TemplateURL=f"https://s3.{assets.region}.amazonaws.com/{assets.bucket}/{key}",
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName=stack.name, WaiterConfig={"Delay": 1, "MaxAttempts": STACK_SECONDS})
        (described,) = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
        outputs[stack.name] = {
            o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", ())
        }
    return outputs


def bundled(assembly: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every folder asset of an assembly as a zip, under the key that templates name."""
    for manifest in sorted(assembly.glob("*.assets.json")):
        files: Mapping[str, Any] = json.loads(manifest.read_text())["files"]
        for file in files.values():
            if file["source"].get("packaging") == "zip":
                (destination,) = file["destinations"].values()
                yield destination["objectKey"], zipped(assembly / file["source"]["path"])


def zipped(folder: Path) -> bytes:
    """Zip a folder without compression: nobody downloads it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return target.getvalue()
