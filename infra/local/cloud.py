"""All of it together: a deployed app that takes requests, and its ledgers.

    with local_cloud(synthesize(folder)) as cloud:
        post(f"{cloud.url}/AuditEvent", cloud.tokens.portal("st-elsewhere", "ehr"), event)
        cloud.drain()  # queues and bus, to the end
        cloud.publish()  # every ledger's publisher, once
        cloud.mirror("st-elsewhere", folder)

Driven like this nothing happens by itself and nothing waits; `running()` does it in real time.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, TextIO

from audit_ledger.aws.kms_data_keys import WrappingKey
from audit_ledger.aws.kms_signing import public_key_der
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.errors import LostRaceError, NotFoundError
from audit_ledger.public_keys import raw_public_key
from audit_ledger.verify.policy_file import policy_for
from infra.local.api_gateway.http_server import HttpApi, HttpServer, serve
from infra.local.api_gateway.tokens import LedgerTokens
from infra.local.aws.calls import client
from infra.local.aws.emulator import emulated_aws
from infra.local.aws.saved_state import StateJournal, journaled_in, restored_keys
from infra.local.cloudformation.deployment import Deployment, deploy
from infra.local.cost.meter import Meter
from infra.local.iam.permissions import Permissions
from infra.local.lambda_runtime.eventbridge import Delivery, EventBusPump
from infra.local.lambda_runtime.lambda_calls import invoking
from infra.local.lambda_runtime.runner import Runner
from infra.local.lambda_runtime.scheduler import SchedulePump
from infra.local.lambda_runtime.sqs_event_source import Batch, QueuePump
from infra.local.mirror import Mirror

REGION = "eu-central-1"


@dataclass(frozen=True)
class LocalLedger:
    """One deployed ledger."""

    id: str
    origin: str
    patient_rules: Mapping[str, Mapping[str, Any]]
    """By portal: `{"system": "<URI>"}` or `{"reference": true}`."""
    sequencer: str
    publisher: str
    queue: str
    environment: Mapping[str, str]
    """The environment of its publisher: keys, buckets, tables."""

    @property
    def portals(self) -> tuple[str, ...]:
        """Ids of its portals, in the order of the settings."""
        return tuple(self.patient_rules)


@dataclass(frozen=True)
class Drained:
    """What a drain delivered."""

    batches: tuple[Batch, ...]
    deliveries: tuple[Delivery, ...]


@dataclass
class LocalCloud:
    """A deployed app: its API at `url`, its functions, its ledgers by id."""

    deployment: Deployment
    runner: Runner
    meter: Meter
    tokens: LedgerTokens
    server: HttpServer
    bus: EventBusPump
    permissions: Permissions
    """What IAM would refuse is refused, and listed in `permissions.refusals`."""
    ledgers: Mapping[str, LocalLedger]
    journal: StateJournal | None = None
    """The journal of stored changes, if state is stored."""
    _queues: list[QueuePump] = field(init=False)
    _schedules: list[SchedulePump] = field(init=False)
    _mirrors: dict[tuple[str, Path], Mirror] = field(default_factory=dict)

    def __post_init__(self) -> None:
        app, runner = self.deployment, self.runner
        self._queues = [QueuePump(m, runner, app.region) for m in app.mappings]
        self._schedules = [SchedulePump(s, runner) for s in app.schedules]

    @property
    def url(self) -> str:
        """The API's address, without a slash at the end."""
        return self.server.url

    def drain(self, environments: int = 1, *, redeliver: bool = True) -> Drained:
        """Deliver what waits on the bus and in the queues until nothing moves any more.

        See `QueuePump.drain` for `environments` and `redeliver`.
        """
        batches: list[Batch] = []
        deliveries: list[Delivery] = []
        while True:
            moved: list[Batch | Delivery] = []
            delivered = self.bus.drain()
            deliveries += delivered
            moved += delivered
            for pump in self._queues:
                drained = pump.drain(environments, redeliver=redeliver)
                batches += drained
                moved += drained
            if not moved:
                return Drained(tuple(batches), tuple(deliveries))

    def publish(self, ledger_id: str | None = None) -> None:
        """Run the schedules once: all, or one ledger's. Raises FunctionFailedError."""
        wanted = None if ledger_id is None else self.ledger(ledger_id).publisher
        for pump in self._schedules:
            if wanted in (None, pump.schedule.function):
                pump.tick()

    def ledger(self, ledger_id: str) -> LocalLedger:
        """Return a ledger; NotFoundError where none of that id is deployed."""
        if ledger_id not in self.ledgers:
            raise NotFoundError(f"no ledger {ledger_id} is deployed")
        return self.ledgers[ledger_id]

    def policy(self, ledger_id: str) -> bytes:
        """Return the policy file of a ledger, made of the keys that KMS has."""
        ledger = self.ledger(ledger_id)
        kms = client("kms", self.deployment.region)
        ed25519, mldsa44 = (
            raw_public_key(public_key_der(kms, ledger.environment[name]))
            for name in ("CHECKPOINT_ED25519_KEY", "CHECKPOINT_MLDSA44_KEY")
        )
        return policy_for(ledger.origin, [ed25519], [mldsa44]).to_bytes()

    def mirror(self, ledger_id: str, folder: Path) -> int:
        """Copy what a ledger has published into a folder; see `Mirror.update`."""
        key = (ledger_id, folder)
        if key not in self._mirrors:
            bucket = self.ledger(ledger_id).environment["PUBLISHED_BUCKET"]
            self._mirrors[key] = Mirror(bucket, ledger_id, folder, self.deployment.region)
        with self.runner.paused():
            return self._mirrors[key].update()

    @contextmanager
    def running(self, schedules: bool = True) -> Iterator[Event]:
        """Deliver and, if wanted, publish in real time within the block, by threads.

        Gives the event that stops them, which the end of the block sets, and a thread that fails:
        nothing must be accepted that nobody delivers. A mapping has as many threads, and execution
        environments, as it may run functions at once (at most two).
        """
        stop = Event()

        def thread(run: Callable[..., None], name: str, *arguments: Any) -> Thread:
            def guarded() -> None:
                try:
                    run(stop, *arguments)
                finally:
                    stop.set()

            return Thread(target=guarded, name=name)

        threads = [thread(self.bus.run, "bus")]
        for mapping in self.deployment.mappings:
            for environment in range(min(mapping.max_concurrency or 1, 2)):
                pump = QueuePump(mapping, self.runner, self.deployment.region)
                threads.append(thread(pump.run, mapping.queue, environment))
        if schedules:
            threads += [thread(s.run, s.schedule.name) for s in self._schedules]
        for each in threads:
            each.start()
        try:
            yield stop
        finally:
            stop.set()
            for each in threads:
                each.join()


@contextmanager
def local_cloud(
    assembly: Path,
    *,
    region: str = REGION,
    port: int = 0,
    log_to: TextIO | None = None,
    keep: Path | None = None,
) -> Iterator[LocalCloud]:
    """Deploy a cloud assembly and serve its API on 127.0.0.1; port 0 is any that is free.

    `log_to` receives what functions print, line by line; `runner.logs` stores it too. `keep`:
    continue from the state in this folder and store changes there; see `local.aws.saved_state`.
    """
    with ExitStack() as stack:
        stack.enter_context(emulated_aws(region))
        with restored_keys(keep, region) if keep else nullcontext():
            deployment = deploy(assembly, region)
        journal = stack.enter_context(journaled_in(keep, region)) if keep else None
        runner = Runner(deployment.functions, region, log_to)
        stack.callback(runner.forget)
        stack.enter_context(invoking(runner))
        bus = EventBusPump(deployment, runner)
        stack.enter_context(bus.listening())
        permissions = stack.enter_context(Permissions.of(deployment).enforced())
        meter = stack.enter_context(Meter(region).counting())
        tokens = LedgerTokens.of(deployment)
        server = serve(HttpApi(deployment, runner, tokens.issuer.public_keys), port)
        stack.callback(server.stop)
        ledgers = _ledgers(deployment)
        for ledger in ledgers.values():
            _with_first_keys(ledger, region)
        yield LocalCloud(
            deployment, runner, meter, tokens, server, bus, permissions, ledgers, journal
        )


def _ledgers(deployment: Deployment) -> dict[str, LocalLedger]:
    """Find the ledgers by their publishers, whose environment has the ledger's id."""
    by_origin = {
        f.environment["ORIGIN"]: f
        for f in deployment.functions.values()
        if "ORIGIN" in f.environment and "LEDGER_ID" not in f.environment
    }
    queues = {m.function: m.queue for m in deployment.mappings}
    ledgers = {}
    for publisher in deployment.functions.values():
        if "LEDGER_ID" not in publisher.environment:
            continue
        ledger_id, origin = publisher.environment["LEDGER_ID"], publisher.environment["ORIGIN"]
        sequencer = by_origin[origin].name
        ledgers[ledger_id] = LocalLedger(
            ledger_id,
            origin,
            _patient_rules(deployment, ledger_id),
            sequencer,
            publisher.name,
            queues[sequencer],
            publisher.environment,
        )
    return ledgers


def _with_first_keys(ledger: LocalLedger, region: str) -> None:
    """Create a ledger's keys, as its publisher does in the first minute after a deployment."""
    table, wrapping = ledger.environment["LEDGERS_TABLE"], ledger.environment["WRAPPING_KEY"]
    keys = WrappingKey(client("kms", region), wrapping, ledger.origin).first_keys()
    with suppress(LostRaceError):  # it continues with the stored ones
        LedgersTable(client("dynamodb", region), table, ledger.origin).put_first_keys(keys)


def _patient_rules(deployment: Deployment, ledger_id: str) -> dict[str, Mapping[str, Any]]:
    """Read a ledger's portals from its SSM parameter."""
    (parameter,) = (
        p
        for p in deployment.of_type("AWS::SSM::Parameter")
        if p.identity.reference.endswith(f"/ledgers/{ledger_id}")
    )
    portals = json.loads(parameter.properties["Value"])["portals"]
    return {portal_id: portal["patient"] for portal_id, portal in portals.items()}
