"""Intervals against published values, scipy, direct formulas, and their coverage in seeded simulations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.statistics.intervals import Estimate, macro_interval, mean_interval, quantiles, wilson
from scipy.stats import binomtest, sem, t


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_published(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (3, 7), (500, 1000), (14042, 14042), (0, 14042)])
def test_wilson_is_scipys(successes, n, confidence):
    expected = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert wilson(successes, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (1, -1), (3, 2), (-1, 2)])
def test_wilson_refuses_what_is_no_proportion(successes, n):
    with pytest.raises(ValueError, match="no proportion"):
        wilson(successes, n)


@given(st.integers(1, 20_000), st.floats(0, 1))
def test_wilson_holds_the_proportion_within_0_and_1(n, share):
    successes = share * n
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n + 1e-12
    assert successes / n - 1e-12 <= high <= 1


def test_binary_mean_is_wilsons():
    assert mean_interval([1, 0, 1, True]) == Estimate(0.75, *wilson(3, 4), 4)


def test_real_mean_is_students():
    values = [0.1, 0.5, 0.9, 2.0]
    low, high = t.interval(0.95, 3, np.mean(values), sem(values))
    found = mean_interval(values)
    assert (found.low, found.high) == pytest.approx((low, high))


@pytest.mark.parametrize("values", [[1, 0, 1, 1, 0], [0.2, 0.9, 0.4, 0.4, 1.0], [1], [0.5], [1, 1]])
def test_clusters_of_one_are_no_clusters(values):
    assert mean_interval(values, [f"c{i}" for i in range(len(values))]) == mean_interval(values)


def _clustered_variance(values, clusters):
    """Miller 2024, section 2.2: the double sum over pairs in the same cluster, with the factor G / (G - 1)."""
    n, mean, count = len(values), sum(values) / len(values), len(set(clusters))
    pairs = sum(
        (values[i] - mean) * (values[j] - mean) for i in range(n) for j in range(n) if clusters[i] == clusters[j]
    )
    return pairs / n**2 * count / (count - 1)


def test_clustered_real_mean():
    values, clusters = [0.1, 0.2, 0.9, 0.8, 0.5, 7], ["a", "a", "b", "b", "b", "c"]
    found = mean_interval(values, clusters)
    half = t.ppf(0.975, 2) * math.sqrt(_clustered_variance(values, clusters))
    assert (found.low, found.high) == pytest.approx((np.mean(values) - half, np.mean(values) + half))


def test_an_interval_of_shares_holds_no_value_that_no_share_can_have():
    found = mean_interval([0.0, 0.0, 0.1])
    assert found.low == 0.0
    assert 0.1 < found.high < 1.0
    assert mean_interval([1.0, 1.0, 0.9]).high == 1.0
    macro = macro_interval([[0.0, 0.1], [0.0, 0.3]])
    assert macro.low == 0.0
    assert mean_interval([0.0, 0.0, 1.2]).low < 0  # not a share


def test_clustered_binary_mean_has_an_effective_size():
    values = [1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0]
    clusters = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    p, n = sum(values) / len(values), len(values)
    size = n * (p * (1 - p) / (n - 1)) / _clustered_variance(values, clusters)
    assert 1 < size < n
    quantile = t.ppf(0.975, 3)
    centre = (p + quantile**2 / (2 * size)) / (1 + quantile**2 / size)
    half = quantile / (1 + quantile**2 / size) * math.sqrt(p * (1 - p) / size + quantile**2 / (4 * size**2))
    found = mean_interval(values, clusters)
    assert (found.value, found.n) == (p, n)
    assert (found.low, found.high) == pytest.approx((centre - half, centre + half))


def test_clusters_that_agree_within_widen_the_interval():
    values = [1, 1, 1, 0, 0, 0] * 10
    clusters = [i // 3 for i in range(60)]
    alone, together = mean_interval(values), mean_interval(values, clusters)
    assert together.high - together.low > alone.high - alone.low
    balanced = mean_interval([0, 1] * 30, [i // 2 for i in range(60)])
    assert balanced.high - balanced.low >= mean_interval([0, 1] * 30).high - mean_interval([0, 1] * 30).low


def test_all_right_is_as_certain_as_the_clusters_are_many():
    found = mean_interval([1] * 30, [i // 3 for i in range(30)])
    assert found.high == 1
    quantile = t.ppf(0.975, 9)
    assert found.low == pytest.approx(10 / (10 + quantile**2))


def test_one_cluster_tells_nothing_of_the_spread():
    assert mean_interval([1, 0, 1], ["a"] * 3) == Estimate(2 / 3, 0.0, 1.0, 3)
    assert mean_interval([0.5, 0.7], ["a"] * 2) == Estimate(pytest.approx(0.6), None, None, 2)
    assert mean_interval([0.5]) == Estimate(0.5, None, None, 1)


def test_what_has_no_mean_is_refused():
    with pytest.raises(ValueError, match="no values"):
        mean_interval([])
    with pytest.raises(ValueError, match="2 clusters"):
        mean_interval([1, 0, 1], ["a", "b"])
    with pytest.raises(ValueError, match="confidence"):
        mean_interval([1, 0], confidence=95)


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.25, 1.0]), st.integers(0, 4)), min_size=1, max_size=40), st.randoms())
def test_order_and_names_of_clusters_do_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    one = mean_interval([v for v, _ in rows], [c for _, c in rows])
    other = mean_interval([v for v, _ in shuffled], [f"passage {c}" for _, c in shuffled])
    assert one.value == pytest.approx(other.value)
    assert (one.low is None) == (other.low is None)
    if one.low is not None:
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-9)


@given(st.lists(st.integers(0, 1), min_size=1, max_size=50))
def test_right_and_wrong_are_mirror_images(values):
    right, wrong = mean_interval(values), mean_interval([1 - v for v in values])
    assert (right.low, right.high) == pytest.approx((1 - wrong.high, 1 - wrong.low))


def _coverage(draw, truth, rounds=1500, seed=7):
    rng = np.random.default_rng(seed)
    found = [draw(rng) for _ in range(rounds)]
    return sum(one.low <= truth <= one.high for one in found) / rounds


@pytest.mark.parametrize(("n", "p"), [(20, 0.5), (50, 0.9), (300, 0.3)])
def test_coverage_of_independent_samples(n, p):
    assert _coverage(lambda rng: mean_interval((rng.random(n) < p).astype(float)), p) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize(("clusters", "size"), [(15, 4), (60, 5)])
def test_coverage_of_clustered_samples(clusters, size):
    def draw(rng):
        rates = np.repeat(rng.beta(2, 1, clusters), size)
        names = np.repeat(np.arange(clusters), size).tolist()
        return mean_interval((rng.random(clusters * size) < rates).astype(float), names)

    assert _coverage(draw, 2 / 3) == pytest.approx(0.95, abs=0.03)


def test_coverage_of_the_mean_over_groups():
    rates = np.linspace(0.3, 0.95, 12)
    sizes = np.resize([5, 20, 60], 12)

    def draw(rng):
        return macro_interval([rng.random(n) < p for n, p in zip(sizes, rates, strict=True)])

    assert 0.93 <= _coverage(draw, rates.mean()) <= 0.99


def test_macro_counts_groups_the_same():
    found = macro_interval([[1, 1, 1, 1], [0]])
    assert (found.value, found.n) == (0.5, 5)
    variances = (5 / 6) * (1 / 6) / 4 + (1 / 3) * (2 / 3)
    half = 1.959964 * math.sqrt(variances) / 2
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)


def test_macro_of_real_values_is_welchs():
    a, b = [0.1, 0.4, 0.3, 0.9], [0.5, 0.6, 0.2]
    va, vb = np.var(a, ddof=1) / 4, np.var(b, ddof=1) / 3
    freedom = (va + vb) ** 2 / (va**2 / 3 + vb**2 / 2)
    half = t.ppf(0.975, freedom) * math.sqrt(va + vb) / 2
    found, value = macro_interval([a, b]), (np.mean(a) + np.mean(b)) / 2
    assert (found.low, found.high) == pytest.approx((value - half, value + half))


def test_macro_at_the_edges():
    certain = macro_interval([[1] * 3, [1] * 3])
    assert certain.value == certain.high == 1
    assert certain.low < 0.9
    assert macro_interval([[0.5], [0.25, 1.0]]) == Estimate(0.5625, None, None, 3)
    assert macro_interval([[0.5, 0.5], [0.25, 0.25]]) == Estimate(0.375, 0.375, 0.375, 4)
    for groups in [], [[1], []]:
        with pytest.raises(ValueError, match="at least one group"):
            macro_interval(groups)


def _mean(records):
    return sum(records) / len(records)


def test_quantiles():
    assert quantiles([4.0, 1.0, 3.0, 2.0, 5.0], (0, 0.5, 0.9, 1)) == pytest.approx((1.0, 3.0, 4.6, 5.0))
    with pytest.raises(ValueError, match="no values"):
        quantiles([], (0.5,))
