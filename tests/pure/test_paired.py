"""Paired comparisons: beside the formulas of others, beside brute force, and held to what must always be so."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.statistics.paired import Average, Paired, detectable, holm, needed, paired, score, tango
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests


def flags(lost: int, gained: int, both: int, neither: int = 0) -> Paired:
    """A pair for each sample of a table."""
    before = [1] * lost + [0] * gained + [1] * both + [0] * neither
    after = [0] * lost + [1] * gained + [1] * both + [0] * neither
    return paired(before, after)


TABLES = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 300)).filter(lambda table: sum(table) > 0)


# --- Tango's interval ------------------------------------------------------------------------------------------------


def likeliest(lost: float, gained: float, n: float, difference: float) -> float:
    """P(lost) of the likeliest table with P(gained) - P(lost) = difference, by a search."""

    def unlikely(p: float) -> float:
        cells = (p, p + difference, 1 - 2 * p - difference)
        counts = (lost, gained, n - lost - gained)
        return -sum(count * math.log(max(cell, 1e-300)) for count, cell in zip(counts, cells, strict=True) if count)

    low, high = max(0.0, -difference), (1 - difference) / 2
    return float(optimize.minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x)


@pytest.mark.parametrize(("lost", "gained", "n"), [(7, 3, 50), (12, 1, 80), (0, 5, 40), (30, 25, 1000)])
@pytest.mark.parametrize("difference", [-0.3, -0.05, 0.02, 0.2])
def test_the_score_has_the_likeliest_tables_moments(lost: int, gained: int, n: int, difference: float):
    p = likeliest(lost, gained, n, difference)
    cells, values = np.array([p, p + difference, 1 - 2 * p - difference]), np.array([-1, 1, 0])
    variance, third = (float(cells @ (values - difference) ** power) for power in (2, 3))
    variance *= n / (n - 1)
    plain = ((gained - lost) / n - difference) / math.sqrt(variance / n)
    skewness = third / variance**1.5 / math.sqrt(n)
    found = float(score(lost, gained, n, difference))
    if found == 0:
        # The correction would cross 0: it is larger than the statistic.
        assert abs(plain) < abs(skewness) / 6
    elif found != pytest.approx(plain, rel=1e-4):
        assert abs(found) < abs(plain)
        assert found + skewness / 6 * (found**2 - 1) == pytest.approx(plain, rel=1e-4)
    else:
        assert plain * skewness * (plain**2 - 1) <= 0


def test_the_score_at_no_difference_is_mcnemars():
    for lost, gained in [(7, 3), (20, 4)]:
        n = 59 + lost + gained
        expected = mcnemar([[50, lost], [gained, 9]], exact=False, correction=False).statistic
        assert score(lost, gained, n, 0.0) ** 2 == pytest.approx(expected * (n - 1) / n)


def test_a_published_example():
    """Airway hyper-responsiveness before and after a transplantation: 7 and 1 of 21 pairs.

    Fagerland, Lydersen & Laake 2014, Statistics in Medicine 33:2850-2875, give -0.517 to -0.026 for Tango's interval,
    and the manual of ratesci -0.5281 to -0.01842 with both corrections. At the upper end that of skewness would narrow.
    """
    low, high = tango(7, 1, 21, 1.959964)
    assert low == pytest.approx(-0.5281, abs=5e-5)
    assert -0.026 < high < -0.01842 + 2e-4
    assert tango(7, 1, 21, 1.959964 * math.sqrt(20 / 21))[1] == pytest.approx(-0.026, abs=5e-4)  # n for n - 1


@given(TABLES)
def test_an_interval_holds_the_difference_and_the_scores_at_its_ends_are_the_quantile(table: tuple[int, int, int]):
    pairs = flags(*table)
    low, high = pairs.interval()
    assert -1 <= low <= pairs.value <= high <= 1
    for end in (low, high):
        if -1 + 1e-9 < end < 1 - 1e-9:
            assert abs(score(pairs.lost, pairs.gained, pairs.n, end)) == pytest.approx(1.959964, rel=1e-3)


@given(TABLES)
def test_the_other_way_round_is_the_same(table: tuple[int, int, int]):
    lost, gained, same = table
    low, high = flags(lost, gained, same).interval()
    assert flags(gained, lost, same).interval() == pytest.approx((-high, -low), abs=1e-9)


@given(TABLES, st.floats(0, 0.3))
def test_a_drop_is_beyond_a_margin_where_the_interval_is(table: tuple[int, int, int], margin: float):
    pairs = flags(*table)
    _, high = pairs.interval()
    if abs(high + margin) > 1e-6:
        assert (pairs.p_beyond(margin) < 0.025) == (high < -margin)


def test_nothing_that_changed_is_no_certainty():
    # Wilson's interval of none among 30, with 29 for 30 in the standard error.
    assert flags(0, 0, 30).interval()[0] == pytest.approx(-(1.959964**2) / (29 + 1.959964**2))
    assert flags(0, 0, 1).interval() == (-1, 1)
    assert flags(0, 0, 30).p_different() == 1


# --- clusters --------------------------------------------------------------------------------------------------------


def test_clusters_of_one_are_no_clusters():
    before, after = [1, 1, 0, 1, 1, 0], [0, 1, 1, 0, 1, 0]
    assert paired(before, after, list("abcdef")).interval() == paired(before, after).interval()


def test_samples_that_say_the_same_count_once():
    before, after = [1, 1, 0, 1, 1, 0, 1, 1] * 5, [0, 1, 1, 0, 1, 0, 1, 1] * 5
    alone = paired(before, after)
    ten = paired(np.repeat(before, 10), np.repeat(after, 10), np.repeat(range(40), 10).tolist())
    assert ten.effective == pytest.approx(alone.n, rel=0.03)
    wide, narrow = ten.interval(), alone.interval()
    assert wide[1] - wide[0] >= narrow[1] - narrow[0]
    assert ten.p_different() == pytest.approx(alone.p_different())


def test_clusters_have_the_degrees_of_freedom_with_which_their_variance_varies():
    random = np.random.default_rng(19)
    pairs = Paired(random.normal(size=2_000), np.repeat(np.arange(1_000), 2), False)
    estimates = [random.normal(size=1_000).var() for _ in range(2_000)]
    assert pairs.freedom == pytest.approx(2 * np.mean(estimates) ** 2 / np.var(estimates), rel=0.15)
    # Of 100 clusters five flip, two of them back: about twice as many as flip, and not 99.
    flips = np.repeat([1.0, -1.0, 0.0], [15, 10, 475])
    assert Paired(flips, np.repeat(np.arange(100), 5), True).freedom == pytest.approx(10, abs=1)


def test_one_cluster_says_nothing():
    assert paired([1, 1, 0], [0, 0, 0], ["a"] * 3).interval() == (-1, 1)
    assert paired([1, 1, 0], [0, 0, 0], ["a"] * 3).p_beyond(0.1) == 1
    assert paired([0.5, 0.1], [0.2, 0.1], ["a"] * 2).interval() == (-math.inf, math.inf)


# --- tests of no difference ------------------------------------------------------------------------------------------


@given(TABLES)
def test_swaps_of_single_samples_are_mcnemars_exact_test(table: tuple[int, int, int]):
    lost, gained, same = table
    expected = mcnemar([[same, lost], [gained, 0]], exact=True).pvalue
    assert flags(*table).p_different() == pytest.approx(min(1.0, expected), abs=1e-12)


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=9))
def test_swaps_of_clusters_are_counted_exactly(sums: list[int]):
    sizes = [max(1, abs(total)) for total in sums]
    before = [int(total < 0) for total, size in zip(sums, sizes, strict=True) for _ in range(size)]
    after = [int(total > 0) for total, size in zip(sums, sizes, strict=True) for _ in range(size)]
    clusters = [place for place, size in enumerate(sizes) for _ in range(size)]
    totals = [sum(map(int.__mul__, signs, sums)) for signs in itertools.product((-1, 1), repeat=len(sums))]
    far = sum(abs(total) >= abs(sum(sums)) for total in totals)
    assert paired(before, after, clusters).p_different() == pytest.approx(far / len(totals))


def test_swaps_of_real_values_are_scipys():
    random = np.random.default_rng(3)
    before = random.normal(size=60)
    after = before + random.normal(0.25, 0.8, 60)
    theirs = stats.permutation_test(
        (after, before), lambda a, b: float(np.mean(a - b)), permutation_type="samples", n_resamples=20_000, rng=1
    )
    assert paired(before, after).p_different() == pytest.approx(theirs.pvalue, abs=0.01)


# --- real values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skewed", [False, True])
def test_the_bootstrap_is_scipys_bca(skewed: bool):
    random = np.random.default_rng(5)
    change = random.exponential(1.0, 80) - 1 if skewed else random.normal(0.1, 1, 80)
    theirs = stats.bootstrap((change,), np.mean, n_resamples=20_000, method="BCa", rng=2).confidence_interval
    pairs = paired(np.zeros(80), change)
    own = pairs._bootstrap.quantile(0.025), pairs._bootstrap.quantile(0.975)
    assert own == pytest.approx((theirs.low, theirs.high), abs=0.02)
    student = stats.ttest_1samp(change, 0).confidence_interval()
    assert pairs.interval() == pytest.approx((min(own[0], student.low), max(own[1], student.high)))


def test_few_real_scores_that_changed_are_no_certainty():
    """Of 50 scores 10 changed: the interval must hold no change in about 95 of 100 draws; BCa alone does in 84."""
    random = np.random.default_rng(17)
    held = 0
    for _ in range(100):
        low, high = paired(np.zeros(50), random.normal(size=50) * (np.arange(50) < 10)).interval()
        held += low <= 0 <= high
    assert held >= 92


@given(st.lists(st.floats(-1, 1), min_size=5, max_size=40), st.floats(0, 0.5))
def test_a_real_drop_is_beyond_a_margin_where_its_interval_is(changes: list[float], margin: float):
    pairs = paired(np.zeros(len(changes)), changes)
    if pairs.binary or np.ptp(changes) < 1e-6:
        return
    _, high = pairs.interval()
    if abs(high + margin) > 0.02:  # between resampled means lies a step
        assert (pairs.p_beyond(margin) < 0.025) == (high < -margin)


def test_many_clusters_have_students_interval():
    random = np.random.default_rng(7)
    change = random.normal(0.1, 1, 6_000)
    theirs = stats.ttest_1samp(change, 0).confidence_interval()
    assert paired(np.zeros(6_000), change).interval() == pytest.approx((theirs.low, theirs.high))


def test_swaps_of_many_clusters_come_to_the_normal_distribution():
    random = np.random.default_rng(7)
    change = random.exponential(1, 6_000) - 0.98
    few, many = paired(np.zeros(5_000), change[:5_000]), paired(np.zeros(6_000), change)
    assert few.p_different() == pytest.approx(stats.ttest_1samp(change[:5_000], 0).pvalue, abs=0.01)
    assert many.p_different() == pytest.approx(stats.ttest_1samp(change, 0).pvalue, abs=0.01)
    assert paired(np.full(6_000, 0.5), np.full(6_000, 0.5)).p_different() == 1


# --- averages, planning, several tests -------------------------------------------------------------------------------


def test_an_average_counts_each_group_the_same():
    average = Average([flags(10, 0, 90), flags(0, 0, 10)])
    assert average.value == pytest.approx(-0.05)
    low, high = average.interval()
    assert low < -0.05 < high
    assert (average.n, average.lost, average.gained) == (110, 10, 0)
    alone = Average([flags(30, 10, 460)])
    assert alone.interval() == pytest.approx(flags(30, 10, 460).interval(), abs=0.003)


def test_what_can_be_seen_is_seen_with_that_power():
    """A drop of the size that `detectable` names, in samples that change as often, is seen about that often."""
    random = np.random.default_rng(11)
    n, rate = 800, 0.1
    drop = detectable(flags(40, 40, 720), power=0.8)
    lost, gained = (rate + drop) / 2, (rate - drop) / 2
    tables = random.multinomial(n, [lost, gained, 1 - rate], 10_000)
    p = 2 * stats.binom.cdf(tables[:, 1], tables[:, 0] + tables[:, 1], 0.5)
    assert np.mean(p <= 0.05) == pytest.approx(0.8, abs=0.02)
    assert detectable(flags(40, 40, 7200)) < drop < detectable(flags(40, 40, 72))


def test_even_where_nothing_changed_only_a_large_drop_is_seen():
    assert 0.15 < detectable(flags(0, 0, 30)) < 0.4
    assert 0.005 < detectable(flags(0, 0, 1000)) < 0.012


def test_as_many_samples_as_are_needed_decide():
    random = np.random.default_rng(13)
    seen = flags(6, 4, 190)
    n = int(needed(seen, margin=0.03))
    assert n > seen.n
    tables = random.multinomial(n, [0.03, 0.02, 0.95], 4_000)
    low, _ = tango(tables[:, 0], tables[:, 1], np.full(4_000, n), 1.959964)
    assert np.mean(low > -0.03) == pytest.approx(0.8, abs=0.06)
    assert needed(flags(6, 0, 194), margin=0.03) == math.inf


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holms_adjustment_is_statsmodels(p_values: list[float]):
    ours = holm(dict(enumerate(p_values)))
    expected = multipletests(p_values, method="holm")[1]
    assert [ours[place] for place in range(len(p_values))] == pytest.approx(list(expected))


def test_what_makes_no_pairs_is_refused():
    for before, after in ([], []), ([1], [1, 0]):
        with pytest.raises(ValueError, match="make no pairs"):
            paired(before, after)


@pytest.mark.parametrize(
    ("n", "lost", "gained", "margin"),
    [
        (100, 2, 2, 0.1),
        (200, 1, 1, 0.02),
        (300, 9, 3, 0.05),
        (54, 0, 0, 0.05),
        (1000, 60, 20, 0.02),
        (500, 41, 32, 0.03),
    ],
)
def test_as_many_samples_as_are_needed_decide_with_the_power_that_is_said(
    n: int, lost: int, gained: int, margin: float
):
    size = int(needed(flags(lost, gained, n - lost - gained), margin))
    shares = [lost / n, gained / n]
    drawn = np.random.default_rng(3).multinomial(size, [*shares, 1 - sum(shares)], size=4000)
    low, high = tango(drawn[:, 0], drawn[:, 1], np.full(4000, size), 1.96)
    right = -low < margin if shares[0] - shares[1] < margin else -high > margin
    assert 0.77 < right.mean() < (0.85 if lost else 1.01)
    if not lost:  # and not one sample fewer
        assert not -tango(0, 0, size - 1, 1.96)[0] < margin
