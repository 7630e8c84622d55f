"""A bearer token: as it was given, printed by a command, or from a token endpoint (OAuth 2)."""

import os
import subprocess
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import msgspec

from audit_ledger.client.errors import InvalidInputError, UnansweredError
from audit_ledger.client.files import NOT_JSON
from audit_ledger.client.http_client import ApiRequest, HttpClient, validate_url
from audit_ledger.client.profiles import EnvironmentVariables, Profile
from audit_ledger.http_transport import BEARER_TOKEN

_COMMAND_SECONDS = 60


class _TokenAnswer(msgspec.Struct, frozen=True):
    """The member of a token response that the client reads (RFC 6749, Section 5.1)."""

    access_token: str


@dataclass
class Credentials:
    """Return a profile's token, and a new one where the first is no longer taken."""

    profile: Profile = field(repr=False)
    environment: EnvironmentVariables = field(default_factory=lambda: os.environ, repr=False)
    _token: str | None = field(default=None, repr=False)

    def token(self) -> str:
        """Return the token, made once."""
        if self._token is None:
            self._token = self._make_token()
        return self._token

    def renew(self) -> bool:
        """Make another token; False where there is only the one that was given."""
        if self.profile.token is not None:
            return False
        old, self._token = self._token, None
        return self.token() != old

    def _make_token(self) -> str:
        profile = self.profile
        if profile.token is not None:
            what, token = "token", profile.token
        elif profile.token_command is not None:
            what, token = "token_command", _run_command(profile.command)
        elif profile.token_endpoint is not None:
            what, token = "token_endpoint", _request_token(profile, self.environment)
        else:
            raise InvalidInputError(f"{profile.url}: no token; {profile.token_from} gives one")
        if not BEARER_TOKEN.fullmatch(token):
            raise InvalidInputError(f"{what}: what it gives is not a bearer token (RFC 6750)")
        return token


def _run_command(command: list[str]) -> str:
    """Run a command of the user's own profile, without a shell; its output is the token."""
    name = command[0]
    try:
        ran = subprocess.run(  # noqa: S603 - the user wrote it into the profile
            command, stdout=subprocess.PIPE, timeout=_COMMAND_SECONDS, check=False
        )
    except OSError as error:
        raise InvalidInputError(f"token_command {name}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        message = f"token_command {name}: still running after {_COMMAND_SECONDS} s"
        raise UnansweredError(message) from None
    if ran.returncode:
        raise UnansweredError(f"token_command {name}: ended with exit code {ran.returncode}")
    return ran.stdout.decode("ascii", "replace").strip()


def _request_token(profile: Profile, environment: EnvironmentVariables) -> str:
    """Ask for a token by client credentials (RFC 6749, Section 4.4; the client by HTTP Basic)."""
    secret = environment.get(profile.client_secret_env)
    if not secret:
        raise InvalidInputError(f"token_endpoint: {profile.client_secret_env} is not set")
    url = validate_url(profile.token_endpoint or "", "token_endpoint")
    pair = f"{quote(profile.client_id or '', safe='')}:{quote(secret, safe='')}"
    form = {"grant_type": "client_credentials"}
    if profile.scope:
        form["scope"] = profile.scope
    answer = HttpClient(url).send(
        ApiRequest(
            "POST",
            "",
            body=urlencode(form).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
                "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
            },
        )
    )
    if answer.status in (400, 401, 403):
        raise InvalidInputError(
            f"{url}: no token for client {profile.client_id} (HTTP status {answer.status}): "
            "wrong secret, client or scope"
        )
    try:
        return msgspec.json.decode(answer.body, type=_TokenAnswer).access_token
    except NOT_JSON:
        message = f"{url}: no token in the answer (HTTP status {answer.status})"
        raise UnansweredError(message) from None
