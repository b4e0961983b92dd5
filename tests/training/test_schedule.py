"""GRPO's data schedule: shares as asked, sources that join late, and no rollout that cannot be filled."""

import json
import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from open_r1.core.errors import DataError, RecipeError, UserError
from open_r1.grpo import training_rows
from open_r1.training.schedule import Rollouts, check_schedule, is_scheduled, rollouts_of, schedule, spares

ROLLOUT = Rollouts(prompts=20, steps=2, number=50)


def source(path, **amounts):
    return {"path": path, **amounts}


def drawn(sources, sizes, rollouts=ROLLOUT, seed=0):
    """The source of every prompt, rollout by rollout."""
    order = schedule(sources, sizes, rollouts, seed)
    assert len(order) == rollouts.prompts * rollouts.number
    ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
    found = [next(n for n, end in enumerate(ends) if row < end) for row in order]
    return [found[i : i + rollouts.prompts] for i in range(0, len(found), rollouts.prompts)]


def share(found, n):
    return sum(part.count(n) for part in found) / sum(map(len, found))


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ((1, 9), (0.1, 0.9)),
        ((0.1, 0.9), (0.1, 0.9)),
        ((2, 2), (0.5, 0.5)),
        ((0, 3), (0, 1)),
        ((None, None), (0.9, 0.1)),
    ],
)
def test_weight_is_the_share_whatever_the_sizes(weights, shares):
    sources = [source("a", weight=weights[0]), source("b", weight=weights[1])]
    found = drawn(sources, [900, 100])
    for n in range(2):
        assert share(found, n) == pytest.approx(shares[n], abs=0.04 if shares[n] % 1 else 0)


def test_shares_are_among_the_sources_that_are_drawn():
    sources = [
        source("a", weight=1),
        source("b", weight=3),
        source("c", weight=4, from_step=50),
        source("d", weight=0),
    ]
    found = drawn(sources, [300, 300, 300, 300])
    before, after = found[:25], found[25:]
    assert share(before, 0) == pytest.approx(0.25, abs=0.05) and share(before, 2) == 0
    assert share(after, 2) == pytest.approx(0.5, abs=0.06) and share(found, 3) == 0


@pytest.mark.parametrize(("start", "first"), [(0, 0), (1, 1), (2, 1), (3, 2), (98, 49), (99, 50), (1000, 50)])
def test_a_source_joins_with_the_first_rollout_at_or_after_its_step(start, first):
    found = drawn([source("a"), source("b", from_step=start)], [200, 200])
    assert [n for n, part in enumerate(found) if 1 in part][:1] == ([first] if first < 50 else [])


@pytest.mark.parametrize(
    ("iterations", "batch", "steps", "number"), [(1, 32, 1, 20), (1, 64, 2, 10), (2, 32, 2, 10), (4, 64, 8, 3)]
)
def test_a_rollout_feeds_as_many_optimiser_steps_as_trl_takes_from_it(iterations, batch, steps, number):
    config = SimpleNamespace(max_steps=20, generation_batch_size=batch, num_generations=8, num_iterations=iterations)
    assert rollouts_of(config, prompts_per_step=4) == Rollouts(batch // 8, steps, number)


def test_no_rollout_holds_a_prompt_twice_and_every_prompt_comes_round():
    order = schedule([source("a", weight=1), source("b", weight=1)], [25, 500], ROLLOUT, 3)
    for i in range(0, len(order), 20):
        assert len(set(order[i : i + 20])) == 20
    counts = Counter(row for row in order if row < 25)
    assert set(counts) == set(range(25)) and max(counts.values()) - min(counts.values()) <= 4


def test_a_source_used_up_within_a_rollout_leaves_the_rest_to_the_others():
    assert {tuple(sorted(part)) for part in drawn([source("a"), source("b")], [10, 10])} == {(0,) * 10 + (1,) * 10}


def test_the_seed_decides_the_order():
    sources = [source("a", weight=1), source("b", weight=2)]
    one, same, other = (schedule(sources, [50, 50], ROLLOUT, seed) for seed in (1, 1, 2))
    assert one == same != other


def test_the_order_is_the_one_of_the_measured_runs():
    """Figures in the documents come from this order of draws: `choices` among sources, decks dealt from their end."""
    rng, order = random.Random(0), []
    decks = [[], []]
    for number in range(4):
        active, weights = ([0, 1], [2.0, 1.0]) if number * 2 >= 4 else ([0], [2.0])
        taken = set()
        while len(taken) < 6:
            (n,) = rng.choices(active, weights)
            if not decks[n]:
                decks[n] = rng.sample(range(8 * n, 8 * n + 8), 8)
            taken.add(decks[n].pop())
        order += rng.sample(sorted(taken), 6)
    sources = [source("a", weight=2), source("b", weight=1, from_step=4)]
    assert schedule(sources, [8, 8], Rollouts(6, 2, 4), 0) == order


@pytest.mark.parametrize(
    ("sources", "sizes", "message"),
    [
        ([source("a")], [5], "5 prompts are drawn from at step 0, fewer than the 20"),
        ([source("a", weight=0), source("b", weight=1)], [500, 19], "19 prompts are drawn from at step 0"),
        ([source("a"), source("b", from_step=9)], [19, 500], "19 prompts are drawn from at step 0"),
        ([source("a", from_step=3)], [500], "no source is drawn at step 0"),
        ([source("a", weight=0)], [500], "no source is drawn at step 0"),
        (
            [source("a", weight=9), source("b", weight=1)],
            [17, 500],
            "a has 17 prompts, fewer than its share.*18.0 of 20",
        ),
        (
            [source("a", weight=1), source("b", weight=3, from_step=7)],
            [500, 14],
            "b has 14 prompts, fewer than its share of a rollout at step 7",
        ),
    ],
)
def test_sources_that_cannot_fill_a_rollout_are_refused(sources, sizes, message):
    with pytest.raises(UserError, match=message) as refused:
        schedule(sources, sizes, ROLLOUT, 0)
    assert refused.value.hint and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("amounts", "message"),
    [
        (({"weight": -1},), "weight: -1"),
        (({"weight": "half"},), "weight: half"),
        (({"weight": True},), "weight: True"),
        (({"from_step": -1},), "from_step: -1"),
        (({"from_step": 2.5},), "from_step: 2.5"),
        (({"weight": 1}, {}), "b has no `weight`, others have"),
    ],
)
def test_amounts_that_are_none_are_refused(amounts, message):
    with pytest.raises(RecipeError, match=message):
        check_schedule([source(name, **values) for name, values in zip("ab", amounts, strict=False)])


@pytest.mark.parametrize(
    ("amounts", "scheduled"),
    [({}, False), ({"from_step": 0}, False), ({"from_step": 1}, True), ({"weight": 0}, True), ({"weight": 1}, True)],
)
def test_sources_without_shares_or_steps_are_shuffled_by_trl(amounts, scheduled):
    assert is_scheduled([source("a"), source("b", **amounts)]) is scheduled


def test_shares_need_a_number_of_steps():
    config = SimpleNamespace(max_steps=-1, generation_batch_size=8, num_generations=4, num_iterations=1)
    with pytest.raises(RecipeError, match="need `max_steps`"):
        rollouts_of(config, 2)


@pytest.mark.parametrize("name", ["weight", "from_step", "count"])
def test_amounts_are_refused_where_nothing_reads_them(name):
    from open_r1.data.sources import load_source

    with pytest.raises(DataError, match=f"mini:chain: `{name}` means nothing here"):
        load_source({"path": "mini:chain", name: 1})


def test_spare_prompts_are_all_that_is_drawn_at_the_step_each_once():
    sources = [source("a", weight=1), source("b", weight=3), source("c", weight=1, from_step=6), source("d", weight=0)]
    before, after = (list(spares(sources, [100, 100, 50, 50], step, 0)) for step in (5, 6))
    assert sorted(before) == list(range(200)) and sorted(after) == list(range(250))
    assert sum(row >= 100 for row in before[:80]) / 80 == pytest.approx(0.75, abs=0.1)
    assert list(spares(sources, [100, 100, 50, 50], 5, 0)) == before != list(spares(sources, [100, 100, 50, 50], 5, 1))
    plain = [list(spares([source("a"), source("b")], [50, 150], step, 0)) for step in (2, 4)]
    assert plain[0] != plain[1] and sum(row >= 50 for row in plain[0][:80]) / 80 == pytest.approx(0.75, abs=0.1)


def test_sources_are_joined_as_anywhere_else(tmp_path):
    """Options of multiple choice survive beside a source without them, and difficulties of two types meet as text."""
    choice = {
        "prompt": "Which?",
        "answer": "two",
        "verifier": "choice",
        "options": ["one", "two"],
        "difficulty": "hard",
    }
    sources = [{"path": f"{tmp_path}/choice.jsonl"}, {"path": "mini:chain", "limit": 3}]
    Path(sources[0]["path"]).write_text(json.dumps(choice | {"response": "two"}))
    config = SimpleNamespace(generation_batch_size=4, num_generations=2, seed=0)
    rows, _ = training_rows(SimpleNamespace(args=SimpleNamespace(datasets=sources), config=config))
    assert rows["options"] == [["one", "two"], None, None, None]
    assert rows["difficulty"][0] == "hard" and "response" not in rows.column_names
