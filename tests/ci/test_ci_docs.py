"""docs/ci.md: its examples are parsed, and their commands run, against the embedded model behind a URL."""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from proctor.gating import gatefile
from proctor.reporting import reports, runs
from workflows import (
    EXPRESSION,
    GLOBAL,
    GSM8K,
    PAGE,
    ROOT,
    SECRET,
    Repository,
    blocks,
    github,
    gitlab,
    gitlab_job,
    jenkins,
    loaded,
    named,
    steps,
)

QUICK, NIGHTLY, MOVE = (f".github/workflows/{name}.yml" for name in ("quick", "nightly", "baseline"))
GITHUB = pytest.mark.parametrize("name", [QUICK, NIGHTLY, MOVE])
PULL = {
    "vars.MODEL_URL": "",  # each test's own stands in the environment
    "secrets.PROCTOR_API_KEY": SECRET,
    "github.token": "token",
    "github.server_url": "https://github.example",
    "github.repository": "me/mine",
    "github.run_id": "42",
    "github.event.pull_request.number": "3",
    "github.event.pull_request.head.repo.full_name": "me/mine",
}
NIGHT = {**PULL, "github.ref": "refs/heads/main", "inputs.accept": ""}
PART = "40"
"""Samples of a quick gate here: of mmlu's 54 a part, of gsm8k all."""

OWN_EVAL = """
from proctor import Benchmark, Sample, generate

{name} = Benchmark("{name}", data="{name}.jsonl", main="right", prompt="Question: {{{{ question }}}}\\nAnswer:")


@{name}.rows
def read(row):
    return Sample(question=row["question"], target=row["answer"])


@{name}.test(generate(max_tokens=4, stop=["\\n"]))
def test_{name}(sample, output, score):
    score(output.text.strip() or None, right=sample.target in output.text)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running service."""
    from proctor_service.launching.launch import launch_embedded

    server = launch_embedded(tmp_path_factory.mktemp("service") / "service.log", lambda message: None)
    yield server.base_url
    server.stop()


@pytest.fixture
def repository(tmp_path: Path, model: str) -> Repository:
    return Repository(tmp_path / "mine", tmp_path / "fake", model)


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory, model: str) -> Path:
    """The file that the commands for doing it by hand make."""
    place = tmp_path_factory.mktemp("by-hand")
    made = Repository(place / "mine", place / "fake", model)
    (block,) = [block for block in blocks() if block.language == "sh"]
    commit(made)
    code, said = made.run("bash -e", block.code)
    assert code == 0, said
    assert changed(made) == ["baseline.json"]
    return made.path / "baseline.json"


def commit(repository: Repository) -> None:
    """Make the folder a git repository, with all that is in it committed."""
    for command in (
        "init --quiet",
        "config user.name me",
        "config user.email me@example.org",
        "add .",
        "commit --quiet --message=all",
    ):
        subprocess.run(["git", *command.split()], cwd=repository.path, check=True)


def changed(repository: Repository) -> list[str]:
    """The files of the last commit."""
    shown = ["git", "show", "--name-only", "--format="]
    return subprocess.run(shown, cwd=repository.path, check=True, capture_output=True, text=True).stdout.split()


def edited(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change each task of a baseline."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for task in content["tasks"]:
        change(task)
    path.write_text(json.dumps(content), encoding="utf-8")


def better(task: dict[str, Any]) -> None:
    """The model of the baseline was right throughout."""
    for name, values in task["columns"]["scores"].items():
        task["columns"]["scores"][name] = [1.0] * len(values)


def asked_otherwise(task: dict[str, Any]) -> None:
    task["shots"] += 1


def own_evals(repository: Repository) -> None:
    """Two evals of 60 samples; what is right is what the embedded model answers to a part of them."""
    folder = repository.path / "evals"
    folder.mkdir()
    for name in ("capitals", "sums"):
        (folder / f"test_{name}.py").write_text(OWN_EVAL.format(name=name))
        rows = [{"question": f"{name} of {i}?", "answer": "e" if i % 3 else "no such answer"} for i in range(60)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def verdicts(repository: Repository, folder: str = "report") -> dict[str, dict[str, Any]]:
    """By task."""
    return {verdict["task"]: verdict for verdict in repository.report(folder)["gates"]}


def bodies(repository: Repository, program: str) -> list[tuple[list[str], str]]:
    """The texts that were sent, with the calls that sent them."""
    return [(call["arguments"], call["body"]) for call in repository.calls(program) if call.get("body")]


# --- the examples as they stand ---------------------------------------------------------------------------------------


def test_the_examples_are_complete():
    languages = [block.language for block in blocks()]
    assert (languages.count("yaml"), languages.count("groovy"), languages.count("sh")) == (6, 2, 1)
    for block in blocks():
        if block.language == "yaml":
            assert isinstance(yaml.safe_load(block.code), dict)


def test_the_page_is_linked():
    assert "](docs/ci.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](ci.md)" in (ROOT / "docs/gates.md").read_text(encoding="utf-8")


def test_the_limits_are_those_of_the_code():
    from proctor.gating.verdicts import COMMENT_BYTES, MARKER

    page = PAGE.read_text(encoding="utf-8")
    assert f"stays below {reports.SUMMARY_BYTES:,} bytes" in page.replace("\n", " ")
    assert f"stays below {COMMENT_BYTES:,} bytes" in page.replace("\n", " ")
    assert page.count(MARKER) >= 7


@pytest.mark.parametrize("name", ["gates.yaml", "gates-quick.yaml"])
def test_gate_files_are_read(tmp_path: Path, name: str):
    (tmp_path / name).write_text(named(name))
    gates = gatefile.read(tmp_path / name)
    assert gates.gates[0].means(("gsm8k", "gen"))
    assert gates.gates[0].inconclusive == ("warn" if "quick" in name else "block")


@GITHUB
def test_workflows_are_what_github_takes(name: str):
    workflow = loaded(name)
    # YAML 1.1 reads the key `on` as true.
    assert workflow.keys() <= {"name", True, "permissions", "concurrency", "env", "jobs"}
    triggers = workflow[True]
    inputs = triggers["workflow_dispatch"]["inputs"] if isinstance(triggers, dict) else {}
    for job, step in steps(workflow):
        about = workflow["jobs"][job]
        assert about["timeout-minutes"]
        assert about["runs-on"]
        assert set(about.get("needs", [])) <= set(workflow["jobs"])
        assert ("run" in step) != ("uses" in step)
        assert step.keys() <= {"name", "if", "uses", "with", "env", "run"}
        assert "run" in step or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])
        cells = about.get("strategy", {}).get("matrix", {})
        for expression in EXPRESSION.findall(json.dumps([step, about.get("env"), workflow.get("env")])):
            kind, _, rest = expression.partition(".")
            assert kind in ("matrix", "inputs", "github", "secrets", "vars"), expression
            assert rest in {"matrix": cells, "inputs": inputs}.get(kind, [rest])
        # A value that others choose must not become a part of a script.
        assert "${{" not in step.get("run", "")


@GITHUB
def test_workflows_may_do_what_they_do_and_no_more(name: str):
    workflow = loaded(name)
    scripts = "\n".join(step.get("run", "") for _, step in steps(workflow))
    needed = {"contents": "write" if "git push" in scripts else "read"}
    needed |= {"pull-requests": "write"} if "gh pr " in scripts else {}
    needed |= {"actions": "read"} if "gh run download" in scripts else {}
    assert workflow["permissions"] == needed


def test_gitlab_jobs_are_what_gitlab_takes():
    config = loaded(".gitlab-ci.yml")
    jobs = [name for name in config if name not in GLOBAL and not name.startswith(".")]
    assert jobs == ["quick gate", "nightly", "move the baseline"]
    known = {"extends", "stage", "rules", "script", "before_script", "after_script", "parallel", "image"}
    for name in jobs:
        job = gitlab_job(config, name)
        assert job.keys() <= known | {"cache", "retry", "artifacts"}
        assert job["stage"] in config["stages"]
        assert all(isinstance(line, str) for line in [*job["script"], *job.get("after_script", [])])
        for rule in job["rules"]:
            assert rule["if"].startswith("$CI_PIPELINE_SOURCE == ")
            # What leaves a baseline does so on the default branch alone.
            assert name == "quick gate" or "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in rule["if"]
        assert job["artifacts"]["reports"]["junit"] == "report/junit.xml"
        assert job["artifacts"]["when"] == "always"


@pytest.mark.parametrize("name", ["Jenkinsfile", "Jenkinsfile.nightly"])
def test_pipelines_are_balanced(name: str):
    code = re.sub(r"'''.*?'''|'[^'\n]*'|\"[^\"\n]*\"", "''", named(name), flags=re.S)
    for opening, closing in ("{}", "()"):
        assert code.count(opening) == code.count(closing) > 0


# --- GitHub Actions ---------------------------------------------------------------------------------------------------


def quick(repository: Repository, baseline: Path, context: dict[str, Any] = PULL, limit: str = PART):
    (repository.path / "baseline.json").write_bytes(baseline.read_bytes())
    return github(repository, loaded(QUICK), "quick", context, LIMIT=limit, MODEL_URL=repository.model_url)


def test_a_pull_request_passes_on_a_part_of_the_samples(repository: Repository, baseline: Path):
    job = quick(repository, baseline)
    assert job.code == 0, job.said
    assert job.uploaded == ["report"]
    assert [call["arguments"] for call in repository.calls("pip")] == [["install", "pytest-proctor"]]

    mmlu = verdicts(repository)["mmlu"]
    assert (mmlu["verdict"], mmlu["partial"], mmlu["n"], mmlu["unpaired"]) == ("PASS", True, int(PART), 0)
    assert mmlu["flips"] == {"lost": 0, "gained": 0}
    whole = runs.read(baseline).tasks["mmlu", "ppl"].samples
    part = runs.read(repository.path / "report").tasks["mmlu", "ppl"].samples
    assert len(whole) == 54
    assert {key: sample.scores for key, sample in part.items()} == {key: whole[key].scores for key in part}

    shown = (repository.fake / "step-summary.md").read_text(encoding="utf-8")
    assert shown == (repository.path / "report/summary.md").read_text(encoding="utf-8")
    assert re.search(r"\| ✅ PASS \| mmlu ppl accuracy max_drop \|.*; partial \|\n", shown)
    assert "**Partial:** not every sample was scored." in shown
    assert "| partial: 40 of 54 |" in shown

    ((call, body),) = bodies(repository, "gh")
    assert call == ["pr", "comment", "3", "--body-file", "gates.md"]
    assert body.startswith("<!-- proctor gate -->\n## Gates\n")
    assert body.endswith("\n[All scores](https://github.example/me/mine/actions/runs/42)\n")
    for file in (repository.path / "report").rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


def test_a_worse_one_is_red_and_shown_all_the_same(repository: Repository, baseline: Path, tmp_path: Path):
    kept = tmp_path / "better.json"
    kept.write_bytes(baseline.read_bytes())
    edited(kept, better)
    others = [{"id": 1, "body": "I wonder: <!-- proctor gate -->"}, {"id": 2, "body": "<!-- proctor gate -->\nold"}]
    (repository.fake / "comments.json").write_text(json.dumps(others))
    job = quick(repository, kept)
    assert job.code == 10, job.said
    assert job.ran[-3:] == ["Score and judge", "Show", "Comment"]
    assert job.uploaded == ["report"]
    assert "| ❌ FAIL | mmlu ppl accuracy max_drop |" in (repository.fake / "step-summary.md").read_text()
    ((call, body),) = bodies(repository, "gh")
    assert call == ["api", "--method", "PATCH", "repos/me/mine/issues/comments/2", "-F", "body=@gates.md"]
    assert "| ❌ FAIL | gsm8k gen exact_match max_drop |" in body
    failures = ET.parse(repository.path / "report/junit.xml").getroot().findall(".//failure")
    assert len(failures) == 2


def test_a_baseline_that_fits_no_more_is_told_and_replaces_the_comment(
    repository: Repository, baseline: Path, tmp_path: Path
):
    kept = tmp_path / "other.json"
    kept.write_bytes(baseline.read_bytes())
    edited(kept, asked_otherwise)
    job = quick(repository, kept)
    assert job.code == 4
    assert "shots was 6, is 5" in job.said
    assert not (repository.fake / "step-summary.md").exists()
    ((_, body),) = bodies(repository, "gh")
    assert body.startswith("<!-- proctor gate -->\nThe run came to no verdict.\n")


def test_a_fork_is_left_out(repository: Repository, baseline: Path):
    assert quick(repository, baseline, {**PULL, "github.event.pull_request.head.repo.full_name": "you/mine"}).ran == []


def night(repository: Repository, task: str, accept: str = ""):
    repository.next_job()
    context = {**NIGHT, "matrix.task": task, "inputs.accept": accept}
    return github(repository, loaded(NIGHTLY), "full", context, MODEL_URL=repository.model_url)


def test_each_good_night_leaves_the_baseline_of_the_next(repository: Repository):
    for task in loaded(NIGHTLY)["jobs"]["full"]["strategy"]["matrix"]["task"]:
        job = night(repository, task)
        assert (job.code, job.uploaded) == (0, [f"report-{task}", f"baseline-{task}"]), job.said
        assert verdicts(repository) == {}
        assert not [call for call in repository.calls("gh") if "download" in call["arguments"]]

    # The bundled samples are too few to see two points: nothing is decided, and the baseline stays.
    job = night(repository, "gsm8k")
    assert (job.code, job.uploaded) == (11, ["report-gsm8k"]), job.said
    assert verdicts(repository)["gsm8k"]["verdict"] == "INCONCLUSIVE"
    (download,) = [call["arguments"] for call in repository.calls("gh") if "download" in call["arguments"]]
    assert download == ["run", "download", "7", "--name", "baseline-gsm8k", "--dir", "baseline"]

    # What somebody accepts is not judged.
    job = night(repository, "gsm8k", accept="true")
    assert (job.code, job.uploaded) == (0, ["report-gsm8k", "baseline-gsm8k"]), job.said
    assert verdicts(repository) == {}

    gates = repository.path / "gates.yaml"
    gates.write_text(gates.read_text().replace("0.02", "0.3"))
    job = night(repository, "gsm8k")
    assert (job.code, job.uploaded) == (0, ["report-gsm8k", "baseline-gsm8k"]), job.said
    assert (verdicts(repository)["gsm8k"]["verdict"], verdicts(repository)["gsm8k"]["partial"]) == ("PASS", False)


def test_another_branch_leaves_no_baseline():
    last = [step for _, step in steps(loaded(NIGHTLY))][-2:]
    assert ["set report" in last[0]["run"], "baseline-" in last[1]["with"]["name"]] == [True, True]
    assert {step["if"] for step in last} == {"github.ref == 'refs/heads/main'"}


def test_the_committed_baseline_moves_by_a_pull_request(repository: Repository, baseline: Path):
    (repository.path / "baseline.json").write_bytes(baseline.read_bytes())
    edited(repository.path / "baseline.json", better)
    commit(repository)
    context = {**PULL, "inputs.reason": "a $(better) tokenizer"}
    job = github(repository, loaded(MOVE), "move", context, MODEL_URL=repository.model_url)
    assert job.code == 0, job.said
    assert changed(repository) == ["baseline.json"]
    assert repository.calls("git")[0]["arguments"] == ["push", "origin", "baseline-42"]
    ((call, body),) = bodies(repository, "gh")
    assert call[:4] == ["pr", "create", "--title", "Move the baseline: a $(better) tokenizer"]
    assert re.search(rf"gsm8k gen: exact_match 100.00 \(n {GSM8K}\) → [\d.]+ \(n {GSM8K}\)\n", body)


# --- GitLab -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def evals(repository: Repository) -> Repository:
    """A repository with evals of its own."""
    own_evals(repository)
    return repository


def test_gitlab_from_the_first_baseline_to_a_red_merge_request(evals: Repository):
    config = loaded(".gitlab-ci.yml")
    commit(evals)
    job = gitlab(evals, config, "move the baseline")
    assert job.code == 0, job.said
    assert changed(evals) == ["baseline.json"]
    (push,) = [call["arguments"] for call in evals.calls("git")]
    assert push == [
        "push",
        "--push-option=merge_request.create",
        "https://bot:bot-token@gitlab.example/me/mine.git",
        "HEAD:refs/heads/baseline-8",
    ]

    evals.next_job()
    job = gitlab(evals, config, "quick gate", LIMIT=PART)
    assert (job.code, job.uploaded) == (0, ["report"]), job.said
    assert {(one["verdict"], one["partial"], one["n"]) for one in verdicts(evals).values()} == {("PASS", True, 40)}
    assert ET.parse(evals.path / "report/junit.xml").getroot().find(".//testcase[@classname='gates']") is not None
    ((call, body),) = bodies(evals, "curl")
    assert call[-5:-1] == ["--request", "POST", "--data-urlencode", "body@gates.md"]
    assert call[-1] == "https://gitlab.example/api/v4/projects/5/merge_requests/3/notes"
    assert body.startswith("<!-- proctor gate -->\n## Gates\n\n2 PASS.\n")
    assert body.endswith("\n[The job](https://gitlab.example/me/mine/-/jobs/9)\n")

    evals.next_job()
    edited(evals.path / "baseline.json", better)
    (evals.fake / "comments.json").write_text(json.dumps([{"id": 6, "body": "no"}, {"id": 7, "body": body}]))
    job = gitlab(evals, config, "quick gate", LIMIT=PART)
    assert (job.code, job.uploaded) == (10, ["report"]), job.said
    ((call, body),) = bodies(evals, "curl")
    assert call[-1].endswith("/merge_requests/3/notes/7")
    assert "PUT" in call
    assert "2 FAIL" in body


def test_gitlab_nights_hand_on_their_baseline(evals: Repository):
    config = loaded(".gitlab-ci.yml")
    job_of = config["nightly"]["parallel"]["matrix"][0]["TASK"]
    assert job_of == ["capitals", "sums"]
    url = "https://gitlab.example/api/v4/projects/5/packages/generic/proctor-baseline/nightly/sums.json"

    job = gitlab(evals, config, "nightly", TASK="sums")
    assert job.code == 0, job.said
    assert [call["url"] for call in evals.calls("curl")] == [url, url]
    assert [task["task"] for task in evals.report()["tasks"]] == ["sums"]
    assert verdicts(evals) == {}

    evals.next_job()
    job = gitlab(evals, config, "nightly", TASK="sums")
    assert job.code == 11, job.said
    assert [call["url"] for call in evals.calls("curl")] == [url]

    evals.next_job()
    job = gitlab(evals, config, "nightly", TASK="sums", ACCEPT="true")
    assert job.code == 0, job.said
    assert verdicts(evals) == {}

    # A registry that does not answer is no first night.
    evals.next_job()
    (evals.fake / "status").write_text("500")
    job = gitlab(evals, config, "nightly", TASK="sums")
    assert job.code == 1
    assert f"{url}: HTTP 500" in job.said
    assert not (evals.path / "report").exists()


# --- Jenkins ----------------------------------------------------------------------------------------------------------

GOOD, BAD = "proctor:gold", "proctor:empty"
"""Checkpoints: models that need no server of their own."""


def test_jenkins_judges_a_change(repository: Repository, baseline: Path):
    (repository.path / "baseline.json").write_bytes(baseline.read_bytes())
    given = {"CHECKPOINT": GOOD, "LIMIT": PART, "CHANGE_ID": "3", "BUILD_URL": "https://jenkins.example/9"}
    job = jenkins(repository, named("Jenkinsfile"), **given)
    assert (job.code, job.ran) == (0, ["step", "step", "post"]), job.said
    assert verdicts(repository)["mmlu"]["partial"]
    ((call, body),) = bodies(repository, "gh")
    assert call == ["pr", "comment", "3", "--body-file", "gates.md"]
    assert "\n| ✅ PASS | mmlu ppl accuracy max_drop |" in body
    assert body.endswith("\n[The build](https://jenkins.example/9)\n")

    # The workspace is used again; a service that is none leaves no report.
    (repository.fake / "log.jsonl").unlink()
    job = jenkins(repository, named("Jenkinsfile"), **{**given, "CHECKPOINT": "out/none"})
    assert job.code == 4, job.said
    ((_, body),) = bodies(repository, "gh")
    assert body.startswith("<!-- proctor gate -->\nThe run came to no verdict.\n")


def test_jenkins_nights_hand_on_their_baseline(repository: Repository):
    pipeline = named("Jenkinsfile.nightly")
    assert re.findall(r"values (.*)", pipeline) == ["'gsm8k', 'mmlu'"]
    assert 'filter: "baseline/${TASK}.json", optional: true' in pipeline
    # copyArtifacts comes between the cleaning and the run.
    cleaning, copying = pipeline.index("rm -rf report baseline"), pipeline.index("copyArtifacts projectName")
    assert cleaning < copying < pipeline.index("set --")
    given = {"TASK": "gsm8k", "ACCEPT": "false"}
    job = jenkins(repository, pipeline, CHECKPOINT=GOOD, **given)
    assert job.code == 0, job.said
    assert verdicts(repository, "report/gsm8k") == {}
    kept = (repository.path / "baseline/gsm8k.json").read_bytes()

    again = pipeline.replace("sh 'rm -rf report baseline'", "sh 'rm -rf report'")  # as copied from the night before
    job = jenkins(repository, again, CHECKPOINT=BAD, **given)
    assert job.code == 10, job.said
    assert verdicts(repository, "report/gsm8k")["gsm8k"]["verdict"] == "FAIL"
    assert (repository.path / "baseline/gsm8k.json").read_bytes() == kept
    assert jenkins(repository, again, CHECKPOINT=BAD, **{**given, "ACCEPT": "true"}).code == 0
    assert (repository.path / "baseline/gsm8k.json").read_bytes() != kept
