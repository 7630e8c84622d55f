"""Where a ledger's API is and how its token is had: profiles, environment, options.

    # ~/.config/audit-ledger/profiles.toml (XDG Base Directory Specification)
    default = "st-elsewhere"

    [profiles.st-elsewhere]
    url = "https://api.example.org"
    token_command = ["pass", "show", "audit-ledger"]     # prints a token; or
    token = "…"                                          # in a file that nobody else reads; or
    token_endpoint = "https://…/oauth2/token"            # OAuth 2 client credentials
    client_id = "…"
    client_secret_env = "ST_ELSEWHERE_SECRET"            # the variable with the secret
    scope = "…"                                          # optional

A token goes to the URL that it was given with and nowhere else.
"""

import os
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from audit_ledger.client.errors import InvalidInputError
from audit_ledger.client.files import NOT_JSON, read_file
from audit_ledger.http_transport import is_loopback
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.shown_url import shown_url

PROFILE, URL, TOKEN = "AUDIT_LEDGER_PROFILE", "AUDIT_LEDGER_URL", "AUDIT_LEDGER_TOKEN"
SECRET = "AUDIT_LEDGER_CLIENT_SECRET"  # noqa: S105 - the name of a variable
LOCAL = "local"
SESSION = Path("build") / "local" / "session.json"
_READ_BY_OTHERS = 0o077

EnvironmentVariables = Mapping[str, str]


class Profile(PrivateRepr, msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file; at most one of `token`, `token_command` and `token_endpoint`."""

    SHOWN = ("url",)
    url: str
    token: str | None = None
    token_command: list[str] | str | None = None
    token_endpoint: str | None = None
    client_id: str | None = None
    client_secret_env: str = SECRET
    scope: str | None = None

    @property
    def command(self) -> list[str]:
        """The program that prints a token, and its arguments; never given to a shell."""
        command = self.token_command or []
        return shlex.split(command) if isinstance(command, str) else command

    @property
    def token_from(self) -> str:
        """Say where its token comes from."""
        if self.token is not None:
            return "its file"
        if self.token_command is not None:
            return f"the command {self.command[0]}"
        if self.token_endpoint is not None:
            return f"client credentials of {self.client_id}"
        return f"{TOKEN} or --token"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    default: str | None = None
    profiles: dict[str, Profile] = {}


class _Session(msgspec.Struct, frozen=True):
    """What `make local` leaves for scripts."""

    url: str
    tokens: dict[str, str]


def find_profile(
    profile: str | None,
    url: str | None,
    token: str | None,
    *,
    role: str,
    environment: EnvironmentVariables,
) -> Profile:
    """Find the API and its token: by options, by the environment, else by the profiles' default.

    `profile`, `url`, `token`: the options; `role`: which of the tokens of `make local` is meant
    where the profile is `local`: portal or security. InvalidInputError if nothing does.
    """
    if profile is not None and url is not None:
        raise InvalidInputError("--profile and --url exclude each other")
    if profile is None and url is None:
        url = environment.get(URL) or None
        token = token or environment.get(TOKEN) or None
        profile = None if url else environment.get(PROFILE) or None
    elif profile is None:
        token = token or environment.get(TOKEN) or None
    if url is not None:
        if token is None:
            raise InvalidInputError(f"{shown_url(url)}: no token: give --token or {TOKEN}")
        return Profile(url, token=token)
    found = _find_named(profile, role, environment)
    return found if token is None else Profile(found.url, token=token)


def list_profiles(environment: EnvironmentVariables) -> Iterator[tuple[str, Profile, bool]]:
    """Return each name and profile, and whether it is the default; `make local`'s session too."""
    file = _read_profiles(environment)
    chosen = environment.get(PROFILE) or file.default
    for name, profile in sorted(file.profiles.items()):
        yield name, profile, name == chosen
    if LOCAL not in file.profiles and SESSION.is_file():
        yield LOCAL, _of_session(LOCAL, "security"), chosen == LOCAL


def profiles_file(environment: EnvironmentVariables) -> Path:
    """Return where the profiles are."""
    home = environment.get("XDG_CONFIG_HOME", "")
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".config"
    return base / "audit-ledger" / "profiles.toml"


def _find_named(name: str | None, role: str, environment: EnvironmentVariables) -> Profile:
    file = _read_profiles(environment)
    path = profiles_file(environment)
    name = name or file.default
    if name is None and len(file.profiles) == 1:
        (name,) = file.profiles
    if name is None:
        there = "names no default" if file.profiles else "has no profiles"
        raise InvalidInputError(f"which ledger? Give --profile, --url or {URL}; {path} {there}")
    if name in file.profiles:
        return file.profiles[name]
    if name.partition(":")[0] == LOCAL:
        return _of_session(name, role)
    known = ", ".join(sorted(file.profiles)) or "none"
    raise InvalidInputError(f"{path}: no profile {name} (there: {known})")


def _read_profiles(environment: EnvironmentVariables) -> _File:
    path = profiles_file(environment)
    if not path.is_file():
        return _File()
    try:
        file = msgspec.convert(tomllib.loads(read_file(path).decode()), _File)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        place = f", {error}" if isinstance(error, tomllib.TOMLDecodeError) else ""
        raise InvalidInputError(f"{path}: not TOML{place}") from None
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"{path}: {error}") from None
    for name, profile in file.profiles.items():
        _check(f"{path}: profile {name}", profile)
    if any(profile.token for profile in file.profiles.values()) and os.name == "posix":
        mode = path.stat().st_mode
        if mode & _READ_BY_OTHERS:
            raise InvalidInputError(
                f"{path}: contains a token and others may read it (mode {mode & 0o777:o}); "
                f"chmod 600 {path}"
            )
    return file


def _check(where: str, profile: Profile) -> None:
    ways = (profile.token, profile.token_command, profile.token_endpoint)
    if sum(way is not None for way in ways) > 1:
        raise InvalidInputError(
            f"{where}: one of token, token_command and token_endpoint, not more"
        )
    try:
        is_nothing = profile.token_command is not None and not profile.command
    except ValueError:  # a quotation without its end
        is_nothing = True
    if is_nothing:
        raise InvalidInputError(f"{where}: token_command: expected a program and its arguments")
    if profile.token_endpoint is not None and profile.client_id is None:
        raise InvalidInputError(f"{where}: token_endpoint: expected a client_id with it")


def _of_session(name: str, role: str) -> Profile:
    """Read what `make local` serves: `local`, or `local:patient` for the token of that role."""
    role = name.partition(":")[2] or role
    if not SESSION.is_file():
        raise InvalidInputError(f"{SESSION}: not here; does `make local` run, and in this folder?")
    try:
        session = msgspec.json.decode(read_file(SESSION), type=_Session)
    except NOT_JSON:
        raise InvalidInputError(f"{SESSION}: not what `make local` writes") from None
    if not is_loopback(session.url):
        raise InvalidInputError(f"{SESSION}: its url is not on this machine")
    if role not in session.tokens:
        known = ", ".join(f"{LOCAL}:{known}" for known in session.tokens)
        raise InvalidInputError(f"profile {name}: no such token (there: {known})")
    return Profile(session.url, token=session.tokens[role])
