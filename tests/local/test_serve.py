"""`make local` prints its address, answers there, and ends when it is stopped."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from audit_ledger.errors import LedgerError
from audit_ledger.tlog.policy import parse_policy
from infra.local import mirror
from infra.local.cloud import LocalCloud
from infra.local.lambda_runtime.function_log import FunctionLog
from infra.local.lambda_runtime.sqs_event_source import QueuePump
from infra.local.serve import (
    REPOSITORY,
    lines_to_paste,
    main,
    only_one_in,
    run,
)
from tests.local.submissions import post_event, start_serving


class Served:
    """A served app and the files that it leaves."""

    def __init__(self, assembly: Path, build: Path, publish_seconds: float = 3600.0) -> None:
        self.build = build
        self.publish_seconds = publish_seconds
        self.stop = Event()
        self.results: Queue[tuple[LocalCloud, dict[str, Any]] | BaseException] = Queue()
        self.thread = Thread(target=self._run, args=(assembly,))
        self.thread.start()
        result = self.results.get()
        if isinstance(result, BaseException):
            raise result
        self.cloud, self.session = result

    def _run(self, assembly: Path) -> None:
        try:
            every = self.publish_seconds
            run(assembly, self.build, 0, every, self.stop, lambda *ready: self.results.put(ready))
        except Exception as error:  # the test's thread waits for it
            self.results.put(error)
            raise

    def end(self) -> None:
        self.stop.set()
        self.thread.join()


def test_the_session_file_contains_tokens_and_paths(assembly: Path, tmp_path: Path) -> None:
    (tmp_path / "published" / "north").mkdir(parents=True)
    (tmp_path / "published" / "north" / "checkpoint").write_text("of an earlier run")
    served = Served(assembly, tmp_path)
    try:
        session = json.loads((tmp_path / "session.json").read_text())
        assert session == served.session
        assert set(session) == {"url", "tokens", "ledger", "published", "policy"}
        assert set(session["tokens"]) == {"portal", "security", "patient"}
        assert session["ledger"] == "north"
        with urlopen(f"{session['url']}/metadata") as answer:
            assert answer.status == 200
        parse_policy(Path(session["policy"]).read_bytes())
        assert Path(session["published"]).is_dir()
        assert not (Path(session["published"]) / "checkpoint").exists()
        text = lines_to_paste(served.cloud, session)
        for token in session["tokens"].values():
            assert token in text
        assert f"ledger verify {session['published']} --policy {session['policy']}" in text
    finally:
        served.end()
    assert not (tmp_path / "session.json").exists()
    with pytest.raises(URLError):
        urlopen(session["url"])


def test_reports_a_used_port_in_one_line(
    assembly: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        options = ["--assembly", str(assembly), "--build", str(tmp_path), "--port", port]
        assert main(options) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cannot serve: ")
    assert "Address already in use" in line


def test_refuses_a_second_process_in_one_folder(
    assembly: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It does not change the first one's files; an ended process has no lock."""
    served = Served(assembly, tmp_path)
    try:
        options = ["--assembly", str(assembly), "--build", str(tmp_path), "--port", "0"]
        assert main(options) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line == (
            f"cannot serve: another process serves from {tmp_path}: give --build another folder"
        )
        assert json.loads((tmp_path / "session.json").read_text()) == served.session
    finally:
        served.end()
    with only_one_in(tmp_path):
        pass


def test_a_killed_process_releases_its_folder(tmp_path: Path) -> None:
    """kill -9: the lock ends with the process, whatever the content of its file."""
    script = (
        "import pathlib, sys, time; from infra.local.serve import only_one_in\n"
        "with only_one_in(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'shared'}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(OSError, match="another process serves from"), only_one_in(tmp_path):
        pass
    process.kill()
    process.wait()
    with only_one_in(tmp_path):
        pass


def test_writes_files_again_after_a_full_disk(
    assembly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events accepted meanwhile are in memory: they are appended, published, and mirrored later."""
    full = Event()
    met = Event()
    real = mirror.write_whole

    def write_whole(file: Path, data: bytes) -> None:
        if full.is_set():
            met.set()
            raise OSError(28, "No space left on device", str(file))
        real(file, data)

    monkeypatch.setattr(mirror, "write_whole", write_whole)
    served = Served(assembly, tmp_path, publish_seconds=0.2)
    try:
        full.set()
        assert post_event(served.session) == 201
        assert met.wait(60)
        checkpoint = Path(served.session["published"]) / "checkpoint"
        assert not checkpoint.exists()
        full.clear()
        for _ in range(600):
            if checkpoint.exists():
                break
            served.stop.wait(0.1)
        assert checkpoint.read_text().splitlines()[1] == "2"
    finally:
        served.end()


def test_an_unwritable_log_does_not_fail_a_function() -> None:
    """Its lines stay in memory."""

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    log = FunctionLog(copy_to=Full())
    log.write("one line\n")
    assert list(log.lines) == ["one line"]


def test_accepts_no_event_after_a_failed_delivery(
    assembly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No 201 for an event that is not delivered: the server ends with an error."""
    failing = Event()
    receive = QueuePump._receive

    def broken(pump: QueuePump) -> None:
        if failing.is_set():
            raise RuntimeError("a thread of deliveries dies")
        receive(pump)

    monkeypatch.setattr(QueuePump, "_receive", broken)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    served = Served(assembly, tmp_path)
    failing.set()
    served.thread.join(60)
    assert isinstance(served.results.get(timeout=60), LedgerError)
    with pytest.raises(URLError):
        urlopen(served.session["url"])


def test_reports_a_missing_assembly_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--assembly", str(tmp_path), "--build", str(tmp_path), "--port", "0"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "no manifest.json" in line


def test_an_interrupt_ends_it_cleanly(assembly: Path, tmp_path: Path) -> None:
    """`test_kill_9_loses_no_accepted_event` ends it by SIGTERM."""
    process, session = start_serving(assembly, tmp_path)
    assert post_event(session) == 201
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert not (tmp_path / "session.json").exists()


@pytest.mark.parametrize(
    "option",
    [
        ["--port", "99999"],
        ["--port", "-1"],
        ["--port", "http"],
        ["--publish-every", "-1"],
        ["--publish-every", "0"],
        ["--publish-every", "nan"],
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_refused(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 and what was expected, before anything starts."""
    with pytest.raises(SystemExit) as ended:
        main(option)
    assert ended.value.code == 2
    assert f"{option[1]}: expected" in capsys.readouterr().err
