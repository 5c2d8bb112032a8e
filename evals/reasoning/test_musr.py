"""MuSR (Sprague et al. 2023, arXiv:2310.16049): murder mysteries, object placements, team allocation; 756 questions.

0-shot with the authors' prompt of their best setting, "CoT+" (Zayne-sprague/MuSR, eval/eval.py): a hint at how such a
story is solved, then "ANSWER:" and the number of the choice. Theirs had a system prompt ("You are a helpful assistant
that will answer the questions given by the user.") and temperature 1. accuracy: the number that the text settles on,
or where it has none the letter by which many models call a choice. Theirs takes the last line with "answer:", counts
"1 or 2" as right for both, and guesses where a line has no number; here these are unparsed, and wrong. The paper
quotes each domain. Questions cluster by story.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import choice_letter

NUMBERS, LETTERS = "123456789", "ABCDEFGHI"
HINTS = {
    "murder_mystery": (
        "Before selecting a choice, explain your reasoning step by step. The murderer needs to have a means "
        "(access to weapon), motive (reason to kill the victim), and opportunity (access to crime scene) in order "
        "to have killed the victim. Innocent suspects may have two of these proven, but not all three. An innocent "
        "suspect may be suspicious for some other reason, but they will not have all of motive, means, and "
        "opportunity established.\n\nIf you believe that both suspects have motive, means, and opportunity, you "
        "should make an educated guess pick the one for whom these are best established. If you believe that "
        "neither suspect has all three established, then choose the suspect where these are most clearly "
        "established."
    ),
    "object_placements": (
        "Based on this story, we want to identify where someone believes that a certain object is at the end of "
        "the story. In order to do that, you need to read the story and keep track of where they think the object "
        "is at each point. When an object is moved, the person may observe its new location if they saw it "
        "move.\n\nTo see where an object ends up, they must be able to see the location that it moves to and not "
        "be too distracted by what they are doing. If they do not observe the object moving, then they will still "
        "believe it to be in the last location where they observed it."
    ),
    "team_allocation": (
        "The story should allow you to determine how good each person is at a skill. Roughly, each person is "
        "either great, acceptable, or bad at a task. We want to find an optimal assignment of people to tasks that "
        "uses their skills as well as possible. In addition, one task will have to have two people assigned to it. "
        "The effectiveness of their teamwork (great team, acceptable team, or bad team) also impacts the overall "
        "quality of the assignment.\n\nWhen two people need to work on a task and one is bad at it, they don’t "
        "necessarily benefit from the other person being good, unless they work well together.\n\nWith different "
        "strengths, weaknesses, and interpersonal dynamics at play, you should allocate your team to find the "
        "single assignment to ensure that the tasks overall are completed as effectively as possible.\n\n"
    ),
}

musr = Benchmark(
    "musr",
    main="accuracy",
    prompt="{{ passage }}\n\n{% if domain == 'object_placements' %}{{ hint }}\n\n{% endif %}{{ question }}\n\n"
    "Pick one of the following choices:\n{% for c in choices %}{{ loop.index }} - {{ c }}\n{% endfor %}\n"
    "You must pick one option. {% if domain != 'object_placements' %}{{ hint }} {% endif %}Explain your reasoning "
    "step by step before you answer. Finally, the last thing you generate should be "
    '"ANSWER: (your answer here, including the choice number)"',
)


@musr.rows
def read(row, file):
    for asked in row["questions"]:
        if not 0 <= asked["answer"] < len(asked["choices"]):
            raise ValueError(f"the answer {asked['answer']} is none of {len(asked['choices'])} choices, from 0")
        yield Sample(
            passage=row["context"],
            question=asked["question"],
            choices=asked["choices"],
            target=LETTERS[asked["answer"]],
            groups={"domain": file},
            cluster=f"{file}: {row['context'][:60]} ({len(row['context'])} characters)",
            metadata={"hint": HINTS[file]},
        )


@musr.test(generate(max_tokens=2400))
def test_musr(sample, output, score):
    count = len(sample.choices)
    number = choice_letter(output.text, NUMBERS[:count])
    answer = LETTERS[NUMBERS.index(number)] if number else choice_letter(output.text, LETTERS[:count])
    score(answer, accuracy=answer == sample.target)
