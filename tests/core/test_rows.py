"""The natural order of difficulties."""

import math
import random

import pytest

from open_r1.core.rows import natural


@pytest.mark.parametrize(
    "ordered",
    [
        [-2, 0, 1, 6.5, 10],
        ["Level 1", "Level 2", "Level 10", "Level 10.5"],
        ["easy", "Hard", "medium"],
        ["-1", "3", "10", "10a", "10b", "a", "a1", "a2", "a10"],
        [1, "2", 3.5, "a", None],
        ["level-5", "level-6"],
        ["", 1, math.nan],
    ],
)
def test_values_of_any_form_have_one_order(ordered):
    shuffled = random.Random(0).sample(ordered, len(ordered))
    assert sorted(shuffled, key=natural) == ordered
