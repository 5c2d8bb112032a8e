r"""Bugs that other harnesses had, none of which is ours: one test or more for each, driven through the pages.

In brackets the thread or pull request: lm is EleutherAI/lm-evaluation-harness, es modelscope/evalscope, oc
open-compass/opencompass. Bugs of the way to a model are tested where servers are scripted; ELSEWHERE names those tests.
"""

from __future__ import annotations

import ast
import asyncio
import math
import time

import pytest
from proctor import pages
from proctor.code import TestedOutput
from proctor.data.reading import subset
from proctor.metrics import same_theorem_answer
from proctor.model import Completion, Execution, Likelihood, Likelihoods
from proctor.prompts import Prompt
from proctor.sample import Sample
from read_pages import ROOT, page, prompts, read, task, verdict, write


class Telling:
    """A model whose log-likelihoods are written down, by continuation; it keeps what it was asked."""

    def __init__(self, told: dict[str, float]) -> None:
        self.told = told
        self.asked: list[tuple[str, list[str]]] = []

    async def loglikelihood(self, context: str, continuations: list[str]) -> Likelihoods:
        self.asked.append((context, list(continuations)))
        return Likelihoods([Likelihood(text, self.told.get(text, -9.0), 1, True) for text in continuations])


def ranked(benchmark, sample, told, variant=None, context="context"):
    """(answer, metrics) of a sample whose choices are as likely as `told` says."""
    asked = task(benchmark, variant)
    return verdict(benchmark, sample, asyncio.run(asked.ask(sample, context, Telling(told), 0)), variant)


# --- GSM8K ------------------------------------------------------------------------------------------------------------

gsm8k = page("numeracy/test_gsm8k").gsm8k
mmlu = page("knowledge/test_mmlu").mmlu


@pytest.mark.parametrize(
    "text",
    [
        "So it is 18.\n#### 18\n\nQuestion: Tom has 3 hens. How many eggs?\nAnswer: 5\n#### 5",
        "So it is 18.\n#### 18\n\n**Question:** Tom has 3 hens.\n\n#### 5",
        "#### 18\n\n### Question 2: Tom has 3 hens.\n#### 5",
        "<think>The examples end in #### 6 and #### 7.</think>9 + 9 = 18\n#### 18",
        "Let me see. <think>As in #### 6.</think>9 + 9 = 18\n#### 18",
        "The examples end in #### 6, #### 7.</think>#### 18",
        "Question: Janet has 9 + 9 ducks.\nAnswer: 9 + 9 = 18\n#### 18",  # the prompt repeated is no next question
    ],
)
def test_gsm8k_a_next_question_and_recited_shots_are_no_answer(text):  # sglang PR 29933, lm 3438
    assert verdict(gsm8k, Sample(target="18"), text) == ("18", {"exact_match": True, "strict": True})


def test_gsm8k_the_first_mark_counts_for_strict():  # sglang PR 29933
    _, metrics = verdict(gsm8k, Sample(target="18"), "#### 18\nOr, with the goose:\n#### 19")
    assert metrics == {"exact_match": False, "strict": True}


@pytest.mark.parametrize("text", ["#### $29.00", "#### 29.", "It costs $29.00.\n#### $29", "#### 29 dollars"])
def test_gsm8k_an_amount_is_a_number(text):  # lm 3214
    assert verdict(gsm8k, Sample(target="29"), text)[1] == {"exact_match": True, "strict": True}


def test_gsm8k_a_gold_answer_may_have_commas():  # lm 3214
    assert verdict(gsm8k, Sample(target="1,450"), "#### $1450.00")[1] == {"exact_match": True, "strict": True}


# --- letters ----------------------------------------------------------------------------------------------------------


def test_letters_are_ranked_as_they_follow_the_prompt():  # lm 614
    sample = Sample(question="?", choices=["w", "x", "y", "z"], target="B")
    assert ranked(mmlu, sample, {" B": -1.0, "A": -0.1}) == ("B", {"accuracy": True})


RANKED = [(one, asked) for one in pages.pages() for asked in one.benchmark.tasks if asked.ask.needs == "likelihood"]


def name_of(value):
    return getattr(value, "name", None) or getattr(getattr(value, "benchmark", None), "name", None)


@pytest.mark.parametrize(("one", "asked"), RANKED, ids=name_of)
def test_one_space_and_no_more_stands_before_what_is_ranked(one, asked):  # lm 614, a trailing space in the prompt
    dataset = one.bundled()
    prompt = Prompt(asked.header, asked.prompt, asked.answer, "test")
    for sample in dataset.samples[:3]:
        if asked.leave_out is not None and asked.leave_out(sample) is not None:
            continue
        model = Telling({})
        asyncio.run(asked.ask(sample, prompt.render(sample, ()), model, 0))
        for context, continuations in model.asked:
            assert context == context.rstrip(" ")
            for text in continuations:
                assert text.strip()
                assert not text.startswith("  ")
                english = context[-1:].isascii() and text.lstrip()[:1].isalnum() and text.isascii()
                assert not english or context.endswith("\n") or text.startswith(" "), (context[-20:], text)


PATTERNS = [
    *("B", "(B)", "**B**", "B.", "b)", "Ｂ", "B. because it is", "Option B", "B项", "[B]", "`B`", '"B"'),
    *("The answer is B", "Answer: B", "the correct option is B", "\\boxed{B}", "$\\boxed{\\text{(B)}}$", "Answer B."),
    *("I choose B", "I would go with (B)", "it must be B", "B is correct.", "The best choice is (B)."),
    *(
        "答案是B",
        "答案：B",
        "【答案】B",
        "故选B",
        "选B",
        "应该是B",
        "答：B",
        "B正确",
        "B项符合题意",
        "所以，B",
        "而是B",
    ),
    *("<think>The answer is A.</think>B", "It is wet.\n\nB", "Water is wet (B).", "Only option B.", "只有选项 B。"),
]


SAID = [
    *("the answer is B", "Answer: B", "the correct option is B", "\\boxed{B}", "$\\boxed{\\text{(B)}}$", "\\fbox{B}"),
    *("the best choice is (B)", "my letter would be B", "I choose B", "I would go with (B)", "I opt for B", "I pick B"),
    *("it must be B", "B is correct", "it's B", "my guess is B", "Answer B"),
    *("答案是B", "答案：B", "【答案】B", "故选B", "应选B", "因此选B", "而是B", "应该是B", "答：B", "正确选项是B"),
    *("选B", "我选择B", "B正确", "B项符合题意", "B选项是正确的", "所以，B", "综上，B"),
]


@pytest.mark.parametrize(
    "text", PATTERNS + [f"(A) looks close, (C) too.\n{way}.\nThat was (C) hard." for way in SAID], ids=repr
)
def test_letters_each_pattern_works_by_itself(text):  # oc PR 2600: a missing comma fused two
    assert verdict(mmlu, Sample(target="B"), text, "gen") == ("B", {"accuracy": True})


@pytest.mark.parametrize("text", ["Apple", "A cat", "Because of B12", "AB", "I do not know", "A or B", ""])
def test_letters_a_word_is_none(text):
    assert verdict(mmlu, Sample(target="A"), text, "gen") == (None, {"accuracy": False})


@pytest.mark.parametrize(
    "text",
    [
        "ANSWER: [LETTER]\nANSWER: B, not C",
        "ANSWER: $LETTER\n\nANSWER: B",
        "Answer: [A/B/C/D]\nAnswer: B",
        "ANSWER: B, not C",
    ],
)
def test_letters_an_echoed_instruction_is_none(text):  # es PR 1597
    assert verdict(mmlu, Sample(target="B"), text, "gen") == ("B", {"accuracy": True})


# --- commonsense and reading ------------------------------------------------------------------------------------------

hellaswag = page("everyday/test_hellaswag").hellaswag


def test_hellaswag_ctx_b_is_capitalized_and_lengths_are_bytes_and_characters(tmp_path):  # lm 3278
    row = {"activity_label": "Baking", "endings": ["mixes.", "\u00e9\u00e9\u00e9\u00e9.", "x.", "y."], "label": 1}
    given = row | {"ctx_a": "A man stands.", "ctx_b": "the man", "ctx": "A man stands. the man"}
    write(tmp_path, "hellaswag/hellaswag_val.jsonl", [given, row | {"ctx": "A man stands. the man"}])
    assert prompts(hellaswag, tmp_path) == ["Baking: A man stands. The man", "Baking: A man stands. the man"]
    sample = read(hellaswag, tmp_path).samples[0]
    # -6 over 6 bytes is -1, over 9 bytes -0.67, over 5 characters -1.2.
    _, metrics = ranked(hellaswag, sample, {" mixes.": -6.0, " \u00e9\u00e9\u00e9\u00e9.": -6.0})
    assert metrics == {"acc": False, "acc_norm": True, "acc_norm_chars": False}


@pytest.mark.parametrize(("name", "split"), [("arc_c", "Challenge"), ("arc_e", "Easy")])
def test_arc_has_digits_for_labels_and_three_or_five_options(tmp_path, name, split):  # es PR 1516
    def row(labels, key):
        choices = [{"label": label, "text": f"text {label}"} for label in labels]
        return {"id": "MEA_1", "question": {"stem": "Why?", "choices": choices}, "answerKey": key}

    benchmark = getattr(page("science/test_arc"), name)
    rows = [row("1234", "3"), row("ABC", "C"), row("ABCDE", "E")]
    write(tmp_path, f"{benchmark.name}/ARC-{split}-Test.jsonl", rows)
    write(tmp_path, f"{benchmark.name}/ARC-{split}-Dev.jsonl", rows)
    samples = read(benchmark, tmp_path).samples
    assert [(sample.target, len(sample.choices)) for sample in samples] == [("C", 4), ("C", 3), ("E", 5)]
    assert ranked(benchmark, samples[0], {" text 3": -1.0})[1]["acc"]
    assert verdict(benchmark, samples[2], "E", "gen")[1] == {"acc": True}
    assert verdict(benchmark, samples[1], "E", "gen") == (None, {"acc": False})


@pytest.mark.parametrize("order", [1, -1])
def test_truthfulqa_goes_by_label_and_nothing_underflows(tmp_path, order):  # lm PR 2768
    labels = {"Yes.": 0, "No.": 1, "Tea.": 0, "No comment.": 1}
    one = {text: int(text == "No.") for text in list(labels)[:3]}
    row = {"question": "Is it?", "mc1_targets": dict(list(one.items())[::order])}
    row["mc2_targets"] = dict(list(labels.items())[::order])
    truthfulqa = page("facts/test_truthfulqa").truthfulqa
    write(tmp_path, "truthfulqa/mc_task.json", [row])
    (sample,) = read(truthfulqa, tmp_path).samples
    told = {" Yes.": -2000.0, " No.": -1999.0, " Tea.": -2001.0, " No comment.": -2003.0}
    _, metrics = ranked(truthfulqa, sample, told)
    shares = {text: math.exp(value + 2000) for text, value in told.items()}
    true = shares[" No."] + shares[" No comment."]
    assert metrics == {"mc1": True, "mc2": pytest.approx(true / sum(shares.values()))}


@pytest.mark.parametrize("variant", ["ppl", "gen"])
def test_race_keeps_the_stem_of_a_cloze_question(tmp_path, variant):  # lm PR 3716
    row = {"article": "Jo cooks.", "id": "high1", "questions": ["Jo is  _  ."], "answers": ["B"]}
    write(tmp_path, "race/test/high.jsonl", [row | {"options": [["a nurse", "a cook", "a king", "a cat"]]}])
    (prompt,) = prompts(page("passages/test_race").race, tmp_path, variant)
    assert prompt.endswith("\n\nQ: Jo is  _  .\n\nA. a nurse\nB. a cook\nC. a king\nD. a cat\nA:")


def test_record_keeps_the_form_of_the_passage(tmp_path):  # lm PR 1647: EM 90 became 27
    text = "Rust came.\nIt stayed.\n@highlight\nRust stays\n@highlight\nNo cure"
    query = {"query": "@placeholder stays.", "answers": [{"start": 0, "end": 3, "text": "Rust"}], "idx": 0}
    passage = {"text": text, "entities": [{"start": 0, "end": 3}]}
    record = page("understanding/test_record").record
    write(tmp_path, "record/val.jsonl", [{"idx": 0, "source": "CNN", "passage": passage, "qas": [query]}])
    write(tmp_path, "record/train.jsonl", [{"idx": 0, "source": "CNN", "passage": passage, "qas": [query]}])
    assert prompts(record, tmp_path)[0].startswith(f"Passage: {text}\nResult: ____ stays.\n")


@pytest.mark.parametrize(
    "text", ["unanswerable", "Unanswerable.", "impossible to answer", "No answer.", "The passage does not say.", "N/A"]
)
def test_squad_a_phrase_for_no_answer_is_an_empty_answer(text):  # lm 3212
    squad = page("spans/test_squad").squad
    assert verdict(squad, Sample(targets=[]), text) == ("", {"exact_match": 1, "f1": 1})
    assert verdict(squad, Sample(targets=["the mill"]), text)[1] == {"exact_match": 0, "f1": 0}


def test_winogrande_scores_one_ending_after_each_option(tmp_path):  # lm 991: intended
    winogrande = page("everyday/test_winogrande").winogrande
    sample = pages.chosen(["winogrande"])[0].bundled().samples[0]
    asked, model = task(winogrande, "ppl"), Telling({})
    prompt = Prompt(asked.header, asked.prompt, asked.answer, "test").render(sample, ())
    asyncio.run(asked.ask(sample, prompt, model, 0))
    contexts, endings = zip(*model.asked, strict=True)
    assert len(set(contexts)) == 2
    assert endings[0] == endings[1]
    assert [choice in context[-60:] for choice, context in zip(sample.choices, contexts, strict=True)] == [True, True]


# --- reasoning and mathematics ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["(B). ", "(B).\n", "B", "**(B)**.", "So the answer is (B)."])
def test_bbh_an_option_is_stripped(text):  # lm PR 2013: 41 became 80
    bbh = page("reasoning/test_bbh").bbh
    for variant in ("gen", "direct"):
        assert verdict(bbh, Sample(target="B", choices=("x", "y")), text, variant)[1] == {"exact_match": True}


def test_bbh_thinks_step_by_step_once():  # lm PR 3140
    (bbh,) = pages.chosen(["bbh"])
    dataset = bbh.bundled()
    asked = bbh.benchmark.default
    for sample in dataset.samples:
        prompt = Prompt(asked.header, asked.prompt, asked.answer, "test").render(sample, ())
        questions = prompt.count("\nA:")
        assert prompt.count("Let's think step by step.") == questions
        assert prompt.endswith("\nA: Let's think step by step.")


@pytest.mark.parametrize(
    ("text", "gold", "right"),
    [
        ("The final answer is $(2,4)$.", "(2,4)", True),  # lm 4030: unequal to itself
        ("The final answer is $(2,4)$.", "(4,2)", False),
        ("I do not know.", "None", False),  # None equals None
        ("", "", False),
        (r"$\boxed{y = 2x + 1}$", "y = 3x + 1", False),  # Math-Verify 60: two equations are no 0 and 0
        (r"$\boxed{y = 2x + 1}$", "y = 2x + 1", True),
        (r"$\boxed{2y = 4x + 2}$", "y = 2x + 1", True),
        (r"$\boxed{x^2 = -4}$", "x^2 = -1", False),
    ],
)
def test_math_verdicts(text, gold, right):
    assert verdict(page("numeracy/test_math").math, Sample(target=gold), text)[1]["accuracy"] == right


HOSTILE = ["factorial(2000000)", "9**9**9**9", "__import__('os')._exit(1)", "(lambda: 1)()", "[1]*10**9", "1e999"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", ["float", "integer", "list of integer"])
def test_theoremqa_evaluates_nothing_and_hangs_on_nothing(text, kind):  # eval() of the answer
    theoremqa = page("numeracy/test_theoremqa").theoremqa
    gold = [7, 8] if kind.startswith("list") else 7 if kind == "integer" else 7.0
    sample = Sample(groups={"type": kind}, metadata={"gold": gold})
    said = f"Therefore, the answer is {text}."
    begin = time.thread_time()
    assert verdict(theoremqa, sample, said)[1] == {"accuracy": False}
    assert not same_theorem_answer(text, gold, kind)  # nor where extraction lets it through
    assert time.thread_time() - begin < 0.2


# --- code -------------------------------------------------------------------------------------------------------------

humaneval = page("code/test_humaneval")
FENCED = (
    "Sure! Here it is:\n\n```python\nfrom math import isqrt\n\ndef helper(n):\n    return isqrt(n)\n\n"
    "def root(n):\n    return helper(n)\n```\n\nFor example:\n\n```python\nprint(root(9))\n```\n"
)


def test_humaneval_stops_are_those_of_the_kind_of_model():  # lm 2764: "\ndef" gave chat models 0 %
    base, chat = (task(humaneval.humaneval, variant).ask.parameters["stop"] for variant in ("gen", "chat"))
    assert "\ndef" in base
    assert chat == []


def test_humaneval_the_first_closing_fence_ends_a_program():  # lm PR 3092
    sample = Sample(question='def root(n):\n    """Root."""\n', metadata={"entry_point": "root", "check": ""})
    made = humaneval.program(sample, FENCED).program
    assert made.endswith("def root(n):\n    return helper(n)\n")
    space: dict = {}
    exec(made, space)  # written above
    assert space["root"](9) == 3
    # A body alone, in a fence that is never closed.
    assert humaneval.program(sample, "```python\n    return 3").program == sample.question + "    return 3"


def test_humaneval_a_chat_model_is_asked_for_all_of_the_function():  # lm 2764
    (one,) = pages.chosen(["humaneval"])
    sample = one.bundled().samples[0]
    chat = task(one.benchmark, "chat")
    prompt = Prompt(chat.header, chat.prompt, chat.answer, "test").render(sample, ())
    assert prompt.endswith(f"```python\n{sample.question}\n```\n")
    output = TestedOutput([Completion(FENCED, "stop")], runs=[Execution("passed")])
    assert verdict(one.benchmark, sample, output, "chat")[1] == {"pass@1": 1.0}


def test_mbpp_a_newline_follows_begin_and_chat_models_have_a_prompt_of_theirs():  # lm PR 2645, lm 2990
    for one in pages.chosen(["mbpp", "mbpp-sanitized"]):
        dataset = one.bundled(3)
        gen, chat = (task(one.benchmark, variant) for variant in ("gen", "chat"))
        sample, shots = dataset.samples[0], dataset.shots[0]
        prompt = Prompt(gen.header, gen.prompt, gen.answer, "test").render(sample, shots)
        assert prompt.count("[BEGIN]\n") == prompt.count("[BEGIN]") == 4
        assert prompt.endswith("[BEGIN]\n")
        prompt = Prompt(chat.header, chat.prompt, chat.answer, "test").render(sample, shots)
        assert prompt.count("```python\n") == 3
        assert "[BEGIN]" not in prompt


# --- language modelling, shots --------------------------------------------------------------------------------------


def test_lambada_scores_a_space_and_the_word(tmp_path):  # lm PR 531: 0 became 72
    lambada = page("language_modelling/test_lambada").lambada
    write(tmp_path, "lambada/lambada_test.jsonl", [{"text": "He called the dog"}])
    (sample,) = read(lambada, tmp_path).samples
    model = Telling({" dog": -0.5})
    asyncio.run(task(lambada).ask(sample, prompts(lambada, tmp_path)[0], model, 0))
    assert model.asked == [("He called the", [" dog"])]


def with_shots(one, shots):
    """The bundled samples with as many shots, or None where there are not so many."""
    from proctor.errors import DataError

    try:
        return one.bundled(shots)
    except DataError:
        return None


@pytest.mark.parametrize("one", pages.pages(), ids=name_of)
def test_no_shot_is_the_sample_itself(one):  # lm PR 3978
    tried = 0
    for shots in sorted({1, 2, 3, 5, one.benchmark.shots} - {0}):
        dataset = with_shots(one, shots)
        if dataset is None:
            continue
        tried += 1
        for asked in one.benchmark.tasks:
            # Question and answer: some prompts hold nothing of the row.
            whole = Prompt("", asked.prompt + asked.answer, "", "test")
            for sample, examples in zip(dataset.samples, dataset.shots, strict=True):
                own = whole.render(sample, ())
                assert len(examples) == shots
                assert all(whole.render(example, ()) != own for example in examples)
                # Where rows of the split itself are shown, none of the same passage either.
                clusters = {example.cluster for example in examples} - {None}
                assert one.source.shots != one.source.files or sample.cluster not in clusters
    assert tried or one.source.shots is None or one.benchmark.header_shots, "no number of shots was tried"


def test_limit_takes_no_head_of_a_file():  # lm 2598
    heads = {}
    for one in pages.pages():
        samples = one.bundled().samples
        groups = [next(iter(sample.groups.values()), "") for sample in samples]
        first = [place for place, group in enumerate(groups) if groups.index(group) == place]
        if len(samples) > 2 * len(first):
            heads[one.benchmark.name] = sorted(subset(samples, one.benchmark.name)[: len(first)]) == first
    assert len(heads) > 40
    assert sum(heads.values()) < len(heads) / 4, "by chance some do"


# --- bugs of the way to a model ---------------------------------------------------------------------------------------

ELSEWHERE = {
    "borders: no token of a continuation is left (lm PR 4055)": [
        "service/test_tokenizer.py::test_a_token_that_straddles_the_border_counts",
        "service/test_tokenizer.py::test_a_continuation_within_one_token_is_not_empty",
        "service/test_tokenizer.py::test_a_normalizer_that_joins_across_the_border_leaves_a_token",
        "service/test_likelihood.py::test_nothing_to_score_is_an_error_of_the_sample",
    ],
    "thinking: a stop string fires inside it (lm PR 3700)": [
        "service/test_service.py::test_stops_apply_after_the_thinking",
        "service/test_service.py::test_only_a_stop_string_inside_a_thought_makes_us_ask_again",
    ],
    "thinking: content null when it eats the budget (lm 3244)": [
        "service/test_service.py::test_a_null_text_at_the_token_limit_is_a_truncated_output",
        "service/test_service.py::test_a_null_text_is_malformed_and_not_empty",
        "plugin/test_outcomes.py::test_truncated_and_unparsed_outputs_are_scored_and_counted",
    ],
    "BOS twice (lm 3333): text, token ids, and an endpoint with another rule": [
        "service/test_service.py::test_bos_at_the_front_of_a_prompt_is_left_to_the_server",
        "service/test_tokenizer.py::test_bos_stands_exactly_once",
        "service/test_capabilities.py::test_another_rule_about_bos_is_found_out_with_and_without_tokenize",
    ],
    "the chat template applied twice": [
        "service/test_service.py::test_a_prompt_is_sent_as_it_is_and_meets_no_chat_template",
    ],
    "max_tokens too small: truncations are counted": [
        "plugin/test_outcomes.py::test_truncated_and_unparsed_outputs_are_scored_and_counted",
    ],
    "a prompt that is cut loses its question, or nobody knows": [
        "pure/test_ranking.py::test_a_prompt_that_is_cut_keeps_its_question",
        "service/test_likelihood.py::test_a_context_that_does_not_fit_is_cut_at_its_left_and_said_so",
    ],
    "ties in a ranking pass in silence": [
        "plugin/test_outcomes.py::test_ties_are_counted_and_go_to_the_first_choice",
    ],
    "a server that ignores `echo` (llama.cpp 27174)": [
        "service/test_capabilities.py::test_an_ignored_parameter_is_found_out_and_nothing_else_is",
        "service/test_likelihood.py::test_an_endpoint_that_ignores_the_question_is_malformed_and_not_zero",
    ],
    "answers of model A served for model B (lm 2715, 4063)": [
        "plugin/test_resume.py::test_another_model_is_refused",
        "service/test_models.py::test_weights_that_were_changed_in_place_are_known",
    ],
    "--limit takes the head of the file (lm 2598)": [
        "plugin/test_selection.py::test_a_limit_is_balanced_over_groups_and_the_smaller_lies_within_the_larger",
        "plugin/test_selection.py::test_a_limit_takes_the_same_samples_whatever_else_is_selected",
    ],
}


@pytest.mark.parametrize("bug", ELSEWHERE)
def test_is_tested_elsewhere(bug):
    for place in ELSEWHERE[bug]:
        file, _, function = place.partition("::")
        tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
        assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, place
