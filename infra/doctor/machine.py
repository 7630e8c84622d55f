"""Checks of the machine that deploys, and of what settings name outside AWS."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from urllib.error import URLError
from urllib.request import urlopen

from infra.doctor.finding import PreflightFinding
from infra.settings import Settings

MIN_NODE = 22
ISSUER_SECONDS = 10
MAX_BYTES = 1_000_000


def machine_findings() -> Iterator[PreflightFinding]:
    """Node and npx, for the CDK command."""
    node, npx = shutil.which("node"), shutil.which("npx")
    do = f"install Node {MIN_NODE} or newer, which brings npx"
    if node is None or npx is None:
        yield PreflightFinding("node", "problem", "no node and npx on this machine's PATH", do)
        return
    ran = subprocess.run(  # noqa: S603  the node of this machine
        [node, "--version"], capture_output=True, text=True, check=False
    )
    version = ran.stdout.strip().removeprefix("v")
    major = version.partition(".")[0]
    if not major.isdecimal() or int(major) < MIN_NODE:
        yield PreflightFinding("node", "problem", f"Node {version or 'of no version'}", do)
    else:
        yield PreflightFinding("node", "ok", f"Node {version}")


def issuer_findings(settings: Settings) -> Iterator[PreflightFinding]:
    """API Gateway reads the issuer's configuration when its authorizer is made; so does this."""
    issuer = settings.tokens.issuer
    if issuer is None:
        return
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        with urlopen(url, timeout=ISSUER_SECONDS) as answer:  # noqa: S310  https, by the settings
            said = json.loads(answer.read(MAX_BYTES))
        named, keys = said["issuer"], said["jwks_uri"]
    except (URLError, OSError, ValueError, KeyError, TypeError) as error:
        do = "API Gateway must reach it from the internet"
        yield PreflightFinding("issuer", "problem", f"{url}: {type(error).__name__}", do)
        return
    if named != issuer:
        found = f"{url} names another issuer: {named}"
        yield PreflightFinding("issuer", "problem", found, "tokens.issuer must be what tokens say")
    else:
        yield PreflightFinding("issuer", "ok", f"{issuer}, keys at {keys}")
