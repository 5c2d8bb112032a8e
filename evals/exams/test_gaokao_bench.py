"""GAOKAO-Bench (Zhang et al. 2023, arXiv:2305.12474): objective questions of the gaokao 2010-2022, 14 tasks, 0-shot.

The authors' prompts (OpenLMLab/GAOKAO-Bench), which ask for an explanation and for 【答案】; greedy, in 1024 tokens as
theirs for text-davinci-003. marks: the share of a sample's marks that is won by the authors' rule
(Bench/OBJ_score_evaluation.py): in physics half of them for some right options and no wrong one; elsewhere those of
each right letter, none where a letter is missing. scoring_rate: marks won by marks to be won over all samples, which
the authors quote. accuracy: the share of right letters.
The authors' scorer takes the last letter, the first ones or those after 【答案】; here letters count where they are
given as answers (see proctor.extract.options).
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import option_list, option_set
from proctor.metrics import half_marks, scoring_rate, share_right

ONE = """请你做一道{}选择题
请你一步一步思考并将思考过程写在【解析】和<eoe>之间。你将从A，B，C，D中选出正确的答案，并写在【答案】和<eoa>之间。
例如：【答案】: A <eoa>
完整的题目回答的格式如下：
【解析】 ... <eoe>
【答案】 ... <eoa>
请你严格按照上述格式作答。
题目如下："""
PHYSICS = """请你做一道物理选择题。
请你一步一步思考并将思考过程写在【解析】和<eoe>之间。你将从A，B，C，D中选出所有符合题意的答案，并写在【答案】和<eoa>之间。
例如：【答案】 AB <eoa>
完整的题目回答的格式如下：
【解析】 ... <eoe>
【答案】... <eoa>
请你严格按照上述格式作答。
"""
SEVERAL = """请你做一道{}个小题。
请你一步一步思考。每一题你将从A，B，C，D中选出正确的答案，并写在【答案】和<eoa>之间。
例如：（1）【答案】 A <eoa>
（2）【答案】 B <eoa>
请你严格按照上述格式作答。
"""
USAGE = """请你做一道语文选择题
请你一步一步思考并将思考过程写在【解析】和<eoe>之间。你将从A，B，C，D中选出正确的答案，并写在【答案】和<eoa>之间。
例如：【答案】: A <eoa>
完整的题目回答的格式如下：
（1）【解析】 ... <eoe>
【答案】 ... <eoa>
（2）【解析】 ... <eoe>
【答案】 ... <eoa>
请你严格按照上述格式作答。如果不止一道题，请分别作答
题目如下："""
FIVE = """请回答下面的问题，将符合题意的五个选项的字母写在【答案】和<eoa>之间，例如“【答案】 A B C D E <eoa>
请严格按照上述格式作答。
"""
TASKS = {
    "2010-2013_English_MCQs": ("English", ONE.format("英语")),
    "2010-2022_Biology_MCQs": ("Biology", ONE.format("生物")),
    "2010-2022_Chemistry_MCQs": ("Chemistry", ONE.format("化学")),
    "2010-2022_Chinese_Lang_and_Usage_MCQs": ("Chinese", USAGE),
    "2010-2022_Chinese_Modern_Lit": ("Chinese", SEVERAL.format("语文阅读理解题，其中包含三")),
    "2010-2022_English_Fill_in_Blanks": ("English", SEVERAL.format("英语完形填空题,其中包含二十")),
    "2010-2022_English_Reading_Comp": ("English", SEVERAL.format("英语阅读理解题，其中包含三到五")),
    "2010-2022_Geography_MCQs": ("Geography", SEVERAL.format("地理选择题，其中包含两到三")),
    "2010-2022_History_MCQs": ("History", ONE.format("历史")),
    "2010-2022_Math_II_MCQs": ("Math", ONE.format("数学")),
    "2010-2022_Math_I_MCQs": ("Math", ONE.format("数学")),
    "2010-2022_Physics_MCQs": ("Physics", PHYSICS),
    "2010-2022_Political_Science_MCQs": ("Politics", ONE.format("政治")),
    "2012-2022_English_Cloze_Test": ("English", FIVE),
}

gaokao_bench = Benchmark(
    "gaokao-bench",
    main="marks",
    version=2,
    prompt="{{ instruction }}{{ question }}\n",
    aggregate={"scoring_rate": scoring_rate},
)


@gaokao_bench.rows
def read(row, file):
    subject, instruction = TASKS[file]
    letters = "ABCDEFG" if "Cloze_Test" in file else "ABCD"
    if not row["answer"] or not all(one and {*one} <= {*letters} for one in row["answer"]):
        raise ValueError(f"the answer {row['answer']!r} is not of the options {letters}")
    return Sample(
        question=row["question"].strip(),
        target=row["answer"],
        groups={"task": file, "subject": subject, "year": row["year"]},
        metadata={"instruction": instruction, "worth": row["score"] * len(row["answer"])},
    )


@gaokao_bench.test(generate(max_tokens=1024))
def test_gaokao_bench(sample, output, score):
    gold, worth = sample.target, sample.metadata["worth"]
    if sample.groups["subject"] == "Physics":
        answer = option_set(output.text, "ABCD")
        marks, right = half_marks(answer, gold[0]), answer == gold[0]
    else:
        five = "Cloze_Test" in sample.groups["task"]
        answer = option_list(output.text, len(gold), "ABCDEFG" if five else "ABCD")
        marks, right = share_right(answer, gold, complete=True), share_right(answer, gold)
    score(answer, marks=marks, scoring_rate=(marks * worth, worth), accuracy=right)
