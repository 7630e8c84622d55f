"""`make local`: the app of cdk.json on this machine, until stopped.

Leaves in `build/local`: `session.json` once it is ready (for scripts: address, tokens, places),
`published/<ledger>/` (plain files, as published), `<ledger>.policy`, and `functions.log`.
"""

import argparse
import fcntl
import json
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

from audit_ledger.errors import LedgerError
from infra.local.cloud import LocalCloud, local_cloud
from infra.local.lambda_runtime.runner import FunctionFailedError
from infra.local.mirror import write_whole
from infra.settings import SettingsError
from infra.synth import synthesize

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PORT = 8080
MAX_PORT = 65_535
MAX_SECONDS = 86_400
PUBLISH_SECONDS = 5.0
LOOK_SECONDS = 0.5
PATIENT = "1"
LOG = "functions.log"
STATE = "state"

Ready = Callable[[LocalCloud, dict[str, Any]], None]


def _port(text: str) -> int:
    """Read a port; 0 is any that is free."""
    if not text.isdecimal() or not 0 <= int(text) <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text}: expected a port, 0 to {MAX_PORT}")
    return int(text)


def _seconds(text: str) -> float:
    """Read a span of time above zero."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text}: expected seconds, more than 0")
    return seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.serve", description=__doc__)
    parser.add_argument("--port", type=_port, default=PORT, help=f"port on 127.0.0.1 ({PORT})")
    parser.add_argument(
        "--build", type=Path, default=REPOSITORY / "build" / "local", help="where to leave files"
    )
    parser.add_argument("--assembly", type=Path, help="deploy this cloud assembly, not cdk.json")
    parser.add_argument(
        "--publish-every", type=_seconds, default=PUBLISH_SECONDS, help="seconds", metavar="SECONDS"
    )
    parser.add_argument(
        "--keep", action="store_true", help="continue from the state that the last run stored"
    )
    options = parser.parse_args(arguments)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with TemporaryDirectory(prefix="audit-ledger-") as folder:
            assembly = options.assembly or synthesize(Path(folder))
            run(
                assembly,
                options.build,
                options.port,
                options.publish_every,
                stop,
                _greet,
                keep=options.keep,
            )
    except (LedgerError, SettingsError, OSError, RuntimeError) as error:
        if stop.is_set():  # stopped while it started
            return 0
        log = (
            f"; its log is {options.build / LOG}" if isinstance(error, FunctionFailedError) else ""
        )
        print(f"cannot serve: {error}{log}", file=sys.stderr)
        return 1
    return 0


def run(
    assembly: Path,
    build: Path,
    port: int,
    publish_seconds: float,
    stop: Event,
    ready: Ready,
    *,
    keep: bool = False,
) -> None:
    """Deploy and serve an assembly until `stop` is set; files go to `build`.

    `keep`: the ledgers too, continuing from the state that an earlier run stored there.
    `ready` is called once `session.json` exists. Raises OSError where the port is taken, another
    process serves from `build` or the disk is full; LedgerError where the assembly does not deploy,
    nothing can be published, or what was accepted can no longer be delivered.
    """
    build.mkdir(parents=True, exist_ok=True)
    session_file, state = build / "session.json", build / STATE if keep else None
    with ExitStack() as stack:
        stack.enter_context(only_one_in(build))
        session_file.unlink(missing_ok=True)
        log = stack.enter_context((build / LOG).open("w", buffering=1))
        cloud = stack.enter_context(local_cloud(assembly, port=port, log_to=log, keep=state))
        for ledger_id in cloud.ledgers:  # of an earlier run there may be files under other keys
            shutil.rmtree(published_folder(build, ledger_id), ignore_errors=True)
            write_whole(policy_file(build, ledger_id), cloud.policy(ledger_id))
        publish_and_mirror(cloud, build)
        session = describe_session(cloud, build)
        with cloud.running(schedules=False) as ended:

            def publish() -> None:
                try:
                    publish_every(cloud, build, publish_seconds, ended)
                finally:
                    ended.set()

            publishing = Thread(target=publish, name="publishing")
            publishing.start()
            try:
                write_whole(session_file, json.dumps(session, indent=2).encode() + b"\n")
                ready(cloud, session)
                while not (stop.wait(LOOK_SECONDS) or ended.is_set() or _is_broken(cloud)):
                    pass
                if _is_broken(cloud):
                    raise LedgerError(f"{state} cannot be written: nothing more is accepted")
                if not stop.is_set():
                    raise LedgerError("a delivery failed (see above): nothing more is accepted")
            finally:
                ended.set()
                session_file.unlink(missing_ok=True)
                publishing.join()


@contextmanager
def only_one_in(build: Path) -> Iterator[None]:
    """Lock a folder until this process ends, however it ends; OSError if another has locked it."""
    with (build / ".lock").open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(
                f"another process serves from {build}: give --build another folder"
            ) from None
        yield


def _is_broken(cloud: LocalCloud) -> bool:
    return cloud.journal is not None and cloud.journal.broken


def publish_every(cloud: LocalCloud, build: Path, seconds: float, stop: Event) -> None:
    """Publish and mirror all ledgers again and again; a failure is reported and tried again.

    So after a full disk too: the ledgers are in memory, and their files are copies.
    """
    reported = ""
    while not stop.wait(seconds):
        try:
            publish_and_mirror(cloud, build)
        except FunctionFailedError:
            traceback.print_exc(file=sys.stderr)
        except OSError as error:
            if reported != str(error):  # once, not every few seconds
                reported = str(error)
                print(f"files of {build} are behind: {reported}; tried again", file=sys.stderr)
        else:
            reported = ""


def publish_and_mirror(cloud: LocalCloud, build: Path) -> None:
    """Run every publisher once and copy what is published to plain files."""
    for ledger_id in cloud.ledgers:
        cloud.publish(ledger_id)
        published_folder(build, ledger_id).mkdir(parents=True, exist_ok=True)
        cloud.mirror(ledger_id, published_folder(build, ledger_id))


def published_folder(build: Path, ledger_id: str) -> Path:
    """Where a ledger's published files are copied to."""
    return build / "published" / ledger_id


def policy_file(build: Path, ledger_id: str) -> Path:
    """Where a ledger's policy file is."""
    return build / f"{ledger_id}.policy"


def describe_session(cloud: LocalCloud, build: Path) -> dict[str, Any]:
    """Return what a script needs, of the first ledger and its first portal."""
    ledger = next(iter(cloud.ledgers.values()))
    return {
        "url": cloud.url,
        "tokens": {
            "portal": cloud.tokens.portal(ledger.id, ledger.portals[0]),
            "security": cloud.tokens.security(ledger.id),
            "patient": cloud.tokens.patient(
                ledger.id, claim_of(ledger.patient_rules[ledger.portals[0]])
            ),
        },
        "ledger": ledger.id,
        "published": str(published_folder(build, ledger.id)),
        "policy": str(policy_file(build, ledger.id)),
    }


def _greet(cloud: LocalCloud, session: dict[str, Any]) -> None:
    print(lines_to_paste(cloud, session), flush=True)


def lines_to_paste(cloud: LocalCloud, session: dict[str, Any]) -> str:
    """Return tokens and commands for a person who has just started this."""
    ledger = cloud.ledger(session["ledger"])
    event = json.dumps(example_event(ledger.portals[0], ledger.patient_rules[ledger.portals[0]]))
    tokens = "\n".join(f"{name.upper()}={token}" for name, token in session["tokens"].items())
    return f"""\
Audit Ledger at {session["url"]}, ledger {session["ledger"]}.

# Tokens of a portal, a security officer and a patient
{tokens}

# Record an event
curl -i {session["url"]}/AuditEvent -H "Authorization: Bearer $PORTAL" \\
  -H 'Content-Type: application/fhir+json' \\
  -d '{event}'

# A few seconds later: the patient's query: who accessed the record
curl {session["url"]}/accesses -H "Authorization: Bearer $PATIENT"

# Verify what is published
.venv/bin/ledger verify {session["published"]} --policy {session["policy"]}

Ctrl-C stops it{"; --keep goes on from there." if cloud.journal else " and forgets everything."}
"""


def claim_of(patient_rule: Mapping[str, Any]) -> str:
    """Name the patient of `example_event` in a token as the portal's rule does."""
    if "system" in patient_rule:
        return f"{patient_rule['system']}|{PATIENT}"
    return f"Patient/{PATIENT}"


def example_event(portal_id: str, patient_rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a FHIR R4 AuditEvent of now: someone read a patient's record."""
    patient: dict[str, Any] = {"reference": f"Patient/{PATIENT}"}
    if "system" in patient_rule:
        patient["identifier"] = {"system": patient_rule["system"], "value": PATIENT}
    roles = "http://terminology.hl7.org/CodeSystem/object-role"
    return {
        "resourceType": "AuditEvent",
        "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110110"},
        "action": "R",
        "recorded": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "outcome": "0",
        "agent": [{"who": {"display": "Nurse on duty"}, "requestor": True}],
        "source": {"observer": {"display": portal_id}},
        "entity": [{"what": patient, "role": {"system": roles, "code": "1"}}],
    }


if __name__ == "__main__":
    sys.exit(main())
