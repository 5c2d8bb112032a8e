"""`proctor agreement`."""

from __future__ import annotations

import argparse
from pathlib import Path

from proctor.comparing import differences
from proctor.judge import labels

HELP = "Say how far a run's judge model agrees with people, and correct its score by what they say."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "labels", metavar="HUMAN.csv", type=Path, help="people's labels: columns sample and label, also task and rater"
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run that a judge model took part in")


def run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Print tables of agreement and of corrected scores."""
    tasks = labels.judged(chosen.run)
    found = labels.matched(labels.read(chosen.labels), tasks)
    for name, people in found.items():
        task = tasks[name]
        print(labels.sentence(task, people) + "\n")
        for line in differences.aligned(labels.HEADS, list(labels.rows(task, people)), left=1):
            print(line)
        print()
        for line in differences.aligned(("score", "", "95 % interval", "samples"), list(labels.scores(task, people))):
            print(line)
        print()
    print("weighted: kappa with quadratic weights; corrected: prediction-powered inference (docs/judge.md)")
    return 0
