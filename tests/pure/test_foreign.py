"""Logs of other harnesses, made here in the form in which lm-eval 0.4 and inspect_ai write them."""

from __future__ import annotations

import json
import math
import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from proctor.comparing import foreign
from proctor.errors import SetupError
from proctor.reporting import runs
from proctor.reporting.records import prompt_sha256

TIME = "2026-03-01T10-20-30.123456"
LATER = "2026-03-02T10-20-30.5"
Record = dict[str, Any]


def read(place: Path) -> tuple[dict[str, Any], list[Record]]:
    """A log, having made sure that it is known and that comparisons take it."""
    assert foreign.recognised(place)
    report, records = foreign.read(place)
    kept = list(records)
    run = runs.of_records(report, kept, str(place))
    assert [(task["task"], task["variant"]) for task in report["tasks"]] == list(run.tasks)
    for task in run.tasks.values():
        assert runs.incomparable(task, task) == []
    return report, kept


def refused(place: Path) -> str:
    with pytest.raises(SetupError) as caught:
        foreign.read(place)
    return str(caught.value)


# --- lm-eval ----------------------------------------------------------------------------------------------------------


def line(document: int, requests: Sequence[Sequence[Any]], answers: Sequence[Any], **more: Any) -> Record:
    """A line of a samples file: `answers` are those of each request, one for each repeat."""
    metrics = {name: value for name, value in more.items() if name not in ("filter", "filtered_resps", "target")}
    return {
        "doc_id": document,
        "doc": {"question": f"number {document}"},
        "target": more.get("target", "0"),
        "arguments": {
            f"gen_args_{place}": {f"arg_{number}": value for number, value in enumerate(request)}
            for place, request in enumerate(requests)
        },
        "resps": answers,
        "filtered_resps": more.get("filtered_resps", [answer[0] for answer in answers]),
        "filter": more.get("filter", "none"),
        "metrics": list(metrics),
        "doc_hash": f"{document:064x}",
        "prompt_hash": "p" * 64,
        "target_hash": "t" * 64,
        **metrics,
    }


def ranked(document: int, logprobs: Sequence[float], target: int = 0, **metrics: Any) -> Record:
    """Choices A, B, ... of one question. lm-eval writes numbers within answers as text."""
    requests = [[f"Question {document}\nAnswer:", f" {letter}"] for letter in "ABCD"[: len(logprobs)]]
    answers = [[[str(logprob), "False"]] for logprob in logprobs]
    return line(document, requests, answers, target=str(target), **metrics)


def written(document: int, *texts: str, **more: Any) -> Record:
    keywords = {"until": ["\n"], "do_sample": False, "max_gen_toks": 8}
    return line(document, [[f"Question {document}\nAnswer:", keywords]], [list(texts)], **more)


def write_lines(folder: Path, task: str, lines: Sequence[Record], time: str = TIME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"samples_{task}_{time}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def write_results(folder: Path, time: str = TIME, **more: Any) -> Path:
    results = {"results": {}, "lm_eval_version": "0.4.13", "model_name": "org/small", "model_source": "hf", **more}
    path = folder / f"results_{time}.json"
    path.write_text(json.dumps(results))
    return path


def test_choices_become_a_ranking(tmp_path):
    lines = [
        ranked(0, [-1.5, -0.5], target=1, acc=1.0, acc_norm=0.0, acc_bytes=1.0),
        ranked(1, [-1.0, -1.0], acc=1.0, acc_norm=1.0, acc_bytes=1.0),
    ]
    write_lines(tmp_path / "org__small", "scenes", lines)
    write_results(
        tmp_path / "org__small",
        config={"model": "hf", "model_sha": "abc", "random_seed": 7, "model_args": "pretrained=org/small,token=secret"},
        configs={"scenes": {"dataset_path": "org/scenes", "dataset_name": "plain"}},
        versions={"scenes": 2.0},
        **{"n-shot": {"scenes": 3}, "n-samples": {"scenes": {"original": 10, "effective": 2}}},
    )
    report, records = read(tmp_path)
    first = records[0]
    assert (first["task"], first["variant"], first["sample"], first["epoch"]) == ("scenes", "ppl", "0", 0)
    assert first["prompt"] == "Question 0\nAnswer:"
    assert first["prompt_sha256"] == prompt_sha256(first["prompt"])
    assert [(choice["text"], choice["logprob"]) for choice in first["choices"]] == [(" A", -1.5), (" B", -0.5)]
    assert (first["extracted"], first["target"]) == ("1", "1")
    # lm-eval's acc_norm is per character and its acc_bytes per byte, which are proctor's acc_norm_chars and acc_norm.
    assert first["scores"] == {"acc": 1, "acc_norm_chars": 0, "acc_norm": 1}
    assert [record["flags"] for record in records] == [[], ["tied"]]
    (task,) = report["tasks"]
    assert (task["version"], task["shots"], task["main"], task["parameters"]) == (2.0, 3, "acc", {})
    assert task["data"]["origin"] == "org/scenes plain"
    assert (task["samples"]["selected"], task["samples"]["total"], report["run"]["partial"]) == (2, 10, True)
    assert task["metrics"]["acc_norm_chars"]["value"] == 0.5
    assert (report["model"]["name"], report["model"]["revision"], report["model"]["engine"]) == (
        "org/small",
        "abc",
        "hf",
    )
    assert "secret" not in json.dumps(report)


def test_filters_are_metrics_of_one_sample(tmp_path):
    lines = [
        written(0, "so 5 #### 5", filter="strict", filtered_resps=["5"], exact_match=1.0),
        written(1, "it is 7", filter="strict", filtered_resps=["[invalid]"], exact_match=0.0),
        written(2, "none", filter="strict", filtered_resps=["[invalid]"], exact_match=0.0),
        written(0, "so 5 #### 5", filter="loose", filtered_resps=["5"], exact_match=1.0),
        written(1, "it is 7", filter="loose", filtered_resps=["7"], exact_match=1.0),
        written(2, "none", filter="loose", filtered_resps=["[invalid]"], exact_match=0.0),
    ]
    report, records = read(write_lines(tmp_path, "sums_of_two", lines))
    assert [record["sample"] for record in records] == ["0", "1", "2"]
    assert records[1]["scores"] == {"exact_match,strict": 0, "exact_match,loose": 1}
    assert records[1]["extracted"] == {"strict": None, "loose": "7"}
    assert records[1]["outputs"] == [{"text": "it is 7"}]
    assert [record["flags"] for record in records] == [[], [], ["unparsed"]]
    (task,) = report["tasks"]
    assert (task["task"], task["variant"], task["main"]) == ("sums_of_two", "gen", "exact_match,strict")
    assert task["parameters"] == {"until": ["\n"], "do_sample": False, "max_gen_toks": 8}
    assert task["metrics"]["exact_match,loose"]["value"] == pytest.approx(2 / 3)


def test_lines_that_do_not_name_their_filter_follow_the_order_of_the_results(tmp_path):
    lines = [written(0, "5", exact_match=1.0), written(0, "5", exact_match=0.0)]
    old = [{name: value for name, value in one.items() if name not in ("filter", "metrics")} for one in lines]
    path = write_lines(tmp_path, "sums", old)
    assert "document 0 stands there twice" in refused(path)
    assert f"{path}:2:" in refused(path)
    write_results(tmp_path, configs={"sums": {"filter_list": [{"name": "strict"}, {"name": "loose"}]}})
    _, records = read(path)
    assert records[0]["scores"] == {"exact_match,strict": 1, "exact_match,loose": 0}


def test_repeats_are_outputs_of_one_sample(tmp_path):
    report, records = read(write_lines(tmp_path, "sums", [written(0, "5", "6", "5", exact_match=1.0)]))
    assert [output["text"] for output in records[0]["outputs"]] == ["5", "6", "5"]
    assert records[0]["usage"]["requests"] == 3
    assert report["tasks"][0]["parameters"]["repeats"] == 3


def test_a_group_with_a_score_is_one_task(tmp_path):
    for subject in ("geology", "music_theory"):
        write_lines(tmp_path, f"mmlu_{subject}", [ranked(row, [-1, -2], acc=1.0) for row in (0, 17)])
    write_lines(tmp_path, "scenes", [ranked(0, [-1, -2], acc=0.0)])
    write_results(
        tmp_path,
        groups={"mmlu": {"acc,none": 1.0}, "mmlu_arts": {"acc,none": 1.0, "alias": " - arts"}},
        group_subtasks={
            "mmlu": ["mmlu_geology", "mmlu_arts"],
            "mmlu_arts": ["mmlu_music_theory"],
            "all": ["mmlu", "scenes"],
        },
        versions={"mmlu": 2, "mmlu_geology": 1.0},
        **{"n-shot": {"mmlu_geology": 5, "mmlu_music_theory": 5, "scenes": 0}},
    )
    report, records = read(tmp_path)
    by_id = {(record["task"], record["sample"]): record for record in records}
    assert list(by_id) == [
        ("mmlu", "geology-0"), ("mmlu", "geology-17"), ("mmlu", "music_theory-0"), ("mmlu", "music_theory-17"),
        ("scenes", "0"),
    ]  # fmt: skip
    assert by_id["mmlu", "geology-0"]["groups"] == {"subject": "geology"}
    assert by_id["mmlu", "music_theory-0"]["groups"] == {"subject": "music_theory", "category": "arts"}
    assert by_id["mmlu", "geology-0"]["scores"] == {"accuracy": 1}
    mmlu = report["tasks"][0]
    assert (mmlu["task"], mmlu["variant"], mmlu["shots"], mmlu["version"]) == ("mmlu", "ppl", 5, 2)
    assert set(mmlu["groups"]["subject"]) == {"geology", "music_theory"}


def test_without_its_results_a_log_is_read_as_it_stands(tmp_path):
    path = write_lines(tmp_path / "org__small", "mmlu_geology", [ranked(0, [-1, -2], acc=1.0)])
    report, records = read(path)
    assert (records[0]["task"], records[0]["sample"]) == ("mmlu_geology", "0")
    assert report["model"]["name"] == "org__small"
    task = report["tasks"][0]
    assert (task["version"], task["shots"], task["data"]["origin"]) == (None, None, "unknown")
    assert task["samples"]["total"] == 1


def test_choices_with_a_context_each_share_what_is_common(tmp_path):
    requests = [["The cup", " fell down"], ["The cat", " fell down"]]
    answers = [[["-3.0", "False"]], [["-2.0", "True"]]]
    _, records = read(write_lines(tmp_path, "who", [line(0, requests, answers, acc=1.0)]))
    assert records[0]["prompt"] == "The c"
    assert [choice["text"] for choice in records[0]["choices"]] == ["up fell down", "at fell down"]
    assert [choice["greedy"] for choice in records[0]["choices"]] == [False, True]


def test_likelihoods_without_context_are_no_choices(tmp_path):
    requests = [["Q:", " yes"], ["Q:", " no"], ["", "yes"], ["", "no"]]
    answers = [[[value, "False"]] for value in ("-2.0", "-1.0", "-0.1", "-9.0")]
    _, records = read(write_lines(tmp_path, "ask", [line(0, requests, answers, acc=1.0, acc_mutual_info=0.0)]))
    assert [choice["text"] for choice in records[0]["choices"]] == [" yes", " no"]
    assert (records[0]["prompt"], records[0]["extracted"]) == ("Q:", "1")


def test_lists_of_arguments_and_chats_are_read_too(tmp_path):
    chat = json.dumps([{"role": "user", "content": "Two and three?"}])
    sample = written(0, "5", exact_match=1.0) | {"arguments": [[[chat], {"until": []}]]}
    _, records = read(write_lines(tmp_path, "sums", [sample]))
    assert records[0]["prompt"] == chat


def test_metrics_whose_mean_is_not_the_score_are_left_out(tmp_path):
    last = line(0, [["The sun is", " hot"]], [[["-0.5", "True"]]], perplexity=-0.5, acc=True, bleu=["a", "b"], odd=3)
    write_lines(tmp_path, "last", [last])
    rolling = line(0, [["All of it"]], [["-20.5"]], word_perplexity=[-20.5, 3])
    write_lines(tmp_path, "whole", [rolling])
    metrics = [{"metric": "perplexity", "aggregation": "perplexity"}, {"metric": "odd", "aggregation": "median"}]
    write_results(tmp_path, configs={"last": {"metric_list": [*metrics, {"metric": "acc"}]}})
    report, records = read(tmp_path)
    assert [record["scores"] for record in records] == [{"acc": 1}]
    assert records[0]["choices"] == [{"label": "0", "text": " hot", "logprob": -0.5, "greedy": True}]
    assert [task["task"] for task in report["not_run"]] == ["whole"]
    assert "nothing to compare" in refused(tmp_path / f"samples_whole_{TIME}.jsonl")


def test_a_sample_without_a_number_is_an_error(tmp_path):
    lines = [written(0, "5", exact_match=1.0), written(1, "6", exact_match=math.nan)]
    report, records = read(write_lines(tmp_path, "sums", lines))
    assert (records[1]["outcome"], records[1]["error"]["kind"]) == ("error", "unscored")
    assert report["tasks"][0]["samples"]["errors"] == {"unscored": 1}


def test_of_two_runs_in_a_folder_the_newest_is_read_or_the_one_that_is_named(tmp_path):
    old = write_lines(tmp_path, "sums", [written(0, "5", exact_match=1.0)])
    new = write_lines(tmp_path, "sums", [written(0, "5", exact_match=0.0)], LATER)
    results = write_results(tmp_path)
    for place, right in ((tmp_path, 0), (new, 0), (old, 1), (results, 1)):
        report, records = read(place)
        assert records[0]["scores"]["exact_match"] == right
        assert report["run"]["id"] == f"lm-eval {TIME if right else LATER}"


def test_a_folder_of_several_models_asks_for_one(tmp_path):
    for model in ("org__small", "org__large"):
        write_lines(tmp_path / model, "sums", [written(0, "5", exact_match=1.0)])
    assert "org__large, org__small" in refused(tmp_path)


def test_results_without_samples_say_which_option_logs_them(tmp_path):
    place = write_results(tmp_path)
    assert foreign.recognised(tmp_path)
    assert "--log_samples" in refused(tmp_path)
    write_lines(tmp_path, "sums", [written(0, "5", exact_match=1.0)], LATER)
    assert "--log_samples" in refused(place)


def test_the_data_are_known_by_their_documents(tmp_path):
    lines = [written(0, "5", exact_match=1.0), written(1, "6", exact_match=1.0)]
    one, _ = read(write_lines(tmp_path / "one", "sums", lines))
    other, _ = read(write_lines(tmp_path / "other", "sums", [written(0, "9", exact_match=0.0), lines[1]]))
    fewer, _ = read(write_lines(tmp_path / "fewer", "sums", lines[:1]))
    sha256 = [report["tasks"][0]["data"]["sha256"] for report in (one, other, fewer)]
    assert sha256[0] == sha256[1] != sha256[2]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ('{"doc_id": 1, "doc": {"que', "not JSON"),
        ('{"doc_id": 1}', "not a sample as lm-eval logs it: KeyError"),
        ("[1, 2]", "not a sample as lm-eval logs it: TypeError"),
    ],
)
def test_a_damaged_line_is_named(tmp_path, damage, said):
    path = write_lines(tmp_path, "sums", [written(0, "5", exact_match=1.0)])
    path.write_text(path.read_text() + damage + "\n")
    assert foreign.recognised(tmp_path)
    assert f"{path}:2: {said}" in refused(tmp_path)


def test_results_that_are_damaged_or_of_another_version_are_named(tmp_path):
    write_lines(tmp_path, "sums", [written(0, "5", exact_match=1.0)])
    path = write_results(tmp_path, lm_eval_version="0.5.1")
    assert "written by lm-eval 0.5.1; logs of 0.4.x are read" in refused(tmp_path)
    path.write_text('{\n"results": {')
    assert f"{path}:2: not JSON" in refused(tmp_path)
    path.write_text("[]")
    assert "not what lm-eval writes" in refused(tmp_path)


@pytest.mark.parametrize("name", ["samples", "results"])
def test_files_that_are_no_text_are_named(tmp_path, name):
    write_lines(tmp_path, "sums", [written(0, "5", exact_match=1.0)])
    write_results(tmp_path)
    (path,) = tmp_path.glob(f"{name}_*")
    path.write_bytes(path.read_bytes() + b"\xff\xff")
    assert refused(tmp_path) == f"{path}: not UTF-8; the file is damaged"


def test_an_empty_samples_file_is_named(tmp_path):
    path = write_lines(tmp_path, "sums", [])
    assert refused(tmp_path) == f"{path}: no samples; the file is empty"


# --- inspect_ai -------------------------------------------------------------------------------------------------------


def head(ids: Sequence[int | str] = (1, 2), rows: int | None = None, **more: Any) -> Record:
    """A log without its samples; `more` are parts of `eval`."""
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "run_id": "R1",
            "created": "2026-03-01T10:20:30+00:00",
            "task": "org/counts",
            "task_version": 0,
            "dataset": {"name": "counts", "samples": rows or len(ids), "sample_ids": list(ids), "shuffled": False},
            "model": "lab/small",
            "config": {"epochs": 1},
            "model_args": {"api_key": "secret"},
            "packages": {"inspect_ai": "0.3.200"},
            **more,
        },
        "plan": {"name": "plan", "steps": [], "config": {"temperature": 0.5, "max_connections": 4}},
        "results": {"scores": []},
    }


def sample(ident: int | str, epoch: int = 1, text: Any = "8", stop: str = "stop", **more: Any) -> Record:
    question = {"role": "user", "content": f"How many is {ident}?", "source": "input"}
    answer = {"role": "assistant", "content": text, "source": "generate"}
    return {
        "id": ident,
        "epoch": epoch,
        "input": f"How many is {ident}?",
        "target": "8",
        "messages": [question, answer],
        "output": {
            "model": "lab/small",
            "choices": [{"message": answer, "stop_reason": stop}],
            "usage": {"input_tokens": 11, "output_tokens": 3, "total_tokens": 14},
            "time": 0.25,
        },
        "scores": {"match": {"value": "C", "answer": "8"}},
        "model_usage": {
            "lab/small": {"input_tokens": 11, "output_tokens": 3, "input_tokens_cache_read": 4},
            "lab/judge": {"input_tokens": 100, "output_tokens": 50},
        },
        "total_time": 1.5,
        **more,
    }


def broken(ident: int, epoch: int = 1, **more: Any) -> Record:
    nothing = {"model": "lab/small", "choices": []}
    return sample(ident, epoch, output=nothing, error={"message": "OSError('no disk')"}, **more)


def write_json(path: Path, samples: Sequence[Record], top: Mapping[str, Any] | None = None) -> Path:
    path.write_text(json.dumps({**(top or head()), "samples": list(samples)}, indent=2))
    return path


def write_eval(path: Path, samples: Sequence[Record], top: Mapping[str, Any] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_journal/start.json", json.dumps({"version": 2, "eval": head()["eval"], "plan": {}}))
        for one in samples:
            archive.writestr(f"samples/{one['id']}_epoch_{one['epoch']}.json", json.dumps(one))
        archive.writestr("summaries.json", "[]")
        archive.writestr("header.json", json.dumps(top or head()))
    return path


@pytest.mark.parametrize(("write", "name"), [(write_json, "log.json"), (write_eval, "log.eval")])
def test_both_formats_of_inspect_ai_are_read(tmp_path, write, name):
    path = write(tmp_path / name, [sample(1), sample(2, text="7", scores={"match": {"value": "I", "answer": "7"}})])
    for place in (path, tmp_path):
        report, records = read(place)
        first = records[0]
        assert (first["task"], first["variant"], first["sample"], first["epoch"]) == ("counts", "gen", "0", 0)
        assert (first["prompt"], first["prompt_sha256"]) == ("How many is 1?", prompt_sha256("How many is 1?"))
        assert first["outputs"] == [{"text": "8", "latency": 0.25, "finish_reason": "stop", "tokens": 3}]
        assert (first["extracted"], first["target"], first["outcome"]) == ("8", "8", "scored")
        assert [record["scores"] for record in records] == [{"match": 1}, {"match": 0}]
        assert first["usage"] == {
            "requests": 1, "retries": 0, "prompt_tokens": 11, "cached_tokens": 4, "completion_tokens": 3,
            "reasoning_tokens": 0, "seconds": 0.25, "cost": 0,
        }  # fmt: skip
        (task,) = report["tasks"]
        assert (task["main"], task["version"], task["parameters"]) == ("match", 0, {"temperature": 0.5})
        assert task["metrics"]["match"]["value"] == 0.5
        assert (report["model"]["name"], report["run"]["id"]) == ("lab/small", "R1")
        assert report["run"]["partial"] is False
        assert "secret" not in json.dumps(report)


@pytest.mark.parametrize(
    ("value", "scores"),
    [
        ("C", {"s": 1}), ("I", {"s": 0}), ("P", {"s": 0.5}), ("N", {"s": 0}), (True, {"s": 1}), (0.25, {"s": 0.25}),
        ("0.75", {"s": 0.75}), ("yes", {"s": 1}), ({"a": 2, "b": "P", "c": "words"}, {"s.a": 2, "s.b": 0.5}),
    ],
)  # fmt: skip
def test_values_of_scores(tmp_path, value, scores):
    _, records = read(write_json(tmp_path / "log.json", [sample(1, scores={"s": {"value": value, "answer": "x"}})]))
    assert records[0]["scores"] == scores
    assert records[0]["flags"] == (["unparsed"] if value == "N" else [])


def test_several_scorers_are_metrics_of_one_sample(tmp_path):
    scores = {"choice": {"value": "I", "answer": ""}, "length": {"value": 3}, "words": {"value": "many"}}
    report, records = read(write_json(tmp_path / "log.json", [sample(1, scores=scores)]))
    assert records[0]["scores"] == {"choice": 0, "length": 3}
    assert (records[0]["extracted"], records[0]["flags"]) == (None, ["unparsed"])
    assert report["tasks"][0]["main"] == "choice"


def test_epochs_are_counted_from_0_and_share_their_sample(tmp_path):
    samples = [sample(ident, epoch) for epoch in (1, 2) for ident in (1, 2)]
    report, records = read(write_json(tmp_path / "log.json", samples, head(config={"epochs": 2})))
    assert [(record["sample"], record["epoch"]) for record in records] == [("0", 0), ("1", 0), ("0", 1), ("1", 1)]
    assert report["tasks"][0]["samples"]["total"] == 4
    assert report["tasks"][0]["data"]["rows"] == 2


@pytest.mark.parametrize(
    ("ids", "rows", "ours"),
    [((1, 2), 2, ["0", "1"]), ((3, 4), 5, ["2", "3"]), ((0, 1), 2, ["0", "1"]), ((71, 72), 2, ["71", "72"]),
     (("a", "b"), 2, ["a", "b"])],
)  # fmt: skip
def test_only_numbers_that_count_rows_are_turned_into_ours(tmp_path, ids, rows, ours):
    path = write_json(tmp_path / "log.json", [sample(ident) for ident in ids], head(ids, rows))
    report, records = read(path)
    assert [record["sample"] for record in records] == ours
    assert report["run"]["partial"] is (rows > len(ids))


def test_a_sample_that_broke_is_an_error(tmp_path):
    path = write_json(tmp_path / "log.json", [sample(1), broken(2, scores={})])
    report, records = read(path)
    assert records[1]["outcome"] == "error"
    assert records[1]["error"] == {"kind": "oserror", "message": "OSError('no disk')"}
    assert (records[1]["outputs"], records[1]["scores"]) == ([], {})
    assert report["tasks"][0]["samples"]["errors"] == {"oserror": 1}


def test_scores_of_a_broken_sample_count_where_the_task_says_so(tmp_path):
    path = write_json(tmp_path / "log.json", [sample(1), broken(2)])
    assert read(path)[1][1]["outcome"] == "error"
    write_json(path, [sample(1), broken(2)], head(config={"score_on_error": True}))
    assert read(path)[1][1]["outcome"] == "scored"


def test_what_was_cut_is_flagged(tmp_path):
    samples = [sample(1, stop="max_tokens"), sample(2, limit={"type": "token", "limit": 5})]
    _, records = read(write_json(tmp_path / "log.json", samples))
    assert [record["flags"] for record in records] == [["truncated"], ["truncated"]]
    assert records[0]["outputs"][0]["finish_reason"] == "length"


def test_chats_parts_and_attachments_become_text(tmp_path):
    messages = [
        {"role": "system", "content": "attachment://00ff", "source": None},
        {"role": "user", "content": [{"type": "text", "text": "One"}, {"type": "image", "image": "x"}]},
        {"role": "assistant", "content": "1", "source": "input"},
        {"role": "user", "content": "Two"},
        {"role": "assistant", "content": "2", "source": "generate"},
        {"role": "user", "content": "Are you sure?"},
        {"role": "assistant", "content": "yes", "source": "generate"},
    ]
    text = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "yes"}]
    made = sample(1, text=text, input=messages[:4], messages=messages, attachments={"00ff": "Be brief."})
    _, records = read(write_json(tmp_path / "log.json", [made]))
    assert records[0]["prompt"] == "system: Be brief.\n\nuser: One\n\nassistant: 1\n\nuser: Two"
    assert records[0]["outputs"][0]["text"] == "yes"
    assert records[0]["outputs"][0]["thinking"] == "hm"
    assert (records[0]["usage"]["requests"], records[0]["usage"]["seconds"]) == (2, 1.5)


def test_a_run_that_was_cut_off_is_partial(tmp_path):
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w") as archive:
        start = {name: head((1, 2), 2)[name] for name in ("version", "eval", "plan")}
        archive.writestr("_journal/start.json", json.dumps(start))
        archive.writestr("samples/1_epoch_1.json", json.dumps(sample(1)))
    report, records = read(path)
    assert (len(records), report["run"]["partial"], report["run"]["status"]) == (1, True, "started")


def test_a_sample_that_was_run_again_counts_as_it_ended(tmp_path):
    path = write_eval(tmp_path / "log.eval", [broken(1, scores={}), sample(2)])
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("samples/1_epoch_1.json", json.dumps(sample(1)))
    _, records = read(path)
    assert [record["outcome"] for record in records] == ["scored", "scored"]


def as_zstandard(path: Path) -> Path:
    """The same file, its entries said to be compressed by Zstandard."""
    stored = path.with_name("stored.eval")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(stored, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    data = bytearray(stored.read_bytes())
    stored.unlink()
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset : at + offset + 2] = (93).to_bytes(2, "little")
            at = data.find(mark, at + 4)
    path.write_bytes(data)
    return path


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="zipfile reads Zstandard itself")
def test_zstandard_needs_its_package_or_a_conversion(tmp_path, monkeypatch):
    path = as_zstandard(write_eval(tmp_path / "log.eval", [sample(1)]))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert foreign.recognised(path)
    assert "pip install zstandard" in refused(path)
    assert f"inspect log convert --to json --output-dir DIR {path}" in refused(path)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="zipfile reads Zstandard itself")
def test_zstandard_is_read_where_its_package_is(tmp_path, monkeypatch):
    path = as_zstandard(write_eval(tmp_path / "log.eval", [sample(1)]))
    reader = SimpleNamespace(stream_reader=lambda packed, read_across_frames: packed)
    package = SimpleNamespace(ZstdDecompressor=lambda: reader, ZstdError=zlib.error)
    monkeypatch.setitem(sys.modules, "zstandard", package)
    _, records = read(path)
    assert records[0]["scores"] == {"match": 1}
    data = bytearray(path.read_bytes())
    data[data.find(b'"How many')] ^= 1
    path.write_bytes(data)
    assert "samples/1_epoch_1.json: the checksum is wrong" in refused(path)


def test_several_logs_in_a_folder_ask_for_one(tmp_path):
    for name in ("a.json", "b.json"):
        write_json(tmp_path / name, [sample(1)])
    assert "holds 2 logs; name one: a.json, b.json" in refused(tmp_path)
    assert read(tmp_path / "b.json")[1]


def test_another_version_of_the_format_is_refused(tmp_path):
    path = write_json(tmp_path / "log.json", [sample(1)], {**head(), "version": 3})
    assert foreign.recognised(path)
    assert "a log of format version 3; version 2 is read" in refused(path)


def test_a_log_without_scores_says_how_to_get_them(tmp_path):
    path = write_json(tmp_path / "log.json", [sample(1, scores=None)])
    assert "`inspect score`" in refused(path)


def test_a_sample_that_stands_there_twice_is_refused(tmp_path):
    path = write_json(tmp_path / "log.json", [sample(1), sample(2), sample(1)])
    assert "sample 0 stands there twice in epoch 1" in refused(path)


def test_damage_to_a_log_of_inspect_ai_is_named(tmp_path):
    path = write_json(tmp_path / "log.json", [sample(1)])
    whole = path.read_text()
    path.write_text(whole[: whole.index('"results"')])
    assert f"{path}:{path.read_text().count(chr(10)) + 1}: not JSON" in refused(path)
    path.write_bytes(whole.encode() + b"\xff")
    assert f"{path}: not UTF-8" in refused(path)
    path.write_text(whole.replace('"epoch": 1', '"epoch": "x"'))
    assert f"{path}: samples[0]: not a sample as inspect_ai logs it: TypeError" in refused(path)
    path.write_text(whole.replace('"task": "org/counts"', '"job": "org/counts"'))
    assert "not what inspect_ai logs: KeyError: 'task'" in refused(path)


def test_damage_to_a_zip_is_named(tmp_path):
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", json.dumps(head()))
        archive.writestr("samples/1_epoch_1.json", '{"id": 1,\n"epoch"')
    assert f"{path}: samples/1_epoch_1.json:2: not JSON" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.json", "{}")
    assert "no log of inspect_ai" in refused(path)


# --- neither ----------------------------------------------------------------------------------------------------------


def test_what_is_no_log_is_not_recognised(tmp_path):
    (tmp_path / "report.json").write_text('{"schema": "proctor.report/1"}')
    (tmp_path / "samples.jsonl").write_text("{}")
    for place in (tmp_path, *tmp_path.iterdir(), tmp_path / "none", Path("\x00")):
        assert not foreign.recognised(place)
    (tmp_path / "empty").mkdir()
    assert "no log of lm-eval" in refused(tmp_path / "empty")


def test_records_can_be_read_again(tmp_path):
    path = write_lines(tmp_path, "sums", [written(0, "5", exact_match=1.0)])
    assert list(foreign.read(path)[1]) == list(foreign.read(path)[1])


def test_a_log_that_was_cut_off_is_told(tmp_path):
    (tmp_path / "broken.eval").write_bytes(b"PK nothing")
    with pytest.raises(SetupError, match=r"broken\.eval: .*damaged"):
        foreign.read(tmp_path / "broken.eval")
