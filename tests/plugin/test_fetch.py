"""Published data: fetched once, verified, resumed; by the command and by a first run with a real model."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from data_server import DataServer, serving
from proctor import DataError
from proctor.data import download
from proctor.data.fetch import Display, complete, fetch, mirrored
from proctor.data.manifest import Source, find_files, listed_keys, load_manifest, names_of, sources
from suites import CHECKOUT, SOURCES, Suite

ROWS = {
    name: b"".join(
        json.dumps({"question": f"{i} + {i}", "answer": f"Add.\n#### {2 * i}"}).encode() + b"\n" for i in range(count)
    )
    for name, count in (("test", 12), ("train", 8))
}
BIG = os.urandom(1 << 20)
PATIENCE = 30.0
"""Seconds until a test gives up; nothing is measured by them."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataServer]:
    for name in ("PROCTOR_OFFLINE", "HF_HUB_OFFLINE", "PROCTOR_DATA_MIRROR", "PROCTOR_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(download, "FIRST_WAIT", 0.01)
    with serving({"/test.jsonl": ROWS["test"], "/train.jsonl": ROWS["train"], "/big.jsonl": BIG}) as state:
        yield state


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def entry(*names: str, pinned: bool = True, files: str = "test.jsonl") -> dict:
    """A manifest's entry that pins files of the server by their content, at a host that is nowhere."""
    contents = {"test.jsonl": ROWS["test"], "train.jsonl": ROWS["train"], "big.jsonl": BIG}
    pins = [{"file": name, "url": f"https://nowhere.invalid/{name}"} for name in names]
    if pinned:
        pins = [{**pin, "size": len(contents[pin["file"]]), "sha256": sha256(contents[pin["file"]])} for pin in pins]
    return {"files": files, "origin": "the authors", "licence": "MIT", "fetch": {"revision": "r1", "files": pins}}


def source(tmp_path: Path, made: dict) -> Source:
    (tmp_path / "manifest.yaml").write_text(yaml.safe_dump({"made": made}))
    return load_manifest(tmp_path / "manifest.yaml")["made"]


class Fetching:
    """Fetches of the benchmark `made` into a root of the test's own."""

    def __init__(self, folder: Path, mirror: str, made: dict) -> None:
        self.source, self.root, self.mirror = source(folder, made), folder / "root", mirror
        self.folder, self.part = self.root / "made", self.root / ".made.part"
        self.lines: list[str] = []

    def __call__(self, force: bool = False, display: Display | None = None):
        return fetch(
            self.source, "made", self.root, display or Display(self.lines.append), mirror=self.mirror, force=force
        )


@pytest.fixture
def made(tmp_path: Path, server: DataServer) -> Callable[..., Fetching]:
    return lambda *names, **how: Fetching(tmp_path, server.url, entry(*(names or ("test.jsonl",)), **how))


def test_data_are_fetched_once_and_verified(made, server):
    fetching = made("test.jsonl", "train.jsonl")
    assert not complete(fetching.source, "made", fetching.root)
    done = fetching()
    assert (done.new, done.files, done.size) == (True, 2, sum(map(len, ROWS.values())))
    assert (fetching.folder / "test.jsonl").read_bytes() == ROWS["test"]
    assert complete(fetching.source, "made", fetching.root)
    assert fetching.lines[0] == "made: from the authors, licence MIT"
    assert not fetching.part.exists()
    assert fetching().new is False
    assert server.paths == ["test.jsonl", "train.jsonl"]
    record = json.loads((fetching.folder / "fetched.json").read_text())
    assert record["revision"] == "r1"
    assert record["sources"][0]["url"] == "https://nowhere.invalid/test.jsonl"


@pytest.mark.parametrize(("ranges", "tags"), [(True, True), (True, False), (False, True)])
def test_what_breaks_off_is_gone_on_with(made, server, ranges, tags):
    server.ranges, server.tags = ranges, tags
    server.script = [("cut", 300_000), ("cut", 200_000)]
    fetching = made("big.jsonl")
    assert fetching().new
    begun = [int((asked or "bytes=0-").removeprefix("bytes=").rstrip("-")) for _, asked in server.asked]
    assert begun[0] == 0
    assert 200_000 < begun[1] <= 300_000
    assert (400_000 if ranges else 100_000) < begun[2] <= (500_000 if ranges else 200_000)
    assert (fetching.folder / "big.jsonl").read_bytes() == BIG


@pytest.mark.parametrize("order", [503, 429, ("retry", 0)])
def test_a_busy_server_is_asked_again(made, server, order):
    server.script = [order, order]
    assert made()().new
    assert len(server.asked) == 3


def test_a_busy_server_is_given_up_in_the_end(made, server):
    server.script = [503] * 20
    with pytest.raises(
        DataError, match=r"made: test\.jsonl cannot be had: http://127.* HTTP 503 \(5 tries\).*--mirror"
    ):
        made()()
    assert len(server.asked) == download.TRIES


def test_no_one_waits_for_an_hour(made, server):
    server.script = [("retry", 3600)]
    with pytest.raises(DataError, match="HTTP 429, which asks to wait 3600 s"):
        made()()


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (404, r"made: test\.jsonl cannot be had: http://127.*/test\.jsonl: HTTP 404: it is not there"),
        (403, "HTTP 403"),
        (("instead", b"<html>Log in</html>"), r"has 19 bytes where \d+ were published: not that file"),
        (("instead", ROWS["test"][:-2] + b"!\n"), r"its sha256 is \w{64}, but \w{64} is published.*proctor fetch made"),
    ],
)
def test_a_file_that_is_not_the_published_one_is_refused_and_what_was_there_stays(made, server, order, message):
    fetching = made()
    fetching()
    server.script = [order]
    with pytest.raises(DataError, match=message):
        fetching(force=True)
    assert (fetching.folder / "test.jsonl").read_bytes() == ROWS["test"]
    assert complete(fetching.source, "made", fetching.root)


def test_the_next_address_is_asked_where_one_fails(tmp_path, server):
    described = entry("test.jsonl")
    described["fetch"]["files"][0]["url"] = [f"{server.url}/gone.jsonl", f"{server.url}/test.jsonl"]
    fetching = Fetching(tmp_path, "", described)
    assert fetching().new
    assert server.paths == ["gone.jsonl", "test.jsonl"]


@pytest.mark.parametrize("garbage", [b"no beginning of it", b"x" * (len(BIG) + 1), b"x" * len(BIG)])
def test_garbage_in_the_place_of_a_beginning_does_no_harm(made, server, garbage):
    fetching = made("big.jsonl")
    fetching.part.mkdir(parents=True)
    (fetching.part / "0-big.jsonl").write_bytes(garbage)
    fetching()
    assert (fetching.folder / "big.jsonl").read_bytes() == BIG


def test_a_file_of_somebody_else_is_kept_unless_forced(made, server):
    fetching = made()
    fetching.folder.mkdir(parents=True)
    (fetching.folder / "test.jsonl").write_text("mine\n")
    with pytest.raises(
        DataError, match=r"made/test\.jsonl is there already .* `proctor fetch made --force` replaces it"
    ):
        fetching()
    assert (fetching.folder / "test.jsonl").read_text() == "mine\n"
    assert fetching(force=True).new
    assert (fetching.folder / "test.jsonl").read_bytes() == ROWS["test"]


def test_a_copy_of_the_published_file_need_not_be_fetched(made, server):
    fetching = made()
    fetching.folder.mkdir(parents=True)
    (fetching.folder / "test.jsonl").write_bytes(ROWS["test"])
    fetching()
    assert server.asked == []
    assert complete(fetching.source, "made", fetching.root)


def test_data_that_changed_on_the_disk_are_noticed(made, server):
    fetching = made()
    fetching()
    (fetching.folder / "test.jsonl").write_bytes(ROWS["test"].replace(b"0", b"9"))
    with pytest.raises(DataError, match=r"test\.jsonl is not what was fetched any more; `proctor fetch made --force`"):
        fetching()


@pytest.mark.parametrize("text", ["", "[]", '{"sources": [1], "files": {}}', '{"files": {"a": 1}, "sources": []}'])
def test_a_record_that_cannot_be_read_is_none(made, server, text):
    fetching = made()
    fetching()
    (fetching.folder / "fetched.json").write_text(text)
    assert not complete(fetching.source, "made", fetching.root)
    assert fetching().new
    assert complete(fetching.source, "made", fetching.root)


def test_another_pin_makes_the_data_incomplete(made, server):
    fetching = made()
    fetching()
    fetching.source = made("train.jsonl").source
    assert not complete(fetching.source, "made", fetching.root)
    fetching()
    assert sorted(path.name for path in fetching.folder.iterdir()) == ["fetched.json", "train.jsonl"]


def test_without_a_published_sha256_the_first_one_is_trusted_and_remembered(made, server):
    fetching = made(pinned=False)
    server.script = [("cut", 100)]
    fetching()
    assert f"no sha256 is published; this one is trusted from now on: {sha256(ROWS['test'])}" in fetching.lines[-1]
    other = b'{"question": "another"}\n'
    server.files["/test.jsonl"] = other
    (fetching.folder / "test.jsonl").unlink()
    with pytest.raises(
        DataError, match=r"was fetched at first \(fetched\.json holds it: remove that to trust another\)"
    ):
        fetching()
    fetching(force=True)
    assert (fetching.folder / "test.jsonl").read_bytes() == other


@pytest.mark.parametrize(("body", "message"), [(b"<html>Please log in</html>", "not JSON"), (b"\n", "no rows")])
def test_what_cannot_be_verified_must_at_least_be_of_its_kind(made, server, body, message):
    fetching = made(pinned=False)
    server.files["/test.jsonl"] = body
    with pytest.raises(DataError, match=f"/test.jsonl brings no .*{message}" if b"html" in body else "brings no rows"):
        fetching()
    assert not (fetching.folder / "test.jsonl").exists()


def archive(kind: str) -> bytes:
    """An archive with two subjects, files that nobody asked for, and members that lead elsewhere."""
    members = {
        "data/test/a_test.csv": b"1,2\n", "data/test/b_test.csv": b"3,4\n", "data/dev/a_dev.csv": b"5,6\n",
        "data/val/a_val.csv": b"", "data/test/../../../../out_test.csv": b"", "/data/test/c_test.csv": b"",
        "data/README.txt": b"", "test/d_test.csv": b"", "data/test/x\\e_test.csv": b"",
    }  # fmt: skip
    packed = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as zipped:
            for name, content in members.items():
                zipped.writestr(name, content)
        return packed.getvalue()
    with tarfile.open(fileobj=packed, mode=f"w:{kind}") as tar:
        link = tarfile.TarInfo("data/test/link_test.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize("kind", ["", "gz", "zip"])
def test_of_an_archive_those_members_are_taken_that_are_meant_and_lead_nowhere_else(tmp_path, server, kind):
    content = archive(kind)
    server.files["/data.tar"] = content
    described = {
        "files": "test/{subject}_test.csv",
        "shots": "dev/{subject}_dev.csv",
        "fetch": {"files": [{"folder": "data", "url": "https://nowhere.invalid/data.tar", "sha256": sha256(content)}]},
    }
    fetching = Fetching(tmp_path, server.url, described)
    assert fetching().files == 3
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*") if path.is_file())
    assert files == [
        "manifest.yaml", "root/.made.lock", "root/made/dev/a_dev.csv", "root/made/fetched.json",
        "root/made/test/a_test.csv", "root/made/test/b_test.csv",
    ]  # fmt: skip


def packed(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    return made.getvalue()


def joined(tmp_path: Path, server: DataServer, members: dict[str, bytes]) -> Fetching:
    """A fetch of an archive with a file for each article, of which those of a level become one."""
    content = packed(members)
    server.files["/race.zip"] = content
    pin = {
        "folder": "R", "url": "https://nowhere.invalid/race.zip", "sha256": sha256(content),
        "join": {"test/{level}.jsonl": "test/{level}/{article}.txt"},
    }  # fmt: skip
    return Fetching(tmp_path, server.url, {"files": "test/{level}.jsonl", "fetch": {"files": [pin]}})


def test_files_of_one_row_each_become_one_in_the_order_of_their_numbers(tmp_path, server):
    rows = {
        "R/test/high/73.txt": '{"id": 73,\n "text": "caf\u00e9"}',
        "R/test/high/9.txt": '{"id": 9}\n',
        "R/test/middle/1.txt": '{"id": 1}',
        "R/train/high/2.txt": "not asked for",
        "R/test/high/deeper/3.txt": "nor that",
        "R/test/high/../../../../../4.txt": "this least of all",
    }
    fetching = joined(tmp_path, server, {name: text.encode() for name, text in rows.items()})
    assert fetching().files == 2
    assert (fetching.folder / "test/high.jsonl").read_text("utf-8") == '{"id": 9}\n{"id": 73, "text": "caf\u00e9"}\n'
    assert (fetching.folder / "test/middle.jsonl").read_text("utf-8") == '{"id": 1}\n'
    assert not fetching().new
    assert complete(fetching.source, "made", fetching.root)


def test_a_row_in_a_file_of_its_own_that_is_no_json_is_told(tmp_path, server):
    fetching = joined(tmp_path, server, {"R/test/high/1.txt": b"{", "R/test/high/2.txt": b"{}"})
    with pytest.raises(DataError, match=r"made: race\.zip: test/high/1\.txt is no JSON: "):
        fetching()


def test_an_archive_may_be_the_folder_itself(tmp_path, server):
    content = packed(
        {"val/a_val.csv": b"1,2\n", "test/a_test.csv": b"", "../val/b_val.csv": b"", "/val/c_val.csv": b""}
    )
    server.files["/made.zip"] = content
    pin = {"folder": ".", "url": f"{server.url}/made.zip", "sha256": sha256(content)}
    fetching = Fetching(tmp_path, "", {"files": "{part}/{subject}_val.csv", "fetch": {"files": [pin]}})
    assert fetching().files == 1
    assert (fetching.folder / "val/a_val.csv").read_bytes() == b"1,2\n"


@pytest.mark.parametrize("pinned", [True, False])
def test_a_file_in_a_folder_of_the_benchmark_and_rows_under_a_key(tmp_path, server, pinned):
    content = b'{"canary": "x",\n "examples": [{"input": "1"}]}'
    server.files["/task.json"] = content
    pin = {"file": "bbh/task.json", "url": f"{server.url}/task.json"} | ({"sha256": sha256(content)} if pinned else {})
    described = {"files": "bbh/{task}.json", "rows": "examples", "fetch": {"revision": "r", "files": [pin]}}
    fetching = Fetching(tmp_path, "", described)
    assert fetching().files == 1
    assert (fetching.folder / "bbh/task.json").read_bytes() == content


def test_what_is_no_archive_is_refused(tmp_path, server):
    described = {"files": "a.csv", "fetch": {"files": [{"folder": "data", "url": f"{server.url}/test.jsonl"}]}}
    with pytest.raises(DataError, match=r"made: test\.jsonl is not an archive that can be unpacked"):
        Fetching(tmp_path, "", described)()


def test_a_full_disk_and_a_root_that_cannot_be_written_are_told(made, server, monkeypatch, tmp_path):
    fetching = made()
    fetching.root.write_text("a file")
    with pytest.raises(DataError, match=r"made: cannot write to .*root: File exists; PROCTOR_CACHE=DIR"):
        fetching()
    fetching.root.unlink()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_continue", full)
    with pytest.raises(
        DataError, match=r"made: test\.jsonl .*No space left on device; make room, or set PROCTOR_CACHE"
    ):
        fetching()


@pytest.mark.parametrize("variable", ["PROCTOR_OFFLINE", "HF_HUB_OFFLINE"])
def test_nothing_is_asked_where_the_environment_forbids_it(made, server, monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    with pytest.raises(DataError, match=rf"made: test\.jsonl is not in .*made, and {variable} forbids to fetch it"):
        made()()
    assert server.asked == []


def test_a_host_that_is_not_there_is_told_by_name(made, server):
    fetching = made()
    fetching.mirror = "http://127.0.0.1:9/with/path"
    with pytest.raises(DataError, match=r"127\.0\.0\.1:9/with/path/test\.jsonl: .*[Rr]efused \(5 tries\)"):
        fetching()


def test_a_mirror_takes_the_place_of_scheme_and_host():
    assert mirrored("https://host/a/b.tar", "http://user:word@mirror/data/") == "http://user:word@mirror/data/a/b.tar"
    assert download.shown("http://user:word@mirror/data/?key=1") == "http://mirror/data/"


def test_progress_is_one_line_on_a_terminal(made, server, monkeypatch):
    monkeypatch.setattr("proctor.data.fetch.LIVE_EVERY", 0.0)
    live: list[str] = []
    made("big.jsonl")(display=Display(lambda text: None, live.append))
    assert live[-1] == "\n"
    assert live[-2].startswith("made: big.jsonl  1.0 of 1.0 MB  ")
    assert live[-2].endswith(" MB/s")


def command(folder: Path, server: DataServer, *args: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, SOURCES)),
        "PROCTOR_CACHE": str(folder / "cache"),
        "PROCTOR_DATA_MIRROR": server.url,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "proctor", "fetch", *args],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A shell that started these tests in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with a benchmark of its own, `made`, and its manifest."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.yaml").write_text(
        yaml.safe_dump({"made": entry("big.jsonl"), "closed": {"files": "a.csv"}})
    )
    return tmp_path


def wait_for(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_command_goes_on_where_it_was_killed(own, server):
    server.script = [("stall", 600_000)]
    first = command(own, server, "made")
    part = own / "cache/data/.made.part/0-big.jsonl"
    wait_for(lambda: part.exists() and part.stat().st_size >= 500_000)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    had = part.stat().st_size
    out, err = (second := command(own, server, "made")).communicate(timeout=PATIENCE)
    assert second.returncode == 0, err
    assert server.asked[-1] == ("/big.jsonl", f"bytes={had}-")
    assert out.splitlines()[-1] == f"made: fetched and verified: 1 file, 1.0 MB in {own / 'cache/data/made'}"
    assert (own / "cache/data/made/big.jsonl").read_bytes() == BIG


def test_of_two_commands_at_once_one_fetches_and_the_other_says_whom_it_waits_for(own, server):
    server.script = [("stall", 1000)]
    first = command(own, server, "made")
    wait_for(lambda: server.asked)
    second = command(own, server, "made")
    assert second.stdout is not None
    assert second.stdout.readline().startswith(f"made: process {first.pid} on ")
    server.go_on.set()
    assert "fetched and verified" in first.communicate(timeout=PATIENCE)[0]
    assert "there already, verified" in second.communicate(timeout=PATIENCE)[0]
    assert len(server.asked) == 1


def test_a_second_command_that_waits_can_be_interrupted(own, server):
    server.script = [("stall", 1000)]
    first = command(own, server, "made")
    wait_for(lambda: server.asked)
    second = command(own, server, "made")
    assert second.stdout is not None
    second.stdout.readline()
    second.send_signal(signal.SIGINT)
    assert "interrupted" in second.communicate(timeout=PATIENCE)[1]
    assert second.returncode == 130
    server.go_on.set()
    first.communicate(timeout=PATIENCE)
    assert first.returncode == 0


def several(folder: Path, contents: dict[str, bytes], **more: dict) -> None:
    """A manifest of benchmarks with a file each, by their names."""
    made = {
        name: {
            "files": f"{name}.jsonl", "licence": "MIT",
            "fetch": {"files": [{"file": f"{name}.jsonl", "url": f"https://nowhere.invalid/{name}.jsonl",
                                 "size": len(content), "sha256": sha256(content)}]},
        }
        for name, content in contents.items()
    }  # fmt: skip
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "manifest.yaml").write_text(yaml.safe_dump(made | more))


@pytest.fixture
def crowd(tmp_path: Path, server: DataServer, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """`proctor fetch --all` of eight benchmarks, one that needs a form and none of the collection's."""
    contents = {f"b{i}": json.dumps({"row": "x" * 50_000 * i}).encode() + b"\n" for i in range(8)}
    server.files = {f"/{name}.jsonl": content for name, content in contents.items()}
    asked = {"form": "https://host/form", "given_as": "their name.csv", "restricted": "research", "licence": "a form"}
    several(tmp_path, contents, closed={"files": "rows_{part}.csv", **asked})
    monkeypatch.setattr("proctor.pages.data_root", lambda: tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROCTOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PROCTOR_DATA_MIRROR", server.url)

    def run(*args: str) -> tuple[int, str, str]:
        from proctor.command import main

        code = main(["fetch", *(args or ("--all",))])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_plan_is_told_and_nothing_is_asked(crowd, server, tmp_path):
    code, out, _ = crowd("--all", "--plan")
    assert code == 0
    assert server.asked == []
    assert not (tmp_path / "cache").exists()
    root = tmp_path / "cache/data"
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "benchmark files size use data licence"
    assert lines[8] == "b7 1 0.4 MB to fetch MIT"
    assert lines[9] == "closed research by a form a form"
    assert lines[11:] == [
        f"to fetch: 8 benchmarks, 8 files, 1.4 MB, to {root}",
        "their licences restrict use (research): closed",
        "closed cannot be fetched: its data are given out against a form: fill in https://host/form, and put "
        f"their name.csv as rows_*.csv into {root}/closed",
    ]


def test_all_are_fetched_and_none_twice(crowd, server):
    code, out, err = crowd()
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "fetched 8 benchmarks, 1.4 MB; 1 not to be fetched: closed"
    assert sum("fetched and verified: 1 file" in line for line in out.splitlines()) == 8
    assert sorted(server.paths) == [f"b{i}.jsonl" for i in range(8)]
    code, out, err = crowd()
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "fetched 0 benchmarks, 0.0 MB; 8 there already; 1 not to be fetched: closed"
    assert len(server.asked) == 8
    assert crowd("--all", "--force")[0] == 0
    assert len(server.asked) == 16


def test_what_fails_does_not_stop_the_others(crowd, server, tmp_path):
    del server.files["/b3.jsonl"]
    code, out, err = crowd()
    assert code == 1
    assert "proctor: b3: b3.jsonl cannot be had: " in err
    last = "fetched 7 benchmarks, 1.3 MB; 1 failed: b3; 1 not to be fetched: closed"
    assert out.splitlines()[-1] == last
    assert (tmp_path / "cache/data/b7/b7.jsonl").exists()


def test_several_are_fetched_at_once_and_of_a_host_only_a_few(crowd, server):
    server.script = [("stall", 10)] * 20
    asked: list[int] = []

    def release() -> None:
        deadline = time.monotonic() + PATIENCE
        while len(server.asked) < download.PER_HOST and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        asked.append(len(server.asked))
        server.go_on.set()

    watching = threading.Thread(target=release)
    watching.start()
    assert crowd()[0] == 0
    watching.join()
    assert asked == [download.PER_HOST]


def test_without_a_network_it_is_told_once_what_is_missing(crowd, server, monkeypatch):
    monkeypatch.setenv("PROCTOR_OFFLINE", "1")
    code, _, err = crowd()
    assert code == 1
    assert (
        err == f"proctor: PROCTOR_OFFLINE forbids to fetch what is not there: {', '.join(f'b{i}' for i in range(8))}\n"
    )
    assert server.asked == []


def test_what_has_begun_goes_on_by_the_plan(crowd, tmp_path):
    part = tmp_path / "cache/data/.b7.part"
    part.mkdir(parents=True)
    (part / "0-b7.jsonl").write_bytes(b"{")
    assert "b7 1 0.4 MB goes on MIT" in " ".join(crowd("b7", "--plan")[1].split())


def test_of_several_names_too_licences_and_sizes_are_told_first(crowd):
    code, out, _ = crowd("b1", "b2")
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[:3] == ["benchmark files size use data licence", "b1 1 50 kB to fetch MIT", "b2 1 0.1 MB to fetch MIT"]
    assert crowd("b1")[1].splitlines()[0].startswith("b1: there already")


def test_the_plan_says_how_each_that_nothing_fetches_is_had(tmp_path, monkeypatch, capsys):
    from proctor.command import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROCTOR_CACHE", str(tmp_path))
    assert main(["fetch", "--all", "--plan"]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if " cannot be fetched: " in line]
    assert {line.split()[0] for line in said} == BY_FORM | BY_HAND
    (aime,) = [line for line in said if line.startswith("aime")]
    assert "nothing fetches its data: they are published at https://huggingface.co/datasets/math-ai/" in aime
    assert aime.endswith(f"put *.jsonl into {tmp_path}/data/aime")


def test_a_benchmark_of_the_hubs_without_pyarrow_is_told_and_stops_no_other(crowd, tmp_path, monkeypatch):
    (tmp_path / "data/manifest/hub.yaml").parent.mkdir(exist_ok=True)
    entry = {"files": "x.jsonl", "hub": {"dataset": "a/b", "config": "default", "split": "test"}}
    (tmp_path / "data/manifest/hub.yaml").write_text(json.dumps({"parquet": entry}))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, out, err = crowd()
    assert code == 1
    assert "proctor: parquet: its data are parquet files of the hub's (a/b), which pyarrow reads: pip install" in err
    assert "SetupError" not in err
    assert "fetched 8 benchmarks" in out


def test_a_form_is_named_where_its_benchmark_is_asked_for(crowd):
    with pytest.raises(SystemExit) as stop:
        crowd("closed")
    assert stop.value.code == 2


def test_ctrl_c_leaves_what_has_come_for_the_next_fetch(tmp_path, server):
    contents = {"big": BIG, "small": b'{"a": 1}\n'}
    server.files = {f"/{name}.jsonl": content for name, content in contents.items()}
    several(tmp_path, contents)
    server.script = [("stall", 600_000)] * 2
    first = command(tmp_path, server, "big", "small")
    part = tmp_path / "cache/data/.big.part/0-big.jsonl"
    wait_for(lambda: part.exists() and part.stat().st_size >= 500_000)
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=PATIENCE)
    assert first.returncode == 130
    assert "interrupted; what has come is kept" in err
    assert "Traceback" not in err
    had = part.stat().st_size
    server.script, server.asked = [], []
    server.go_on.set()
    _, err = (second := command(tmp_path, server, "big", "small")).communicate(timeout=PATIENCE)
    assert second.returncode == 0, err
    assert ("/big.jsonl", f"bytes={had}-") in server.asked
    assert (tmp_path / "cache/data/big/big.jsonl").read_bytes() == BIG
    assert (tmp_path / "cache/data/small/small.jsonl").exists()


def test_on_a_terminal_one_line_says_how_far_all_are(crowd, monkeypatch, capsys):
    monkeypatch.setattr("proctor.data.fetch.LIVE_EVERY", 0.0)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    code, out, _ = crowd()
    assert code == 0
    assert "b7: b7.jsonl  " in out
    whole = [line for line in out.replace("\x1b[K", "").split("\n") if "verified" in line]
    assert len(whole) == 8
    assert all(line.rpartition("\r")[2].count("verified") == 1 for line in whole)


def test_many_files_of_one_benchmark_are_counted_and_not_listed(tmp_path, server):
    server.files = {f"/{i}.jsonl": b'{"a": 1}\n' for i in range(6)}
    pins = [{"file": f"{i}.jsonl", "url": f"{server.url}/{i}.jsonl", "sha256": sha256(b'{"a": 1}\n'), "size": 9}
            for i in range(6)]  # fmt: skip
    fetching = Fetching(tmp_path, "", {"files": "{part}.jsonl", "licence": "MIT", "fetch": {"files": pins}})
    assert fetching().files == 6
    assert fetching.lines == [f"made: from {server.url}/0.jsonl, licence MIT", "made: 6 files, 0 kB"]


BENCHMARKS = sources(CHECKOUT / "data")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ((), 2, "name benchmarks, or --all; there are: "),
        (("gsm8",), 2, "no benchmark is called 'gsm8'; did you mean gsm8k?"),
        (("closed",), 2, "closed: nothing fetches its data: its manifest does not say from where; put "),
        (("made", "--all"), 2, "name benchmarks, or --all"),
        (("--all", "--data-dir=elsewhere"), 1, "gsm8k: test.jsonl cannot be had"),
        (("gsm8k",), 1, "/grade_school_math/data/test.jsonl: HTTP 404"),
    ],
)
def test_the_command_says_what_is_wrong(own, server, monkeypatch, capsys, args, code, message):
    from proctor.command import main

    monkeypatch.chdir(own)
    monkeypatch.setenv("PROCTOR_CACHE", str(own / "cache"))
    monkeypatch.setenv("PROCTOR_DATA_MIRROR", server.url)
    try:
        found = main(["fetch", *args])
    except SystemExit as stop:
        found = stop.code
    assert found == code
    assert message in capsys.readouterr().err
    # What can be had is fetched all the same.
    assert (own / "elsewhere/made/big.jsonl").exists() == ("--all" in args and "made" not in args)


UNPINNED = {"ceval"}
"""Of which neither a revision nor a sha256 is known: the first download is trusted, and said to be."""
BY_FORM = {"storycloze", "jec-qa", "gpqa"}
BY_HUB = {"mmlu-pro"}
BY_HAND = {"aime"}
"""Of which one year is published in a form that is not read."""
ALONG = {"freeform", "versus"}
"""Of this project, and bundled whole."""


def test_the_manifest_pins_all_that_it_names():
    for name, known in BENCHMARKS.items():
        assert known.origin, name
        assert known.licence, name
        assert (known.fetch is None) == (name in BY_FORM | BY_HUB | BY_HAND | ALONG), name
        assert known.fetchable == (name not in BY_FORM | BY_HAND | ALONG), name
        if known.fetch is not None:
            pinned = known.fetch.revision or all(pin.sha256 for pin in known.fetch.pins)
            assert bool(pinned) == (name not in UNPINNED), name
    assert {name for name, known in BENCHMARKS.items() if known.form} == BY_FORM


@pytest.mark.parametrize("name", sorted(set(BENCHMARKS) - BY_FORM - BY_HUB - BY_HAND - ALONG))
def test_what_is_pinned_is_what_is_read(name):
    """Each file that is fetched has a name that the manifest reads, and each pattern a file that is fetched."""
    known = BENCHMARKS[name]
    assert known.fetch is not None
    whole = [pin for pin in known.fetch.pins if pin.folder]
    files = [pin.file.removesuffix(".gz") for pin in known.fetch.pins if pin.file]
    files += [file for pin in whole for file in pin.join]
    for file in files:
        assert any(names_of(pattern).fullmatch(file) for pattern in known.patterns), file
    for pattern in known.patterns:
        assert any(names_of(pattern).fullmatch(file) for file in files) or whole, pattern
    assert len(set(files)) == len(files)
    bundled = known.folder or name
    own = {
        path.relative_to(CHECKOUT / "data" / bundled).as_posix() for path in (CHECKOUT / "data" / bundled).rglob("*.*")
    }
    if not whole:
        own = {file for file in own if any(names_of(pattern).fullmatch(file) for pattern in known.patterns)}
        assert own <= set(files)


@pytest.mark.parametrize(
    "wrong",
    [
        {"files": []}, {"files": [{"url": "https://host/a"}]}, {"files": [{"file": "../a", "url": "https://host/a"}]},
        {"files": [{"file": "a", "url": "ftp://host/a"}]}, {"files": [{"file": "a", "url": "http://a", "sha256": "1"}]},
        {"files": [{"file": "a", "url": "https://host/a", "sum": "1"}]}, "https://host/a",
        {"files": [{"file": "a", "url": "https://host/a", "join": {"a": "b"}}]},
        {"files": [{"folder": "a", "url": "https://host/a", "join": {"../a": "b"}}]},
        {"files": [{"folder": "..", "url": "https://host/a"}]},
    ],
)  # fmt: skip
def test_a_fetch_section_that_is_none_is_refused(tmp_path, wrong):
    with pytest.raises(DataError, match=r"manifest\.yaml: "):
        source(tmp_path, {"files": "a.csv", "fetch": wrong})


@pytest.fixture
def published(checkout: Suite, server: DataServer, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """The project's benchmarks and a real model; gsm8k and mmlu are published by the server, and not here yet."""
    checkout.script(bundled=False)
    path = checkout.path / "data" / "manifest" / "numeracy.yaml"
    manifest = yaml.safe_load(path.read_text())
    manifest["gsm8k"]["fetch"] = entry("test.jsonl", "train.jsonl")["fetch"]
    path.write_text(yaml.safe_dump(manifest))
    monkeypatch.setenv("PROCTOR_CACHE", str(checkout.path / "cache"))
    monkeypatch.setenv("PROCTOR_DATA_MIRROR", server.url)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return checkout


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_first_run_with_a_real_model_fetches_what_it_needs(published: Suite, server: DataServer, workers):
    result = published.run("evals", "-k", "gsm8k", *workers, apart=True)
    assert result.ret == 0
    said = result.outlines + result.errlines
    assert (
        "proctor: gsm8k: from https://github.com/openai/grade-school-math (grade_school_math/data), licence MIT" in said
    )
    assert server.paths == ["test.jsonl", "train.jsonl"]
    data = published.report()["tasks"][0]["data"]
    assert data["origin"] == str(published.path / "cache" / "data")
    assert (data["revision"], data["rows"]) == ("r1", 12)
    server.files.clear()
    again = published.run("evals", "-k", "gsm8k", *workers, apart=True)
    assert again.ret == 0
    assert len(server.asked) == 2


def test_bundled_samples_fetch_nothing_and_claim_no_revision(published: Suite, server: DataServer):
    assert published.run("evals", "--data-dir=bundled").ret == 0
    assert server.asked == []
    assert {task["data"]["revision"] for task in published.report()["tasks"]} == {None}


def test_a_list_of_samples_fetches_as_well(published: Suite, server: DataServer):
    assert len(published.nodeids("evals", "-k", "gsm8k")) == 12
    assert len(server.asked) == 2


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_first_run_that_cannot_fetch_says_what_is_missing(published: Suite, server: DataServer, workers):
    server.files.clear()
    result = published.run("evals", "-k", "gsm8k", *workers, apart=True)
    assert result.ret == 4
    result.stdout.fnmatch_lines(
        ["*gsm8k: test.jsonl cannot be had: http://*/test.jsonl: HTTP 404*proctor fetch gsm8k*"]
    )
    assert published.asked == []
    assert len(server.asked) == 1


@pytest.mark.parametrize("name", sorted(name for name, known in BENCHMARKS.items() if known.fetchable))
def test_what_files_there_are_is_known_before_they_are_fetched(name: str):
    """Else `-k` of another benchmark would fetch it, to see whether it is meant."""
    source, folder = BENCHMARKS[name], CHECKOUT / "data" / (BENCHMARKS[name].folder or name)
    assert {file.key for file in find_files(folder, source.files)} <= set(listed_keys(source) or ())


def test_a_first_run_asks_for_nothing_that_is_not_meant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    command = [
        sys.executable,
        "-m",
        "pytest",
        CHECKOUT / "evals",
        f"--rootdir={CHECKOUT}",
        "-p",
        "no:cacheprovider",
        "-q",
    ]
    command += ["-k", "gsm8k", "--base-url=http://127.0.0.1:9"]
    own = {
        **os.environ,
        "PROCTOR_CACHE": str(tmp_path),
        "PROCTOR_DATA_MIRROR": "http://127.0.0.1:9",
        "PYTEST_ADDOPTS": "",
    }
    subprocess.run(list(map(str, command)), cwd=tmp_path, env=own, capture_output=True, check=False)
    assert {path.name for path in (tmp_path / "data").iterdir()} == {".gsm8k.lock", ".gsm8k.part"}


def test_a_subject_that_is_meant_is_known_before_its_data_are(published: Suite, server: DataServer):
    result = published.run("evals", "-k", "astronomy")
    assert result.ret == 4
    result.stdout.fnmatch_lines(["*mmlu: data.tar cannot be had: *"])
    assert set(server.paths) == {"data.tar"}
