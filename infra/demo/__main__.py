"""`python -m infra.demo [--events N] [--seed S]`. Exit 0 only if all checks passed."""

import sys

from rich.console import Console

from audit_ledger.errors import LedgerError
from infra.demo.console_output import WIDTH
from infra.demo.options import read_options
from infra.demo.run import run_demo
from infra.settings import SettingsError

INTERRUPTED = 130


def main() -> int:
    """Run the demo; return the exit status."""
    options = read_options()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    try:
        return 0 if run_demo(options, console) else 1
    except (LedgerError, SettingsError, OSError, RuntimeError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
