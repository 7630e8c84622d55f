"""Settings of the app: what cdk.json contains under `audit-ledger`.

`settings` defines them, `reader` reads them, `validation` checks them, with `limits`, `places` (of
deployment) and `web`. Settings that functions read too are defined in `audit_ledger.settings`.
"""

from infra.settings.settings import (
    KEY,
    LOG_DAYS,
    STAGES,
    Ledger,
    Portal,
    Settings,
    SettingsError,
    ledger_parameter,
)

__all__ = [
    "KEY",
    "LOG_DAYS",
    "STAGES",
    "Ledger",
    "Portal",
    "Settings",
    "SettingsError",
    "ledger_parameter",
]
