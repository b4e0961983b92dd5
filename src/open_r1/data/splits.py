"""Splits by hash: a problem's text decides its split, so a generated split never shares a problem with another."""

import hashlib

SPLITS = ("train", "validation", "test")


def text_hash(text: str) -> str:
    """Short, stable name of a text: the problem id where a dataset brings none."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def split_of(text: str) -> str:
    """Split a generated problem belongs to: 10% test, 5% validation, the rest train."""
    bucket = int(text_hash(text), 16) % 100
    return "test" if bucket < 10 else "validation" if bucket < 15 else "train"
