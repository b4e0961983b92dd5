"""Responses are taken apart the same way whatever their shape."""

import pytest

from open_r1.core.answers import last_boxed
from open_r1.core.formats import ResponseFormat, completion_text

ZERO, R1, PREFILLED = ResponseFormat("zero"), ResponseFormat("r1"), ResponseFormat("r1", prefilled=True)


# A final part that is nothing but a value is the answer; words, sums and lists are no value.
ALONE = {"42": "42", "-3/4.": "-3/4", "1,000": "1,000", "50%": "50%", "x+1": "x+1", r"2\sqrt{3}": r"2\sqrt{3}"}
ALONE |= {"9 * 9 = 81.": "81", "3 + 4 + 5 = 7 + 5 = 12": "12"}
ALONE |= dict.fromkeys(
    (
        "5 apples",
        "3 + 4",
        "12 = 3*4",
        "3x = 12",
        "x = 1 or x = 2",
        "if x = 1",
        "x != 3",
        "1)",
        "a",
        "so\n\n7",
        "1.\n2.\n3.",
    )
)


@pytest.mark.parametrize(
    ("form", "text", "reasoning", "final", "answer"),
    [
        (ZERO, "<think> a </think> <answer> 7 </answer>", "a", "7", "7"),
        (ZERO, "\n<think>a\nb</think>\n\n<answer>7</answer>\n", "a\nb", "7", "7"),
        (ZERO, r"<think> a </think> <answer> so \boxed{7} </answer>", "a", r"so \boxed{7}", "7"),
        (R1, r"<think> a </think> It is \boxed{7}.", "a", r"It is \boxed{7}.", "7"),
        (
            R1,
            r"<think> \boxed{1} </think> It is \boxed{2}, no, \boxed{3}.",
            r"\boxed{1}",
            r"It is \boxed{2}, no, \boxed{3}.",
            "3",
        ),
        (R1, "<think> a </think> hello", "a", "hello", None),
        *((R1, f"<think> a </think>\n\n{value}", "a", value, said) for value, said in ALONE.items()),
        (PREFILLED, r" a </think> \boxed{7}", "a", r"\boxed{7}", "7"),
        (ResponseFormat("zero", prefilled=True), " a </think> <answer> 7 </answer>", "a", "7", "7"),
    ],
)
def test_valid_response_is_read_in_its_parts(form, text, reasoning, final, answer):
    response = form.read(text)
    assert response.valid
    assert (response.reasoning, response.final, response.answer) == (reasoning, final, answer)


@pytest.mark.parametrize(
    ("form", "text", "final", "answer"),
    [
        pytest.param(ZERO, "", None, None, id="empty"),
        pytest.param(ZERO, "7", None, None, id="no tags"),
        pytest.param(ZERO, "<think> a", None, None, id="unfinished reasoning"),
        pytest.param(ZERO, "<think> a <answer> 7 </answer>", None, None, id="answer inside reasoning that never ends"),
        pytest.param(ZERO, "<think> a </think> <answer> 7", None, None, id="unfinished answer"),
        pytest.param(ZERO, "<answer> 7 </answer>", "7", "7", id="no reasoning"),
        pytest.param(ZERO, "<think>  </think> <answer> 7 </answer>", "7", "7", id="blank reasoning"),
        pytest.param(ZERO, "<think> a </think> <answer>  </answer>", None, None, id="blank answer"),
        pytest.param(ZERO, "<think> a </think> <answer> 7 </answer> more", "7", "7", id="text after the answer"),
        pytest.param(ZERO, "hm <think> a </think> <answer> 7 </answer>", "7", "7", id="text before the reasoning"),
        pytest.param(ZERO, "<think> a </think> b <answer> 7 </answer>", "7", "7", id="text between the parts"),
        pytest.param(ZERO, "<think> a </think> <answer> 6 </answer> <answer> 7 </answer>", "7", "7", id="two answers"),
        pytest.param(ZERO, "<think> <think> a </think> <answer> 7 </answer>", "7", "7", id="opened twice"),
        pytest.param(
            ZERO,
            "<think> <answer> 6 </answer> </think> <answer> 7 </answer>",
            "7",
            "7",
            id="answer tags in the reasoning",
        ),
        pytest.param(R1, "", None, None, id="r1 empty"),
        pytest.param(R1, r"<think> \boxed{7}", None, None, id="r1 unfinished reasoning"),
        pytest.param(R1, "<think> a </think>  ", None, None, id="r1 no summary"),
        pytest.param(R1, r"It is \boxed{7}", r"It is \boxed{7}", "7", id="r1 no reasoning"),
        pytest.param(R1, r"<think> a </think> b </think> \boxed{7}", r"\boxed{7}", "7", id="r1 closed twice"),
        pytest.param(PREFILLED, r"a \boxed{7}", None, None, id="prefilled and never closed"),
        pytest.param(PREFILLED, r"<think> a </think> \boxed{7}", r"\boxed{7}", "7", id="prefilled and opened again"),
    ],
)
def test_other_shapes_are_invalid_but_keep_their_answer(form, text, final, answer):
    response = form.read(text)
    assert not response.valid
    assert (response.final, response.answer) == (final, answer)
    assert "<think>" not in response.reasoning and (not form.prefilled or response.text.startswith("<think>"))


@pytest.mark.parametrize("name", ["zero", "r1"])
@pytest.mark.parametrize("final", ["7", r"It is \boxed{\frac{1}{2}}", "多行\n文本"])
def test_what_is_written_reads_back(name, final):
    response = ResponseFormat(name).read(ResponseFormat(name).write("thoughts", final))
    assert (response.valid, response.reasoning, response.final) == (True, "thoughts", final)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (r"\boxed{7}", "7"),
        (r"\boxed{ 7 }", "7"),
        (r"\boxed{\frac{1}{2}} and more", r"\frac{1}{2}"),
        (r"\boxed{1} then \boxed{2}", "2"),
        (r"\boxed{1} then \boxed{2", "1"),
        (r"\boxed{", None),
        ("boxed{7}", None),
        ("", None),
    ],
)
def test_last_complete_box_is_found(text, content):
    assert last_boxed(text) == content


class Template:
    def __init__(self, end):
        self.end = end

    def apply_chat_template(self, messages, chat_template, tokenize, add_generation_prompt):
        return messages[-1]["content"] + (self.end if add_generation_prompt else "")


@pytest.mark.parametrize(
    ("end", "prefilled"), [(" <think>", True), (" <think>\n", True), ("", False), (" Assistant:", False)]
)
def test_prefilling_is_read_off_the_chat_template(end, prefilled):
    assert ResponseFormat.of("r1", Template(end)) == ResponseFormat("r1", prefilled)


def test_completion_is_a_text_or_the_last_of_messages():
    assert completion_text("x") == completion_text([{"content": "y"}, {"content": "x"}]) == "x"
