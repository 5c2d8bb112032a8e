"""Published data from the hub, a server of this machine standing in for it: by the command and by a first run."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow
import pytest
import yaml
from proctor import DataError
from proctor.data.fetch import Display, complete, fetch
from proctor.data.hub import read_hub
from proctor.data.hub_fetch import HubFile, chosen
from proctor.data.manifest import Source, load_manifest, sources
from pyarrow import parquet
from suites import CHECKOUT, Suite

FIRST, SECOND = "1" * 40, "2" * 40


def packed(rows: list[dict]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    return file.getvalue()


def sums(count: int, first: int = 0) -> bytes:
    return packed([{"question": f"{i} + {i}", "answer": f"Add.\n#### {2 * i}"} for i in range(first, first + count)])


@dataclass
class FakeHub:
    """`commits`: the files of each commit of the dataset owner/sums; `branches`: which commit a branch means."""

    commits: dict[str, dict[str, bytes]]
    branches: dict[str, str]
    token: str | None = None
    lies: dict[str, str] = field(default_factory=dict)
    """Names of files, and the sha256 that is told of them."""
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def hub(state: FakeHub) -> Iterator[FakeHub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            """Say nothing."""

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            state.asked.append(f"{self.command} {path}")
            if state.token is not None and self.headers.get("Authorization") != f"Bearer {state.token}":
                return self.answer(401, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "an account is needed"})
            api, resolve = "/api/datasets/owner/sums/revision/", "/datasets/owner/sums/resolve/"
            if path == "/api/datasets/owner/sums":
                path = api + "main"
            revision, _, name = path.removeprefix(api if path.startswith(api) else resolve).partition("/")
            if path.startswith(api):
                revision, name = path.removeprefix(api), ""
            commit = state.branches.get(revision, revision)
            files = state.commits.get(commit)
            if files is None or not path.startswith((api, resolve)) or (name and name not in files):
                return self.answer(404, b"", {"X-Error-Code": "RepoNotFound" if files is None else "EntryNotFound"})
            if path.startswith(api):
                listed = [
                    {"rfilename": one, "size": len(content), "lfs": self.lfs(one, content)}
                    for one, content in files.items()
                ]
                told = {"id": "owner/sums", "sha": commit, "siblings": listed, "tags": [], "downloads": 0}
                return self.answer(200, json.dumps(told).encode(), {"Content-Type": "application/json"})
            digest = hashlib.sha256(files[name]).hexdigest()
            return self.answer(200, files[name], {"ETag": f'"{digest}"', "X-Repo-Commit": commit})

        def lfs(self, name: str, content: bytes) -> dict | None:
            if not name.endswith(".parquet"):
                return None
            digest = state.lies.get(name, hashlib.sha256(content).hexdigest())
            return {"sha256": digest, "size": len(content), "pointerSize": 130}

        def answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, text in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, text)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


FILES = {
    "README.md": b"about",
    "main/test-00000-of-00002.parquet": sums(7),
    "main/test-00001-of-00002.parquet": sums(5, 7),
    "main/train-00000-of-00001.parquet": sums(9, 100),
    "socratic/test-00000-of-00001.parquet": sums(3),
}
WANTED = sorted(name for name in FILES if name.startswith("main/"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    for name in ("PROCTOR_OFFLINE", "HF_HUB_OFFLINE", "PROCTOR_DATA_MIRROR", "PROCTOR_CACHE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    later = {**FILES, "main/train-00000-of-00001.parquet": sums(9, 200)}
    with hub(FakeHub({FIRST: dict(FILES), SECOND: later}, {"main": FIRST})) as state:
        monkeypatch.setenv("HF_ENDPOINT", state.url)
        yield state


def made(tmp_path: Path, **about: object) -> Source:
    entry = {"dataset": "owner/sums", "config": "main", "split": "test", "shots": "train", **about}
    content = {"gsm8k": {"files": "test.jsonl", "shots": "train.jsonl", "licence": "MIT", "hub": entry}}
    (tmp_path / "manifest.yaml").write_text(yaml.safe_dump(content))
    return load_manifest(tmp_path / "manifest.yaml")["gsm8k"]


def fetched(source: Source, tmp_path: Path, **how: object) -> list[str]:
    """The lines that a fetch tells."""
    lines: list[str] = []
    fetch(source, "gsm8k", tmp_path / "root", Display(lines.append), **how)  # type: ignore[arg-type]
    return lines


def record(tmp_path: Path) -> dict:
    return json.loads((tmp_path / "root/gsm8k/fetched.json").read_text())


def test_the_files_of_the_splits_come_from_the_pinned_commit_and_nothing_else(tmp_path: Path, server: FakeHub):
    source = made(tmp_path, revision=FIRST)
    lines = fetched(source, tmp_path)
    assert lines[0] == "gsm8k: from the hub, owner/sums, licence MIT"
    assert [line.split()[1] for line in lines[1:]] == WANTED
    folder = tmp_path / "root/gsm8k"
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == sorted(
        ["fetched.json", *WANTED]
    )
    assert (record(tmp_path)["revision"], sorted(record(tmp_path)["files"])) == (FIRST, WANTED)
    assert all(one["published"] and FIRST in one["url"] for one in record(tmp_path)["sources"])
    assert not list((tmp_path / "root").glob(".gsm8k.part"))
    assert complete(source, "gsm8k", tmp_path / "root")
    before = len(server.asked)
    assert fetched(source, tmp_path) == []
    assert len(server.asked) == before


def test_a_branch_is_the_commit_that_it_was_at_the_first_fetch(tmp_path: Path, server: FakeHub):
    source = made(tmp_path)
    assert f"gsm8k: no commit of owner/sums is pinned; this one is trusted from now on: {FIRST}" in fetched(
        source, tmp_path
    )
    server.branches["main"] = SECOND
    (tmp_path / "root/gsm8k/main/train-00000-of-00001.parquet").unlink()
    assert not complete(source, "gsm8k", tmp_path / "root")
    fetched(source, tmp_path)
    assert record(tmp_path)["revision"] == FIRST
    assert f"this one is trusted from now on: {SECOND}" in "".join(fetched(source, tmp_path, force=True))
    assert record(tmp_path)["revision"] == SECOND


def test_another_pin_than_that_of_the_record_is_fetched_anew(tmp_path: Path, server: FakeHub):
    fetched(made(tmp_path, revision=FIRST), tmp_path)
    source = made(tmp_path, revision=SECOND)
    assert not complete(source, "gsm8k", tmp_path / "root")
    fetched(source, tmp_path)
    assert record(tmp_path)["revision"] == SECOND


def test_a_changed_file_is_told_and_replaced_only_by_force(tmp_path: Path, server: FakeHub):
    source = made(tmp_path, revision=FIRST)
    fetched(source, tmp_path)
    path = tmp_path / "root/gsm8k" / WANTED[0]
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(DataError, match="is not what was fetched any more; `proctor fetch gsm8k --force`"):
        fetched(source, tmp_path)
    path.write_bytes(b"mine")
    with pytest.raises(DataError, match="is there already and is neither what is published nor what was fetched"):
        fetched(source, tmp_path)
    fetched(source, tmp_path, force=True)
    assert path.read_bytes() == FILES[WANTED[0]]


def test_content_that_is_not_what_the_hub_says_is_refused(tmp_path: Path, server: FakeHub):
    server.lies[WANTED[1]] = "0" * 64
    with pytest.raises(DataError, match=f"{WANTED[1]}: its sha256 is [0-9a-f]+, but 0+ is published"):
        fetched(made(tmp_path, revision=FIRST), tmp_path)
    assert not (tmp_path / "root/gsm8k/fetched.json").exists()


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"config": "other"}, "owner/sums at 1+ has no other/test.parquet; its parquet files are: main/test-00000"),
        ({"dataset": "owner/none"}, "owner/none cannot be had from the hub: RepositoryNotFoundError: .*HF_ENDPOINT"),
        ({"revision": "3" * 40}, "owner/sums cannot be had from the hub: "),
    ],
)
def test_what_the_hub_lacks_is_told_with_what_it_has(about: dict, message: str, tmp_path: Path, server: FakeHub):
    with pytest.raises(DataError, match=message):
        fetched(made(tmp_path, **about), tmp_path)


def test_a_hub_that_does_not_answer_is_told(tmp_path: Path, server: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DataError, match="gsm8k: owner/sums cannot be had from the hub: ConnectError: "):
        fetched(made(tmp_path), tmp_path)


def test_a_token_is_sent(tmp_path: Path, server: FakeHub, monkeypatch: pytest.MonkeyPatch):
    server.token = "secret"
    with pytest.raises(DataError, match=r"gsm8k: owner/sums cannot be had from the hub: GatedRepoError: .*HF_TOKEN"):
        fetched(made(tmp_path), tmp_path)
    monkeypatch.setenv("HF_TOKEN", "secret")
    fetched(made(tmp_path), tmp_path)
    assert record(tmp_path)["revision"] == FIRST


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "PROCTOR_OFFLINE"])
def test_offline_asks_nothing(variable: str, tmp_path: Path, server: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(variable, "1")
    with pytest.raises(DataError, match=f"main/test.parquet of owner/sums is not in .*, and {variable} forbids"):
        fetched(made(tmp_path), tmp_path)
    assert not server.asked


def test_a_mirror_takes_the_place_of_the_hub(tmp_path: Path, server: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    fetched(made(tmp_path), tmp_path, mirror=server.url)
    assert record(tmp_path)["revision"] == FIRST


def test_prompts_that_the_hub_has_not_are_no_reason_to_fetch_the_rest(tmp_path: Path, server: FakeHub):
    with pytest.raises(
        DataError, match=r"bbh: lukaemon/bbh lacks cot-prompts/\{task\}.txt, which the prompts are made"
    ):
        fetch(replace(sources(CHECKOUT / "data")["bbh"], fetch=None), "bbh", tmp_path, Display(print))


@pytest.mark.parametrize(
    ("about", "names", "expected"),
    [
        (
            {"config": "{s}", "split": "val"},
            ["b/val/0000.parquet", "a/val/0000.parquet", "all/val/0000.parquet"],
            [1, 0],
        ),
        ({"config": "default", "split": "val"}, ["data/val-00000-of-00001.parquet", "val.jsonl"], [0]),
        ({"config": "x", "split": "val"}, ["x/val-00000-of-00001.parquet", "data/val-00000-of-00001.parquet"], [0]),
        ({"config": "x", "split": ["p", "t"]}, ["x/t/0000.parquet", "x/p/0000.parquet", "x/q/0000.parquet"], [1, 0]),
    ],
)
def test_files_are_chosen_by_config_and_split(about: dict, names: list[str], expected: list[int]):
    found = chosen(read_hub({"dataset": "a/b", **about}, "here"), [HubFile(name, 1, None) for name in names])
    assert [file.name for file in found] == [names[place] for place in expected]


@pytest.mark.parametrize(
    "entry",
    [
        {},
        "owner/sums",
        {"dataset": "owner/sums", "config": "main"},
        {"dataset": "sums", "config": "main", "split": "test"},
        {"dataset": "owner/sums", "config": "../main", "split": "test"},
        {"dataset": "owner/sums", "config": "/main", "split": "test"},
        {"dataset": "owner/sums", "config": "main", "split": [3]},
        {"dataset": "owner/sums", "config": "main", "split": "test", "colour": "red"},
        {"dataset": "owner/sums", "config": "main", "split": "test", "first_row": "ten"},
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_with_its_place(entry: object):
    with pytest.raises(DataError, match=r"^manifest.yaml: sums: hub "):
        read_hub(entry, "manifest.yaml: sums")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_first_run_with_a_real_model_fetches_from_the_hub(
    workers: tuple[str, ...], suite: Suite, server: FakeHub, monkeypatch: pytest.MonkeyPatch
):
    suite.script(bundled=False)
    module = suite.path / "evals/numeracy/test_gsm8k.py"
    module.parent.mkdir(parents=True)
    module.write_text((CHECKOUT / "evals/numeracy/test_gsm8k.py").read_text())
    (suite.path / "data").mkdir()
    about = {"dataset": "owner/sums", "config": "main", "split": "test", "shots": "train", "revision": FIRST}
    entry = {"files": "test.jsonl", "shots": "train.jsonl", "hub": about}
    (suite.path / "data/manifest.yaml").write_text(yaml.safe_dump({"gsm8k": entry}))
    monkeypatch.setenv("PROCTOR_CACHE", str(suite.path / "cache"))
    result = suite.run("evals", *workers, apart=True)
    assert result.ret == 0
    assert result.parseoutcomes()["passed"] == 12
    assert "proctor: gsm8k: from the hub, owner/sums, licence unknown" in result.outlines + result.errlines
    data = suite.report()["tasks"][0]["data"]
    assert (data["revision"], data["rows"]) == (FIRST, 12)
    assert [line for line in server.asked if line.startswith("GET /datasets")] == [
        f"GET /datasets/owner/sums/resolve/{FIRST}/{name}" for name in WANTED
    ]
    asked = len(server.asked)
    assert suite.run("evals", *workers, apart=True).ret == 0
    assert len(server.asked) == asked
