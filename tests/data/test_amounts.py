"""How many rows of each source: counts, shares of a total, and what is neither."""

import pytest

from open_r1.core.errors import RecipeError
from open_r1.data.amounts import counts


@pytest.mark.parametrize(
    ("entries", "total", "expected"),
    [
        ([{}, {}], 0, [None, None]),
        ([{"count": 3}, {}], 0, [3, None]),
        ([{"count": 0}, {"count": 5}], 0, [0, 5]),
        ([{"weight": 0.75}, {"weight": 0.25}], 8, [6, 2]),
        ([{"weight": 1}], 7, [7]),
        ([{"weight": 0}, {"weight": 1}], 7, [0, 7]),
        ([{"weight": 0.1}] * 10, 20, [2] * 10),
        ([], 0, []),
    ],
)
def test_counts_are_given_or_shares_of_the_total(entries, total, expected):
    assert counts(entries, total) == expected


@pytest.mark.parametrize("weights", [[1 / 3] * 3, [0.25] * 4, [0.5, 0.5], [0.7, 0.2, 0.1], [0.05] * 20])
@pytest.mark.parametrize("total", [1, 11, 800_000])
def test_shares_sum_to_the_total_and_are_as_near_as_can_be(weights, total):
    found = counts([{"weight": weight} for weight in weights], total)
    assert sum(found) == total and all(
        abs(count - weight * total) < 1 for count, weight in zip(found, weights, strict=True)
    )


@pytest.mark.parametrize(
    ("entries", "total", "message"),
    [
        ([{"weight": 0.5}, {"weight": 0.3}], 10, "sum to 0.8, not to 1"),
        ([{"weight": 0.5}, {"weight": 0.6}], 10, "sum to 1.1, not to 1"),
        ([{"weight": 0.5}, {"weight": 0.5}], 0, "`weight` needs `total`"),
        ([{"weight": 1.0}, {"count": 3}], 10, "`weight` needs `total`, and a weight for every source"),
        ([{"weight": 1.0}, {}], 10, "`weight` needs `total`, and a weight for every source"),
        ([{"weight": 1.5}, {"weight": -0.5}], 10, "weight"),
        ([{"weight": "half"}, {"weight": 0.5}], 10, "weight"),
        ([{"count": -3}], 0, "count"),
        ([{"count": "all"}], 0, "count"),
        ([{"count": 2.5}], 0, "count"),
    ],
)
def test_weights_and_counts_that_make_no_sense_are_one_line(entries, total, message):
    with pytest.raises(RecipeError, match=message) as caught:
        counts(entries, total)
    assert len(str(caught.value).splitlines()) == 1 and caught.value.hint
