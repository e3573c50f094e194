from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.evaluation.reports import Confidence
from service.evaluation.statistics import calibration, proportions_test, quantile, sign_test, wilson

TOLD = st.builds(Confidence, of=st.just("sql"), value=st.floats(0, 1), right=st.booleans())


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_the_interval_is_that_of_wilson(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right, n) == pytest.approx((low, high), abs=1e-4)


@settings(deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share(case: tuple[int, int]) -> None:
    low, high = wilson(*case)
    assert 0 <= low <= case[0] / case[1] + 1e-12
    assert case[0] / case[1] - 1e-12 <= high <= 1


@pytest.mark.parametrize(
    ("one", "other", "p"), [(0, 0, 1.0), (1, 1, 1.0), (0, 5, 0.0625), (0, 6, 0.03125), (2, 8, 0.109375)]
)
def test_pairs_that_differ_are_weighed_exactly(one: int, other: int, p: float) -> None:
    assert sign_test(one, other) == sign_test(other, one) == pytest.approx(p)


def test_shares_of_unpaired_cases_are_compared_by_their_deviation() -> None:
    assert proportions_test(0.5, 100, 0.5, 100) == 1.0
    assert proportions_test(1.0, 10, 1.0, 10) == 1.0
    assert proportions_test(0.5, 100, 0.64, 100) == pytest.approx(0.0455, abs=1e-3)


def test_quantiles_are_values_that_were_measured() -> None:
    assert [quantile([1, 2, 3, 4], share) for share in (0.0, 0.5, 0.75, 0.95, 1.0)] == [1, 2, 3, 4, 4]


def test_what_is_as_often_right_as_it_is_sure_has_no_error() -> None:
    told = [Confidence("sql", 0.75, right) for right in (True, True, True, False)]
    curve = calibration(told)
    assert (curve.error, curve.n) == (0.0, 4)
    assert [(item.low, item.high, item.n, item.confidence, item.right) for item in curve.bins] == [
        (0.7, 0.8, 4, 0.75, 3)
    ]
    assert calibration([Confidence("sql", 1.0, False)] * 3).error == 1.0
    assert calibration([]).error == 0.0


@settings(deadline=None)
@given(st.lists(TOLD))
def test_every_case_is_in_one_bin(told: list[Confidence]) -> None:
    curve = calibration(told)
    assert curve.n == len(told)
    assert 0 <= curve.error <= 1
    assert all(item.low - 1e-9 <= item.confidence <= item.high + 1e-9 for item in curve.bins)
