"""Problems of contests, from rows as their data sets have them to the verdict on a program in the real sandbox."""

import base64
import json
import pickle
import shutil
import zlib

import pyarrow
import pyarrow.parquet
import pytest
from conftest import HUB_CACHE, REPOSITORY

from open_r1.core.benchmarks import read_benchmark
from open_r1.core.errors import DataError
from open_r1.data import readers, sources
from open_r1.verify import Case, verify_many

SANDBOX = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
COMPILER = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
ROWS = REPOSITORY / "tests" / "benchmark_rows"
COMMIT = "0fe84c3912ea0c4d4a78037083943e8f0c4dd505"
PILES = "a, b = map(int, input().split())\nprint(abs(a - b) // 2)"
RUNS = """class Solution:
    def longestEvenRun(self, nums: List[int], start: int) -> int:
        best = now = 0
        for n in nums[start:]:
            now = 0 if n % 2 else now + 1
            best = max(best, now)
        return best"""
SUMS = "input()\nprint(sum(map(int, input().split())) / 2)"
STEPS = "print('{}' if int(input()) % 2 == 0 else '{}')"
SPLIT = "n = int(input())\nprint({})"
SPLIT_CPP = "#include <iostream>\nint main() { long long n; std::cin >> n; std::cout << 1 << ' ' << n - 1; }"
BYTES = "import sys\nline = sys.stdin.buffer.read()\nprint('YES' if int(line[-2:-1]) % 2 == 0 else 'NO')"
SLOW = "while True: pass"


def entry(name, file=None, **own):
    known = {key: value for key, value in read_benchmark(name).items() if key not in ("name", "revision", "files")}
    return known | {"path": str(file or ROWS / f"{name}.jsonl"), "split": "train"} | own


def raw(name):
    return [json.loads(line) for line in (ROWS / f"{name}.jsonl").read_text().splitlines()]


def changed(tmp_path, name, number=0, **own):
    """A file with one row of a data set, changed."""
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(raw(name)[number] | own) + "\n")
    return file


def encoded(value):
    return base64.b64encode(zlib.compress(pickle.dumps(value))).decode()


CASES = [  # data set, problem, language, program, outcome
    ("livecodebench", "zzz901_a", "python", PILES, "correct"),
    ("livecodebench", "zzz901_a", "python", PILES.replace("// 2", ""), "wrong"),
    ("livecodebench", "zzz901_a", "python", "1 / 0", "wrong"),
    ("livecodebench", "zzz901_a", "python", "print(2)", "wrong"),  # right in the public test alone
    ("livecodebench", "9901", "python", RUNS, "correct"),
    ("livecodebench", "9901", "python", RUNS.replace("nums[start:]", "nums"), "wrong"),
    ("livecodebench", "9901", "python", "def longestEvenRun(nums, start): raise SystemExit", "wrong"),
    ("livecodebench", "zzz902_c", "python", SUMS, "correct"),
    ("livecodebench", "zzz902_c", "python", SUMS.replace("/ 2", "// 2"), "wrong"),
    ("codeforces", "9001/A", "python", STEPS.format("YES", "NO"), "correct"),
    ("codeforces", "9001/A", "python", STEPS.format("yes", "No"), "correct"),
    ("codeforces", "9001/A", "python", STEPS.format("NO", "YES"), "wrong"),
    ("codeforces", "9001/A", "python", BYTES, "correct"),
    ("codeforces", "9001/A", "python", SLOW, "timeout"),
    ("codeforces", "9001/A", "python", "x = [0] * 10**9", "wrong"),
    ("codeforces", "9001/B", "python", SPLIT.format("1, n - 1"), "correct"),
    ("codeforces", "9001/B", "python", SPLIT.format("n // 2, n - n // 2"), "correct"),
    ("codeforces", "9001/B", "python", SPLIT.format("0, n"), "wrong"),
    ("codeforces", "9001/B", "python", SPLIT.format("'1'"), "wrong"),
    ("codeforces", "9001/B", "python", "print(1)", "wrong"),  # what a checker says, said by the program
    ("codeforces", "9001/B", "python", "open('checker.py', 'w').write('print(1)')\nprint(5)", "wrong"),
    ("codeforces", "9001/B", "python", "import sys\nsys.exit(3)", "wrong"),
    pytest.param("codeforces", "9001/B", "cpp", SPLIT_CPP, "correct", marks=COMPILER),
]


@pytest.fixture(scope="module")
def problems():
    names = ("livecodebench", "codeforces")
    return {name: {row["problem_id"]: row for row in sources.load_source(entry(name))} for name in names}


@SANDBOX
@pytest.mark.parametrize(("name", "problem", "language", "program", "outcome"), CASES, ids=map(str, range(len(CASES))))
def test_programs_are_judged_by_their_tests(problems, name, problem, language, program, outcome):
    row = problems[name][problem]
    response = f"I count first.\n```{language}\n{program}\n```"
    (verdict,) = verify_many([Case(row["verifier"], row["answer"], f"<think>\n?\n</think>\n\n{response}", row)])
    assert verdict.outcome == outcome, verdict.note


def test_which_problems_there_are(problems):
    assert list(problems["livecodebench"]) == ["zzz901_a", "9901", "zzz902_c"]  # the fourth is from before the window
    assert list(problems["codeforces"]) == ["9001/A", "9001/B"]  # no dialogue, no files, no missing tests
    assert problems["codeforces"]["9001/B"]["difficulty"] == 1200
    assert json.loads(problems["livecodebench"]["9901"]["metadata"])["platform"] == "leetcode"


def test_what_is_asked(problems):
    texts = {row["problem_id"]: row["prompt"][0]["content"] for name in problems for row in problems[name].values()}
    assert "stdin" in texts["zzz901_a"] and "Two piles" in texts["zzz901_a"]
    assert "def longestEvenRun(self" in texts["9901"] and "stdin" not in texts["9901"]
    assert "2 seconds and 256 MB" in texts["9001/B"] and "Example output:\n```\n2 3\n```" in texts["9001/B"]
    assert "Note: Other splits" in texts["9001/B"] and "None" not in texts["9001/A"]


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ("no base64!", "cannot be decoded"),
        (base64.b64encode(b"no zlib").decode(), "cannot be decoded"),
        (encoded([1, 2]), "holds a list, not a text"),
        (encoded("no JSON"), "JSONDecodeError"),
        (encoded('{"input": 1}'), "no list of cases"),
        ("", "cannot be decoded"),
    ],
)
def test_tests_that_cannot_be_decoded_name_their_problem(tmp_path, tests, message):
    file = changed(tmp_path, "livecodebench", private_test_cases=tests)
    with pytest.raises(DataError, match=message) as error:
        sources.load_source(entry("livecodebench", file))
    assert "problem zzz901_a" in str(error.value) and "\n" not in str(error.value) and error.value.hint


class Hostile:
    """A pickle that makes a folder when it is read."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        import os

        return os.mkdir, (self.folder,)


def test_a_pickle_that_would_run_code_is_refused_and_does_not(tmp_path):
    place = tmp_path / "made"
    file = changed(tmp_path, "livecodebench", private_test_cases=encoded(Hostile(str(place))))
    with pytest.raises(DataError, match="asks for posix.mkdir"):
        sources.load_source(entry("livecodebench", file))
    assert not place.exists()
    pickle.loads(pickle.dumps(Hostile(str(place))))
    assert place.exists()  # it would have


def further(tmp_path):
    """A folder of further tests, and rows one of which needs it."""
    rows = [
        {"problem_id": problem, "input": given, "output": out, "test_case_i": n}
        for n, (problem, given, out) in enumerate(
            [("9001/C", "1\n7\n", "7\n"), ("9001/A", "3\n", "NO\n"), ("9001/C", "60000\n" + "1 " * 60000, "60000\n")]
        )
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "test_cases_9001.parquet")
    return entry("codeforces", tests=str(tmp_path))


@SANDBOX
def test_further_tests_come_from_the_folder_that_the_entry_names(tmp_path):
    rows = {row["problem_id"]: row for row in sources.load_source(further(tmp_path))}
    assert list(rows) == ["9001/A", "9001/B", "9001/C"]
    gold = rows["9001/C"]["answer"]
    assert len(gold) < 2000 and json.loads(gold)["encoded"]  # packed: they have 120,000 characters
    whole = "import sys\nprint(sum(map(int, sys.stdin.read().split()[1:])))"
    cut = "import sys\nprint(sum(map(int, sys.stdin.read().split()[1:1000])))"
    found = verify_many([Case("code", gold, f"```python\n{program}\n```") for program in (whole, cut)])
    assert [verdict.outcome for verdict in found] == ["correct", "wrong"]
    assert found[1].note == "3 of 4 passed"


def test_a_missing_file_of_further_tests_says_how_to_get_it(tmp_path):
    with pytest.raises(DataError, match="has no test_cases_9001.parquet") as error:
        sources.load_source(entry("codeforces", tests=str(tmp_path)))
    assert "hf download" in error.value.hint


@pytest.mark.parametrize("name", ["livecodebench", "codeforces"])
def test_large_data_sets_are_read_on_disk_and_are_the_same(name, monkeypatch):
    wanted = [dict(row) for row in sources.load_source(entry(name))]
    monkeypatch.setattr(readers, "BYTES", 1)
    monkeypatch.setattr(sources, "BYTES", 1)
    found = sources.load_source(entry(name))
    assert found.cache_files and [dict(row) for row in found] == wanted


def test_what_another_reader_made_is_not_taken_for_this_ones(monkeypatch, tmp_path):
    monkeypatch.setattr(readers, "BYTES", 1)
    monkeypatch.setattr(sources, "BYTES", 1)
    for word in ("one", "two"):
        module = tmp_path / f"{word}.py"
        module.write_text(
            f"def changed(row, entry):\n    return {{'question': '{word}', 'answer': 'x', 'task': ''}}\n"
        )
        space = {}
        exec(compile(module.read_text(), str(module), "exec"), space)
        monkeypatch.setitem(readers.READERS, "livecodebench", space["changed"])
        assert sources.load_source(entry("livecodebench"))[0]["question"] == word


def test_files_of_a_hub_data_set_are_read_by_name():
    folder = HUB_CACHE / "datasets--lab--contests" / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    lines = (ROWS / "livecodebench.jsonl").read_text().splitlines(keepends=True)
    for number, line in enumerate(lines[:3], start=3):
        (folder / f"test{number}.jsonl").write_text(line)
    (folder / "test.jsonl").write_text(lines[3])
    (folder / "contests.py").write_text("raise SystemExit('no script is run')\n")
    known = read_benchmark("livecodebench") | {"path": "lab/contests"}
    assert [row["problem_id"] for row in sources.load_source(known)] == ["zzz901_a", "9901", "zzz902_c"]
    only = known | {"files": ["test4.jsonl"]}
    assert [row["problem_id"] for row in sources.load_source(only)] == ["9901"]
    with pytest.raises(DataError, match="it has no file test9.jsonl at 0fe84c39; it has contests.py"):
        sources.load_source(known | {"files": ["test9.jsonl"]})


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"between": {"contest_date": ["2030-01", "2030-02"]}}, "2030-01 to 2030-02; it has 2024-03-09.* to 2025"),
        ({"between": {"contest_date": "2024"}}, "between: {contest_date: 2024}"),
        ({"between": ["2024", "2025"]}, "between: .'2024', '2025'"),
        ({"between": {"date": ["2024", "2025"]}}, "no column `date`"),
        ({"files": "test5.jsonl"}, "files: test5.jsonl"),
    ],
)
def test_a_window_that_cannot_be_read_says_so(own, message):
    with pytest.raises(DataError, match=message):
        sources.load_source(entry("livecodebench", **own))


@SANDBOX
def test_tests_with_signs_that_end_solutions_elsewhere_stay_whole(tmp_path):
    tests = [{"input": "2\n", "output": "####\n#..#\n"}]
    file = changed(tmp_path, "codeforces", official_tests=tests)
    (row,) = sources.load_source(entry("codeforces", file))
    (verdict,) = verify_many([Case("code", row["answer"], "```python\nprint('####\\n#..#')\n```")])
    assert verdict.correct
