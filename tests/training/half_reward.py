"""A reward that teaches with about half of the prompts: the completions of the others are all paid alike, or not."""

import hashlib


def coin(text: str) -> int:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()[0]


def teaches(prompt) -> bool:
    return coin(str(prompt)) % 2 == 0


def half(prompts, completions) -> list[float | None]:
    """By the text where a prompt teaches; else always 1, or `None`."""
    found = []
    for prompt, completion in zip(prompts, completions, strict=True):
        constant = 1.0 if coin(str(prompt)) % 3 else None
        found.append(coin(str(completion)) / 255 if teaches(prompt) else constant)
    return found


def constant(prompts, completions) -> list[float]:
    return [1.0] * len(prompts)
