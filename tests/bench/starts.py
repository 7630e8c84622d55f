"""What a cold start imports, from bundles as they are shipped: CPU time, medians.

Bundled for this machine, because Lambda's cannot run here: the same files but for the platform of
the wheels. A bare Python imports them, without site-packages and without leave to write a cache.
"""

import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from infra.assets.packaged_node import use_packaged_node

STARTS = 9
FUNCTIONS = ("ingest", "query", "sequencer")
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "bench",
    "POWERTOOLS_SERVICE_NAME": "bench",
    **dict.fromkeys(
        ("ORIGIN", "BLOCKS_TABLE", "EVENTS_TABLE", "LEDGERS_TABLE", "SEQUENCER_KEY"), "bench"
    ),
}
BARE = "import botocore.session as b; b.get_session().create_client('dynamodb')"


def start_figures(folder: Path) -> dict[str, float]:
    """Bundle the functions that somebody waits for into `folder`, and import each."""
    use_packaged_node()
    from infra.assets.bundling import THIS_MACHINE, PipBundling, function_sources  # it starts Node

    shutil.rmtree(folder, ignore_errors=True)
    figures: dict[str, float] = {}
    for name in FUNCTIONS:
        bundle = folder / name
        bundle.mkdir(parents=True)
        PipBundling(function_sources(name), name, THIS_MACHINE).try_bundle(str(bundle))
        handler = f"import functions.{name}.handler"
        figures[f"{name}_import_cpu_ms"] = 1000 * _median(bundle, handler)
    sequencer = folder / "sequencer"
    sequencer_import = "from functions.sequencer.handler import sequencer; sequencer()"
    figures["sequencer_import_ratio"] = _median(sequencer, sequencer_import) / _median(
        sequencer, BARE
    )
    uncompiled = folder / "uncompiled"
    shutil.copytree(folder / "ingest", uncompiled, ignore=shutil.ignore_patterns("__pycache__"))
    without = 1000 * _median(uncompiled, "import functions.ingest.handler")
    figures["uncompiled_import_ratio"] = without / figures["ingest_import_cpu_ms"]
    return figures


def _median(bundle: Path, code: str) -> float:
    return statistics.median(_cpu_seconds(bundle, code) for _ in range(STARTS))


def _cpu_seconds(bundle: Path, code: str) -> float:
    where = f"import sys; sys.path.insert(0, {str(bundle)!r}); {code}"
    before = os.times()
    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", where], env=ENVIRONMENT, check=True)
    after = os.times()
    return (after[2] - before[2]) + (after[3] - before[3])
