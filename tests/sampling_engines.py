"""An engine without a model, and problems for it: what tests of stores fill them with."""

import random

from open_r1.core.formats import ResponseFormat
from open_r1.sampling.arguments import Sampling
from open_r1.sampling.engines import Draw
from open_r1.sampling.prompts import part_seed


class FakeEngine:
    """Draws numbers that depend on the seed, as a model's samples do; can be killed after some parts, and can fail."""

    name, response_format = "fake", ResponseFormat("r1")

    def __init__(self, parts=1000, fails=(), **settings):
        self.sampling = Sampling(**({"num_samples": 2, "batch_size": 4, "seed": 3} | settings))
        self.left, self.fails, self.drawn, self.seeds = parts, set(fails), [], []

    def draw_parts(self, parts, save):
        for part in parts:
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            self.drawn += [(problem["problem_id"], sample) for problem, sample in part.jobs]
            seed = part_seed(self.sampling.seed, part.number)
            self.seeds.append(seed)
            save(part, [self.draw(problem["problem_id"], sample, seed) for problem, sample in part.jobs])

    def draw(self, problem, sample, seed):
        if (problem, sample) in self.fails:
            return Draw("?", "", 0, "failed", seed, "status 500")
        return Draw("?", f"好 {random.Random(f'{seed}{problem}{sample}').random()}", 3, "stop", seed)


PROBLEMS = [
    {
        "problem_id": f"p{i}",
        "domain": "reasoning",
        "difficulty": i % 3,
        "prompt": [{"role": "user", "content": "x" * (i % 4)}],
    }
    | {"answer": "7", "verifier": "math", "language": "en", "metadata": ""}
    for i in range(7)
]
