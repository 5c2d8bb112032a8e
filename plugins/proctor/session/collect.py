"""Collecting: benchmark functions become items, one a sample.

Items are light: a sample needs no fixtures and no setup, so none is prepared. A task whose samples
cannot be meant by `-k` or `-m` is not read at all.
"""

from __future__ import annotations

import inspect
import itertools
import re
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import Traceback
from _pytest.mark.expression import Expression

from proctor import __version__
from proctor.asks import Ask
from proctor.benchmark import JUDGE_TAKES, Benchmark, Task
from proctor.chat import Chat, ChatModel
from proctor.data.manifest import Source, comes_whole, find_files, find_source, listed_keys
from proctor.data.reading import Dataset, load, without
from proctor.errors import SetupError
from proctor.model import Model
from proctor.options import Settings
from proctor.prompts import Prompt, from_file
from proctor.reporting.answers import Key
from proctor.sample import Sample
from proctor.session import absent, opponent
from proctor.session.selection import askable, impossible, lacks_variant, limited, of_variant, stored, without_effect
from proctor.statistics import epochs

MOST_ITEMS = 5_000_000
"""Samples times epochs of a task: an item takes about a kilobyte."""


class LoadedTask:
    """A task as this run asks it: with its data, prompt and parameters after all options."""

    def __init__(
        self, task: Task, dataset: Dataset, prompt: Prompt, settings: Settings, shots: int, epochs: int
    ) -> None:
        self.task = task
        self.benchmark = task.benchmark
        self.variant = task.variant
        self.dataset = dataset
        self.prompt = prompt
        self.shots = shots
        self.epochs = epochs
        self.seed = settings.seed
        self.ask = task.ask
        if prompt.judge is not None:
            self.ask = with_judge_prompt(self.ask, prompt)
        if settings.against is not None and opponent.takes_one(self.ask):
            self.ask = opponent.against(self.ask, settings.against, task, dataset.sha256)
        self.chat = Chat()
        given = {"temperature": settings.temperature, "max_tokens": settings.max_tokens}
        for parameter, value in given.items():
            if value is not None and parameter in task.ask.parameters:
                self.ask = self.ask.altered(parameter, value)
        self.changes = [
            (target, parameter, value)
            for target, parameter, value in settings.changes
            if target == task.name or (target == task.benchmark.name and parameter in task.ask.parameters)
        ]
        for target, parameter, value in self.changes:
            try:
                self.ask = self.ask.altered(parameter, value)
            except SetupError as error:
                raise SetupError(f"--set {target}.{parameter}: {error}") from None
        self.chosen = {name for name, value in given.items() if value is not None}
        self.chosen |= {parameter for _, parameter, _ in self.changes}

    def converse(self, chat: Chat) -> None:
        """Be asked as `chat` has it: by conversations, with stops and limits that fit them, where that is on."""
        if chat.on and self.ask.needs == "generate":
            parameters = chat.parameters(self.ask.parameters, self.chosen, code=self.ask.runs_code)
            self.ask = replace(self.ask, parameters=parameters)
            bounded = any(parameter == "max_tokens" for _, parameter, _ in self.changes)
            self.chat = replace(chat, least_tokens=1) if bounded else chat

    def model(self, model: Model, sample: Sample) -> Model:
        """Who is asked about a sample."""
        about = model.about(sample, self.dataset.samples)
        return ChatModel(about, self.chat) if self.chat.on else about

    def check(self) -> None:
        """Find what cannot be asked: a row's labels, a template's unknown names. Raises SetupError."""
        asks = [(self.task, self.ask), *((task, task.ask) for task in self.benchmark.tasks if task is not self.task)]
        for sample, where in (*zip(self.dataset.samples, self.dataset.where, strict=True), *self.dataset.examples):
            # By the asks of all variants: a malformed row is one in each of them.
            for task, ask in asks:
                if task.leave_out is not None and task.leave_out(sample) is not None:
                    continue
                wrong = ask.check(sample, ask.parameters) if ask.check is not None else None
                if wrong:
                    raise SetupError(f"{where}: {wrong}")
        seen: set[int] = set()
        for index, (sample, shots) in enumerate(zip(self.dataset.samples, self.dataset.shots, strict=True)):
            # Rendered: one of each file, with its shots, and whatever may lack a name.
            if id(shots) not in seen or self.prompt.missing(sample, ("header", "prompt")):
                self.render(index)
            seen.add(id(shots))

    def render(self, index: int) -> str:
        """The prompt of a sample, byte by byte the same in every run and process; a `Conversation` for a chat model."""
        sample, shots = self.dataset.samples[index], self.dataset.shots[index]
        return self.prompt.conversation(sample, shots, self.chat) if self.chat.on else self.prompt.render(sample, shots)


def with_judge_prompt(ask: Ask, prompt: Prompt) -> Ask:
    """An ask with the block `judge` of a file given to --prompt. Raises SetupError where no judge is asked by one."""
    if "judge_prompt" not in ask.parameters:
        raise SetupError(f"{prompt.origin}: has a block `judge`, but no judge model is asked by a prompt there")
    return ask.altered("judge_prompt", prompt.judge)


class SampleItem(pytest.Item):
    """One sample of one task in one epoch."""

    def __init__(
        self, *, loaded: LoadedTask, index: int, epoch: int, obj: Any, marks: list[pytest.Mark], **keywords: Any
    ) -> None:
        super().__init__(**keywords)
        self.loaded = loaded
        self.index = index
        self.epoch = epoch
        self.obj = obj
        self.own_markers.extend(marks)

    @property
    def sample(self) -> Any:
        return self.loaded.dataset.samples[self.index]

    @property
    def key(self) -> Key:
        return self.loaded.benchmark.name, self.loaded.variant, self.sample.id, self.epoch

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.obj.__code__.co_firstlineno - 1, self.name

    def runtest(self) -> None:
        raise NotImplementedError("samples are judged by proctor.session.judging")

    def _traceback_filter(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Traceback:
        """From the benchmark's own module on: how a judge or an ask was called says nothing about it."""
        return excinfo.traceback.cut(path=self.obj.__code__.co_filename).filter(excinfo)


class Collecting:
    """Plugin: makes the items, and keeps what was read.

    stored: keys of the outputs that are judged again, where that is what is done. chat: tells how the model will be
    asked, as far as that is known. lacks: tells which abilities the model is known not to have, each with the reason.
    has_judge: there is a judge model.
    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        bundled: bool,
        stored: Collection[Key] | None = None,
        chat: Callable[[], Chat] = Chat,
        lacks: Callable[[], Mapping[str, str]] = dict,
        *,
        has_judge: bool = False,
    ) -> None:
        self.config = config
        self.chat = cache(chat)
        self._has_judge = has_judge
        self.stored = stored
        self._lacks = cache(lacks)
        self.settings = settings
        self._bundled = bundled
        self.problem: str | None = None
        self.tasks: list[LoadedTask] = []
        self._datasets: dict[Benchmark, Dataset] = {}
        self._unread: dict[Benchmark, None] = {}
        self._unknown = {*settings.prompts, *(target for target, _, _ in settings.changes)}
        self._named_absent: set[str] = set()

    def _lacking(self, samples: Sequence[SampleItem]) -> Mapping[str, str]:
        """What the model lacks, where a default has to be chosen by it: an endpoint may have to be asked."""
        by_default = self.settings.variant == "default" and self.stored is None
        return self._lacks() if by_default and any(item.loaded.ask.needs != "generate" for item in samples) else {}

    def _published(self, benchmark: Benchmark) -> bool:
        """Whether the benchmark is scored on its published data: by a real model that is told nothing else."""
        elsewhere = self.settings.data_dir is None and not self._bundled and benchmark.data is None
        return elsewhere and not comes_whole(benchmark)

    def _root(self, benchmark: Benchmark) -> Path | None:
        """The data root of a benchmark; None for the bundled samples."""
        if self._published(benchmark):
            from proctor.data.fetch import cache_root

            return cache_root()
        chosen = self.settings.data_dir
        if chosen in (None, "bundled"):
            return None
        root = Path(str(chosen))
        return None if comes_whole(benchmark) and not (root / benchmark.name).is_dir() else root

    def _source(self, benchmark: Benchmark) -> tuple[Source, Path]:
        """Where a benchmark's data are in this run."""
        return find_source(benchmark, self._root(benchmark), self.settings.data_format)

    def _absent(self, benchmark: Benchmark) -> str | None:
        """Why the data of a benchmark cannot be had; None where they can, or where trying will tell."""
        root = self._root(benchmark)
        if root is None or benchmark.data is not None:
            return None
        source, folder = self._source(benchmark)
        return absent.reason(benchmark.name, source, root, folder, self._published(benchmark))

    def _absent_items(
        self, collector: pytest.Collector, name: str, task: Task, obj: Any, why: str, marks: list[pytest.Mark]
    ) -> list[pytest.Item]:
        """An item that says why; none where a run is judged again that had none of this benchmark."""
        self._unknown -= {task.benchmark.name, task.name}
        self._named_absent |= {task.benchmark.name, task.name}
        if self.stored is not None:
            return []
        words = listed_keys(self._source(task.benchmark)[0]) or ()
        made = {"task": task, "obj": obj, "why": why, "marks": marks, "words": filter(None, words)}
        return [absent.AbsentItem.from_parent(collector, name=name, **made)]

    def _impossible(self, item: SampleItem, why: str) -> pytest.Item:
        """An item that says why the model cannot be asked any of a benchmark's samples."""
        self._named_absent |= {item.loaded.benchmark.name, item.loaded.task.name}
        made: dict[str, Any] = {"task": item.loaded.task, "obj": item.obj, "why": why, "marks": [], "words": ()}
        name = item.name.partition("[")[0]
        found: pytest.Item = absent.AbsentItem.from_parent(item.parent, name=name, **made)  # type: ignore[arg-type]
        return found

    def _fetch(self, benchmark: Benchmark) -> None:
        """Have the published data in the cache, which the first run with a real model fills."""
        if not self._published(benchmark):
            return
        from proctor.data.fetch import complete, fetch
        from proctor.session.progress import fetch_display

        source, folder = self._source(benchmark)
        if source.fetchable and not complete(source, benchmark.name, folder.parent):
            run = getattr(self.config, "workerinput", {}).get("testrunuid", "")
            fetch(source, benchmark.name, folder.parent, fetch_display(self.config), run=run)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(
        self, collector: pytest.Collector, name: str, obj: object
    ) -> list[pytest.Item] | None:
        task = getattr(obj, "__proctor_task__", None)
        if not isinstance(task, Task):
            if any(isinstance(value, Benchmark) for value in vars(getattr(collector, "obj", None) or object).values()):
                _refuse_without_ask(name, obj)
            return None
        _compare_versions(task)
        marks = self._marks(task)
        if not self._wanted(collector, name, task, marks):
            return []
        named = any("::" in str(argument) for argument in self.config.args)  # pytest calls an id without item unknown
        if not named and lacks_variant(task.benchmark, self.settings.variant):
            # Nothing of it can run: it is not read, nor fetched.
            self._unread[task.benchmark] = None
            return []
        why = self._absent(task.benchmark)
        if why is None and task.ask.takes_judge and not self._has_judge:
            why = absent.without_judge(task.benchmark.name)
        if why is not None and not self._holds(task.benchmark):
            return self._absent_items(collector, name, task, obj, why, marks)
        loaded = self._load(task)
        count = len(loaded.dataset.samples)
        if count * loaded.epochs > MOST_ITEMS:
            raise SetupError(
                f"--epochs={loaded.epochs}: {count:,} samples of {task.benchmark.name} in as many epochs are more than "
                f"the {MOST_ITEMS:,} that a run can hold"
            )
        loaded.check()
        self.tasks.append(loaded)
        return [
            SampleItem.from_parent(
                collector,
                name=(own := f"{name}[{epochs.label(sample.id, epoch, loaded.epochs)}]"),
                # Given as text, so that pytest knows the part in brackets for parameters, as --lf needs it.
                nodeid=f"{collector.nodeid}::{own}",
                loaded=loaded,
                index=index,
                epoch=epoch,
                obj=obj,
                marks=marks,
            )
            for index, sample in enumerate(loaded.dataset.samples)
            # One after the other: they share the whole prompt, and the server what it computed of it.
            for epoch in range(loaded.epochs)
        ]

    def _load(self, task: Task) -> LoadedTask:
        benchmark, settings = task.benchmark, self.settings
        shots = benchmark.shots if settings.shots is None else settings.shots
        if benchmark not in self._datasets:
            self._fetch(benchmark)
            self._datasets[benchmark] = load(benchmark, self._root(benchmark), shots, self.settings.data_format)
        prompt = Prompt(task.header, task.prompt, task.answer, str(benchmark.module))
        for target in (benchmark.name, task.name):
            if target in settings.prompts:
                prompt = from_file(settings.prompts[target], prompt)
            self._unknown.discard(target)
        dataset = self._datasets[benchmark]
        if task.leave_out is not None:
            dataset = without(dataset, task.leave_out)
        return LoadedTask(task, dataset, prompt, settings, shots, self._epochs(task))

    def _holds(self, benchmark: Benchmark) -> bool:
        """Whether a run that is judged again has samples of a benchmark."""
        return self.stored is not None and any(name == benchmark.name for name, *_ in self.stored)

    def _epochs(self, task: Task) -> int:
        """How often each sample is asked; of a run that is judged again, how often it was."""
        if self.stored is None:
            return self.settings.epochs
        name = task.benchmark.name, task.variant
        return 1 + max((epoch for *own, _, epoch in self.stored if tuple(own) == name), default=0)

    def _marks(self, task: Task) -> list[pytest.Mark]:
        source, _ = self._source(task.benchmark)
        words = [task.benchmark.name, task.variant, source.capability, *(source.language or "").split()]
        for word in filter(None, words):
            self.config.addinivalue_line("markers", f"{word}: samples of proctor benchmarks")
        own = getattr(task.judge, "pytestmark", [])
        marks = [getattr(pytest.mark, word).mark for word in words if word] + list(own)
        if self.config.pluginmanager.hasplugin("timeout") and not any(mark.name == "timeout" for mark in own):
            # The first sample waits for a whole queue: a limit on a test's time says nothing about it.
            marks.append(pytest.mark.timeout(0).mark)
        return marks

    def _wanted(self, collector: pytest.Collector, name: str, task: Task, marks: Iterable[pytest.Mark]) -> bool:
        """False where no sample of the task can survive -k and -m."""
        marked = {mark.name for mark in (*collector.iter_markers(), *marks)}
        expression = self.config.option.markexpr
        if expression and not _evaluates(expression, lambda word: word in marked):
            return False
        expression = self.config.option.keyword
        if not expression:
            return True
        source, folder = self._source(task.benchmark)
        # As pytest's own matcher has it: neither the session nor the root folder can be meant.
        names = {node.name for node in collector.listchain() if not _is_root(node)}
        names |= marked | {name} | set(collector.listextrakeywords())
        known = [text.lower() for text in names]
        # Item names up to the row number, which is all that is not known yet.
        keys: list[str] | None = [file.key for file in find_files(folder, source.files)]
        if not keys and self._root(task.benchmark) is not None and task.benchmark.data is None:
            keys = listed_keys(source)  # not there, or not fetched yet, and to be fetched only if it is meant
        begun = [f"{name}[{key}-".lower() if key else f"{name}[".lower() for key in keys or ()]

        def matches(word: str) -> bool | None:
            word = word.lower()
            if any(word in text for text in known):
                return True
            if self.settings.epochs > 1 or self.stored is not None:
                word = _EPOCH.sub("", word)
            return None if keys is None or any(_may_continue(text, word) for text in begun) else False

        return _may_match(expression, matches)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        applied = [change for loaded in self.tasks for change in loaded.changes]
        unused = [
            change for change in self.settings.changes if change not in applied and change[0] not in self._named_absent
        ]
        if self.tasks and unused and not self._unknown:
            target, parameter, _ = unused[0]
            known = {name for loaded in self.tasks if loaded.benchmark.name == target for name in loaded.ask.parameters}
            self.problem = f"--set {target}.{parameter}: no such parameter; there are: {', '.join(sorted(known))}"
        if self.tasks and self._unknown:
            names = ", ".join(sorted({loaded.benchmark.name for loaded in self.tasks}))
            # Told by the owner of the run: an error raised here is an internal one in an xdist worker.
            self.problem = (
                f"--set or --prompt names the task {min(self._unknown)!r}, which is not among those collected: {names}"
            )
        samples = [item for item in items if isinstance(item, SampleItem)]
        surviving = samples if self.stored is None else stored(samples, self.stored)
        if self.stored is not None and samples and not surviving:
            held = ", ".join(sorted({task for task, *_ in self.stored}))
            self.problem = self.problem or f"--rescore: of what is selected the run holds no sample; it holds {held}"
        lacks = self._lacking(surviving)
        surviving = askable(surviving, lacks, self.config)
        refused = impossible(surviving, lacks)
        items += [self._impossible(item, why) for item, why in refused.items()]
        gone_benchmarks = {item.loaded.benchmark for item in refused}
        surviving = [item for item in surviving if item.loaded.benchmark not in gone_benchmarks]
        chosen = of_variant(surviving, self.settings.variant, self.config, self.chat)
        if chosen or not refused:
            self.problem = self.problem or without_effect(samples, chosen, self.settings, self._unread)
        few = limited(chosen, self.settings.limit)
        self.problem = self.problem or opponent.problem(few, self.settings.against)
        kept = {*few, *absent.chosen(items, self.settings.variant)}
        dropped = [item for item in items if isinstance(item, SampleItem | absent.AbsentItem) and item not in kept]
        if dropped:
            self.config.hook.pytest_deselected(items=dropped)
            gone = set(dropped)
            items[:] = [item for item in items if item not in gone]
        if not self.config.option.collectonly:
            self.problem = self.problem or absent.alone(items)
        if self.config.pluginmanager.hasplugin("randomly"):
            _restore_order(items)


_EPOCH = re.compile(r"-?(e(p(o(c(h\d*)?)?)?)?)?\]?$|^-?e?p?o?c?h?\d*\]?$")
"""What of a word may mean an epoch, or its beginning; the rest is left to be looked for."""


def _may_continue(begun: str, word: str) -> bool:
    """Whether `word` can stand in `begun` followed by any row number and a bracket."""
    if word in begun:
        return True
    head = word.rstrip("0123456789.]")
    return head != word and (
        begun.endswith(head) or any(begun.endswith(word[:stop]) for stop in range(len(head), len(word)))
    )


def _is_root(node: Any) -> bool:
    return isinstance(node, pytest.Session) or (
        isinstance(node, pytest.Directory) and isinstance(node.parent, pytest.Session)
    )


def _evaluates(expression: str, matches: Any) -> bool:
    try:
        return Expression.compile(expression).evaluate(lambda word, /, **keywords: bool(matches(word)))
    except SyntaxError:
        return True  # pytest itself says what is wrong with it


def _may_match(expression: str, matches: Callable[[str], bool | None]) -> bool:
    """Whether an expression can come true, its unknown words (None) being true or false."""
    unknown: list[str] = []

    def guess(word: str, guesses: Mapping[str, bool], otherwise: bool) -> bool:
        known = matches(word)
        if known is not None:
            return known
        if word not in unknown:
            unknown.append(word)
        return guesses.get(word, otherwise)

    # `and` and `or` stop early, so that some words are met only under other guesses.
    for otherwise in (True, False):
        if _evaluates(expression, lambda word, otherwise=otherwise: guess(word, {}, otherwise)):
            return True
    if len(unknown) > 8:
        return True
    for values in itertools.product((True, False), repeat=len(unknown)):
        guesses = dict(zip(unknown, values, strict=False))
        if _evaluates(expression, lambda word, guesses=guesses: guess(word, guesses, True)):
            return True
    return False


def _compare_versions(task: Task) -> None:
    """Say so where benchmarks come from another version than the plugin: their prompts may differ."""
    package = sys.modules.get(task.judge.__module__.partition(".")[0])
    version = getattr(package, "PROCTOR_VERSION", __version__)
    if version != __version__:
        warnings.warn(
            pytest.PytestWarning(
                f"{task.benchmark.module} is of proctor {version}, the plugin of {__version__}: "
                "scores may differ from those of either version alone"
            ),
            stacklevel=2,
        )


def _refuse_without_ask(name: str, obj: object) -> None:
    if not (name.startswith("test") and inspect.isfunction(obj)):
        return
    taken = inspect.signature(obj).parameters
    if all(word in taken for word in JUDGE_TAKES):
        raise SetupError(
            f"{obj.__code__.co_filename}:{obj.__code__.co_firstlineno}: {name} judges samples but has no ask: "
            "decorate it with @benchmark.test(generate(...)) or @benchmark.test(rank(...))"
        )


def _restore_order(items: list[pytest.Item]) -> None:
    """Put samples back into the order of their files: the server's prefix cache lives from it."""
    places = [place for place, item in enumerate(items) if isinstance(item, SampleItem)]
    samples = [items[place] for place in places]
    assert all(isinstance(item, SampleItem) for item in samples)
    order = sorted(samples, key=lambda item: (item.nodeid.partition("[")[0], item.index, item.epoch))  # type: ignore[attr-defined]
    for place, item in zip(places, order, strict=True):
        items[place] = item
