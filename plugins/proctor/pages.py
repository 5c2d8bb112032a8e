"""The benchmarks that come with proctor, read without pytest: what each is, and how it asks."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from proctor.benchmark import Benchmark, Task
from proctor.data.manifest import Source, bundled_root, find_source, manifests, misspelt, sources
from proctor.data.reading import Dataset, load
from proctor.errors import SetupError
from proctor.prompts import Prompt


@dataclass(frozen=True)
class Page:
    """A benchmark with its module's docstring and its entry in the manifest."""

    benchmark: Benchmark
    doc: str
    source: Source

    @property
    def title(self) -> str:
        """The first sentence of the docstring."""
        return " ".join(self.doc.split("\n\n")[0].split())

    @property
    def shots(self) -> int:
        """How many examples a prompt has by default, with those that its header brings."""
        return self.benchmark.shots + self.benchmark.header_shots

    @property
    def variants(self) -> list[str]:
        """The default one first."""
        default = self.benchmark.default
        return [default.variant, *(task.variant for task in self.benchmark.tasks if task is not default)]

    def bundled(self, shots: int = 0) -> Dataset:
        """The samples that come along."""
        return load(self.benchmark, None, shots)


def evals_root() -> Path:
    """The folder of the benchmarks: of the checkout that this file is in, else of the package proctor_evals.

    Raises SetupError where there is neither.
    """
    beside = Path(__file__).parents[2] / "evals"
    if Path(__file__).parents[1].name == "plugins" and beside.is_dir():
        return beside
    spec = importlib.util.find_spec("proctor_evals")
    for place in (spec.submodule_search_locations if spec is not None else None) or ():
        return Path(place)
    raise SetupError("the benchmarks are not here: proctor_evals, which comes with proctor, is not installed")


def data_root() -> Path:
    """The folder of their samples and manifests."""
    evals = evals_root()
    return next(root for root in (evals / "data", evals.parent / "data") if manifests(root))


@lru_cache(maxsize=1)
def pages() -> Sequence[Page]:
    """All benchmarks, in the order of their files."""
    found = []
    for path in sorted(evals_root().rglob("test_*.py")):
        module = _imported(path)
        for value in vars(module).values():
            if isinstance(value, Benchmark) and value.tasks:
                found.append(Page(value, (module.__doc__ or "").strip(), find_source(value, None)[0]))
    return found


def chosen(names: Sequence[str]) -> list[Page]:
    """The pages of some benchmarks, or of all. Raises SetupError for a name that none has."""
    known = {page.benchmark.name: page for page in pages()}
    if problems := misspelt(known, names):
        raise SetupError("; ".join(problems))
    return [known[name] for name in names] if names else list(known.values())


def _imported(path: Path) -> ModuleType:
    """A benchmark's module, under a name that pytest gives to none."""
    name = f"proctor_pages.{path.parent.name}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


# --- how they are told ------------------------------------------------------------------------------------------------

HEADS = (
    "benchmark", "capability", "language", "variants", "shots", "main metric", "samples", "bundled", "data", "use",
    "licence",
)  # fmt: skip
MARKDOWN = (
    "benchmark", "what", "language", "variants", "shots", "main metric", "samples", "licence", "use", "published at",
)  # fmt: skip


def rows(some: Sequence[Page]) -> list[tuple[str, ...]]:
    """A row for each benchmark, for a terminal."""
    return [
        (
            page.benchmark.name,
            page.source.capability or "",
            page.source.language or "",
            ", ".join(page.variants),
            str(page.shots),
            page.benchmark.main,
            count(page),
            str(len(page.bundled().samples)),
            _data(page.source),
            page.source.restricted or "",
            page.source.licence or "not said",
        )
        for page in some
    ]


def count(page: Page) -> str:
    """How many samples are published; empty where that is not known."""
    return "" if page.source.samples is None else f"{page.source.samples:,}"


def _data(source: Source) -> str:
    """How the published data are had."""
    if source.fetch is not None:
        return "fetched"
    if source.whole:
        return "comes along"
    return "from the hub" if source.fetchable else "by a form" if source.form else "by --data-dir"


def markdown(some: Sequence[Page]) -> Iterator[str]:
    """docs/benchmarks.md."""
    yield "# Benchmarks"
    yield ""
    yield "Made by `proctor list --markdown`. The first variant is the default; `proctor show NAME` shows a page."
    yield "`use`: what the licence restricts it to, where it does."
    capabilities: dict[str, list[Page]] = {}
    for page in some:
        capabilities.setdefault(page.source.capability or "other", []).append(page)
    for capability, members in sorted(capabilities.items()):
        yield from ("", f"## {capability}", "", f"| {' | '.join(MARKDOWN)} |", "|" + "---|" * len(MARKDOWN))
        for page in members:
            cells = (
                f"`{page.benchmark.name}`",
                page.title,
                page.source.language or "",
                ", ".join(page.variants),
                str(page.shots),
                page.benchmark.main,
                count(page),
                page.source.licence or "not said",
                page.source.restricted or "",
                page.source.origin or "",
            )
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def shown(page: Page, variant: str | None) -> Iterator[str]:
    """A benchmark's page, and the prompt of its first bundled sample in each variant, or in one."""
    benchmark = page.benchmark
    tasks = [task for task in benchmark.tasks if variant in (None, task.variant)]
    if not tasks:
        raise SetupError(f"{benchmark.name} has no variant {variant}; it has: {', '.join(page.variants)}")
    yield from (f"{benchmark.name}, version {benchmark.version}: {benchmark.module}", "", page.doc, "")
    known = f"{count(page)} samples" if page.source.samples is not None else "samples not counted"
    yield f"data: {known}; {page.source.origin or 'not said'}; licence {page.source.licence or 'not said'}"
    dataset = page.bundled(benchmark.shots)
    for task in tasks:
        parameters = ", ".join(f"{name} {_plain(value)}" for name, value in task.ask.parameters.items())
        default = " (the default)" if task is benchmark.default else ""
        yield from ("", f"--- {task.name}{default}: main metric {task.main}; {parameters}", "")
        yield _prompt(task, dataset)
        yield f"[target: {dataset.samples[0].targets or dataset.samples[0].target!r}]"


def _prompt(task: Task, dataset: Dataset) -> str:
    prompt = Prompt(task.header, task.prompt, task.answer, str(task.benchmark.module))
    return prompt.render(dataset.samples[0], dataset.shots[0])


def _plain(value: object) -> str:
    return getattr(value, "__name__", repr(value))


def known_sources() -> dict[str, Source]:
    """The sources of the benchmarks that come with proctor, and of those under the current folder.

    Raises DataError for a manifest that cannot be read.
    """
    known = sources(data_root())
    here = bundled_root(Path.cwd() / "manifest.yaml")
    return known if here is None else {**known, **sources(here)}
