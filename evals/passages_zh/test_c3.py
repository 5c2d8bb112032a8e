"""C3: questions about Chinese texts and dialogues from language examinations (Sun et al. 2020, arXiv:1904.09679), with
two to four options. Development split, C3-M (texts) and C3-D (dialogues), 0-shot.

Both prompts are OpenCompass's, whose numbers are quoted. ppl (CLUE_C3_ppl_e24a31): the options are ranked after
答案：, the lines of the text joined by spaces. accuracy: by log-likelihood; acc_norm: per byte of the option;
OpenCompass divides by the tokens of the whole text. gen (CLUE_C3_gen_8c358f): a letter; the lines are joined by
nothing, and [NULL] stands for an option that the question does not have. Questions about one passage are a cluster.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

c3 = Benchmark(
    "c3",
    main="accuracy",
    version=2,
    prompt="文章：{{ lines | join(' ') }}\n问题：{{ question }}\n答案：",
    answer="{{ choices['ABCD'.index(target)] }}\n\n",
)


@c3.rows
def read(row, file):
    lines, questions, passage = row
    part = file.removesuffix("-dev")
    for question in questions:
        yield Sample(
            question=question["question"],
            passage="\n".join(lines),
            choices=question["choice"],
            target="ABCD"[question["choice"].index(question["answer"])],
            groups={"part": part},
            cluster=f"{part} {passage}",
            metadata={"lines": lines},
        )


@c3.test(rank(prefix=""), default=True)
def test_c3_ppl(sample, output, score):
    answer, normed = output.letter(), output.letter("bytes")
    score(answer, accuracy=answer == sample.target, acc_norm=normed == sample.target)


@c3.test(
    generate(max_tokens=64, stop=["\n\n"]),
    prompt="{{ lines | join }}\n问：{{ question }}\n"
    "{% for letter in 'ABCD' %}{{ letter }}. {{ choices[loop.index0] | default('[NULL]') }}\n{% endfor %}"
    "请从“A”，“B”，“C”，“D”中进行选择。\n答：",
    answer="{{ target }}\n\n",
)
def test_c3_gen(sample, output, score):
    answer = choice_letter(output.text, "ABCD"[: len(sample.choices)])
    score(answer, accuracy=answer == sample.target)
