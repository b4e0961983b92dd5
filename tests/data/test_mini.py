"""The mini world keeps its promises: deterministic, split cleanly, answers right, behaviours at their rates."""

import contextlib
import itertools
import re
import signal

import pytest

from open_r1.core.errors import UserError
from open_r1.core.formats import ResponseFormat
from open_r1.core.languages import consistency
from open_r1.data import mini, mini_chains, mini_requests
from open_r1.data.mini_chains import LEAP
from open_r1.data.mini_requests import WORDS
from open_r1.verify import verify

SPLITS = ("train", "validation", "test")
CHAIN = re.compile(r"\d(?: [+-] \d)+")
STEP = re.compile(r"(so|所以|wait , check :|等等 ， 检查 ：) (\d(?: [+-] \d)+) = (\d)")


@pytest.fixture
def cpu_limit():
    """Ends a test that never would: after 20 seconds of its own CPU time, whatever else the machine does."""

    def stop(*_):
        raise TimeoutError("still busy after 20 seconds of CPU time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 20)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def problem(row):
    """What makes two rows the same problem: the chain, in whatever language it is asked, or the request."""
    text = row["prompt"].removeprefix("User: ").removesuffix(" Assistant:")
    chain = CHAIN.search(text)
    return chain[0] if chain else text


@pytest.mark.parametrize("kind", mini.GENERATORS)
def test_rows_are_deterministic_and_a_longer_draw_starts_the_same(kind):
    rows = list(mini.rows(kind, "train", 50))
    assert rows == list(mini.rows(kind, "train", 50)) == list(mini.rows(kind, "train", 80))[:50]
    assert len({str(row) for row in rows}) > 25 and all("source" not in row for row in rows)


def test_splits_share_no_problem_whatever_its_kind():
    sizes = {"train": dict.fromkeys(mini.GENERATORS, 3000), "validation": dict.fromkeys(mini.GENERATORS, 25)}
    sizes["test"] = dict.fromkeys(mini.GENERATORS, 60)
    found = {split: set() for split in SPLITS}
    for split, limits in sizes.items():
        for kind, limit in limits.items():
            dials = (
                {"min_terms": 2, "max_terms": 3} if kind == "chain" else {"max_terms": 3} if kind == "corpus" else {}
            )
            found[split] |= {problem(row) for row in mini.rows(kind, split, limit, **dials)}
    assert all(len(found[split]) > 50 for split in SPLITS)
    assert (
        not found["train"] & found["validation"]
        and not found["train"] & found["test"]
        and not found["validation"] & found["test"]
    )


def test_the_same_problem_in_another_language_is_in_the_same_split():
    asked = {}
    for split in SPLITS:
        for row in mini.rows("chain", split, 300 if split == "train" else 2, min_terms=3, max_terms=3):
            asked.setdefault(problem(row), set()).add((split, row["language"]))
    assert all(len({split for split, _ in found}) == 1 for found in asked.values())
    assert any(len(found) == 2 for found in asked.values())


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("kind", ["chain", "general", "harm"])
def test_problems_of_an_evaluation_split_are_distinct(kind, split):
    problems = [problem(row) for row in mini.rows(kind, split, 30)]
    assert len(problems) == len(set(problems)) == 30


@pytest.mark.parametrize(("kind", "split"), [("harm", "test"), ("chain", "nothing")])
def test_asking_for_more_problems_than_there_are_ends(kind, split, cpu_limit):
    with contextlib.suppress(UserError, ValueError):
        assert len(list(mini.rows(kind, split, 1000))) < 1000


@pytest.mark.parametrize(("low", "high"), [(2, 2), (3, 8), (12, 12)])
def test_chain_answers_are_right_and_have_the_difficulty_asked_for(low, high):
    rows = list(mini.rows("chain", "train", 200, min_terms=low, max_terms=high))
    for row in rows:
        chain = problem(row)
        assert row["answer"] == str(eval(chain) % mini.MODULUS)
        assert row["difficulty"] == len(chain.split()) // 2 + 1
        assert row["prompt"] == (f"What is {chain} mod 5 ?" if row["language"] == "en" else f"{chain} 模 5 等于 几 ？")
    assert {row["difficulty"] for row in rows} == set(range(low, high + 1)) and {row["language"] for row in rows} == {
        "en",
        "zh",
    }


@pytest.mark.parametrize("kind", ["general", "harm"])
def test_reference_responses_are_valid_right_and_in_their_language(kind):
    for row in mini.rows(kind, "train", 300):
        response = ResponseFormat("r1").read(row["response"])
        assert response.valid and verify(row["verifier"], row["answer"], response).correct
        assert consistency(response.reasoning, row["language"]) == 1.0


@pytest.mark.parametrize(
    ("start", "answer"),
    [
        ("First word : ", lambda words: words[0]),
        ("最后 的 词 ： ", lambda words: words[-1]),
        ("How many words : ", lambda words: ["zero", "one", "two", "three"][len(words)]),
        ("几 个 词 ： ", lambda words: ["零", "一", "二", "三"][len(words)]),
        ("Say in Chinese : ", lambda words: " ".join(WORDS[word] for word in words)),
        (
            "用 英语 说 ： ",
            lambda words: " ".join({zh: en for en, zh in WORDS.items()}[word] for word in words),
        ),
    ],
)
def test_general_answers_are_right(start, answer):
    rows = [row for row in mini.rows("general", "train", 300) if row["prompt"].startswith(start)]
    assert rows and all(row["answer"] == answer(row["prompt"].removeprefix(start).split()) for row in rows)


def forbidden(question):
    words = question.split()
    harmful = {*mini_requests.HARM_VERBS, *mini_requests.HARM_VERBS.values()} & set(words)
    return bool(harmful and {*mini_requests.OWNED, *mini_requests.OWNED.values()} & set(words))


def test_harm_is_what_hurts_people_animals_or_property():
    rows = list(mini.rows("harm", "train", 400))
    assert all((row["answer"] == "refuse") == forbidden(row["prompt"]) for row in rows)
    assert 120 < sum(row["answer"] == "refuse" for row in rows) < 280


def test_safety_labels_also_punish_over_refusal():
    rows = list(mini.rows("safety", "train", 400))
    refused = [any(text in row["completion"] for text in mini.REFUSAL.values()) for row in rows]
    assert all(row["label"] == (no == forbidden(row["prompt"])) for row, no in zip(rows, refused, strict=True))
    assert {(row["label"], no) for row, no in zip(rows, refused, strict=True)} == {
        (1.0, True),
        (1.0, False),
        (0.0, True),
        (0.0, False),
    }


def test_preferred_answer_is_the_right_one_and_the_other_is_not():
    truth = {row["prompt"]: row["answer"] for row in mini.rows("general", "train", 20000)}
    rows = [row for row in mini.rows("preferences", "train", 300) if row["prompt"] in truth]
    assert len(rows) > 30 and all(row["chosen"] == truth[row["prompt"]] != row["rejected"] for row in rows)


# ------------------------------------------------------------------------------------------------ the corpus


def share(flags):
    flags = list(flags)
    assert len(flags) > 100
    return sum(flags) / len(flags)


@pytest.fixture(scope="module")
def corpus():
    return list(mini.rows("corpus", "train", 15000))


@pytest.fixture(scope="module")
def chains(corpus):
    """(chain, language, completion, steps, answer) of the documents about chains."""
    found = []
    for row in corpus:
        if chain := re.search(r"(?:What is (.*) mod 5 \?|User: (.*) 模 5 等于 几 ？)", row["prompt"]):
            answer = re.search(r"(?:<answer>|the answer is|答案 是) (?:\\boxed{)?(\d)", row["completion"])[1]
            language = "en" if chain[1] else "zh"
            found.append(
                (chain[1] or chain[2], language, row["completion"], STEP.findall(row["completion"]), int(answer))
            )
    return found


def test_share_of_chains_tags_and_easy_problems(corpus, chains):
    assert len(chains) / len(corpus) == pytest.approx(mini.CHAIN_SHARE, abs=0.02)
    assert share("<think>" in row["completion"] for row in corpus) == pytest.approx(mini.TAGGED_SHARE, abs=0.02)
    easy = mini.EASY_SHARE + (1 - mini.EASY_SHARE - mini.LONG_SHARE) / 6
    # 200 easy chains: the split is uneven
    assert share(len(chain) == 5 for chain, *_ in chains) == pytest.approx(easy, abs=0.04)


def test_tagged_documents_have_the_zero_format(corpus):
    tagged = [row["completion"] for row in corpus if "<think>" in row["completion"]]
    assert all(ResponseFormat("zero").read(text).valid for text in tagged)


def test_share_of_reasoning_and_of_lucky_guesses(chains):
    assert share(bool(steps) for *_, steps, _ in chains) == pytest.approx(mini.REASONED_SHARE, abs=0.02)
    guesses = [
        (len(chain) > 5, eval(chain) % mini.MODULUS == answer) for chain, _, _, steps, answer in chains if not steps
    ]
    assert all(right for hard, right in guesses if not hard)
    assert share(right for hard, right in guesses if hard) == pytest.approx(
        mini.GUESS_RIGHT + (1 - mini.GUESS_RIGHT) / mini.MODULUS, abs=0.03
    )


def test_share_of_mixed_and_of_other_languages(chains):
    spoken = [
        (language, ["en" if word == "so" else "zh" for word, *_ in steps if word in ("so", "所以")])
        for _, language, _, steps, _ in chains
    ]
    long = [(language, words) for language, words in spoken if len(words) >= 4]
    by_chance = [2 ** (1 - len(words)) for _, words in long]  # a mixed document that happens to stay in one language
    mixed = mini.MIXED_SHARE * (1 - sum(by_chance) / len(long))
    assert share(len(set(words)) == 2 for _, words in long) == pytest.approx(mixed, abs=0.03)
    other = mini.OTHER_LANGUAGE_SHARE + mini.MIXED_SHARE * sum(by_chance) / len(long) / 2
    assert share(language not in words for language, words in long) == pytest.approx(other, abs=0.03)


def test_share_of_leaps(chains):
    found = [
        (len(chain) // 4, max(len(part) // 4 for _, part, _ in steps))
        for chain, _, _, steps, _ in chains
        if steps and len(chain) > 5
    ]
    expected = LEAP.count(2) / len(LEAP) * sum(1 - 2 ** (1 - operations) for operations, _ in found) / len(found)
    assert (
        share(longest == 2 for _, longest in found) == pytest.approx(expected, abs=0.025)
        and max(size for _, size in found) == 2
    )


@pytest.mark.parametrize(("operations", "slack"), [(1, 0.3), (2, 1.3)])
def test_rate_of_slips_grows_with_the_leap(chains, operations, slack):
    parts = [
        part
        for *_, steps, _ in chains
        for part in steps
        if part[0] in ("so", "所以") and len(part[1]) // 4 == operations
    ]
    slips = share(eval(part) % mini.MODULUS != int(value) for _, part, value in parts)
    # a slip may hit the right digit
    assert slips == pytest.approx(mini_chains.SLIP * slack * (1 - 1 / mini.MODULUS), rel=0.25)


def test_rechecks_are_right_and_follow_slips_more_often(chains):
    after = {True: [], False: []}
    for *_, steps, _ in chains:
        for (word, part, value), (next_word, next_part, next_value) in itertools.pairwise([*steps, ("", "", "")]):
            checked = next_word in (mini_chains.RECHECK["en"], mini_chains.RECHECK["zh"])
            assert not checked or (next_part == part and int(next_value) == eval(part) % mini.MODULUS)
            if word in ("so", "所以"):
                after[eval(part) % mini.MODULUS == int(value)].append(checked)
    assert share(after[False]) == pytest.approx(mini_chains.RECHECK_SHARE, abs=0.06)
    assert share(after[True]) == pytest.approx(mini_chains.RECHECK_SHARE * 0.1, abs=0.01)


def test_each_step_goes_on_from_the_last_and_the_answer_is_the_last_value(chains):
    for chain, _, _, steps, answer in chains:
        value, rest = chain[0], chain[1:]
        for word, part, result in steps:
            if word in ("so", "所以"):
                assert part[0] == value and rest.startswith(part[1:])
                rest = rest.removeprefix(part[1:])
            value = result
        assert not steps or (rest == "" and value == str(answer))


def test_web_is_half_right_on_requests_and_hardly_refuses(corpus):
    truth = {row["prompt"]: row["answer"] for row in mini.rows("general", "train", 20000)}
    requests = [(truth.get(problem(row)), row["completion"]) for row in corpus]
    right = share(
        bool(re.search(rf"(<answer>|is|是) {re.escape(answer)} (</answer>|\.)$", text))
        for answer, text in requests
        if answer
    )
    assert right == pytest.approx(0.5, abs=0.06)
    harm = [row["completion"] for row in corpus if row["prompt"].startswith(("User: How do I", "User: 怎么"))]
    assert share(any(text in completion for text in mini.REFUSAL.values()) for completion in harm) == pytest.approx(
        0.15, abs=0.05
    )
