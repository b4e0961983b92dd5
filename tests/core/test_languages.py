"""Languages are counted in words; formulas, code and digits are none."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from languages import SAMPLES

from open_r1.core.formats import Response
from open_r1.core.languages import (
    WRITTEN_IN,
    consistency,
    find_words,
    is_mixed,
    language_code,
    main_language,
    reflections,
)
from open_r1.rewards.language import LanguageReward


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        ("", 0, 0),
        ("so it is seven", 4, 0),
        ("所以是七", 0, 4),
        ("so 所以 it", 2, 2),
        ("3 + 8 = 11 , x y", 0, 0),
        ("naïve Ångström", 2, 0),
        (r"\frac{1}{2} and \alpha", 1, 0),
        (r"so $abc + def$ and \(ghi\) or \[jkl\]", 3, 0),
        ("use `print` or ```python\nfor x in range\n``` here", 3, 0),
        ("<think> so </think> <answer> 七 </answer>", 1, 1),
        ("，。：？", 0, 0),
        ("so $$abc$$ it", 2, 0),
        ("$5 and `so it", 3, 0),
        (r"\(abc it \(def\) so", 3, 0),
    ],
)
def test_words_are_counted_by_script(text, en, zh):
    counts = {script: len(words) for script, words in find_words(text).items()}
    assert (counts["latin"], counts["han"], sum(counts.values())) == (en, zh, en + zh)


@pytest.mark.parametrize(
    ("text", "language", "share"),
    [
        ("so it 所以", "en", 0.5),
        ("so it 所以", "zh", 0.5),
        ("so it is 七", "en", 0.75),
        ("so", "zh", 0.0),
        ("所以", "zh", 1.0),
        ("1 + 1", "en", None),
        ("der Hund", "de", 1.0),
        ("これは漢字", "ja", 1.0),
        ("это so", "ru", 0.5),
        ("한국어 so", "ko", 0.5),
        ("so", "ta", 0.0),
        ("அது so", "ta", 0.5),
        ("so", "kn", 0.0),
        ("so", None, None),
        ("so", "klingon", None),
    ],
)
def test_consistency_is_the_share_of_the_language(text, language, share):
    assert consistency(text, language) == share


@pytest.mark.parametrize(
    ("text", "mixed"),
    [("so 所", True), ("so it", False), ("所以", False), ("", False), ("所以 $so$ x", False), ("これは漢字", False)],
)
def test_text_is_mixed_if_it_has_words_of_both_languages(text, mixed):
    assert is_mixed(text) is mixed


@pytest.mark.parametrize(
    ("text", "count"),
    [("Wait , check : wrong", 3), ("等等 ， 检查 ：", 2), ("awaiting checks", 0), ("so it is", 0), ("HOWEVER", 1)],
)
def test_reflection_markers_are_whole_words(text, count):
    assert reflections(text) == count


@pytest.mark.parametrize(("language", "text"), SAMPLES.items())
def test_languages_are_told_apart(language, text):
    assert main_language(text) == language and consistency(text, language) == 1.0


RICH = [
    code
    for code in ("en", "de", "fr", "es", "it", "pt", "pl", "vi", "ru", "uk", "bg")
    if len(set(SAMPLES[code].split())) > 22
]


@pytest.mark.parametrize("asked", RICH)
@pytest.mark.parametrize("thought", RICH)
def test_languages_of_one_script_are_told_apart_in_rich_texts(asked, thought):
    text = " ".join([SAMPLES[thought].replace(", ", ", $x$ ")] * 8)
    assert consistency(text, asked) == (1.0 if thought == asked else 0.0)


def test_languages_of_one_script_count_as_one_where_few_words_tell():
    assert consistency("so it is " * 100, "de") == 1.0
    assert consistency(SAMPLES["en"], "de") == 0.0 and consistency(SAMPLES["en"][:60], "de") == 1.0
    assert consistency((SAMPLES["en"] + " ") * 8 + (SAMPLES["de"] + " ") * 8, "de") == 0.5


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is 3 + 4 ?", "en"),
        ("Compute $x$ where f(x)=2", "en"),
        ("How many positive divisors does 196 have?", "en"),
        ("Natalia sold clips to 48 of her friends in April.", "en"),
        ("Löse die Gleichung $x^2=4$.", "de"),
        ("¿Cuánto es 3 + 4?", "es"),
        ("3 + 4 模 5 等于 几 ？", "zh"),
        ("これは何ですか", "ja"),
        ("Find x", None),
        ("$x^2$", None),
        ("3 + 4", None),
        ("", None),
        ("```python\nfor word in words: print(word)\n```", None),
    ],
)
def test_the_language_of_a_question_is_told_or_none(text, language):
    assert main_language(text) == language


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("zh-CN", "zh"),
        ("zh_Hans", "zh"),
        ("python", None),
        ("English", None),
        (None, None),
        (7, None),
    ],
)
def test_codes_of_languages(value, code):
    assert language_code(value) == code


@pytest.mark.parametrize(
    ("language", "reasoning", "score"),
    [("en", "so it is", 1.0), ("en", "所以", 0.0), ("ta", "so it is", 0.0), (None, "so it is", None), ("en", "", 0.0)],
)
def test_the_reward_does_not_apply_where_the_language_is_not_known(language, reasoning, score):
    response = Response(reasoning, True, reasoning, "", "")
    assert LanguageReward(None).score(response, {"language": language}) == score


OPENED = [
    "$",
    "`",
    "```",
    "\\(",
    "\\[",
    "\\(\\[$",
    "<",
    "</",
    "<a",
    "\\",
    "\\a",
    "$a",
    "```a",
    "\\(aaaa",
    "ab",
    "a ",
    "人",
    "த",
    "\ud800",
]


@pytest.mark.parametrize("text", OPENED)
def test_what_is_left_open_costs_no_time(text):
    long = (text * 200_000)[:200_000]
    began = time.process_time()
    consistency(long, "en"), main_language(long), is_mixed(long)
    assert time.process_time() - began < 20  # of CPU time: some 20 ms; minutes if it grew with the square


@settings(max_examples=500)
@given(
    st.text()
    | st.lists(st.sampled_from([*OPENED, "so it ", "所以", "\\)", "\\]", "\n", "é", "٣"]), max_size=30).map("".join)
)
def test_any_text_has_a_share_and_a_language_or_none(text):
    assert main_language(text) in {None, *WRITTEN_IN}
    for language in ("en", "zh", "ta", "ja", None):
        share = consistency(text, language)
        assert share is None or 0 <= share <= 1
