"""One parser under atheris, which looks for input that reaches code not reached before.

    python -m tests.fuzz.coverage_guided <parser> <runs> <folder of examples>

A process of its own: the code is instrumented as it is imported, and libFuzzer ends the process.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["audit_ledger"]):
    from tests.fuzz.parsers import PARSERS

MAX_BYTES = 8192
SECONDS_AN_INPUT = 10
MEGABYTES = 2048


def main() -> None:
    """Fuzz until the runs are done; on a finding, end with a traceback and a non-zero status."""
    name, runs, folder = sys.argv[1:]
    parser = PARSERS[name]
    for number, seed in enumerate(parser.seeds):
        (Path(folder) / f"seed-{number}").write_bytes(seed)
    options = [
        f"-runs={runs}",
        f"-max_len={MAX_BYTES}",
        f"-timeout={SECONDS_AN_INPUT}",
        f"-rss_limit_mb={MEGABYTES}",
        "-seed=1",
        "-verbosity=0",
        "-print_final_stats=1",
        f"-artifact_prefix={folder}/finding-",
    ]
    atheris.Setup([sys.argv[0], *options, folder], lambda data: parser.check(data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
