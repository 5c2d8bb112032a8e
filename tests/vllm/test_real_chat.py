"""A real small chat model on a real vLLM: asked by turns, in one turn, and by raw prompts.

Runs where PROCTOR_VLLM_PYTHON names a Python with vLLM (and so transformers) in it, and PROCTOR_REAL_MODEL the folder
of a chat model.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from proctor.model import Message
from proctor_service.chat_template import ChatTemplate, TemplateError, load
from real_server import serving
from tokenizers import Tokenizer

ROOT = Path(__file__).parent.parent.parent
PYTHON = os.environ.get("PROCTOR_VLLM_PYTHON")
REAL = os.environ.get("PROCTOR_REAL_MODEL")
ROWS = 3
TOKENS = 48

pytestmark = [
    pytest.mark.skipif(PYTHON is None, reason="PROCTOR_VLLM_PYTHON names no Python with vLLM"),
    pytest.mark.skipif(REAL is None, reason="PROCTOR_REAL_MODEL names no folder of a real model"),
]

TALKS = [
    [("user", "Hi")],
    [("system", "Be brief."), ("user", " Zwei <b>“Wörter”</b> & 北京\n")],
    [("user", "1 + 1 ="), ("assistant", "2"), ("user", "2 + 2 =")],
    [("system", "Be brief."), ("user", "1 + 1 ="), ("assistant", "2"), ("user", "2 + 2 =")],
]
CHATML = """{%- for message in messages -%}
    {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n<think>\\n' -}}{%- endif -%}"""
BRACKETS = """{% if messages[0]['role'] == 'system' %}
    {% set rest = messages[1:] %}
    {% set system = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' %}
{% else %}
    {% set rest = messages %}
    {% set system = '' %}
{% endif %}
{% for message in rest %}
    {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{ raise_exception('Conversation roles must alternate') }}
    {% endif %}
    {% set content = system + message['content'] if loop.first else message['content'] %}
    {% if message['role'] == 'user' %}
        {{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
    {% else %}
        {% generation %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endgeneration %}
    {% endif %}
{% endfor %}
"""
NO_SYSTEM = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}
{% endif %}{% for message in messages %}{% set role = 'model' if message.role == 'assistant' else message.role %}
{{ '<start>' + role + '\\n' + message.content | trim + '<end>\\n' }}{% endfor %}
{% if add_generation_prompt %}{{'<start>model\\n'}}{% endif %}"""
ODD = """{% set ns = namespace(seen=0) %}{% for message in messages %}{% if message.role == 'system' %}{% continue %}
{% endif %}{% set ns.seen = ns.seen + 1 %}{{ {'role': message.role, 'said': message.content} | tojson }}
{% if ns.seen == 2 %}{% break %}{% endif %}{% endfor %}{{ messages | tojson(indent=2) }}{{ unknown }}
{% if tools is not none %}tools{% endif %}{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% endif %}
{% macro shown(x) %}[{{ x }}]{% endmacro %}{{ shown(pad_token) }}"""
SCRIPT = """
import json, sys
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
told, given = [], {"add_generation_prompt": True}
for template, turns in json.load(sys.stdin):
    messages = [{"role": role, "content": content} for role, content in turns]
    try:
        told.append(tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, **given))
    except Exception as error:
        told.append(None)
print("\\n" + json.dumps(told))
"""


def talk(turns: list[tuple[str, str]]) -> list[Message]:
    return [Message(role, content) for role, content in turns]


def test_templates_render_as_in_transformers():
    cases = [[source, turns] for source in (None, CHATML, BRACKETS, NO_SYSTEM, ODD) for turns in TALKS]
    command = [str(PYTHON), "-c", SCRIPT, str(REAL)]
    done = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    own = load(str(REAL))
    assert own is not None
    rendered = []
    for source, turns in cases:
        try:
            rendered.append((own if source is None else ChatTemplate(source, own.tokens)).render(talk(turns)))
        except TemplateError:
            rendered.append(None)
    assert rendered == json.loads(done.stdout.splitlines()[-1])
    assert [text is None for text in rendered].count(True) == 2  # NO_SYSTEM, of the talks that have one


@pytest.fixture(scope="module")
def vllm(tmp_path_factory):
    log = tmp_path_factory.mktemp("vllm") / "log"
    with serving(str(PYTHON), REAL, log, "--dtype", "bfloat16", "--max-model-len", "4096") as url:
        yield url


def test_the_server_makes_the_same_tokens(vllm):
    own, tokenizer = load(str(REAL)), Tokenizer.from_file(str(Path(str(REAL)) / "tokenizer.json"))
    assert own is not None
    for turns in TALKS:
        messages = [{"role": role, "content": content} for role, content in turns]
        body = json.dumps({"messages": messages, "add_generation_prompt": True}).encode()
        request = urllib.request.Request(f"{vllm}/tokenize", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            theirs = json.load(answer)["tokens"]
        assert theirs == tokenizer.encode(own.render(talk(turns)), add_special_tokens=False).ids


def asked(folder: Path, url: str, *options: str) -> tuple[dict, list[dict]]:
    """A run's report and its samples, of a few bundled rows."""
    command = [sys.executable, "-m", "pytest", ROOT / "evals", "-m", "gsm8k or ifeval or mmlu", "--variant=gen"]
    command += [f"--base-url={url}", "--data-dir=bundled", f"--limit={ROWS}", f"--max-tokens={TOKENS}"]
    command += [f"--report-dir={folder}", "-p", "no:cacheprovider", *options]
    done = subprocess.run(list(map(str, command)), cwd=folder.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report, [json.loads(line) for line in (folder / "samples.jsonl").open(encoding="utf-8")]


@pytest.mark.parametrize("form", ["turns", "text"])
def test_it_is_asked_through_its_template(vllm, form, tmp_path):
    report, samples = asked(tmp_path / "run", vllm, "--chat=on", f"--fewshot-as={form}", "--system=Be brief.")
    assert {(task["task"], task["samples"]["scored"]) for task in report["tasks"]} == {
        (name, ROWS) for name in ("gsm8k", "ifeval", "mmlu")
    }
    abilities = report["model"]["capabilities"]
    assert all(abilities[name] for name in ("chat", "chat_system", "chat_template")), abilities["why"]
    turns = {"gsm8k": 18, "mmlu": 12, "ifeval": 2}
    own = load(str(REAL))
    assert own is not None
    for sample in samples:
        assert len(sample["messages"]) == (turns[sample["task"]] if form == "turns" else 2)
        assert sample["rendered"] == own.render([Message(**turn) for turn in sample["messages"]])
        (output,) = sample["outputs"]
        assert output["text"].strip()
        assert 0 < output["tokens"] <= TOKENS
    # What the server counted is what the template made.
    tokenizer = Tokenizer.from_file(str(Path(str(REAL)) / "tokenizer.json"))
    counted = [len(tokenizer.encode(sample["rendered"], add_special_tokens=False).ids) for sample in samples]
    assert counted == [sample["usage"]["prompt_tokens"] for sample in samples]


def test_raw_prompts_are_as_they_were(vllm, tmp_path):
    report, samples = asked(tmp_path / "run", vllm, "--chat=off")
    assert not any("messages" in sample or "rendered" in sample for sample in samples)
    assert not any("chat" in task for task in report["tasks"])
