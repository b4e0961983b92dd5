"""Figures: what they draw, the table beside each, and SVG in the colours and the font of the page."""

import json
import math
import re
from xml.etree import ElementTree

import matplotlib
import pytest

from open_r1.core.tables import number
from open_r1.reporting.drawing import COLOURS, Panel, few, lines, save_png, svg
from open_r1.reporting.figures import apart, axes_figure, bar_figure, curve_figure, rollout_figure
from open_r1.reporting.training import curves, default_figure

matplotlib.use("Agg")
HOSTILE = "a<b>&\"'$x$ </svg><script>"


def axis_of(panel: Panel):
    """The panel, drawn."""
    from matplotlib import pyplot

    axis = pyplot.figure().add_subplot()
    panel.draw(axis)
    pyplot.close("all")
    return axis


def shown(line) -> list:
    return [None if math.isnan(value) else value for value in map(float, line.get_ydata())]


def test_rollouts_have_right_and_wrong_of_each_run_on_one_scale():
    def row(step, right, wrong, words):
        return {"step": step, "tokens_right": right, "tokens_wrong": wrong, "reflection_per_1k": words}

    runs = {"zero": [row(1, 40.0, 10.0, 25), row(2, None, 70.0, 0)], "other": [row(1, 5.0, None, 50)]}
    figure = rollout_figure(runs, {"zero": 3, "other": 1})
    assert [panel.title for panel in figure.panels] == ["zero: length", "other: length", "words of reflection"]
    lengths, other, words = map(axis_of, figure.panels)
    assert {line.get_label(): shown(line) for line in lengths.lines} == {"right": [40, None], "wrong": [10, 70]}
    assert lengths.get_ylim() == other.get_ylim() == (0, 73.5)
    assert {line.get_label(): shown(line) for line in words.lines} == {"zero": [25, 0], "other": [50]}
    assert [line.get_color() for line in words.lines] == [COLOURS[3], COLOURS[1]]
    assert figure.panels[0].head == ["step", "right", "wrong"]
    assert figure.panels[0].rows == [[1, "40.0", "10.0"], [2, "-", "70.0"]]


def test_curves_have_a_panel_for_each_metric_and_a_line_for_each_run():
    found = {"a": {"step": [1, 2], "kl": [0.1, None], "reward": [0.0, 1.0]}, "b": {"step": [2], "reward": [0.5]}}
    asked = {"file": "f", "title": "t", "runs": ["a", "b", "gone"], "metrics": ["reward", "kl"]}
    figure = curve_figure(asked, found, {"a": 0, "b": len(COLOURS) + 1})
    rewards, kl = map(axis_of, figure.panels)
    assert [line.get_label() for line in rewards.lines] == ["a", "b"] and [shown(line) for line in kl.lines] == [
        [0.1, None]
    ]
    assert rewards.lines[1].get_color() == COLOURS[1] and rewards.lines[1].get_linestyle() == "--"
    assert [line.get_marker() for line in rewards.lines] == ["None", "o"]
    assert figure.panels[0].rows == [[1, "0.000", "-"], [2, "1.000", "0.500"]]


def test_curves_of_a_log(tmp_path):
    assert curves(tmp_path) is None
    log = [
        {"loss": 1.0, "step": 0},
        {"step": 1, "reward": 1, "rewards/mine/mean": None, "rewards/mine/std": 3, "lr": 1},
    ]
    log += [{"step": 2, "reward": 0.5, "rewards/mine/mean": 0.25, "completions/mean_length": 9.0}]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": log}))
    found = curves(tmp_path)
    assert found == {"step": [1, 2], "reward": [1.0, 0.5], "mine": [None, 0.25], "mean_tokens": [None, 9.0]}
    assert default_figure({"x": found})["metrics"] == ["reward", "mean_tokens"]


def test_names_of_the_two_axes_do_not_lie_on_each_other():
    heights = apart([0.5, 0.5, 0.51, 0.0, 1.0, 1.0], 0.0, 1.0)
    ordered = sorted(heights)
    assert all(b - a > 1 / 19 for a, b in zip(ordered, ordered[1:], strict=False))
    assert heights[3] == 0.0 and max(heights) == 1.0 and heights[0] < heights[2]
    means = {"x": {"reasoning": 0.1, "general": 0.5}, "y": {"reasoning": 0.9, "general": 0.5}}
    figure = axes_figure(
        {"benchmarks": {"reasoning": ["a", "b"], "general": ["g"]}, "models": means}, {"x": 0, "y": 1}
    )
    axis = axis_of(figure.panels[0])
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("reasoning: mean of 2 benchmarks", "general: g")
    assert [text.get_text() for text in axis.texts] == ["x", "y"]
    assert figure.panels[0].rows == [["x", "0.100", "0.500"], ["y", "0.900", "0.500"]]


def test_bars_have_intervals(tmp_path):
    rows = {"one": {"pass@1": 0.5, "pass@1_ci": [0.4, 0.7]}, "two": {"pass@1": 0.1, "pass@1_ci": [0.1, 0.2]}}
    figure = bar_figure("stages", "title", rows, {"one": 0, "two": 1})
    axis = axis_of(figure.panels[0])
    assert [patch.get_width() for patch in axis.patches] == [0.5, 0.1]
    ends = [collection.get_segments()[0][:, 0].tolist() for collection in axis.collections]
    assert ends == [pytest.approx([0.4, 0.7]), pytest.approx([0.1, 0.2])]
    save_png(figure, tmp_path / "stages.png")
    assert (tmp_path / "stages.png").stat().st_size > 5000


def test_an_svg_has_the_colours_and_letters_of_the_page_and_nothing_to_load():
    panel = lines(HOSTILE, HOSTILE, {HOSTILE: ([1, 2], [0.1, None]), "b": ([1], [1.0])}, {HOSTILE: 0, "b": 1})
    text = svg(panel, (4, 3))
    tree = ElementTree.fromstring(text)
    words = ["".join(node.itertext()) for node in tree.iter() if node.tag.endswith("text")]
    assert HOSTILE in words and "training step" in words and tree.attrib["aria-label"] == HOSTILE
    assert "var(--c0)" in text and "var(--c1)" in text and "currentColor" in text
    assert not set(re.findall("#[0-9a-f]{6}\\b", text)) & set(COLOURS) and "<script" not in text
    links = [value for node in tree.iter() for name, value in node.attrib.items() if name.endswith("href")]
    assert all(link.startswith("#") for link in links) and not re.search(r"url\((?!#)", text)
    assert text == svg(panel, (4, 3))


def test_long_tables_are_thinned_and_keep_their_ends():
    rows = [[n] for n in range(1000)]
    assert few(rows)[0] == [0] and few(rows)[-1] == [999] and len(few(rows)) == 13 and few(rows[:5]) == rows[:5]
    assert [number(value) for value in (None, 0.1234, 123.45, 1234.5, 7, [1.0, None])] == [
        "-", "0.123", "123.5", "1234", "7", "[1.000, -]"
    ]  # fmt: skip
