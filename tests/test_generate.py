"""Sample stores: seeds per part, and a killed run that ends like one that was never killed."""

import random

import pytest

from open_r1.errors import ArtifactError
from open_r1.generate import GenerateArguments, Sampling, fill_store, part_seed, read_store, sampling_of


class FakeSampler:
    """Draws numbers that depend on the seed, as a model's samples do; can be killed after some batches."""

    def __init__(self, batches=1000, **settings):
        self.sampling = Sampling(**({"num_samples": 2, "batch_size": 4, "seed": 3} | settings))
        self.left, self.drawn, self.seeds = batches, [], []

    def rows(self, problems, seed):
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        self.drawn += [problem["problem_id"] for problem in problems]
        self.seeds.append(seed)
        rng = random.Random(seed)
        jobs = [(problem, sample) for problem in problems for sample in range(self.sampling.num_samples)]
        return [{"problem_id": problem["problem_id"], "sample": sample, "text": f"好 {rng.random()}"} for problem, sample in jobs]


PROBLEMS = [
    {"problem_id": f"p{i}", "domain": "reasoning", "difficulty": i % 3, "prompt": [{"role": "user", "content": "x" * (i % 4)}]}
    for i in range(7)
]


def test_part_seeds_are_stable_and_all_different():
    seeds = [part_seed(seed, part) for seed in range(30) for part in range(30)]
    assert len(set(seeds)) == len(seeds) and seeds[0] == part_seed(0, 0)
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_part_seed_does_not_change_between_versions():
    assert part_seed(0, 0) == random.Random("0/0").getrandbits(31)


def test_store_holds_every_sample_of_every_problem_once(tmp_path):
    fill_store(FakeSampler(), PROBLEMS, tmp_path / "new" / "store")
    found = [(row["problem_id"], row["sample"]) for row in read_store(tmp_path / "new" / "store")]
    assert sorted(found) == [(f"p{i}", j) for i in range(7) for j in range(2)]


@pytest.mark.parametrize(("batch_size", "parts"), [(4, 4), (5, 4), (1, 7), (100, 1)])
def test_part_holds_as_many_problems_as_fit_in_a_batch_but_one_at_least(tmp_path, batch_size, parts):
    fill_store(FakeSampler(batch_size=batch_size), PROBLEMS, tmp_path)
    assert len(list(tmp_path.glob("part-*.jsonl"))) == parts


@pytest.mark.parametrize("batches", range(4))
def test_killed_store_continues_and_equals_an_uninterrupted_one(tmp_path, batches):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    fill_store(FakeSampler(), PROBLEMS, whole)
    first, second = FakeSampler(batches), FakeSampler()
    with pytest.raises(KeyboardInterrupt):
        fill_store(first, PROBLEMS, killed)
    fill_store(second, PROBLEMS, killed)
    assert sorted(first.drawn + second.drawn) == sorted(problem["problem_id"] for problem in PROBLEMS)  # nothing is drawn twice
    assert list(read_store(killed)) == list(read_store(whole))


def test_every_part_is_drawn_with_its_own_seed(tmp_path):
    sampler = FakeSampler()
    fill_store(sampler, PROBLEMS, tmp_path)
    assert sampler.seeds == [part_seed(3, part) for part in range(4)]


def test_existing_part_is_left_as_it_is(tmp_path):
    (tmp_path / "part-00001.jsonl").write_text('{"problem_id": "mine"}\n')
    sampler = FakeSampler()
    fill_store(sampler, PROBLEMS, tmp_path)
    assert len(sampler.drawn) == 5 and sum(row["problem_id"] == "mine" for row in read_store(tmp_path)) == 1


def test_order_of_the_problems_does_not_matter_where_their_lengths_differ(tmp_path):
    problems = [problem | {"difficulty": i} for i, problem in enumerate(PROBLEMS)]
    fill_store(FakeSampler(), problems, tmp_path / "a")
    fill_store(FakeSampler(), reversed(problems), tmp_path / "b")
    assert list(read_store(tmp_path / "a")) == list(read_store(tmp_path / "b"))


def test_progress_counts_every_part_also_those_that_were_there(tmp_path):
    fill_store(FakeSampler(), PROBLEMS, tmp_path)
    calls = []
    fill_store(FakeSampler(0), PROBLEMS, tmp_path, lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_store_is_read_in_the_order_of_its_parts(tmp_path):
    for part in (10, 2, 0):
        (tmp_path / f"part-{part:05d}.jsonl").write_text(f'{{"part": {part}}}\n')
    (tmp_path / ".part-00011.jsonl.99").write_text("half a li")  # what a killed write leaves
    assert [row["part"] for row in read_store(tmp_path)] == [0, 2, 10]


def test_empty_directory_is_no_store(tmp_path):
    with pytest.raises(ArtifactError, match="no sample store"):
        next(read_store(tmp_path))


def test_sampling_settings_are_found_among_a_stages_arguments():
    assert sampling_of(GenerateArguments(model="m", num_samples=3, top_p=1.0)) == Sampling(num_samples=3, top_p=1.0)
