"""Prompts: white space kept, names checked, the same bytes whatever else runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor import PromptError, Sample
from proctor.prompts import PARTS, Prompt, from_file
from suites import Suite

GSM8K = "evals/numeracy/test_gsm8k.py"
PLAIN = Prompt("H\n", "Q: {{ question }}\nA:", " {{ target }}\n\n", "here")
SHOTS = [Sample(question="one", target="1"), Sample(question="two", target="2")]


def test_a_prompt_is_header_shots_and_question():
    text = PLAIN.render(Sample(question="three"), SHOTS)
    assert text == "H\nQ: one\nA: 1\n\nQ: two\nA: 2\n\nQ: three\nA:"


@given(st.text(), st.text(st.sampled_from(" \n\t\r")))
def test_text_and_white_space_are_kept(question: str, end: str):
    prompt = Prompt("", "{{ question }}" + end.replace("\r", ""), "", "here")
    assert prompt.render(Sample(question=question), []) == question + end.replace("\r", "")


def test_fields_are_not_taken_for_templates():
    assert Prompt("", "{{ question }}", "", "here").render(Sample(question="{{ 1 + 1 }} <b>"), []) == "{{ 1 + 1 }} <b>"


def test_groups_and_metadata_are_names_in_a_template():
    sample = Sample(question="q", groups={"subject": "anatomy"}, metadata={"year": 1999})
    assert Prompt("{{ subject }} {{ year }} ", "{{ question }}", "", "here").render(sample, []) == "anatomy 1999 q"


def test_an_unknown_name_is_an_error_that_lists_the_known_ones():
    with pytest.raises(
        PromptError, match=r"here: answer template: 'gold' is undefined for sample x; a sample has: .*question"
    ):
        Prompt("", "", "{{ gold }}", "here").render(Sample(id="y"), [Sample(id="x")])


def test_a_template_that_fails_names_the_sample():
    with pytest.raises(PromptError, match=r"here: prompt template failed for sample x: .*division"):
        Prompt("", "{{ 1 / 0 }}", "", "here").render(Sample(id="x"), [])


def test_the_hash_is_that_of_the_templates_alone():
    assert PLAIN.sha256 == Prompt(PLAIN.header, PLAIN.prompt, PLAIN.answer, "elsewhere").sha256
    assert PLAIN.sha256 != Prompt(PLAIN.header, PLAIN.prompt + " ", PLAIN.answer, "here").sha256


def test_a_file_without_blocks_is_the_prompt_alone(tmp_path: Path):
    (tmp_path / "own.jinja").write_text("{{ question }}?\n")
    own = from_file(tmp_path / "own.jinja", PLAIN)
    assert (own.header, own.prompt, own.answer) == (PLAIN.header, "{{ question }}?\n", PLAIN.answer)


def test_blocks_replace_parts_and_leave_the_others(tmp_path: Path):
    (tmp_path / "own.jinja").write_text("A note.\n{% block answer %} {{ target }}!\n{% endblock %}\n")
    own = from_file(tmp_path / "own.jinja", PLAIN)
    assert (own.header, own.prompt, own.answer) == (PLAIN.header, PLAIN.prompt, " {{ target }}!\n")


@given(
    st.dictionaries(
        st.sampled_from(PARTS),
        st.lists(
            st.sampled_from(
                [
                    "text\n",
                    "  ",
                    "{{ question }}",
                    "{{- target -}}",
                    "{% if target %}",
                    "{% endif %}",
                    "{# a comment #}",
                    "{%- for c in choices -%}",
                    "{{ c }}",
                    "{% endfor %}",
                    "ä “quoted”",
                ]
            )
        ).map("".join),
        min_size=1,
    )
)
def test_blocks_keep_their_source(tmp_path_factory: pytest.TempPathFactory, parts: dict[str, str]):
    file = tmp_path_factory.mktemp("prompt") / "own.jinja"
    file.write_text("".join(f"{{% block {name} %}}{text}{{% endblock %}}\n" for name, text in parts.items()))
    empty = Prompt("", "", "", "here")
    try:
        wanted = {name: Prompt(text, "", "", str(file)) for name, text in parts.items()}
    except PromptError:
        with pytest.raises(PromptError):
            from_file(file, empty)
        return
    own = from_file(file, empty)
    sample = Sample(question="q", target="t", choices=("a", "b"))
    for name, alone in wanted.items():
        try:
            expected = alone.render(sample, [])
        except PromptError:
            continue
        assert Prompt(getattr(own, name), "", "", "here").render(sample, []) == expected


def test_a_block_of_another_name_is_refused(tmp_path: Path):
    (tmp_path / "own.jinja").write_text("{% block question %}{% endblock %}")
    with pytest.raises(PromptError, match=r"own\.jinja: block 'question' is none of header, prompt, answer"):
        from_file(tmp_path / "own.jinja", PLAIN)


def test_a_file_that_is_no_template_is_refused_with_its_line(tmp_path: Path):
    (tmp_path / "own.jinja").write_text("one\ntwo {{ question }\n")
    with pytest.raises(PromptError, match=r"own\.jinja.*2"):
        from_file(tmp_path / "own.jinja", PLAIN)


def test_the_prompt_option_replaces_a_prompt_and_its_hash(checkout: Suite):
    checkout.run(GSM8K, "--limit=2")
    before = checkout.report()["tasks"][0]["prompt_sha256"]
    (checkout.path / "terse.jinja").write_text("{% block prompt %}Q {{ question }}\nA{% endblock %}")
    checkout.forget()
    checkout.run(GSM8K, "--limit=2", "--shots=1", "--prompt=gsm8k=terse.jinja")
    assert all(prompt.startswith("Q train 0 + 0\nA Add.\n#### 0\n\nQ test ") for prompt in checkout.asked)
    assert checkout.report()["tasks"][0]["prompt_sha256"] != before


def test_the_prompt_option_can_mean_one_variant(checkout: Suite):
    (checkout.path / "terse.jinja").write_text("{% block header %}Only here.\n{% endblock %}")
    checkout.run("evals/knowledge", "--variant=all", "--prompt=mmlu_gen=terse.jinja")
    started = {line["variant"]: line["prompt"].startswith("Only here.\n") for line in checkout.samples()}
    assert started == {"gen": True, "ppl": False, "cloze": False}


def test_a_sample_has_the_same_prompt_in_every_run(checkout: Suite):
    checkout.run("evals")
    prompts = {(line["task"], line["sample"]): line["prompt"] for line in checkout.samples()}
    for args in (("--limit=3",), ("-k", "astronomy or 7"), ("evals/knowledge", "--variant=gen")):
        checkout.run(*(() if args[0].startswith("evals") else ("evals",)), *args)
        assert checkout.samples()
        for line in checkout.samples():
            assert line["prompt"] == prompts[line["task"], line["sample"]]


def test_mmlu_prompts_are_as_the_authors_have_them(checkout: Suite):
    checkout.run("evals", "-k", "mmlu and world_religions-1")
    (prompt,) = checkout.asked
    assert prompt.startswith(
        "The following are multiple choice questions (with answers) about world religions.\n\n"
        "dev world_religions 0?\nA. one\nB. two\nC. three\nD. four\nAnswer: A\n\ndev world_religions 1?\n"
    )
    assert prompt.endswith("Answer: A\n\ntest world_religions 1?\nA. one\nB. two\nC. three\nD. four\nAnswer:")
    assert prompt.count("Answer:") == 6
