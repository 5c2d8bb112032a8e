"""`proctor serve` with Gunicorn really running: workers that die, signals, and what cannot be served."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import proctor.errors
import proctor_service.serving
import pytest
import requests
from proctor_service.client import Client, ClientSettings
from proctor_service.embedded.engine import load
from proctor_service.embedded.llama import WEIGHTS
from proctor_service.serving.engine import Request

PATIENCE = 90.0
"""Seconds until a test gives up; nothing is measured by them."""
SOURCES = [
    Path(module.__file__).parents[depth] for module, depth in ((proctor_service.serving, 2), (proctor.errors, 1))
]
READY = re.compile(r"worker (\d+) \(process (\d+)\) answers")

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at the process table in /proc")


def wait_for(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Served:
    """A `proctor serve` with what it has said so far."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.log = folder / "log"
        command = [sys.executable, "-m", "proctor_service.serving", *arguments, "--port-file", str(folder / "port")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, SOURCES)), "HF_HUB_OFFLINE": "1"}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdout=out,
                stderr=out,
                # A shell that started these tests in the background has them ignore Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        self.port_file = folder / "port"

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def workers(self) -> list[tuple[int, int]]:
        """Number and process id of every worker that was ready once, in their order."""
        return [(int(number), int(pid)) for number, pid in READY.findall(self.said)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port_file.read_text()}"

    def ready(self, workers: int) -> Served:
        wait_for(lambda: len(self.workers) >= workers or self.process.poll() is not None, "not ready")
        assert self.process.poll() is None, self.said
        return self

    def ended(self) -> int:
        return self.process.wait(PATIENCE)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(*arguments: str) -> Served:
        started.append(Served(tmp_path, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
        wait_for(lambda one=one: not any(alive(pid) for _, pid in one.workers), "a worker outlived the command")


def prompt(number: int) -> str:
    return f"Question: Tom has {number} apples and buys {number + 3}. How many has he?\nAnswer:"


def test_a_worker_that_is_killed_under_load_is_replaced_and_no_answer_is_lost(serve: Callable[..., Served]) -> None:
    served = serve("--workers", "2", "--port", "0").ready(2)
    body = {"max_tokens": 24, "temperature": 0, "ignore_eos": True}

    async def ask() -> list[str]:
        settings = ClientSettings((served.url,), concurrency=16, retries=5, backoff=0.2)
        answered, texts = 0, {}

        async def one(client: Client, number: int) -> None:
            nonlocal answered
            reply = await client.post("/v1/completions", {**body, "prompt": prompt(number)})
            texts[number] = reply.json["choices"][0]["text"]
            answered += 1
            if answered == 30:  # while 16 are being computed
                os.kill(served.workers[1][1], signal.SIGKILL)

        async with Client(settings) as client:
            await asyncio.gather(*(one(client, number) for number in range(120)))
        return [texts[number] for number in range(120)]

    texts = asyncio.run(ask())
    served.ready(3)
    numbers = [number for number, _ in served.workers]
    assert sorted(numbers[:2]) == [0, 1]
    assert numbers[2] == numbers[1]  # which takes the place of the dead one
    assert [alive(pid) for _, pid in served.workers] == [True, False, True]
    engine = load(WEIGHTS)
    try:
        for number in range(0, 120, 12):
            ids = engine.about.vocabulary.encode(prompt(number), special=True)
            asked = Request(ids, max_tokens=24, temperature=0, ignore_eos=True)
            assert texts[number] == engine.submit(asked).result(60).text
    finally:
        engine.close()
    served.process.terminate()
    assert served.ended() == 0


def test_all_workers_take_their_part(serve: Callable[..., Served]) -> None:
    served = serve("--workers", "2", "--port", "0").ready(2)

    async def together() -> None:
        body = {"prompt": prompt(1), "max_tokens": 48, "temperature": 0, "ignore_eos": True}
        async with Client(ClientSettings((served.url,), concurrency=32)) as client:
            await asyncio.gather(*(client.post("/v1/completions", body) for _ in range(128)))

    before = [seconds(pid) for _, pid in served.workers]
    asyncio.run(together())
    spent = [seconds(pid) - old for (_, pid), old in zip(served.workers, before, strict=True)]
    assert min(spent) > 0.1 * sum(spent), spent


TELLING = """
import os, time

class Slow:
    batch_size = 4
    def __init__(self):
        time.sleep(2)
    def generate(self, requests):
        time.sleep(0.2)
        return [str(os.getpid()) for _ in requests]
"""


def test_one_that_takes_a_dead_ones_place_takes_its_part(serve: Callable[..., Served], tmp_path: Path) -> None:
    """While it loads, all connections go to the others, and a client would keep them."""
    (tmp_path / "mine.py").write_text(TELLING)
    served = serve("mine:Slow", "--workers", "2", "--port", "0").ready(2)
    answered: Counter[int] = Counter()
    until = time.monotonic() + PATIENCE

    async def ask(client: Client) -> None:
        while answered[newest()] < 20:
            assert time.monotonic() < until, answered
            reply = await client.post("/v1/completions", {"prompt": "a"})
            answered[int(reply.json["choices"][0]["text"])] += 1
            if sum(answered.values()) == 16:
                os.kill(served.workers[1][1], signal.SIGKILL)

    def newest() -> int:
        return served.workers[2][1] if len(served.workers) > 2 else 0

    async def all_the_time() -> None:
        settings = ClientSettings((served.url,), concurrency=16, retries=5, backoff=0.2)
        async with Client(settings) as client:
            await asyncio.gather(*(ask(client) for _ in range(16)))

    asyncio.run(all_the_time())


def seconds(pid: int) -> float:
    """Processor time of a process, in ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return float(fields[11]) + float(fields[12])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_signal_ends_the_command_and_all_its_workers(serve: Callable[..., Served], number: signal.Signals) -> None:
    served = serve("--workers", "2", "--port", "0").ready(2)
    session = requests.Session()  # a connection that stays open holds nobody up
    assert session.get(f"{served.url}/health", timeout=30).status_code == 200
    served.process.send_signal(number)
    assert served.ended() == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    wait_for(lambda: not any(alive(pid) for _, pid in served.workers), "a worker outlived the command")
    session.close()


def test_it_says_where_it_listens_and_how_it_is_asked(serve: Callable[..., Served]) -> None:
    served = serve("--port", "0", "--served-model-name", "mine").ready(1)
    wait_for(lambda: "ask it with" in served.said, served.said)
    assert f"proctor serve: mine on {served.url}, 1 worker; the model is loading" in served.said
    assert f"pytest evals/ -k gsm8k --base-url={served.url}" in served.said
    (card,) = requests.get(f"{served.url}/v1/models", timeout=30).json()["data"]
    assert (card["id"], card["owned_by"]) == ("mine", "proctor-embedded")


BROKEN = """
import os, pathlib, signal, time

def killed():
    os.kill(os.getpid(), signal.SIGKILL)

class Raising:
    def generate(self, requests):
        raise RuntimeError("the words have run out")

class Leaving:
    def generate(self, requests):
        raise SystemExit("enough")
    def chat(self, messages):
        raise SystemExit("no talk")

class Dying:
    def generate(self, requests):
        os._exit(int(requests[0].text))

class Doomed(Dying):
    def __init__(self):
        if pathlib.Path("doom").exists():
            killed()

class Alone(Dying):
    def __init__(self):
        if os.environ["PROCTOR_WORKER"] != "0":
            time.sleep(2)
            killed()

def unloadable():
    raise OSError("no weights at /models/mine")

def leaving():
    raise SystemExit("I have better things to do")

def gone():
    os._exit(0)
"""
READING = """
import argparse, sys

parser = argparse.ArgumentParser()
parser.add_argument("--flag", action="store_true")
assert not parser.parse_args().flag

class Telling:
    def generate(self, requests):
        return [" ".join(sys.argv) for _ in requests]
"""
NEEDING = """
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("checkpoint")
CHECKPOINT = parser.parse_args().checkpoint
"""


def test_a_model_that_raises_is_status_500_with_its_message_and_serves_on(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(BROKEN)
    served = serve("mine:Raising", "--port", "0").ready(1)
    for _ in range(2):
        answer = requests.post(f"{served.url}/v1/completions", json={"prompt": "a"}, timeout=30)
        assert answer.status_code == 500
        assert answer.json()["error"]["message"] == "the model failed: RuntimeError: the words have run out"
    assert 'raise RuntimeError("the words have run out")' in served.said
    refused = requests.post(f"{served.url}/v1/completions", json={"prompt": [1, 2]}, timeout=30)
    assert refused.status_code == 400
    assert "texts only" in refused.json()["error"]["message"]
    unscored = requests.post(f"{served.url}/v1/completions", json={"prompt": "a", "logprobs": 1}, timeout=30)
    assert "tells no log-probabilities" in unscored.json()["error"]["message"]
    chat = {"messages": [{"role": "user", "content": "Hi"}]}
    assert "has no method `chat`" in requests.post(f"{served.url}/v1/chat/completions", json=chat, timeout=30).text


def test_a_model_that_wants_to_end_the_process_is_status_500_and_serves_on(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(BROKEN)
    served = serve("mine:Leaving", "--port", "0").ready(1)
    chat = {"messages": [{"role": "user", "content": "Hi"}]}
    for _ in range(2):
        answer = requests.post(f"{served.url}/v1/completions", json={"prompt": ["a", "b"]}, timeout=30)
        assert answer.status_code == 500
        assert answer.json()["error"]["message"] == "the model failed: SystemExit: enough"
        answer = requests.post(f"{served.url}/v1/chat/completions", json=chat, timeout=30)
        assert answer.json()["error"]["message"] == "the model failed: SystemExit: no talk"
    assert len(served.workers) == 1


@pytest.mark.parametrize("code", [0, 3, 4, 9])  # Gunicorn's own workers end with 3 and 4 where they cannot begin
def test_a_model_that_takes_its_process_along_is_there_again(
    serve: Callable[..., Served], tmp_path: Path, code: int
) -> None:
    (tmp_path / "mine.py").write_text(BROKEN)
    served = serve("mine:Dying", "--port", "0").ready(1)
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{served.url}/v1/completions", json={"prompt": str(code)}, timeout=30)
    served.ready(2)
    assert requests.get(f"{served.url}/health", timeout=30).status_code == 200
    assert code == 0 or f"ended with exit code {code}, and is replaced" in served.said


def test_a_place_that_cannot_be_filled_again_is_tried_a_few_times(serve: Callable[..., Served], tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(BROKEN)
    served = serve("mine:Doomed", "--port", "0").ready(1)
    (tmp_path / "doom").touch()
    os.kill(served.workers[0][1], signal.SIGKILL)
    assert served.ended() == 4
    killed = "was killed by signal 9 (SIGKILL, perhaps out of memory)"
    assert f"{killed}, and is replaced" in served.said
    assert f"{killed} while it loaded the model, and is started again (3 of 3 times)" in served.said
    assert f"{killed} while it loaded the model, which has happened 4 times in a row" in served.said


def test_a_module_that_reads_a_command_line_does_not_see_ours(serve: Callable[..., Served], tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(READING)
    served = serve("mine:Telling", "--port", "0").ready(1)
    answer = requests.post(f"{served.url}/v1/completions", json={"prompt": "a"}, timeout=30).json()
    assert answer["choices"][0]["text"] == "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["mine:unloadable"], 4, "proctor serve: mine:unloadable could not be loaded: OSError: no weights at"),
        (["mine:unloadable", "--workers", "3"], 4, "mine:unloadable could not be loaded"),
        (["mine:leaving"], 4, "mine:leaving could not be loaded: SystemExit: I have better things to do; code that is"),
        (["needing:load"], 4, "needing:load could not be loaded: SystemExit: 2; code that is imported must not end"),
        (["package.mine:load"], 4, "package.mine:load: the package of package.mine cannot be imported: SystemExit: 2"),
        (["mine:gone"], 4, "ended with exit code 0 while it loaded the model: something in the model's code ends the"),
        (["mine:killed"], 4, "perhaps out of memory) while it loaded the model: less is needed by a smaller model"),
        (["mine:killed", "--workers", "3"], 4, "less is needed by fewer --workers (each has a model of its own) or a"),
        (["mine:Alone", "--workers", "2"], 4, "1 of 2 workers have loaded it, which is what --workers=1 starts"),
        (["--host", "no.such.host"], 4, "proctor: --host=no.such.host: "),
        (["mine:nothing"], 4, "proctor serve: mine:nothing: mine has no attribute nothing"),
        (["yours:load"], 4, "proctor: yours:load: there is no module yours in"),
        (["./nowhere"], 4, "proctor: --model=./nowhere: there is no such folder"),
        (["--port", "70000"], 2, "--port: a number from 0 to 65535 is needed"),
        (["--workers", "0"], 2, "--workers: a whole number of 1 or more is needed"),
    ],
)
def test_what_cannot_be_served_ends_with_a_sentence(
    serve: Callable[..., Served], tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    (tmp_path / "mine.py").write_text(BROKEN)
    (tmp_path / "needing.py").write_text(NEEDING)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text(NEEDING)
    served = serve("--port", "0", *arguments)
    assert served.ended() == code, served.said
    assert message in served.said
    assert "HaltServer" not in served.said
    assert served.said.count("while it loaded the model") <= 1


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(serve: Callable[..., Served]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        served = serve("--port", port)
        assert served.ended() == 4
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use: choose another with --port" in served.said
    assert "Traceback" not in served.said
