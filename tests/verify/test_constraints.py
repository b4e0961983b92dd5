"""Instructions that can be checked: each one followed and not, in both forms of gold."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from languages import SAMPLES

from open_r1.verify import verify
from open_r1.verify.constraints import CHECKS, followed, judge, read_gold

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)

THREE = "First paragraph.\n\nSecond one.\n\nThird, the last."
FIVE = "  This is long.\n\n  More than three?\n\n  {}\n\n  Proof of it.\n\n  Haha, you see."
PARIS = "\n  Paris loves romance. A romantic river winds through it, past the museum where the Mona Lisa hangs.\n"
# Instruction, its arguments, texts that follow it, texts that do not. The cases of IF-Eval's authors (google-research,
# instruction_following_eval/instructions_test.py and instructions_util_test.py) are among them, in other words and
# with their verdicts.
FOLLOWED = [
    (
        "keywords:existence",
        {"keywords": ["cat", "red dog"]},
        ["A Cat and a red dog.", "Cats and a red dogma."],
        ["A cat.", "A cat and a reddish dog."],
    ),
    (
        "keywords:existence",
        {"keywords": ["romantic", "river", "Mona Lisa"]},
        [PARIS],
        ["Paris is romantic, on a river, with a museum."],
    ),
    (
        "keywords:forbidden_words",
        {"forbidden_words": ["cat", "dog"]},
        ["A bird.", "Cats category."],
        ["A CAT.", "no dog", "cat, it is"],
    ),
    (
        "keywords:forbidden_words",
        {"forbidden_words": ["HOUSE", "POWER", "BECOME"]},
        ["The dinosaurs became extinct.", "A powerful model of language."],
        ["He came to power and\n  had become a dictator."],
    ),
    (
        "keywords:forbidden_words",
        {"forbidden_words": ["GENE", "TRANSFORM"]},
        ["A generative transformer."],
        ["To transform it."],
    ),
    ("keywords:forbidden_words", {"forbidden_words": ["C++", "(x)"]}, ["C and x"], ["C++ it is", "f(x)"]),
    (
        "keywords:frequency",
        {"keyword": "  cat ", "frequency": 2, "relation": "at least"},
        ["cat cats", "Cat, cat and CAT.", "*cat\n *CAT", "concatenated cat"],
        ["cat ca t", "none"],
    ),
    ("keywords:frequency", {"keyword": "cat", "frequency": 2, "relation": "less than"}, ["cat", "none"], ["cat cat"]),
    (
        "keywords:letter_frequency",
        {"letter": "T", "let_frequency": 4, "let_relation": "at least"},
        ["There is the T. Four T's.", "tttt"],
        ["The T.", "none of it"],
    ),
    (
        "keywords:letter_frequency",
        {"letter": "a", "let_frequency": 4, "let_relation": "less than"},
        ["asdf!!aA", "no"],
        ["AaAa"],
    ),
    (
        "keywords:letter_frequency",
        {"letter": "#", "let_frequency": 3, "let_relation": "at least"},
        ["#one #two #three"],
        ["#one #two"],
    ),
    (
        "language:response_language",
        {"language": "en"},
        ["This is the answer to that.", "The answer is English", "We went to see the Louvre", "All of it"],
        ["Das ist die Antwort auf das.", "这是答案", "это ответ", "...", "12"],
    ),
    ("language:response_language", {"language": "zh-CN"}, ["这是答案"], ["This is the answer.", "これは答えです"]),
    (
        "language:response_language",
        {"language": "de"},
        ["Das ist nicht die Antwort auf die Frage."],
        ["This is not the answer."],
    ),
    (
        "language:response_language",
        {"language": "es"},
        ["Comimos en McDonald's ayer por la noche"],
        ["We ate there yesterday"],
    ),
    (
        "length_constraints:number_words",
        {"num_words": 4, "relation": "at least"},
        ["one two three 4", "word1, word2, word3, word4.", "it's well-known", "我爱你们"],
        ["one two three", "well-known x_y", "我爱你"],
    ),
    (
        "length_constraints:number_words",
        {"num_words": 4, "relation": "less than"},
        ["one two - &"],
        ["w1tH w0rdS & sp4ce 2"],
    ),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 4, "relation": "at least"},
        [
            "yy,y. yy,y! yy|y. y&y y?",
            "One. Two! Three? Four.",
            "一句。两句！三句。四句。",
            '"One." Two. (Three.) Four',
            "1. One.\n2. Two.",
        ],
        [
            "yy-y]yy,y! y{y}yy,y.",
            "One. Two! Three.",
            "One.Two.Three.Four.",
            "Mr. A. Doe e-mailed Dr. Roe at 5 p.m. on Jan. 2.",
        ],
    ),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 4, "relation": "less than"},
        ["yy,y! yyyy. y(y)y?", "Only one?", "1. one\n2. two\n3. three\n4. four", "Wait... what... is... this"],
        ["yy,y. yy,y! yy/y. y{y}y?", "He left at 5 p.m. Then he slept. So did we. The end."],
    ),
    (
        "length_constraints:number_paragraphs",
        {"num_paragraphs": 3},
        [
            "One\n***\nTwo\n***\nThree",
            "One *** two *** three",
            "\n   ***\n one\n   ***\n two\n   ***\n three",
            "a***b***c***",
        ],
        ["One", THREE, "One\n***\nTwo", "a\n***\nb\n***\n***\nc", "a\n***\nb\n***\nc\n***\nd"],
    ),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, ["a\n***\nb"], ["a\n  ***\n b\n  ***\n  ***"]),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 3, "nth_paragraph": 2, "first_word": "second"},
        [THREE, 'a\n\n"Second, b"\n\nc', "a\n\nsecond's\n\nc"],
        ["Second\n\na\n\nb", "a\n\nsecond", "a\n\nSeconds\n\nc", "a\n\n**Second** b\n\nc"],
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 5, "nth_paragraph": 3, "first_word": "Really"},
        [FIVE.format("Really more?"), FIVE.format('"Really?! no way!"')],
        [FIVE.format("Rea!lly more?")],
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 5, "nth_paragraph": 5, "first_word": "haha"},
        [FIVE.format("x")],
        [],
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 1, "nth_paragraph": 4, "first_word": "a"},
        [],
        ["a", "a\n\nb\n\nc\n\na"],
    ),
    (
        "detectable_content:number_placeholders",
        {"num_placeholders": 2},
        ["Dear [name], at [address] or [x]", "[Name]\n[Phone]\n", "[] []"],
        ["Dear [name]", "[", "[a\nb] [c]", "[[a]"],
    ),
    (
        "detectable_content:postscript",
        {"postscript_marker": "P.S."},
        [
            "Text\nP.S. more",
            "Text\n\n  p.s. more",
            "Text. (in its line) P.S. more",
            "Text.\n P. S. with a space",
            "P.S.",
        ],
        ["Text\nPS: more", "PxSx more"],
    ),
    (
        "detectable_content:postscript",
        {"postscript_marker": "P.P.S"},
        ["Text\nP.P.S. more\n\nAnd?", "p.p.s more"],
        ["Text\nP.S. more"],
    ),
    ("detectable_content:postscript", {"postscript_marker": "PS:"}, ["Text\nps: more"], ["Text\nP.S. more"]),
    (
        "detectable_format:number_bullet_lists",
        {"num_bullets": 2},
        ["* a\n* b", "- a\n  - b", "*a\n-b", "Inline * and *, are none:\n  * a\n  * b\n  . c", "* a\n---"],
        ["* a", "* a\n* b\n* c", "1. a\n2) b", "• a\n• b", "a * b\nc - d"],
    ),
    (
        "detectable_format:number_bullet_lists",
        {"num_bullets": 1},
        [" One\n ***\n Two\n ***\n * three"],
        ["**a**", "*"],
    ),
    (
        "detectable_format:number_highlighted_sections",
        {"num_highlights": 2},
        ["*one* and **two**", "you would type:*one*, or **two** ", "2*3*4 *a*"],
        ["*one*", "**a**", "**", "****", "\n *One\n *Two*\n *Three\n"],
    ),
    (
        "detectable_format:number_highlighted_sections",
        {"num_highlights": 4},
        ["*Two of* them *in one*\nline. **And this** and **that.**"],
        ["*a* *b* *c*"],
    ),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "Section", "num_sections": 2},
        ["Section 1\na\n## Section 2\nb", "**Section 1**\n**Section 2**", "see Section1 and Section 2"],
        ["Section 1\na", "SECTION 1\nSECTION 2", "Section I\nSection II"],
    ),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "SECTION", "num_sections": 2},
        ["SECTION 1\n a\n SECTION 2\n b"],
        ["x"],
    ),
    (
        "detectable_format:constrained_response",
        {},
        [
            "My answer is yes.",
            "\n My answer is no.\n",
            "My answer is maybe.   ",
            "\n  My answer is no. I am still learning\n  to be the best.",
        ],
        ["My answer is yes", "Yes.", "my answer is no."],
    ),
    (
        "detectable_format:json_format",
        {},
        ['{"a": [1]}', '```json\n{"a": 1}\n```', "```\n[]\n```", "7", " ```JSON\n{}```"],
        ["{a: 1}", "It is {}", "[" * 100_000, "9" * 5000, "```python\n{}\n```"],
    ),
    (
        "detectable_format:title",
        {},
        ["<<A title>>\ntext", "Is it fine at the end?\n <<A title>>", "<<<T>>>", "<<a>> <<b>>"],
        ["<A title>", "<<>>", "<< >>\nNo title.", "<<Not a\ntitle.>>", ">>a<<", "<<>>>"],
    ),
    (
        "combination:two_responses",
        {},
        ["One\n******\nTwo", "\n ******\n One\n ******\n Two\n ******\n"],
        [
            "One",
            "One\n******\nOne",
            "One\n******\nTwo\n******\nThree",
            "One\n******\n",
            "One\n******\n******\nTwo",
            "******",
        ],
    ),
    (
        "combination:repeat_prompt",
        {"prompt_to_repeat": "Say it. "},
        ["Say it.\nIt.", "  SAY IT. It."],
        ["It. Say it.", "Say"],
    ),
    (
        "startend:end_checker",
        {"end_phrase": "\n  The end.\n"},
        ["Once. The end.", "I must say this is the END. ", '"Once. The end."'],
        ["The end. Once.", "The end"],
    ),
    ("startend:start_checker", {"start_phrase": "Once"}, ["Once upon", '"once'], ["At once", "On"]),
    ("startend:quotation", {}, ['"All of it."', ' "a" ', '""', '\n  "All of it."\n'], ['"Part" of it', '"', "'a'"]),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 3, "capital_relation": "at least"},
        ["HERE are THREE FUlly BIG words.", "I am A USER", "DON'T SHOUT", "AT&T-U I"],
        ["THIS is A", "none", "NASA-ESA U.S."],
    ),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 5, "capital_relation": "less than"},
        ["THESE are Four FULLY BIG WORDS. Many Others Are Not."],
        ["ONE TWO THREE FOUR FIVE"],
    ),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 1, "capital_relation": "less than"},
        ["an Nlp"],
        ["I am", "an NLP"],
    ),
    (
        "change_case:english_capital",
        {},
        ["ALL OF IT: 7!", "THIS IS AN ENGLISH SENTENCE. EACH LETTER IS BIG!!!"],
        ["ALL Of IT", "Every Word Is Big.", "7", "DAS IST NICHT DIE ANTWORT"],
    ),
    (
        "change_case:english_lowercase",
        {},
        ["all of it: 7!", "each letter is small."],
        ["all Of it", "Almost each letter is small.", "7", "das ist nicht die antwort"],
    ),
    (
        "punctuation:no_comma",
        {},
        ["none; at all", "Short. There is no need."],
        ["one, two", "一，二", "Since the start, they are."],
    ),
]
CASES = [
    pytest.param(name, arguments, text, score, id=f"{name} {index}")
    for index, (name, arguments, right, wrong) in enumerate(FOLLOWED)
    for text, score in [(text, 1.0) for text in right] + [(text, 0.0) for text in wrong]
]


@pytest.mark.parametrize(("name", "arguments", "text", "score"), CASES)
def test_instructions_are_followed_or_not(name, arguments, text, score):
    assert judge(json.dumps([{"id": name, **arguments}]), text) == score
    filled = {key: None for key in ("num_words", "keywords", "relation")} | arguments  # as google/IFEval stores them
    assert judge(json.dumps({"instruction_id_list": [name], "kwargs": [filled]}), text) == score


def test_every_instruction_has_both_cases():
    tried = {(case.values[0], case.values[3]) for case in CASES}
    assert tried == {(name, score) for name in CHECKS for score in (0.0, 1.0)}


@pytest.mark.parametrize(
    ("relation", "counts"),
    [
        ("at least", [2, 3]),
        ("at most", [0, 1, 2]),
        ("less than", [0, 1]),
        ("more than", [3]),
        ("exactly", [2]),
        (None, [2, 3]),
    ],
)
def test_relations(relation, counts):
    arguments = {"keyword": "cat", "frequency": 2} | ({"relation": relation} if relation else {})
    gold = json.dumps([{"id": "keywords:frequency", **arguments}])
    assert [count for count in range(4) if judge(gold, "text " + "cat " * count) == 1.0] == counts


COMMA, QUOTED, TITLE = {"id": "punctuation:no_comma"}, {"id": "startend:quotation"}, {"id": "detectable_format:title"}


@pytest.mark.parametrize(
    ("instructions", "text", "outcome", "score"),
    [
        ([COMMA], "no", "correct", 1.0),
        ([COMMA, QUOTED], '"no"', "correct", 1.0),
        ([COMMA, QUOTED], "no", "wrong", 0.5),
        ([COMMA, QUOTED, TITLE], "no", "wrong", 1 / 3),
        ([COMMA, QUOTED], "no, no", "wrong", 0.0),
        ([COMMA], "<think> a, b </think> no", "correct", 1.0),
        ([COMMA], "<think> a, b", "no_answer", 0.0),
        ([COMMA], "", "no_answer", 0.0),
    ],
)
def test_score_is_the_share_of_followed_instructions(instructions, text, outcome, score):
    verdict = verify("constraints", json.dumps(instructions), text)
    assert verdict.outcome == outcome and verdict.score == pytest.approx(score)


@pytest.mark.parametrize(
    "gold",
    [
        "",
        "no commas",
        "5",
        "null",
        '"punctuation:no_comma"',
        "[]",
        "{}",
        "[5]",
        '["punctuation:no_comma"]',
        '[{"name": "punctuation:no_comma"}]',
        '[{"id": "unknown:instruction"}]',
        '[{"id": "punctuation:no_comma"}, {"id": "unknown:instruction"}]',
        '{"instruction_id_list": ["punctuation:no_comma"]}',
        '{"instruction_id_list": ["punctuation:no_comma"], "kwargs": []}',
        '{"instruction_id_list": ["punctuation:no_comma"], "kwargs": ["x"]}',
        '{"instruction_id_list": "punctuation:no_comma", "kwargs": [{}]}',
        *[
            json.dumps([{"id": name}])
            for name, arguments in {case.values[0]: case.values[1] for case in CASES}.items()
            if arguments
        ],
        '[{"id": "keywords:existence", "keywords": null}]',
        '[{"id": "keywords:existence", "keywords": 5}]',
        '[{"id": "length_constraints:number_words", "num_words": "many"}]',
        '[{"id": "keywords:letter_frequency", "letter": 5, "let_frequency": 1}]',
        '[{"id": "keywords:letter_frequency", "letter": "ab", "let_frequency": 1}]',
        '[{"id": "keywords:letter_frequency", "letter": "a", "let_frequency": -1}]',
        '[{"id": "keywords:existence", "keywords": "cat"}]',
        '[{"id": "keywords:existence", "keywords": ["cat", ""]}]',
        '[{"id": "keywords:frequency", "keyword": "cat", "frequency": 1, "relation": "around"}]',
        '[{"id": "length_constraints:number_words", "num_words": Infinity}]',
        '[{"id": "language:response_language", "language": "klingon"}]',
        '[{"id": ["x"]}]',
    ],
)
def test_what_cannot_be_read_is_a_bad_gold(gold):
    assert verify("constraints", gold, "some text").outcome == "bad_gold"


@pytest.mark.parametrize(("language", "text"), SAMPLES.items())
def test_all_languages_of_the_authors_verify(language, text):
    verdicts = {
        code: judge(json.dumps([{"id": "language:response_language", "language": code}]), text) for code in SAMPLES
    }
    assert [code for code, score in verdicts.items() if score == 1.0] == [language]


@pytest.mark.parametrize(
    ("name", "arguments", "text", "strict", "loose"),
    [
        ("punctuation:no_comma", {}, "Sure, here it is:\nno comma", False, True),
        ("punctuation:no_comma", {}, "no comma\nHope it helps, friend", False, True),
        ("punctuation:no_comma", {}, "Well,\nno comma\nBye, friend", False, True),
        ("punctuation:no_comma", {}, "one, two", False, False),
        ("startend:quotation", {}, '**"all of it"**', False, True),
        # nothing is not one
        ("length_constraints:number_words", {"num_words": 2, "relation": "less than"}, "one two", False, False),
    ],
)
def test_loose_scores_allow_a_frame_around_the_answer(name, arguments, text, strict, loose):
    gold = json.dumps([{"id": name, **arguments}])
    assert (followed(gold, text), followed(gold, text, loose=True)) == ([strict], [loose])


REPEATED = [
    "a",
    "A ",
    "\n",
    "*",
    "** ",
    "[",
    "<<",
    ">>",
    "P.",
    "Section",
    "1",
    "{",
    "`",
    '"',
    "- ",
    ".",
    "a. ",
    "。",
    "人",
    "N'T",
    "\ud800",
]
ARGUMENTS = {key: value for _, arguments, *_ in FOLLOWED for key, value in arguments.items()}


@pytest.mark.parametrize("name", CHECKS)
def test_long_texts_are_judged_in_time_that_grows_with_them(name):
    gold = json.dumps([{"id": name, **ARGUMENTS}])
    began = time.process_time()
    assert all(judge(gold, text * (200_000 // len(text))) in (0.0, 1.0) for text in REPEATED)
    assert time.process_time() - began < 60  # of CPU time: 0.5 s; hours if it grew with the square


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(CHECKS)),
    st.fixed_dictionaries(
        {}, optional={key: st.one_of(JSON_VALUES, st.just(value)) for key, value in ARGUMENTS.items()}
    ),
    st.text(alphabet=st.one_of(st.sampled_from("aA .,*-\n[]<>\"'{}1人"), st.characters())),
)
def test_nothing_raises(name, arguments, text):
    assert judge(json.dumps([{"id": name, **arguments}]), text) in (None, 0.0, 1.0)
    assert judge(text, text) is None or text.strip().startswith(("[", "{"))


def test_arguments_that_are_null_count_as_missing():
    gold = '[{"id": "keywords:frequency", "keyword": "cat", "frequency": 1, "relation": null}]'
    assert read_gold(gold) == [("keywords:frequency", {"id": "keywords:frequency", "keyword": "cat", "frequency": 1})]
    assert judge(gold, "a cat") == 1.0


@pytest.mark.parametrize(
    ("name", "key", "score"), [("existence", "keywords", 1.0), ("forbidden_words", "forbidden_words", 0.0)]
)
def test_words_are_found_in_chinese_text(name, key, score):
    assert judge(json.dumps([{"id": f"keywords:{name}", key: ["猫"]}]), "我喜欢猫。") == score
