"""
Every task of the installed reasoning-gym: its own answer is paid, also after JSON, and no answer is right everywhere.
"""

import json

import pytest

from open_r1.core.errors import DataError
from open_r1.data.sources import load_source
from open_r1.verify.gym import UNSOUND, decide, gold_of

gym = pytest.importorskip("reasoning_gym")
DATASETS = pytest.importorskip("reasoning_gym.factory").DATASETS

WITHOUT_ANSWER = {"boxnet", "rush_hour"}  # they give no example of a right answer
TASKS = sorted(set(DATASETS) - set(UNSOUND) - {"composite"})  # the latter has no entries of its own
ODD = ["zzz", "", "0", "-1", "1", "0.", "nan", "-inf", "nan+nani", "1e999", "[]", "{}", "()", "[[]]", "None", "True",
       ".", "0 0", "\x00", "9" * 5000, "[" * 100_000, "(8 - 2) * 4 * 1"]  # fmt: skip


@pytest.fixture(scope="module")
def entries():
    """Two entries of each task with what travels beside them: task -> [(gold, metadata)]."""
    made = {task: list(gym.create_dataset(task, size=2, seed=5)) for task in TASKS}
    return {task: [(gold_of(entry), written(task, entry)) for entry in found] for task, found in made.items()}


def written(task, entry, **dials):
    return json.dumps({"task": task, "dials": dials, "entry": entry}, default=str)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("task", TASKS)
def test_own_answers_are_paid_and_no_others_everywhere(entries, task):
    for gold, metadata in entries[task]:
        paid = [decide(gold, gold, metadata)[0] for _ in range(2)]  # a scorer may not change its entry
        assert paid == ["wrong" if task in WITHOUT_ANSWER else "correct"] * 2 and gold not in ("", "None")
        assert decide(gold, gold + " zzz zzz" if task in WITHOUT_ANSWER else "zzz", metadata)[0] == "wrong"
    for hedge in ("{} or 999", "not {}", "either {} or 1"):
        assert {decide(gold, hedge.format(gold), metadata)[0] for gold, metadata in entries[task]} == {"wrong"}
    golds = [gold.strip() for gold, _ in entries[task]]
    others = [found[0][0] for name, found in entries.items() if name != task]
    for answer in ODD + others[:: len(others) // 5]:
        verdicts = [decide(gold, answer, metadata)[0] for gold, metadata in entries[task]]
        assert set(verdicts) <= {"correct", "wrong"}
        assert verdicts != ["correct"] * 2 or len(set(golds)) == 1 or answer.strip() in golds


@pytest.mark.parametrize(
    ("task", "answer"), [("coin_flip", "0"), ("game_of_life_halting", "zzz"), ("puzzle24", "(8 - 2) * 4 * 1")]
)
def test_tasks_that_pay_wrong_answers_are_refused(task, answer):
    dataset = gym.create_dataset(task, size=8, seed=5)
    assert all(dataset.score_answer(answer, entry) >= 0.999 for entry in dataset)  # else strike it from the list
    assert decide("x", answer, written(task, dataset[0]))[0] == "bad_gold"
    with pytest.raises(DataError, match=task):
        load_source({"path": f"gym:{task}"})


def test_the_list_of_refused_tasks_is_tried():
    assert set(UNSOUND) == {"coin_flip", "game_of_life_halting", "puzzle24"}


@pytest.mark.parametrize(("places", "outcome"), [(6, "wrong"), (3, "correct")])
def test_dials_reach_the_scorer(places, outcome):
    """decimal_arithmetic allows one unit in the last place that its dials name, of 3 by default."""
    dials = {"min_num_decimal_places": places, "max_num_decimal_places": places}
    entry = gym.create_dataset("decimal_arithmetic", size=1, seed=1, **dials)[0]
    assert (
        decide(entry["answer"], str(float(entry["answer"]) + 0.0005), written("decimal_arithmetic", entry, **dials))[0]
        == outcome
    )


def test_rows_carry_their_dials_and_a_gold():
    row = load_source({"path": "gym:graph_color", "limit": 1, "min_num_vertices": 4, "max_num_vertices": 4})[0]
    assert json.loads(row["metadata"])["dials"] == {"min_num_vertices": 4, "max_num_vertices": 4}
    assert decide(row["answer"], row["answer"], row["metadata"])[0] == "correct"


def test_an_entry_whose_own_answer_is_not_paid_is_a_bad_gold():
    entry = gym.create_dataset("rearc", size=1, seed=1)[0] | {"answer": "9 9"}
    assert decide("9 9", "9 9", written("rearc", entry))[0] == "bad_gold"
