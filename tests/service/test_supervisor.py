"""The server ends when its parent does, whatever ends the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from proctor.errors import ServiceError
from proctor_service.launching import launch, supervisor

DEADLINE = 20.0
COMMAND = [sys.executable, "-I", "-S", supervisor.__file__]
# Two processes of one group; told to be stubborn, the second takes no notice of SIGTERM.
PAIR = """
import os, signal, sys, time
child = os.fork()
if child == 0:
    if sys.argv[2:] == ["stubborn"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(sys.argv[1] + ".new", "w").write(f"{os.getppid()} {os.getpid()}")
    os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def pids(file: Path) -> list[int]:
    wait_for(file.exists, "the command did not start")
    return [int(word) for word in file.read_text().split()]


def supervise(log: Path, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, str(log), "--", *command], stdin=subprocess.PIPE, start_new_session=True)


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-S", "-c", code, *arguments]


pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at the process table in /proc")


def test_killing_the_parent_ends_the_whole_group(tmp_path: Path):
    """The parent dies of kill -9, which leaves it no chance to clean up."""
    found = tmp_path / "pids"
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [*COMMAND, str(tmp_path / "log"), "--", *python(PAIR, str(found), "stubborn")]
    with subprocess.Popen(python(code, *command), stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        supervised = int(parent.stdout.readline())
        server = pids(found)
        assert all(map(alive, [supervised, *server]))
        parent.send_signal(signal.SIGKILL)
    wait_for(lambda: not any(map(alive, [supervised, *server])), "a process outlived the parent")


def test_closing_the_pipe_ends_the_server(tmp_path: Path):
    process = supervise(tmp_path / "log", *python("import time; time.sleep(600)"))
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(DEADLINE) == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_supervisor_ends_the_server(tmp_path: Path, number: signal.Signals):
    found = tmp_path / "pids"
    process = supervise(tmp_path / "log", *python(PAIR, str(found)))
    server = pids(found)
    process.send_signal(number)
    assert process.wait(DEADLINE) == 128 + signal.SIGTERM
    assert not any(map(alive, server))
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.parametrize(("code", "status"), [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_the_exit_status_is_the_servers(tmp_path: Path, code: str, status: int):
    log = tmp_path / "log"
    process = supervise(log, *python(f"print('begun', flush=True); {code}"))
    assert process.wait(DEADLINE) == status
    assert log.read_text() == "begun\n"
    assert process.stdin is not None
    process.stdin.close()


def test_a_leader_that_ends_takes_its_group_along(tmp_path: Path):
    found = tmp_path / "pids"
    process = supervise(tmp_path / "log", *python(PAIR, str(found)))
    leader, child = pids(found)
    os.kill(leader, signal.SIGKILL)
    assert process.wait(DEADLINE) == 137
    wait_for(lambda: not alive(child), "the leader's child outlived it")
    assert process.stdin is not None
    process.stdin.close()


def test_a_command_that_cannot_be_started_says_so(tmp_path: Path):
    log = tmp_path / "log"
    process = supervise(log, "/no/such/command")
    assert process.wait(DEADLINE) == 127
    assert "cannot start /no/such/command" in log.read_text()
    assert subprocess.run([*COMMAND, "log"], capture_output=True, check=False).returncode == 2


def test_the_server_is_in_a_session_of_its_own(tmp_path: Path):
    """Ctrl-C at a terminal goes to pytest's process group: neither supervisor nor server is in it."""
    found = tmp_path / "pids"
    server = launch.start(python(PAIR, str(found)), tmp_path / "log", os.environ)
    try:
        ours = os.getpgrp()
        groups = [os.getpgid(pid) for pid in (server.supervisor_pid, *pids(found))]
        assert ours not in groups
        assert groups[0] != groups[1] == groups[2]
    finally:
        server.stop()
        server.stop()
    assert not any(map(alive, pids(found)))


def test_a_server_that_dies_at_once_is_reported_with_the_end_of_its_log(tmp_path: Path):
    log = tmp_path / "logs" / "service.log"
    code = "for i in range(40): print('line', i, flush=True)\nraise SystemExit('no weights here')"
    server = launch.start(python(code), log, os.environ)
    with pytest.raises(ServiceError) as caught:
        server.wait(lambda: None, lambda message: None, DEADLINE)
    message = str(caught.value)
    assert "exit status 1" in message
    assert "no weights here" in message
    assert "line 39" in message
    assert "line 20" not in message
    server.stop()


def test_a_server_that_never_answers_is_given_up(tmp_path: Path):
    server = launch.start(python("import time; time.sleep(600)"), tmp_path / "log", os.environ)
    try:
        with pytest.raises(ServiceError, match=r"did not answer within 0\.1 s"):
            server.wait(lambda: None, lambda message: None, 0.1)
    finally:
        server.stop()
