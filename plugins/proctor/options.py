"""What the user chose: command line before ini before default."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proctor.chat import CHOICES, FORMS
from proctor.errors import SetupError

STOOD_BACK = pytest.StashKey[list[str]]()
GROUPS = ("proctor", "proctor-service")

# name, ini type (None: command line only), default, keywords of the option
OPTIONS: tuple[tuple[str, str | None, Any, dict[str, Any]], ...] = (
    (
        "model",
        "string",
        None,
        {
            "metavar": "NAME",
            "help": (
                "model to score; proctor:gold, proctor:empty and proctor:neighbour check the harness itself. "
                "Default: the embedded model, or what --base-url serves"
            ),
        },
    ),
    (
        "data-dir",
        "string",
        None,
        {
            "metavar": "DIR",
            "help": (
                "folder with <benchmark>/<file>[.gz], or `bundled` (the default of the embedded model; "
                "of others: the cache that `proctor fetch` and a first run fill)"
            ),
        },
    ),
    (
        "data-format",
        "string",
        None,
        {
            "metavar": "FORMAT",
            "help": "how the rows in --data-dir are written: ultraeval (default: as the authors or the hub do)",
        },
    ),
    (
        "limit",
        "string",
        None,
        {
            "metavar": "N",
            "help": ("score N samples of each task: a fixed pseudo-random subset, balanced over its groups"),
        },
    ),
    (
        "variant",
        "string",
        "default",
        {
            "metavar": "NAME",
            "help": (
                "gen: the model writes; ppl: choices are ranked by likelihood; chat, direct and others that some "
                "benchmarks have (`proctor list` shows them); all (default: `default`, each benchmark's own)"
            ),
        },
    ),
    (
        "shots",
        "string",
        None,
        {"metavar": "N", "help": "few-shot examples in each prompt (default: each benchmark's own)"},
    ),
    (
        "prompt",
        "linelist",
        (),
        {
            "metavar": "TASK=FILE",
            "action": "append",
            "help": ("replace a benchmark's templates by a Jinja file; repeatable"),
        },
    ),
    (
        "set",
        "linelist",
        (),
        {
            "metavar": "TASK.PARAMETER=VALUE",
            "action": "append",
            "help": ("change a parameter of an ask (gsm8k.max_tokens=256); repeatable"),
        },
    ),
    (
        "temperature",
        "string",
        None,
        {
            "metavar": "T",
            "help": "sampling temperature of whatever generates (default: each benchmark's own; --set wins)",
        },
    ),
    (
        "max-tokens",
        "string",
        None,
        {
            "metavar": "N",
            "help": (
                "tokens that whatever generates may write (default: each benchmark's own, and for a chat model at "
                "least 1024; --set wins)"
            ),
        },
    ),
    (
        "chat",
        "string",
        "auto",
        {
            "metavar": "auto|on|off",
            "help": (
                "ask by conversations, through the server's chat template (default: auto, on where models.yaml or the "
                "model's name says that it is a chat model)"
            ),
        },
    ),
    (
        "fewshot-as",
        "string",
        "turns",
        {"metavar": "turns|text", "help": "few-shot examples for a chat model: as turns (the default), or in one turn"},
    ),
    (
        "system",
        "string",
        None,
        {"metavar": "TEXT|@FILE", "help": "system prompt for a chat model: the text, or the file that holds it"},
    ),
    (
        "epochs",
        "string",
        "1",
        {
            "metavar": "K",
            "help": "ask each sample K times, with seeds of their own: spread, pass@k, pass^k, majority (default: 1)",
        },
    ),
    ("seed", "string", "0", {"metavar": "N", "help": "seed of sampled outputs (default: 0)"}),
    (
        "show-prompts",
        None,
        None,
        {"metavar": "N", "help": "print the first N prompts of each task in full and ask nothing"},
    ),
    (
        "report-dir",
        "string",
        None,
        {
            "metavar": "DIR",
            "help": ("put the run's files exactly there (default: reports/<time>/, reports/latest being the newest)"),
        },
    ),
    (
        "resume",
        None,
        None,
        {
            "metavar": "RUN",
            "nargs": "?",
            "const": "",
            "help": (
                "go on with a run that did not finish, asking only what is missing: --resume=reports/RUN, or "
                "--resume as the last word for the latest one of the same command"
            ),
        },
    ),
    (
        "rescore",
        None,
        None,
        {
            "metavar": "RUN",
            "help": (
                "judge the stored outputs of a run again, with no model, and show what changed: --rescore=reports/RUN"
            ),
        },
    ),
    (
        "gate",
        "string",
        None,
        {
            "metavar": "FILE",
            "help": "judge the run by the rules of a YAML file; exit code 10: a gate failed, 11: one is undecided",
        },
    ),
    (
        "baseline",
        "string",
        None,
        {"metavar": "RUN", "help": "what --gate compares with: a run's folder, or a file of `proctor baseline set`"},
    ),
    (
        "judge",
        "string",
        None,
        {
            "metavar": "NAME",
            "nargs": "?",
            "const": "judge",
            "help": (
                "model whose opinion takes the place of people's, as --model names one; without a name, as the last "
                "word: the entry `judge` of models.yaml. With --rescore, it is asked about the stored outputs"
            ),
        },
    ),
    (
        "against",
        "string",
        None,
        {
            "metavar": "RUN",
            "help": "the run whose answers a judge compares with (default: answers that come with the benchmark)",
        },
    ),
    ("strict-samples", "bool", False, {"action": "store_true", "help": "wrong answers fail their tests"}),
    (
        "error-budget",
        "string",
        "0",
        {"metavar": "N", "help": ("samples that may end in an error before the exit code is 12 (default: 0)")},
    ),
)

COMMAND_LINE_ONLY = [name for name, kind, _, _ in OPTIONS if kind is None]


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("proctor", "proctor: language model evaluation")
    for name, kind, default, keywords in OPTIONS:
        key = setting_of(name)
        # None marks "not on the command line", so that the ini file is asked next.
        group.addoption(f"--{name}", dest=key, default=None, **keywords)
        if kind is not None:
            help_text = f"default of --{name}"
            parser.addini(key, help_text, type=kind, default=list(default) if kind == "linelist" else default)  # type: ignore[arg-type]


def withdraw(parser: pytest.Parser) -> list[tuple[Any, Any]]:
    """Take our options back, before conftests bring theirs: (group, option) of each, for `restore`."""
    taken = []
    for group in parser._groups:
        if group.name in GROUPS:
            for option in list(group.options):
                taken.append((group, option))
                group.options.remove(option)
                if hasattr(group, "_arggroup"):  # pytest 9 gives options to argparse at once, pytest 8 when it parses
                    group._arggroup._remove_action(option._action)
                    for name in option.names():
                        group._arggroup._option_string_actions.pop(name, None)
    return taken


def restore(parser: pytest.Parser, taken: list[tuple[Any, Any]]) -> list[str]:
    """Give our options again, but for those whose name a conftest has: there ours stands back. Returns these names."""
    stood_back = []
    owned = {name for group in parser._groups for option in group.options for name in option.names()}
    for group, option in taken:
        if owned.intersection(option.names()):
            stood_back += option.names()
            continue
        group.options.append(option)
        if hasattr(group, "_arggroup"):
            group._arggroup._add_action(option._action)
    return stood_back


def forget_what_is_not_ours(config: pytest.Config) -> None:
    """Drop the values that pytest's first look at the command line gave to options that stand back since."""
    for name in config.stash.get(STOOD_BACK, []):
        setattr(config.option, setting_of(name.removeprefix("--")), None)


def setting_of(name: str) -> str:
    """Where an option's value is kept, and what its setting is called."""
    return "proctor_" + name.replace("-", "_")


def not_ours(config: pytest.Config) -> str | None:
    """An option that the command line gives and that is called like ours, but belongs to the suite."""
    names = config.stash.get(STOOD_BACK, [])
    given = {str(argument).partition("=")[0] for argument in config.invocation_params.args}
    return next((name for name in names if name in given), None)


def chosen(config: pytest.Config, name: str) -> Any:
    """What the command line says, else the ini file, else the option's default."""
    key = setting_of(name)
    value = config.getoption(key, None)
    if value is None and name not in COMMAND_LINE_ONLY:
        value = config.getini(key)
    return value


@dataclass(frozen=True)
class Settings:
    """The choices of a run, read and checked. `data_dir` is None where the model decides."""

    model: str | None
    data_dir: str | None
    data_format: str | None
    limit: int | None
    variant: str
    shots: int | None
    prompts: Mapping[str, Path]
    changes: tuple[tuple[str, str, Any], ...]
    temperature: float | None
    max_tokens: int | None
    chat: str
    fewshot_as: str
    system: str | None
    epochs: int
    seed: int
    show_prompts: int | None
    report_dir: Path | None
    resume: str | None
    rescore: Path | None
    gate: Path | None
    baseline: Path | None
    judge_anew: bool
    against: Path | None
    strict: bool
    error_budget: int
    folder: Path

    @property
    def shown(self) -> bool:
        """Whether prompts are only shown."""
        return self.show_prompts is not None


def read_settings(config: pytest.Config) -> Settings:
    """Raises SetupError for a value that makes no sense."""
    folder = config.invocation_params.dir
    model = chosen(config, "model")
    if model is not None and not str(model).strip():
        raise SetupError("--model= is empty (an unset shell variable?): name a model, or leave the option out")
    variant = chosen(config, "variant")
    if not variant.strip():
        raise SetupError("--variant= is empty (an unset shell variable?): name one, or leave the option out")
    report_dir = chosen(config, "report-dir")
    if report_dir is not None and not report_dir.strip():
        raise SetupError("--report-dir= is empty: name a folder, or leave the option out")
    if chosen(config, "gate") is not None and model is None and not _named_elsewhere(config):
        raise SetupError("--gate judges a checkpoint: name it by --model or --base-url")
    judge = chosen(config, "judge")
    if judge is not None and not judge.strip():
        raise SetupError("--judge= is empty (an unset shell variable?): name a model, or leave the option out")
    rescore = _rescore(config, folder)
    if rescore is not None and not _judge_given(config) and getattr(config.option, "proctor_against", None):
        raise SetupError("--against is what a judge compares with: with --rescore, name that too, by --judge")
    return Settings(
        model=model,
        data_dir=_data_dir(chosen(config, "data-dir"), folder),
        data_format=_data_format(config),
        limit=_count(config, "limit", 1),
        variant=variant,
        shots=_count(config, "shots", 0),
        prompts=_prompts(chosen(config, "prompt"), folder),
        changes=tuple(_change(text) for text in chosen(config, "set")),
        temperature=_temperature(config),
        max_tokens=_count(config, "max-tokens", 1),
        chat=_one_of(config, "chat", CHOICES),
        fewshot_as=_one_of(config, "fewshot-as", FORMS),
        system=_system(config, folder),
        epochs=_count(config, "epochs", 1) or 1,
        seed=_count(config, "seed", 0) or 0,
        show_prompts=_count(config, "show-prompts", 1),
        report_dir=None if report_dir is None else folder / report_dir,
        resume=chosen(config, "resume"),
        rescore=rescore,
        gate=_path(config, "gate", folder),
        baseline=_path(config, "baseline", folder),
        judge_anew=rescore is not None and _judge_given(config),
        against=_path(config, "against", folder),
        strict=bool(chosen(config, "strict-samples")),
        error_budget=_count(config, "error-budget", 0) or 0,
        folder=folder,
    )


def _count(config: pytest.Config, name: str, least: int) -> int | None:
    text = chosen(config, name)
    if text is None:
        return None
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise SetupError(f"--{name}={text}: a whole number of {least} or more is needed")
    return value


def _temperature(config: pytest.Config) -> float | None:
    text = chosen(config, "temperature")
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise SetupError(f"--temperature={text}: a number of 0 or more is needed")
    return value


def _one_of(config: pytest.Config, name: str, choices: tuple[str, ...]) -> str:
    text = str(chosen(config, name))
    if text not in choices:
        raise SetupError(f"--{name}={text}: {', '.join(choices[:-1])} or {choices[-1]} is needed")
    return text


def _system(config: pytest.Config, folder: Path) -> str | None:
    """The system prompt: a text, or after an @ the file that holds it, without white space around it."""
    text: str | None = chosen(config, "system")
    if text is None:
        return None
    if text.startswith("@"):
        path = folder / os.path.expanduser(text[1:])
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SetupError(f"--system={chosen(config, 'system')}: cannot read {path}: {error}") from None
    if not text.strip():
        raise SetupError("--system is empty (an unset shell variable?): give a text, or leave the option out")
    if chosen(config, "chat") == "off":
        raise SetupError("--system is a turn of a conversation, and --chat=off has none: leave one of them out")
    return text.strip()


def _named_elsewhere(config: pytest.Config) -> bool:
    """Whether a model is named without --model: by an endpoint, or by a run whose outputs are judged again."""
    try:
        return bool(chosen(config, "rescore") or chosen(config, "base-url"))
    except ValueError:  # nobody has that option: proctor_service is not loaded
        return False


def _judge_given(config: pytest.Config) -> bool:
    """Whether the command line names a judge: what an ini file says of every run asks nobody about an old one."""
    return any(getattr(config.option, f"proctor_{name}", None) for name in ("judge", "judge_base_url"))


def _path(config: pytest.Config, name: str, folder: Path) -> Path | None:
    text: str | None = chosen(config, name)
    if text is None:
        return None
    if not text.strip():
        raise SetupError(f"--{name}= is empty (an unset shell variable?): name a file, or leave the option out")
    return folder / os.path.expanduser(text)


def _data_dir(text: str | None, folder: Path) -> str | None:
    if text is None or text == "bundled":
        return text
    path = folder / os.path.expanduser(text)
    if not text.strip() or not path.is_dir():
        raise SetupError(f"--data-dir={text}: no such folder; name one that holds <benchmark>/<file>, or `bundled`")
    return str(path)


def _data_format(config: pytest.Config) -> str | None:
    form: str | None = chosen(config, "data-format")
    if form not in (None, "ultraeval"):
        raise SetupError(
            f"--data-format={form}: known is ultraeval; without it rows are as the authors or the hub have them"
        )
    if form is not None and chosen(config, "data-dir") in (None, "bundled"):
        raise SetupError(f"--data-format={form} is that of a folder: --data-dir=DIR names it")
    return form


def _rescore(config: pytest.Config, folder: Path) -> Path | None:
    text: str | None = chosen(config, "rescore")
    if text is None:
        return None
    asking = ("set", "temperature", "max_tokens", "chat", "fewshot_as", "system", "epochs")
    for other in ("model", "base_url", *asking):
        if getattr(config.option, f"proctor_{other}", None):
            raise SetupError(
                f"--rescore asks no model and begins a report of its own: leave --{other.replace('_', '-')} out"
            )
    if getattr(config.option, "proctor_resume", None) is not None and not _judge_given(config):
        raise SetupError(
            "--rescore without a judge asks nobody, so that nothing is left to go on with: leave --resume out"
        )
    return (folder / os.path.expanduser(text)).resolve()


def _prompts(values: list[str], folder: Path) -> dict[str, Path]:
    prompts = {}
    for text in values:
        task, equals, file = text.partition("=")
        if not (task and equals and file):
            raise SetupError(f"--prompt {text}: TASK=FILE is needed, as in --prompt gsm8k=terse.jinja")
        prompts[task] = folder / os.path.expanduser(file)
        if not prompts[task].is_file():
            raise SetupError(f"--prompt {text}: no such file")
    return prompts


def _change(text: str) -> tuple[str, str, Any]:
    import yaml

    target, equals, value = text.partition("=")
    task, dot, parameter = target.partition(".")
    if not (task and dot and parameter and equals):
        raise SetupError(f"--set {text}: TASK.PARAMETER=VALUE is needed, as in --set gsm8k.max_tokens=256")
    try:
        return task, parameter, yaml.safe_load(value)
    except yaml.YAMLError:
        return task, parameter, value
