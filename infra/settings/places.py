"""Validates where a stage is deployed: region, account, partition, and the ARNs of settings.

Regions and the services of each partition come from the tables of botocore.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache

import botocore.session

from infra.settings.settings import Settings

MAX_PRINCIPALS = 10  # that may assume a role or write the directory
PARTITION_OF_CLOUDFRONT = "aws"
"""GovCloud has no CloudFront, and China another one, with rules of its own (ICP registration)."""

_ACCOUNT = re.compile(r"[0-9]{12}")
_PRINCIPAL = re.compile(r"arn:(aws(?:-[a-z]+)*):iam::(\d{12}):(role|user)/[\w+=,.@/-]+", re.ASCII)
_CERTIFICATE = re.compile(r"arn:aws:acm:us-east-1:([0-9]{12}):certificate/[0-9a-f-]+")


@cache
def regions_of(service: str = "kms") -> dict[str, str]:
    """Return the regions that offer a service, each with its partition."""
    session = botocore.session.get_session()
    return {
        region: partition
        for partition in session.get_available_partitions()
        for region in session.get_available_regions(service, partition)
    }


def place_faults(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Return faults of account, region and ARNs, and settings that the region does not support."""
    if settings.account is not None and not _ACCOUNT.fullmatch(settings.account):
        yield "account", settings.account, "an AWS account id, 12 digits, as text"
    yield from _region_faults(settings)
    yield from _certificate_faults(settings)
    yield from _principal_faults("break_glass", settings.break_glass, settings)
    yield from _principal_faults("directory_writers", settings.directory_writers, settings)


def _region_faults(settings: Settings) -> Iterator[tuple[str, object, str]]:
    region = settings.region
    if region is None:
        return
    regions = regions_of()
    if region not in regions:
        near = get_close_matches(region, regions, 1)
        such = near[0] if near else "eu-central-1"
        yield "region", region, f"an AWS region that this boto3 knows, such as {such}"
        return
    if regions[region] != PARTITION_OF_CLOUDFRONT:
        for number, ledger in enumerate(settings.ledgers):
            if ledger.public:
                expected = f"false in {region}, whose partition has no CloudFront to serve it"
                yield f"ledgers[{number}].public", True, expected
    if settings.tokens.issuer is None and region not in regions_of("cognito-idp"):
        yield "tokens.issuer", None, f"an issuer of your own: {region} has no Cognito user pools"


def _certificate_faults(settings: Settings) -> Iterator[tuple[str, object, str]]:
    certificate = settings.certificate
    if certificate is None:
        return
    found = _CERTIFICATE.fullmatch(certificate)
    if found is None:
        yield "certificate", certificate, "the ARN of an ACM certificate in us-east-1"
    elif settings.account is not None and found[1] != settings.account:
        yield "certificate", certificate, f"a certificate of account {settings.account}"
    elif not any(ledger.public for ledger in settings.ledgers):
        expected = "none where no ledger is public: it serves public ledgers and nothing else"
        yield "certificate", certificate, expected


def _principal_faults(
    name: str, principals: Sequence[str], settings: Settings
) -> Iterator[tuple[str, object, str]]:
    if len(principals) > MAX_PRINCIPALS:
        yield name, len(principals), f"at most {MAX_PRINCIPALS}"
    partition = regions_of().get(settings.region) if settings.region is not None else None
    for place, principal in enumerate(principals):
        here, found = f"{name}[{place}]", _PRINCIPAL.fullmatch(principal)
        if found is None:
            yield here, principal, "the ARN of one IAM role or user, arn:aws:iam::…:role/…"
        elif settings.account is not None and found[2] != settings.account:
            yield here, principal, f"a principal of account {settings.account}"
        elif partition is not None and found[1] != partition:
            yield here, principal, f"a principal of {settings.region}: arn:{partition}:iam::…"
