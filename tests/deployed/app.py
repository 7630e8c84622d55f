"""The deployed app, as a portal and an operator see it: over HTTP, and by the `ledger` command."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from tests.conftest import REPOSITORY
from tests.deployed.emulator import ACCOUNT, REGION, Emulator, wait_until

LEDGER = "north"
STAGE = "dev"
PREFIX = f"audit-ledger-{STAGE}"
PATIENTS = {"system": "https://north.example/mrn"}
SETTINGS: dict[str, Any] = {
    "ledgers": [
        {"id": LEDGER, "portals": [{"id": "ehr", "patient": PATIENTS}], "readers": ["security"]}
    ]
}
PUBLISHED = f"{PREFIX}-published-{ACCOUNT}-{REGION}"
ARCHIVE = f"{PREFIX}-archive-{ACCOUNT}-{REGION}"
WAIT_SECONDS = 90

T = TypeVar("T")


@dataclass(frozen=True)
class App:
    """The deployed stacks. `outputs`: by stack and name."""

    emulator: Emulator
    outputs: Mapping[str, Mapping[str, str]]

    @property
    def api(self) -> Mapping[str, str]:
        return self.outputs[f"{PREFIX}-api"]

    def token(self, client: str) -> str:
        """Get a token with the credentials of a portal or a reader."""
        start = f"Client{LEDGER.title()}{client.title()}"
        client_id = next(v for k, v in self.api.items() if k.startswith(start))
        described = self.emulator.client("cognito-idp").describe_user_pool_client(
            UserPoolId=self.api["UserPool"], ClientId=client_id
        )
        secret = described["UserPoolClient"]["ClientSecret"]
        basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        form = urlencode({"grant_type": "client_credentials"}).encode()
        request = Request(
            f"{self.emulator.url}/oauth2/token", form, {"Authorization": f"Basic {basic}"}
        )
        with urlopen(request) as response:
            return str(json.load(response)["access_token"])

    def request(
        self, method: str, path: str, token: str | None, body: Any = None, **headers: str
    ) -> tuple[int, "Message[str, str]", bytes]:
        """Send a request to the API under its own host name."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Host"] = urlsplit(self.api["Url"]).netloc
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.emulator.url}{path}", data, sent, method=method)
        try:
            with urlopen(request) as response:
                return response.status, response.headers, response.read()
        except HTTPError as error:
            return error.code, error.headers, error.read()

    def ledger(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the `ledger` command, as installed, against the emulator."""
        return subprocess.run(
            [sys.executable, "-m", "audit_ledger.cli", *arguments],
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
                **self.emulator.environment,
                "PYTHONPATH": str(REPOSITORY / "shared"),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def published_size(self) -> int:
        """Return the size in the checkpoint in S3; 0 if there is none."""
        s3 = self.emulator.client("s3")
        try:
            stored = s3.get_object(Bucket=PUBLISHED, Key=f"{LEDGER}/checkpoint")
        except s3.exceptions.NoSuchKey:
            return 0
        return int(stored["Body"].read().split(b"\n")[1])

    def wait_until(self, condition: Callable[[], T]) -> T:
        """Return the first true result of `condition`; fail with the functions' logs."""
        try:
            return wait_until(condition, WAIT_SECONDS)
        except TimeoutError as error:
            raise AssertionError(
                f"{error}; the functions logged:\n{self.function_logs()}"
            ) from error

    def function_logs(self) -> str:
        """Return the log lines of all functions and the end of the emulator's output."""
        logs = self.emulator.client("logs")
        lines = []
        for group in logs.describe_log_groups()["logGroups"]:
            name = group["logGroupName"]
            events = logs.filter_log_events(logGroupName=name)["events"]
            lines += [f"{name.rpartition('/')[2]}: {event['message']}" for event in events]
        return "\n".join(lines) + "\n" + self.emulator.log.read_text()[-4000:]
