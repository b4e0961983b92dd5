"""Problems of programming contests: LiveCodeBench's and Codeforces' rows as a question and the tests of its answer.

Tests are not unpacked into the gold where they are large (`verify/code_encoded.py`): a few hundred problems have
gigabytes of them. Each is decoded once here, so that tests which cannot be are an error before anything is drawn.
"""

import json
from pathlib import Path
from typing import Any

from ..core.errors import DataError
from ..core.rows import Row
from ..verify.code_encoded import decode, encode

SECONDS = 6  # of one test of LiveCodeBench: its own runner's default
ENCODED = 1 << 16  # characters of tests from which on they are kept encoded
WHOLE = "Write a Python 3 program that reads the input from stdin and prints the output to stdout."
PART = "Write the function that this Python 3 code leaves open, with the same names and arguments:"
TESTS = "test_cases_{:04d}.parquet"  # of a contest: columns problem_id, input, output, test_case_i
SECTIONS = (
    ("description", ""),
    ("input_format", "Input: "),
    ("output_format", "Output: "),
    ("note", "Note: "),
)


def livecodebench(row: Row, entry: dict[str, Any]) -> Row:
    """A problem of LiveCodeBench: a program that reads stdin, or, where there is code to start from, a function."""
    name = json.loads(row["metadata"] or "{}").get("func_name")
    cases = json.loads(row["public_test_cases"])
    decoded(row["private_test_cases"], entry, row["question_id"])
    gold = {
        "fn_name": name,
        "inputs": [case["input"] for case in cases],
        "outputs": [case["output"] for case in cases],
        "encoded": row["private_test_cases"],
        "seconds": SECONDS,
        "stop": True,
    }
    start = row["starter_code"]
    return {
        "problem_id": row["question_id"],
        "question": row["question_content"].strip(),
        "task": f"{PART}\n\n```python\n{start.rstrip()}\n```" if start.strip() else WHOLE,
        "answer": json.dumps(gold),
        "difficulty": row["difficulty"],
        "metadata": json.dumps({key: str(row[key]) for key in ("platform", "contest_id", "contest_date")}),
    }


def decoded(text: str, entry: dict[str, Any], problem: str) -> list[dict[str, Any]]:
    """Decoded tests; raises `DataError` that names the problem."""
    try:
        return decode(text)
    except DataError as error:
        hint = f"load it anew, or leave the problem out; {error.hint}"
        raise DataError(f"dataset {entry['path']}, problem {problem}: {error}", hint) from None


def codeforces(row: Row, entry: dict[str, Any]) -> Row | None:
    """
    A problem of Codeforces with its tests, and its checker where several answers are right. `None` for one that is
    solved in a dialogue or with files, and for one without all its tests: those of open-r1's rows that Codeforces cuts
    off are missing, and what stands for them is in another folder of the data set, the entry's `tests`.
    """
    rows = [*(row["official_tests"] or []), *further_tests(row, entry)]
    cases = [{side: case[side].replace("\r\n", "\n") for side in ("input", "output")} for case in rows]
    whole = row["official_tests_complete"] or (entry.get("tests") and row["generated_tests"])
    if row["input_mode"] != "stdio" or row["interaction_format"] or not whole or not cases:
        return None
    large = sum(len(case["input"]) + len(case["output"]) for case in cases) > ENCODED
    gold = {
        "inputs": [] if large else [case["input"] for case in cases],
        "outputs": [] if large else [case["output"] for case in cases],
        "encoded": encode(cases) if large else None,
        "checker": row["generated_checker"] or None,
        "any_case": ["YES", "NO"],
        "seconds": row["time_limit"],
        "memory_mb": row["memory_limit"],
        "stop": True,
    }
    return {
        "problem_id": row["id"],
        "question": statement(row),
        "answer": json.dumps({key: value for key, value in gold.items() if value is not None}),
        "difficulty": row["rating"],
        "metadata": json.dumps({key: row[key] for key in ("contest_id", "contest_name", "index", "rating")}),
    }


def statement(row: Row) -> str:
    """What a contestant reads."""
    limits = f"Limits: {row['time_limit']:g} seconds and {row['memory_limit']:g} MB for each test."
    sections = [f"{head}{row[name].strip()}" for name, head in SECTIONS if row[name]]
    examples = [
        f"Example input:\n```\n{example['input'].strip()}\n```\nExample output:\n```\n{example['output'].strip()}\n```"
        for example in row["examples"] or []
    ]
    return "\n\n".join([row["title"], limits, *sections, *examples])


def further_tests(row: Row, entry: dict[str, Any]) -> list[dict[str, str]]:
    """The tests of a problem that lie in the entry's folder, if it has one."""
    if not entry.get("tests") or not row["generated_tests"]:
        return []
    file = Path(entry["tests"]).expanduser() / TESTS.format(int(row["contest_id"]))
    if not file.is_file():
        raise DataError(
            f"`tests: {entry['tests']}` has no {file.name}, where tests of problem {row['id']} are",
            f"hf download {entry['path']} --repo-type dataset --include 'generated_tests/{file.name}' --local-dir ...",
        )
    import pyarrow.parquet

    found = pyarrow.parquet.read_table(
        file, columns=["input", "output"], filters=[("problem_id", "=", row["id"])]
    ).to_pylist()
    if not found:
        raise DataError(f"{file} has no test of problem {row['id']}", "download it again, at the entry's revision")
    return found
