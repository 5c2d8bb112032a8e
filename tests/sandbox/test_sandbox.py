"""Right programs pass; programs that cheat do not, and harm nothing. Real processes throughout."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import proctor_service.sandbox
import pytest
from proctor.errors import AskError, ServiceError
from proctor.model import Limits, Program
from proctor_service.sandbox import LocalSandbox

QUICK = Limits(timeout=2.0, memory=256)
SECRET = "the_secret_of_the_tests"
CHECK = f"""
{SECRET} = 7
def check(candidate):
    assert candidate(2) == 4, "{SECRET}"
    assert candidate(3) == 9
"""


@pytest.fixture(scope="module")
def sandbox():
    try:
        made = LocalSandbox()
    except ServiceError as error:
        if sys.platform == "linux" and os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    yield made
    made.close()


def run(sandbox, program, check=CHECK, limits=QUICK, setup="", entry_point="f"):
    return asyncio.run(sandbox.run(Program(program, entry_point, setup, check), limits))


RIGHT = {
    "plain": "def f(x): return x * x",
    "prints": 'def f(x):\n    print(\'{"status": "failed"}\')\n    return x * x',
    "library": "import math, collections, re, itertools, random, heapq, datetime\ndef f(x): return int(math.pow(x, 2))",
    "files of its own": "def f(x):\n    open('note', 'w').write(str(x))\n    return int(open('note').read()) ** 2",
    "threads": """
import threading
def f(x):
    found = []
    thread = threading.Thread(target=lambda: found.append(x * x))
    thread.start(); thread.join()
    return found[0]
""",
}


@pytest.mark.parametrize("program", RIGHT.values(), ids=RIGHT)
def test_right_programs_pass(sandbox, program):
    assert run(sandbox, program).passed


CHEATS = {
    "own __eq__": "class A:\n    def __eq__(self, other): return True\ndef f(x): return A()",
    "int with own __eq__": """
class A(int):
    def __eq__(self, other): return True
    __hash__ = None
def f(x): return A(1)
""",
    "list with own __eq__": "class A(list):\n    def __eq__(self, other): return True\ndef f(x): return [A()]",
    "replies in advance": """
import json, os, struct, time
for reply in ({"ready": True}, {"value": 4}, {"value": 9}):
    data = json.dumps(reply).encode()
    for pipe in range(3, 64):
        try: os.write(pipe, struct.pack("<Q", len(data)) + data)
        except OSError: pass
time.sleep(1)
""",
    "own __reduce__": "class A:\n    def __reduce__(self): return (int, ('4',))\ndef f(x): return A()",
    "generator": "def f(x):\n    yield x * x",
    "os._exit(0) at import": "import os\nos._exit(0)",
    "os._exit(0) in the call": "import os\ndef f(x): os._exit(0)",
    "the status of a failed isolation": "import os\ndef f(x): os._exit(97)",
    "that status at import": "import os\nos._exit(97)",
    "sys.exit(0)": "import sys\ndef f(x): sys.exit(0)",
    "atexit": "import atexit, os\natexit.register(lambda: os._exit(0))\ndef f(x): raise SystemExit(0)",
    "patched AssertionError": """
import builtins
builtins.AssertionError = type('E', (BaseException,), {})
def f(x): return 0
""",
    "patched builtins": """
import builtins
for n in ('exec', 'compile', 'type', 'abs', 'len'):
    setattr(builtins, n, lambda *a: True)
def f(x): return 0
""",
    "patched __builtins__": """
__builtins__['__build_class__'] = None
ABS = __builtins__
ABS.clear()
def f(x): return 0
""",
    "own check": "def check(candidate): pass\ndef f(x): return 0",
    "patched protocol": """
import sys
main = sys.modules['__main__']
main.encode = lambda value: ["x"]
def f(x): return 0
""",
    "verdict on the pipes": """
import os, json, struct
data = json.dumps({"status": "passed", "detail": ""}).encode()
for fd in range(64):
    for text in (data, struct.pack("<Q", len(data)) + data):
        try: os.write(fd, text)
        except OSError: pass
def f(x): return 0
""",
    "a reply of JSON that is no value": """
import sys
main = sys.modules['__main__']
def f(x):
    main.send(4, {"value": ["l", {"passed": True}]}); main.send(5, {"value": {"__class__": "int"}})
    return 0
""",
    "frames and garbage": f"""
import gc, sys
def f(x):
    seen = repr([o for o in gc.get_objects() if isinstance(o, dict) and 'candidate' in o])
    frame = sys._getframe()
    while frame:
        if '{SECRET[:5]}' + '{SECRET[5:]}' in str(frame.f_locals): return x * x
        frame = frame.f_back
    return 0
""",
    "proc of other processes": """
import glob
def f(x):
    for name in glob.glob('/proc/[0-9]*/cmdline') + glob.glob('/proc/[0-9]*/environ'): return x * x
    return 0
""",
    "network": """
import socket
def f(x):
    try:
        socket.create_connection(("127.0.0.1", PORT), 1)
        return x * x
    except OSError: return 0
""",
    "kill the parent": """
import os, signal
def f(x):
    for pid in (0, -1, 1, os.getppid(), *range(2, 50)):
        try: os.kill(pid, 9)
        except OSError: pass
    return 0
""",
    "fork and answer twice": """
import os
def f(x):
    try: os.fork(); return x * x
    except OSError: return 0
""",
    "another program": """
import subprocess, sys
def f(x):
    try: subprocess.run([sys.executable or '/usr/bin/python3', '-c', '']); return x * x
    except Exception: return 0
""",
    "segmentation fault": "import ctypes\ndef f(x): return ctypes.string_at(0)",
    "deep recursion": "import sys\nsys.setrecursionlimit(10**9)\ndef f(x): return f(x)",
    "a value of great depth": "def f(x):\n    a = []\n    for _ in range(100000): a = [a]\n    return a",
    "memory": "def f(x): return len(bytearray(10**10)) and x * x",
    "a large reply": "def f(x): return 'x' * (20 * 2**20)",
    "a large file": """
def f(x):
    try:
        with open('large', 'wb') as file:
            for _ in range(64): file.write(bytes(2**20)); file.flush()
        return x * x
    except OSError: return 0
""",
    "writing to Python's library": """
import os
def f(x):
    for folder in (os.path.dirname(os.__file__), '/', '/usr/lib'):
        try: open(folder + '/planted.py', 'w'); return x * x
        except OSError: pass
    return 0
""",
    "mounting": """
import ctypes
def f(x):
    libc = ctypes.CDLL(None)
    return x * x if 0 in (libc.unshare(0x10000000), libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)) else 0
""",
    "slow __del__": "import time\nclass A:\n    def __del__(self): time.sleep(60)\ndef f(x):\n    A()\n    return 4",
}
ENDLESS = {
    "loop": "def f(x):\n    while True: pass",
    "loop at import": "while True: pass",
    "output": "import os\ndef f(x):\n    while True: print('x' * 10000); os.write(2, b'x' * 10000)",
    "fork bomb": "import os\ndef f(x):\n    while True:\n        try: os.fork()\n        except OSError: pass",
    "threads": """
import threading, time
def f(x):
    while True:
        try: threading.Thread(target=time.sleep, args=(60,)).start()
        except RuntimeError: pass
""",
    "signals caught": """
import signal
for number in range(1, 65):
    try: signal.signal(number, lambda *a: None)
    except (OSError, ValueError): pass
def f(x):
    while True:
        try:
            while True: pass
        except BaseException: pass
""",
}


@pytest.fixture(scope="module")
def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("program", CHEATS.values(), ids=CHEATS)
def test_cheats_fail(sandbox, port, program):
    assert run(sandbox, program.replace("PORT", str(port))).status in ("failed", "timeout")


@pytest.mark.parametrize("program", ENDLESS.values(), ids=ENDLESS)
def test_what_does_not_end_is_ended(sandbox, program):
    started = time.monotonic()
    found = run(sandbox, program, limits=Limits(timeout=0.5, memory=256))
    # Threads without end may meet the limit of memory first.
    assert found.status == "timeout" or (program == ENDLESS["threads"] and found.status == "failed")
    assert time.monotonic() - started < 6


def test_the_tests_own_file_is_out_of_sight(sandbox, tmp_path):
    secret = tmp_path / "tests.jsonl"
    secret.write_text("4")
    program = f"def f(x):\n    try: return int(open({str(secret)!r}).read())\n    except OSError: return 0"
    assert not run(sandbox, program, check="def check(candidate): assert candidate(2) == 4").passed
    assert run(sandbox, program, check="def check(candidate): assert candidate(2) == 0").passed


ESCAPES = """
import ctypes, os, time
for leave in (lambda: os.setsid(), lambda: os.setpgid(0, 0), lambda: ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)):
    try: leave()
    except OSError: pass
time.sleep(600)
"""


def candidates() -> set[int]:
    """Process ids of programs that are being run."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b"sandbox_runner.py\0candidate" in path.read_bytes():
                found.add(int(path.parent.name))
    return found


def test_no_program_leaves_those_that_are_ended_with_it(sandbox):
    before = candidates()
    assert run(sandbox, ESCAPES, limits=Limits(timeout=0.5, memory=256)).status == "timeout"
    assert candidates() <= before


HOARDS = {
    "System V": """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
def f(x):
    piece = libc.shmget(0, 64 << 20, 0o1600)
    if piece < 0: return 0
    ctypes.memset(libc.shmat(piece, None, 0), 1, 64 << 20)
    return 1
""",
    "files without a folder": """
import os
def f(x):
    try: return os.write(os.memfd_create("hoard"), bytes(1 << 20))
    except OSError: return 0
""",
    "message queues": """
import ctypes
def f(x): return int(ctypes.CDLL(None).msgget(0, 0o1600) >= 0)
""",
}


@pytest.mark.parametrize("program", HOARDS.values(), ids=HOARDS)
def test_memory_that_no_limit_counts_cannot_be_had(sandbox, program):
    assert run(sandbox, program, check="def check(candidate): assert candidate(0) == 0").passed


def test_long_numbers_cross(sandbox):
    program = "def f(x): return 10 ** x"
    assert run(sandbox, program, check="def check(candidate): assert candidate(9000) == 10 ** 9000").passed


def test_nothing_is_left_running(sandbox):
    mark = "proctor-sandbox-left"
    program = f"""
import threading, time
MARK = '{mark}'
def f(x):
    threading.Thread(target=time.sleep, args=(600,)).start()
    return x * x
"""
    assert run(sandbox, program).passed
    found = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert sandbox._folder not in found


def test_a_program_ends_with_whoever_ran_it(sandbox):
    script = """
import asyncio
from proctor.model import Limits, Program
from proctor_service.sandbox import LocalSandbox
sandbox = LocalSandbox()
print(sandbox._folder, flush=True)
asyncio.run(sandbox.run(Program("while True: pass", "f", "", ""), Limits(timeout=600.0)))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment) as runner:
        folder = runner.stdout.readline().strip()

        def running():
            return (
                folder
                in subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
            )

        try:
            wait_until(running)
            time.sleep(0.3)
        finally:
            runner.kill()
    wait_until(lambda: not running())
    os.rmdir(folder)


def wait_until(holds, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "value",
    [
        *("None", "True", "-3", "10**400", "1.5", "float('inf')", "'\\ud800é'"),
        *("[1, (2, {3})]", "{(1, 2): [b'x', 1j]}", "frozenset({1})"),
    ],
)  # fmt: skip
def test_plain_values_cross_as_they_are(sandbox, value):
    check = f"""
def check(candidate):
    value = {value}
    found = candidate(value)
    assert found == value
    assert type(found) is type(value)
"""
    assert run(sandbox, "def f(x): return x", check=check).passed


@pytest.mark.parametrize(
    ("value", "test"),
    [
        ("collections.Counter('noon')", "type(found) is dict and found == {'n': 2, 'o': 2}"),
        ("collections.OrderedDict(a=1)", "type(found) is dict and found == {'a': 1}"),
        ("collections.defaultdict(list, a=[1])", "type(found) is dict and found == {'a': [1]}"),
        # Of a match tests see that it is there.
        ("re.search('b', 'abc')", "found and found is not None and found != True"),
        ("re.search('d', 'abc')", "found is None"),
    ],
)
def test_what_the_library_returns_crosses_as_tests_see_it(sandbox, value, test):
    program = f"import collections, re\ndef f(x): return {value}"
    check = f"def check(candidate):\n    found = candidate(0)\n    assert {test}"
    assert run(sandbox, program, check=check).passed


def test_an_exception_crosses_by_its_name(sandbox):
    check = """
def check(candidate):
    try: candidate(0)
    except ZeroDivisionError as error: assert 'zero' in str(error)
    else: assert False
"""
    assert run(sandbox, "def f(x): return 1 / x", check=check).passed
    found = run(sandbox, "def f(x): return nothing")
    assert found.detail == "NameError: name 'nothing' is not defined"


def test_a_test_that_catches_everything_is_not_passed_by_a_dead_program(sandbox):
    check = "def check(candidate):\n    try: candidate(1)\n    except: pass"
    assert not run(sandbox, "import os\ndef f(x): os._exit(0)", check=check).passed


def test_where_nothing_isolates_code_is_refused_until_it_is_allowed(monkeypatch):
    monkeypatch.setattr(proctor_service.sandbox, "_problem", lambda sandbox: "no namespaces")
    with pytest.raises(ServiceError, match="--allow-unsafe-code"):
        LocalSandbox()
    allowed = LocalSandbox(unsafe=True)
    assert allowed.about(QUICK)["isolation"] == ["rlimits"]
    assert run(allowed, RIGHT["plain"]).passed
    for name in ("own __eq__", "os._exit(0) in the call", "patched builtins", "own check"):
        assert not run(allowed, CHEATS[name]).passed
    allowed.close()


def test_a_program_is_run_once_but_where_it_took_too_long(sandbox, monkeypatch):
    begun, start = [], proctor_service.sandbox._start

    async def counted(role, *arguments, **streams):
        begun.append(role)
        return await start(role, *arguments, **streams)

    monkeypatch.setattr(proctor_service.sandbox, "_start", counted)
    program = "def f(x): return x * x + 0"
    assert run(sandbox, program) == run(sandbox, program)
    assert begun.count("candidate") == 1
    assert not run(sandbox, program, check="def check(candidate): assert candidate(1) == 2").passed
    assert begun.count("candidate") == 2
    for _ in range(2):
        assert run(sandbox, "def f(x):\n    while True: pass", limits=Limits(timeout=0.5)).status == "timeout"
    assert begun.count("candidate") == 4


def test_what_cannot_be_isolated_is_an_error_and_no_wrong_answer(sandbox, monkeypatch):
    config = sandbox._config
    monkeypatch.setattr(sandbox, "_config", lambda limits: {**config(limits), "root": "/nonexistent"})
    with pytest.raises(AskError, match="could not be isolated") as caught:
        run(sandbox, "def f(x): return x ** 2")  # one that was not run before
    assert caught.value.kind == "sandbox"


def test_several_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(proctor_service.sandbox, "_cores", lambda: 8)
    taken = [LocalSandbox(unsafe=True, processes=processes) for processes in (1, 3, 16)]
    assert [one._turn._value for one in taken] == [8, 2, 1]
    for one in taken:
        one.close()
