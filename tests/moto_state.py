"""The stored state of moto, saved once and loaded by every test that starts from it."""

import pickle
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from infra.local.aws.moto_kms import PureKey
from tests.world import REGION

STATEFUL = {"dynamodb": REGION, "kms": REGION, "s3": "aws"}
"""Services whose state a ledger leaves behind, each with moto's name of its region."""


@dataclass(frozen=True)
class MotoState:
    """What tables, keys and buckets contained when it was saved.

    Key pairs do not change and cannot be copied: `keys` holds them, by number.
    """

    contents: bytes
    keys: tuple[PureKey, ...]

    @classmethod
    def save(cls) -> "MotoState":
        """Copy what tables, keys and buckets contain now."""
        backends = _backends()
        keys: list[PureKey] = []

        class Pickler(pickle.Pickler):
            def persistent_id(self, obj: Any) -> tuple[str, Any] | None:
                if isinstance(obj, PureKey):
                    keys.append(obj)
                    return "key", len(keys) - 1
                names = [name for name, backend in backends.items() if backend is obj]
                return ("backend", names[0]) if names else None

        buffer = BytesIO()
        Pickler(buffer, -1).dump({name: vars(backend) for name, backend in backends.items()})
        return cls(buffer.getvalue(), tuple(keys))

    def load(self) -> None:
        """Replace what tables, keys and buckets contain by what was saved."""
        backends, keys = _backends(), self.keys

        class Unpickler(pickle.Unpickler):
            def persistent_load(self, pid: tuple[str, Any]) -> Any:
                kind, name = pid
                return keys[name] if kind == "key" else backends[name]

        for name, content in Unpickler(BytesIO(self.contents)).load().items():
            vars(backends[name]).clear()
            vars(backends[name]).update(content)


def _backends() -> dict[str, Any]:
    return {
        service: get_backend(service)[DEFAULT_ACCOUNT_ID][region]  # type: ignore[call-overload]
        for service, region in STATEFUL.items()
    }
