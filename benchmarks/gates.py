"""How often gates err: proctor.statistics.paired and the verdicts of proctor.gating.gates where the truth is known.

    python benchmarks/gates.py [--only unclustered clusters average real power small] [--draws 2000] [--details]
    python benchmarks/gates.py --only time

Each sample is lost, gained, right in both runs or wrong in both, and each of the four is possible. Intervals see only
what changed: the base rate decides which settings can be at all, and what unpaired tests and rules of thumb say.

Claimed is what holds where at least 10 samples are expected to change and, with clusters, of at least 30 of them;
settings outside are shown apart. An error of the gate is FAIL or PASS where the true drop is just the margin (2.5 % is
meant for each, 5 % is alpha), and an alarm of no_significant_drop where nothing dropped.

Without clusters, shares are sums over all tables, and exact. With them, they are counted in `--draws` draws, and
settings that look badly covered are drawn again, ten times as often: of hundreds, some look so by chance. As many as
200 draws, the default, take a few minutes; the numbers in docs/gates.md are of 2,000.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from proctor.gating import gatefile, gates
from proctor.reporting import runs
from proctor.statistics.intervals import student_quantile
from proctor.statistics.paired import Average, Paired, detectable, needed, tango
from scipy.special import gammaln
from scipy.stats import binom

Z = 1.959963984540054
RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
BASES = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
MARGINS = (0.0, 0.01, 0.02, 0.03, 0.05)
LOPSIDED = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
"""Drops as a share of the samples that change: 0.9 is 19 lost for one gained."""


@dataclass(frozen=True)
class Row:
    """What happens where the true drop is `drop`, which is also the margin of the gate.

    `covered`: the interval holds the truth. `failed`, `passed`: the verdict of max_drop, either of them an error here.
    `alarmed`: no_significant_drop says FAIL; known where the drop is 0. `error` is the Monte Carlo error of `covered`.
    """

    what: str
    inside: bool
    covered: float
    failed: float
    passed: float
    alarmed: float | None
    draws: int | None = None
    flipping: float = math.inf

    @property
    def error(self) -> float:
        return math.sqrt(self.covered * (1 - self.covered) / self.draws) if self.draws else 0.0

    def __str__(self) -> str:
        error = f" ± {self.error:.2%}" if self.draws else ""
        alarmed = "" if self.alarmed is None else f", alarm {self.alarmed:.2%}"
        return f"{self.covered:.2%}{error}, FAIL {self.failed:.2%}, PASS {self.passed:.2%}{alarmed}: {self.what}"


def report(rows: Sequence[Row], details: bool) -> None:
    for inside in (True, False):
        chosen = [row for row in rows if row.inside == inside]
        if not chosen:
            continue
        covered = np.array([row.covered for row in chosen])
        beyond = sum(row.covered + 2 * row.error < 0.94 for row in chosen)
        print(f"  {'within' if inside else 'outside'} the claim, {len(chosen)} settings:")
        print(f"    covered {covered.mean():.2%} on average; {(covered < 0.94).sum()} settings below 94 %, ", end="")
        print(f"{beyond} by more than twice the Monte Carlo error")
        for name, worst in (
            ("least covered", min(chosen, key=lambda row: row.covered)),
            ("most FAIL", max(chosen, key=lambda row: row.failed)),
            ("most PASS", max(chosen, key=lambda row: row.passed)),
            ("most alarms", max(chosen, key=lambda row: row.alarmed or 0)),
        ):
            print(f"    {name:<14}{worst}")
        for row in sorted(chosen, key=lambda row: row.covered) if details else ():
            print(f"      {row}")


def settings() -> Iterator[tuple[float, float]]:
    """Rates of change and drops that some base rate allows."""
    for rate in RATES:
        for drop in sorted({*MARGINS, *(share * rate for share in LOPSIDED)}):
            if drop < rate and any(possible(base, rate, drop) for base in BASES):
                yield rate, drop


def possible(base: float, rate: float, drop: float) -> bool:
    lost, gained = (rate + drop) / 2, (rate - drop) / 2
    return min(lost, gained, base - lost, 1 - base - gained) > 1e-9


def mcnemar(lost: Any, gained: Any) -> Any:
    """`Paired.p_different` of single samples, for arrays; its tests hold it to McNemar's exact test."""
    return np.minimum(1, 2 * binom.cdf(np.minimum(lost, gained), lost + gained, 0.5))


# --- samples of their own: exact -------------------------------------------------------------------------------------


def tables(n: int, cells: Sequence[float]) -> tuple[Any, Any, Any]:
    """Counts lost and gained of all tables that matter, and the chance of each. `cells`: chances of lost and gained."""
    axes = [np.arange(binom.ppf(1e-10, n, cell), binom.ppf(1 - 1e-10, n, cell) + 1) for cell in cells]
    lost, gained = (axis.ravel() for axis in np.meshgrid(*axes))
    counts = np.stack([lost, gained, n - lost - gained])[:, lost + gained <= n]
    logs = np.log([*cells, 1 - sum(cells)])
    chance = np.exp(gammaln(n + 1) - gammaln(counts + 1).sum(axis=0) + counts.T @ logs)
    kept = chance > 1e-13
    return counts[0, kept], counts[1, kept], chance[kept] / chance[kept].sum()


def exact(n: int, rate: float, drop: float, margin: float | None = None) -> Row:
    lost, gained, chance = tables(n, ((rate + drop) / 2, (rate - drop) / 2))
    low, high = tango(lost, gained, n, Z)
    margin = drop if margin is None else margin
    return Row(
        f"n {n}, {rate:.3g} change, drop {drop:.3g}",
        n * rate >= 10 - 1e-9,
        float(chance[(low <= -drop) & (high >= -drop)].sum()),
        float(chance[high < -margin].sum()),
        float(chance[low > -margin].sum()),
        float(chance[(mcnemar(lost, gained) <= 0.05) & (lost > gained)].sum()) if drop == 0 or margin != drop else None,
    )


def unclustered(options: argparse.Namespace) -> None:
    sizes = (30, 37, 45, 60, 80, 120, 200, 500, 1000, 2000, 5000)
    every = [(base, rate, drop) for rate in RATES for drop in MARGINS if drop < rate for base in BASES]
    print(f"  {sum(not possible(*one) for one in every)} of {len(every)} settings with a base rate have no such cells")
    rows = [exact(n, rate, drop) for n in sizes for rate, drop in settings()]
    report(rows, options.details)


# --- clusters --------------------------------------------------------------------------------------------------------


def drawn(
    random: np.random.Generator, sizes: Any, rate: float, drop: float, correlation: float, draws: int
) -> Iterator[Any]:
    """Differences of all samples, shape (n,). Each cluster has its own rates (Dirichlet-multinomial).

    `correlation` is that of two samples of one cluster.
    """
    cells = np.array([(rate + drop) / 2, (rate - drop) / 2, 1 - rate])
    within = np.concatenate([np.arange(size) for size in sizes])
    chunk = max(1, 200_000 // len(within))
    for start in range(0, draws, chunk):
        count = min(chunk, draws - start)
        own = random.dirichlet(cells * (1 - correlation) / correlation, (count, len(sizes)))
        tables = random.multinomial(np.broadcast_to(sizes, (count, len(sizes))), own)
        lost, changed = (np.repeat(one, sizes, axis=1) for one in (tables[..., 0], tables[..., 0] + tables[..., 1]))
        yield from np.where(within < lost, -1.0, (within < changed) * 1.0)


def sampled(
    random: np.random.Generator, sizes: Any, rate: float, drop: float, correlation: float, draws: int, what: str
) -> Row:
    codes = np.repeat(np.arange(len(sizes)), sizes)
    found = []
    for differences in drawn(random, sizes, rate, drop, correlation, draws):
        pairs = Paired(differences, codes, True)
        # As Paired.interval, but Tango's formula for all draws at once: it takes most of the time.
        scale = (pairs.effective or math.nan) / pairs.n
        alarmed = drop == 0 and pairs.lost > pairs.gained and pairs.p_different() <= 0.05
        found.append((pairs.lost * scale, pairs.gained * scale, scale * pairs.n, pairs._quantile(0.95), alarmed))
    lost, gained, n, quantile, alarms = np.array(found).T
    low, high = tango(lost, gained, n, quantile)
    failed, passed = high < -drop, low > -drop
    concentration = (1 - correlation) / correlation
    # The chance that nothing changes in a cluster of each size.
    same = [
        math.prod((concentration * (1 - rate) + i) / (concentration + i) for i in range(size))
        for size in sizes.tolist()
    ]
    return Row(
        what,
        sizes.sum() * rate >= 10 - 1e-9 and len(sizes) >= 30,
        float(np.mean(~failed & ~passed)),
        float(failed.mean()),
        float(passed.mean()),
        float(alarms.mean()) if drop == 0 else None,
        draws,
        len(sizes) - sum(same),
    )


def clusters(options: argparse.Namespace) -> None:
    random = np.random.default_rng(options.seed)
    rows = []
    for count in (10, 30, 100, 250):
        for mean, unequal in ((2, False), (5, False), (10, True), (20, False)):
            if not 30 <= count * mean <= 5000:
                continue
            sizes = np.full(count, mean)
            if unequal:
                sizes = np.resize(np.arange(1, 2 * mean + 1), count)
            for correlation in (0.05, 0.3):
                for rate in RATES:
                    for drop in (0.0, 0.02, 0.8 * rate):
                        if drop >= rate:
                            continue
                        what = (
                            f"{count} clusters of {'1…' if unequal else ''}{sizes.max()}, correlation {correlation}, "
                            f"{rate:.0%} change, drop {drop:.4g}"
                        )
                        row = sampled(random, sizes, rate, drop, correlation, options.draws, what)
                        if row.covered + 2 * row.error < 0.95:
                            row = sampled(random, sizes, rate, drop, correlation, 10 * options.draws, what)
                        rows.append(row)
    report(rows, options.details)
    print("  within the claim, by how many clusters are expected to hold a sample that changed:")
    for least, most in ((0, 5), (5, 10), (10, 20), (20, 40), (40, math.inf)):
        chosen = [row for row in rows if row.inside and least <= row.flipping < most]
        if chosen:
            covered = [row.covered for row in chosen]
            print(
                f"    {least:>2} to {most:<4}{len(chosen):>5} settings, covered {np.mean(covered):.1%} on average, "
                f"{min(covered):.1%} at least; FAIL {max(row.failed for row in chosen):.1%} at most, "
                f"PASS {max(row.passed for row in chosen):.1%} at most"
            )


# --- averages of groups, and other scores ----------------------------------------------------------------------------


def counted(differences: Iterator[Paired | Average], drop: float, what: str) -> Row:
    ends = np.array([one.interval() for one in differences])
    failed, passed = ends[:, 1] < -drop, ends[:, 0] > -drop
    covered = float(np.mean(~failed & ~passed))
    return Row(what, True, covered, float(failed.mean()), float(passed.mean()), None, len(ends))


def average(options: argparse.Namespace) -> None:
    random = np.random.default_rng(options.seed)

    def averages(groups: int, size: int, rate: float, drop: float) -> Iterator[Average]:
        cells = [(rate + drop) / 2, (rate - drop) / 2, 1 - rate]
        for _ in range(options.draws):
            values = random.choice([-1.0, 1.0, 0.0], (groups, size), p=cells)
            yield Average([Paired(one, None, True) for one in values])

    for groups, size in ((2, 100), (5, 50), (10, 30), (57, 10), (57, 100)):
        for rate in (0.05, 0.2):
            for drop in (0.0, 0.8 * rate):
                what = f"average of {groups} groups of {size}, {rate:.0%} change, drop {drop:.3g}"
                print(f"    {counted(averages(groups, size, rate, drop), drop, what)}")


def real(options: argparse.Namespace) -> None:
    random = np.random.default_rng(options.seed)
    kinds: dict[str, Callable[[int], Any]] = {
        "normal": lambda n: random.normal(0, 1, n),
        "four of five unchanged": lambda n: random.normal(0, 1, n) * (random.random(n) < 0.2),
        "skewed": lambda n: 1 - random.exponential(1, n),
    }
    for name, kind in kinds.items():
        for n in (50, 100, 300):
            # A bootstrap takes its time.
            pairs = [Paired(kind(n), None, False) for _ in range(max(1, options.draws // 4))]
            row = counted(iter(pairs), 0.0, f"n {n}, differences {name}")
            ends = np.array([[one._bootstrap.quantile(level) for level in (0.025, 0.975)] for one in pairs])
            far = np.array([abs(one.value) / one.standard_error for one in pairs])
            bootstrapped, normal = (ends[:, 0] <= 0) & (ends[:, 1] >= 0), far <= student_quantile(0.95, n - 1)
            print(f"    {row}; BCa alone {bootstrapped.mean():.1%}, Student's alone {normal.mean():.1%}")


# --- what is seen, and by whom ---------------------------------------------------------------------------------------


def power(options: argparse.Namespace) -> None:
    """Alarms of our two rules, of an unpaired test, and of two rules that CI scripts use."""
    random = np.random.default_rng(options.seed)
    draws = 20 * options.draws
    print(f"  {draws:,} draws each: FAIL of no_significant_drop, verdicts of max_drop 0.02, alarms of the others")
    print("      n  base  change   drop | significant |  FAIL  undecided   PASS | unpaired z | > 8 % | > 3 pt")
    for n in (200, 500, 1000, 1319, 5000):
        for base in (0.4, 0.7):
            for rate in (0.05, 0.1, 0.2):
                for drop in (0.0, 0.01, 0.02, 0.03, 0.05):
                    if not possible(base, rate, drop):
                        continue
                    lost, gained = (rate + drop) / 2, (rate - drop) / 2
                    found = random.multinomial(n, [lost, gained, base - lost, 1 - base - gained], draws)
                    low, high = tango(found[:, 0], found[:, 1], n, Z)
                    before, now = (found[:, 0] + found[:, 2]) / n, (found[:, 1] + found[:, 2]) / n
                    both = (before + now) / 2
                    shares = [
                        (mcnemar(found[:, 0], found[:, 1]) <= 0.05) & (now < before),
                        high < -0.02,
                        (high >= -0.02) & (low <= -0.02),
                        low > -0.02,
                        before - now > Z * np.sqrt(2 * both * (1 - both) / n),
                        before - now > 0.08 * before,
                        before - now > 0.03 + 1e-12,
                    ]
                    a, b, c, d, e, f, g = (f"{share.mean():.1%}" for share in shares)
                    print(
                        f"  {n:>5}  {base:>4}  {rate:>6}  {drop:>5} | {a:>11} | {b:>5}  {c:>9} {d:>6} | {e:>10} | "
                        f"{f:>5} | {g:>6}"
                    )
    print("  how often a drop as large as `detectable` is seen, and as many samples as `needed` decide; 80 % is meant")
    for rate in (0.05, 0.1, 0.2):
        for n in (500, 2000):
            seen = detectable(expected(n, rate, 0))
            alarmed = exact(n, max(rate, seen * 1.001), seen, 0).alarmed or 0
            enough = int(needed(expected(n, rate, 0.01), 0.03))
            print(
                f"    n {n}, {rate:.0%} change: {seen:.4f} seen in {alarmed:.1%}; with {enough} samples a drop of 0.01 "
                f"passes a margin of 0.03 in {exact(enough, rate, 0.01, 0.03).passed:.1%}"
            )


def expected(n: int, rate: float, drop: float) -> Paired:
    lost, gained = round(n * (rate + drop) / 2), round(n * (rate - drop) / 2)
    return Paired(np.repeat([-1.0, 1.0, 0.0], [lost, gained, n - lost - gained]), None, True)


# --- few samples -----------------------------------------------------------------------------------------------------


def small(options: argparse.Namespace) -> None:
    """PASS where the drop is just the margin, of up to 30 samples; and what nothing that changed is worth."""
    gains = (0.001, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
    for margin in (0.01, 0.02, 0.03, 0.05, 0.1, 0.2):
        worst = (0.0, 0, 0.0)
        for n in range(1, 31):
            for gain in gains:
                if margin + 2 * gain < 1:
                    lost, gained, chance = tables(n, (gain + margin, gain))
                    low, _ = tango(lost, gained, n, Z)
                    worst = max(worst, (float(chance[low > -margin].sum()), n, gain))
        ours = next(n for n in range(1, 10_000) if tango(0, 0, n, Z)[0] > -margin)
        anyone = math.ceil(math.log(0.025) / math.log(1 - margin))
        print(
            f"    margin {margin}: PASS in {worst[0]:.2%} at most (n {worst[1]}, {worst[2]} gained); where nothing "
            f"changed, from {ours} samples on, by an exact test from {anyone} on"
        )
    print("  verdicts of proctor.gating.gates on all tables of n samples, of which not more are gained than lost:")
    rules = ("max_drop: 0.02", "max_drop: 0.1", "no_significant_drop: 0.03", "no_significant_drop: 0.1")
    gate = read_gates("".join(f"  - {{benchmarks: t, {rule}}}\n" for rule in rules))
    for n in (1, 2, 5, 10, 20, 30):
        told: dict[str, Counter[str]] = {rule: Counter() for rule in rules}
        for lost in range(n + 1):
            for gained in range(min(lost, n - lost) + 1):
                same = n - lost - gained
                now, before = [0.0] * lost + [1.0] * (gained + same), [1.0] * lost + [0.0] * gained + [1.0] * same
                verdicts = gates.judge(gate, scored(now), scored(before))
                for rule, verdict in zip(rules, verdicts, strict=True):
                    told[rule][verdict.verdict] += 1
        counts = [", ".join(f"{count} {word}" for word, count in sorted(told[rule].items())) for rule in rules]
        print(f"    n {n:>2}: " + "; ".join(f"{rule} {count}" for rule, count in zip(rules, counts, strict=True)))


def read_gates(text: str) -> gatefile.Gates:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "gates.yaml")
        path.write_text(f"correction: none\ngates:\n{text}")
        return gatefile.read(path)


def scored(scores: Sequence[float]) -> runs.ScoredRun:
    return runs.of_records(about(len(scores)), records(scores), "made up")


def about(n: int) -> dict[str, Any]:
    task = {
        "task": "t", "variant": "gen", "main": "right", "version": 1, "shots": 0, "prompt_sha256": "a" * 64,
        "parameters": {}, "data": {"sha256": "d" * 64},
        "samples": {"selected": n, "total": n, "scored": n, "errors": {}},
    }  # fmt: skip
    return {"schema": f"{runs.REPORT}1", "run": {}, "model": {}, "tasks": [task]}


def records(scores: Sequence[float], text: str = "") -> Iterator[dict[str, Any]]:
    for place, score in enumerate(scores):
        yield {
            "task": "t", "variant": "gen", "sample": f"row {place}", "epoch": 0, "prompt": text,
            "prompt_sha256": f"{place:064x}", "outputs": [{"text": text, "finish_reason": "stop"}],
            "scores": {"right": score}, "flags": [], "outcome": "passed",
            "usage": {"requests": 1, "completion_tokens": 100, "seconds": 0.5},
        }  # fmt: skip


# --- time ------------------------------------------------------------------------------------------------------------


def timed(options: argparse.Namespace) -> None:
    """Two folders are read and judged; a sample's record is about 1.3 kB."""
    random = np.random.default_rng(options.seed)
    rules = {name: f"  - {{benchmarks: t, {name}: 0.02}}\n" for name in ("max_drop", "no_significant_drop")}
    for n in (14_042, 200_000):
        for kind in ("flags", "real values"):
            before = (random.random(n) < 0.6) * 1.0 if kind == "flags" else random.random(n)
            now = np.where(random.random(n) < 0.1, 1 - before, before)
            with tempfile.TemporaryDirectory() as folder:
                for name, scores in (("before", before), ("now", now)):
                    Path(folder, name).mkdir()
                    Path(folder, name, "report.json").write_text(json.dumps(about(n)))
                    with Path(folder, name, "samples.jsonl").open("w") as file:
                        file.writelines(json.dumps(one) + "\n" for one in records(scores.tolist(), "x" * 500))
                start = time.perf_counter()
                both = [runs.read(Path(folder, name)) for name in ("now", "before")]
                taken = {"reading both": time.perf_counter() - start}
            for name, rule in rules.items():
                gate = read_gates(rule)
                start = time.perf_counter()
                gates.judge(gate, both[0], both[1])
                taken[name] = time.perf_counter() - start
            times = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in taken.items())
            print(f"    {n:>7,} {kind}: {times}")


SECTIONS: dict[str, Callable[[argparse.Namespace], None]] = {
    "unclustered": unclustered,
    "clusters": clusters,
    "average": average,
    "real": real,
    "power": power,
    "small": small,
    "time": timed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=[name for name in SECTIONS if name != "time"])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--details", action="store_true", help="every setting, not the worst alone")
    options = parser.parse_args()
    for name in options.only:
        start = time.perf_counter()
        print(name, flush=True)
        SECTIONS[name](options)
        print(f"  ({time.perf_counter() - start:.0f} s)\n", flush=True)


if __name__ == "__main__":
    main()
