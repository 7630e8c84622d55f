"""`ledger doctor`, in a checkout: settings, machine and account, before a deployment.

Exit codes: 0 nothing stands in the way, 1 something does, 2 wrong use, 3 something is not known.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.app import written_context
from infra.doctor.account import Account, Client
from infra.doctor.finding import PreflightFinding, exit_code
from infra.doctor.machine import issuer_findings, machine_findings
from infra.doctor.needs import Needs, needs_of
from infra.names import Names
from infra.settings import KEY, STAGES, Settings, SettingsError
from infra.settings.places import PARTITION_OF_CLOUDFRONT, regions_of
from infra.settings.reader import read_settings, read_warnings
from infra.synth import synthesize

GLOBAL = {"acm": "us-east-1"}  # certificates for CloudFront are there
SIGNS = {"ok": "ok", "warning": "warning", "unknown": "not known", "problem": "PROBLEM"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Make every check, print what was found, give the exit code."""
    parser = argparse.ArgumentParser(prog="ledger doctor", description=__doc__)
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--try-keys", action="store_true", help="make a key of each spec")
    parser.add_argument("--json", action="store_true", dest="as_json", help="as JSON")
    options = parser.parse_args(arguments)
    found = list(findings(options.stage, try_keys=options.try_keys))
    if options.as_json:
        report = {
            "stage": options.stage,
            "exit_code": exit_code(found),
            "findings": [asdict(finding) for finding in found],
        }
        print(json.dumps(report, indent=2))
    else:
        print("\n".join(lines(found)))
    return exit_code(found)


def findings(stage: str, *, try_keys: bool) -> Iterator[PreflightFinding]:
    """Check the settings of cdk.json, this machine, and the account of the credentials."""
    try:
        settings = read_settings({**written_context(), "stage": stage})
    except SettingsError as error:
        yield PreflightFinding("settings", "problem", str(error), "cdk.json")
        return
    yield PreflightFinding(
        "settings", "ok", f"{len(settings.ledgers)} ledgers, domain {settings.domain}"
    )
    for warning in read_warnings(settings):
        yield PreflightFinding("settings", "warning", warning, "cdk.json")
    yield from machine_findings()
    yield from issuer_findings(settings)
    # AWS_REGION: the CDK command heeds it before all others, and boto3 does not.
    here = os.environ.get("AWS_REGION") or boto3.Session().region_name
    region: str | None = settings.region or here
    yield from region_findings(settings, region)
    if region is None:
        return
    client = clients_of(region)
    try:
        account = client("sts").get_caller_identity()["Account"]
    except (ClientError, BotoCoreError) as error:
        do = "aws sts get-caller-identity must answer: credentials of the account"
        yield PreflightFinding("credentials", "problem", type(error).__name__, do)
        return
    if settings.account not in (None, account):
        found = f"account {account}, and the settings say {settings.account}"
        yield PreflightFinding("credentials", "problem", found)
        return
    yield PreflightFinding("credentials", "ok", f"account {account}")
    needs = needs_in(stage, account, region)
    qualifier = written_context().get("@aws-cdk/core:bootstrapQualifier", Names.qualifier)
    found_there = Account(client, settings, needs, account, region, qualifier)
    yield from found_there.findings(try_keys=try_keys)


def region_findings(settings: Settings, region: str | None) -> Iterator[PreflightFinding]:
    """The region that the settings leave to the credentials has what the settings want."""
    regions = regions_of()
    if region is None or region not in regions:
        found = "neither cdk.json nor your AWS settings name one" if region is None else region
        yield PreflightFinding("region", "problem", found, "region in cdk.json, or AWS_REGION")
        return
    public = any(ledger.public for ledger in settings.ledgers)
    if public and regions[region] != PARTITION_OF_CLOUDFRONT:
        yield PreflightFinding(
            "region", "problem", f"{region} has no CloudFront", "ledgers[].public: false"
        )
    elif settings.tokens.issuer is None and region not in regions_of("cognito-idp"):
        yield PreflightFinding(
            "region", "problem", f"{region} has no Cognito user pools", "tokens.issuer"
        )
    else:
        yield PreflightFinding("region", "ok", region)


def clients_of(region: str) -> Client:
    """Return clients that try a few times and give up soon."""
    config = Config(
        connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3}
    )
    session = boto3.Session(region_name=region)

    def client(service: str) -> object:
        here: str = GLOBAL.get(service, region)
        return session.client(service, region_name=here, config=config)  # type: ignore[call-overload]

    return client


def needs_in(stage: str, account: str, region: str) -> Needs:
    """Synthesize the stage for an account and region, and read what it needs."""
    written = written_context()[KEY]
    own = written.get("stages", {})
    here = {"account": account, "region": region}
    stages = {**own, stage: {**own.get(stage, {}), **here}}
    with TemporaryDirectory(prefix="audit-ledger-") as folder:
        return needs_of(synthesize(Path(folder), stage=stage, settings={"stages": stages}))


def lines(found: Iterable[PreflightFinding]) -> Iterator[str]:
    """Return the table for people: status, check, what was found; what to do below."""
    for finding in found:
        yield f"{SIGNS[finding.status]:<10} {finding.check:<12} {finding.found}"
        if finding.do:
            yield f"{'':<23} → {finding.do}"


if __name__ == "__main__":
    sys.exit(main())
