"""Which of the samples that survived -k, -m and node ids run: variants, and --limit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from proctor.chat import default_variant
from proctor.data.reading import subset

if TYPE_CHECKING:
    from proctor.benchmark import Benchmark
    from proctor.chat import Chat
    from proctor.options import Settings
    from proctor.reporting.answers import Key
    from proctor.session.collect import LoadedTask, SampleItem


def stored(items: list[SampleItem], samples: Collection[Key]) -> list[SampleItem]:
    """Of a run that is judged again: the items that it holds."""
    return [item for item in items if item.key in samples]


def lacks_variant(benchmark: Benchmark, variant: str) -> bool:
    """Whether a variant is named that the benchmark does not have."""
    return variant not in ("default", "all") and all(task.variant != variant for task in benchmark.tasks)


def of_variant(
    items: list[SampleItem], variant: str, config: pytest.Config, chat: Callable[[], Chat]
) -> list[SampleItem]:
    """The items of the variant asked for; of several that survived, a benchmark's default for the model at hand.

    A sample that is named runs in any case: by a node id, or by --lf as one that failed.
    """
    if variant == "all":
        return items
    if variant != "default":
        return [item for item in items if item.loaded.variant == variant]
    surviving: dict[Benchmark, set[str]] = {}
    for item in items:
        surviving.setdefault(item.loaded.benchmark, set()).add(item.loaded.variant)
    named, failed = _named(config), _failed(config)
    defaults = {benchmark: default_variant(benchmark, variants, chat) for benchmark, variants in surviving.items()}
    return [
        item
        for item in items
        if item.loaded.variant == defaults[item.loaded.benchmark]
        or defaults[item.loaded.benchmark] not in surviving[item.loaded.benchmark]
        or item.nodeid in failed
        or (item.path.name, item.name) in named
        or (item.path.name, item.name.partition("[")[0]) in named
    ]


def askable(items: list[SampleItem], lacks: Mapping[str, str], config: pytest.Config) -> list[SampleItem]:
    """Without the variants for which the model lacks an ability, where the benchmark's own default is meant.

    A benchmark of which no variant would be left stays as it is, as do samples that are named.
    """
    if not lacks:
        return items
    able = {item.loaded.benchmark for item in items if item.loaded.ask.needs not in lacks}
    named = _named(config)
    return [
        item
        for item in items
        if item.loaded.ask.needs not in lacks
        or item.loaded.benchmark not in able
        or (item.path.name, item.name) in named
        or (item.path.name, item.name.partition("[")[0]) in named
    ]


def impossible(items: Iterable[SampleItem], lacks: Mapping[str, str]) -> dict[SampleItem, str]:
    """Of each benchmark that the model can be asked in no variant, the first sample, and why."""
    found: dict[Benchmark, SampleItem] = {}
    for item in items:
        if all(task.ask.needs in lacks for task in item.loaded.benchmark.tasks):
            found.setdefault(item.loaded.benchmark, item)
    return {item: _impossible(item, lacks) for item in found.values()}


def _impossible(item: SampleItem, lacks: Mapping[str, str]) -> str:
    needs = item.loaded.ask.needs
    return f"{item.loaded.benchmark.name}: it needs {needs} in all of its variants, and {lacks[needs]}"


def instead(tasks: Iterable[Mapping[str, Any]], lacks: Mapping[str, str]) -> Iterator[str]:
    """Lines for a person: which of the `tasks`, as `describe` has them, run in another variant than the default."""
    for needs, why in lacks.items():
        names: dict[str, list[str]] = {}
        for task in tasks:
            if task["default_needs"] == needs != task["needs"]:
                names.setdefault(task["variant"], []).append(task["task"])
        for variant, having in names.items():
            shown = ", ".join(having[:MOST_NAMES])
            more = f" and {len(having) - MOST_NAMES} others" if len(having) > MOST_NAMES else ""
            yield f"{shown}{more}: {variant} in place of the default, which needs {needs}: {why}"


def _named(config: pytest.Config) -> set[tuple[str, str]]:
    """(file name, function or item name) of each node id on the command line."""
    ids = (str(arg).partition("::") for arg in config.args)
    return {(Path(path).name, name) for path, colons, name in ids if colons}


def _failed(config: pytest.Config) -> set[str]:
    """Node ids of the tests that --lf is to run again."""
    plugin = config.pluginmanager.get_plugin("lfplugin")
    return set(map(str, plugin.lastfailed)) if plugin is not None and plugin.active else set()


def limited(items: list[SampleItem], limit: int | None) -> list[SampleItem]:
    """The items of the first `limit` samples of each task, in the order of `subset`; all epochs of a sample."""
    if limit is None:
        return items
    by_task: dict[LoadedTask, list[SampleItem]] = {}
    for item in items:
        by_task.setdefault(item.loaded, []).append(item)
    kept: list[SampleItem] = []
    for loaded, members in by_task.items():
        turn = {position: rank for rank, position in enumerate(subset(loaded.dataset.samples, loaded.benchmark.name))}
        chosen = set(sorted({item.index for item in members}, key=turn.__getitem__)[:limit])
        kept += [item for item in members if item.index in chosen]
    return kept


MOST_NAMES = 4
"""How many benchmarks of a variant a message names."""


def _variants(benchmarks: Iterable[Benchmark]) -> str:
    """ "chat (mbpp), gen (59 benchmarks)": the variants that some benchmarks have."""
    having: dict[str, list[str]] = {}
    for benchmark in benchmarks:
        for task in benchmark.tasks:
            having.setdefault(task.variant, []).append(benchmark.name)
    told = {
        variant: ", ".join(names) if len(names) <= MOST_NAMES else f"{len(names)} benchmarks"
        for variant, names in having.items()
    }
    return ", ".join(f"{variant} ({told[variant]})" for variant in sorted(told))


def without_effect(
    items: list[SampleItem], chosen: list[SampleItem], settings: Settings, unread: Collection[Benchmark] = ()
) -> str | None:
    """What is asked for in vain by --variant, --set and the like: nothing that survived, or runs, has it.

    unread: benchmarks that were selected and not read, since they do not have the variant.
    """
    selected = list(dict.fromkeys([*unread, *(item.loaded.benchmark for item in items)]))
    if selected and not chosen:
        if any(not lacks_variant(benchmark, settings.variant) for benchmark in selected):
            return f"--variant={settings.variant}: -k, -m and node ids leave nothing of this variant"
        return (
            f"--variant={settings.variant}: no benchmark that was selected has this variant; "
            f"there are: {_variants(selected)}"
        )
    running = {item.loaded for item in chosen}
    for name, value in (("temperature", settings.temperature), ("max_tokens", settings.max_tokens)):
        if value is not None and running and not any(name in task.ask.parameters for task in running):
            return (
                f"--{name.replace('_', '-')}: nothing that runs has one: choices are ranked by likelihood; "
                "--variant=gen generates"
            )
    for target, parameter, _ in settings.changes:
        changed = {
            item.loaded for item in items if (target, parameter) in {change[:2] for change in item.loaded.changes}
        }
        if changed and not changed & running:
            (name, variant), *_ = sorted((loaded.benchmark.name, loaded.variant) for loaded in changed)
            return (
                f"--set {target}.{parameter} is for {name}_{variant}, which does not run; -k {name}_{variant} runs it"
            )
    return None
