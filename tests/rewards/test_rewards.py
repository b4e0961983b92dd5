"""Rewards pay what they say, where they apply, and survive pickling."""

import asyncio
import inspect
import json
import pickle
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from open_r1.core.errors import ArtifactError, RecipeError
from open_r1.core.formats import ResponseFormat
from open_r1.rewards import REWARDS, build_rewards
from open_r1.rewards.base import AsyncReward

ZERO, R1 = ResponseFormat("zero"), ResponseFormat("r1")
COLUMNS = {"answer": "7", "verifier": "math", "domain": "reasoning", "language": "en", "metadata": ""}
GOOD, BAD = ZERO.write("so seven", "7"), ZERO.write("so eight", "8")
SANDBOX = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
NEEDED = {  # settings without which a reward cannot be built
    "judge": {"url": "http://127.0.0.1:9/v1", "model": "judge"},
    "judge_helpful": {"url": "http://127.0.0.1:9/v1", "model": "judge"},
    "cosine": {"max_length": 100},
    "soft_overlong": {"max_length": 100, "cache": 20},
}
NAMES = [pytest.param(name, marks=SANDBOX) if name == "code" else name for name in REWARDS]


@pytest.fixture
def model(tmp_path):
    """A directory that looks like a reward model."""
    for file in ("config.json", "tokenizer_config.json"):
        (tmp_path / file).write_text("{}")
    return str(tmp_path)


def build(name, settings=None, form=ZERO):
    (reward,), _ = build_rewards({name: settings}, form)
    return reward


def called(reward, *args, **columns):
    """Scores of a reward, which may be a coroutine: TRL awaits those."""
    scores = reward(*args, **columns)
    return asyncio.run(scores) if inspect.iscoroutine(scores) else scores


def pay(name, completion, form=ZERO, settings=None, state=None, ids=(1,), log=None, **columns):
    values = {key: [value] for key, value in (COLUMNS | columns).items()}
    values |= {"trainer_state": state, "completion_ids": [list(ids)], "log_metric": log}
    (score,) = called(build(name, settings, form), prompts=["q"], completions=[completion], **values)
    return score


def batch(reward, completions, **columns):
    """Scores of completions; columns that are one text are the same for all."""
    size = len(completions)
    values = {key: [value] * size if isinstance(value, str) else value for key, value in (COLUMNS | columns).items()}
    return called(reward, prompts=["q"] * size, completions=completions, **({"completion_ids": [[1]] * size} | values))


@pytest.mark.parametrize(
    ("name", "completion", "columns", "score"),
    [
        ("accuracy", GOOD, {}, 1.0),
        ("accuracy", GOOD, {"answer": "14/2"}, 1.0),
        ("accuracy", ZERO.write("a", "x+1"), {"answer": "1+x"}, 1.0),
        ("accuracy", GOOD, {"answer": "8"}, 0.0),
        ("accuracy", GOOD, {"answer": ""}, None),
        ("accuracy", GOOD, {"verifier": "open", "answer": ""}, None),
        ("accuracy", GOOD, {"answer": None}, None),
        ("accuracy", GOOD, {"answer": r"\frac{"}, None),
        ("accuracy", "<think> 7", {}, 0.0),
        ("accuracy", "", {}, 0.0),
        ("accuracy", ZERO.write("a", r"\boxed{10^{10^{10}}}"), {}, 0.0),
        ("accuracy", ZERO.write("a", "Red cat"), {"answer": "red cat", "verifier": "exact"}, 1.0),
        ("accuracy", ZERO.write("a", "B"), {"answer": "B", "verifier": "choice"}, 1.0),
        ("accuracy", ZERO.write("a", "red"), {"answer": "B", "verifier": "choice", "options": ["blue", "red"]}, 1.0),
        ("accuracy", [{"role": "assistant", "content": GOOD}], {}, 1.0),
        ("format", GOOD, {}, 1.0),
        ("format", GOOD + " more", {}, 0.0),
        ("format", "7", {}, 0.0),
        ("format", "<think> </think> <answer> 7 </answer>", {}, 0.0),
        ("tag_count", GOOD, {}, 1.0),
        ("tag_count", "<think> a </think> 7", {}, 0.5),
        ("tag_count", "<think> a </think> <answer> 7", {}, 0.75),
        ("tag_count", "<think> <think> a </think> <answer> 7 </answer>", {}, 0.75),
        ("tag_count", "</answer> <think> </think> <answer>", {}, 1.0),
        ("tag_count", "7", {}, 0.0),
        ("tag_count", "", {}, 0.0),
        ("language", GOOD, {}, 1.0),
        ("language", GOOD, {"language": "zh"}, 0.0),
        ("language", ZERO.write("so 所", "7"), {}, 0.5),
        ("language", ZERO.write("so it is", "所"), {}, 1.0),
        ("language", ZERO.write("3 + 4", "7"), {}, 1.0),
        ("language", "", {}, 0.0),
    ],
)
def test_reward_pays_what_it_says(name, completion, columns, score):
    assert pay(name, completion, **columns) == score


def test_format_rewards_know_the_format_of_the_policy():
    assert pay("format", R1.write("a", "b"), R1) == 1.0 and pay("format", R1.write("a", "b"), ZERO) == 0.0
    assert pay("format", " a </think> b", ResponseFormat("r1", prefilled=True)) == 1.0
    assert pay("tag_count", R1.write("a", "b"), R1) == 1.0 and pay("tag_count", R1.write("a", "b"), ZERO) == 0.5
    assert pay("tag_count", " a </think> b", ResponseFormat("r1", prefilled=True)) == 1.0
    assert pay("tag_count", " a b", ResponseFormat("r1", prefilled=True)) == 0.5


def test_random_reward_is_a_fair_coin_that_the_text_alone_decides():
    scores = [pay("random", f"text {i}") for i in range(400)]
    assert scores == [pay("random", f"text {i}", answer="8") for i in range(400)]
    assert set(scores) == {0.0, 1.0} and 150 < sum(scores) < 250


# ------------------------------------------------------------------------------------------------ verdict rewards

COMMA, QUOTED = {"id": "punctuation:no_comma"}, {"id": "startend:quotation"}
BOTH = json.dumps([COMMA, QUOTED])
SCHEMA = '{"type": "object", "required": ["a"]}'
TESTS = json.dumps(["assert f(1) == 2", "assert f(2) == 4", "assert f(3) == 6", "assert f(4) == 8"])
TWICE = "```python\ndef f(x):\n    return 2 * x\n```"


@pytest.mark.parametrize(
    ("name", "settings", "final", "columns", "score"),
    [
        ("constraints", None, '"both"', {"answer": BOTH}, 1.0),
        ("constraints", None, "one", {"answer": BOTH}, 0.5),
        ("constraints", None, "none, none", {"answer": BOTH}, 0.0),
        ("constraints", {"scoring": "all"}, "one", {"answer": BOTH}, 0.0),
        ("constraints", {"scoring": "all"}, '"both"', {"answer": BOTH}, 1.0),
        ("constraints", None, "one", {"answer": "[]"}, None),
        ("constraints", None, "one", {"answer": BOTH, "verifier": "math"}, None),
        ("json", None, '{"a": 1}', {"answer": SCHEMA}, 1.0),
        ("json", None, '```json\n{"a": 1}\n```', {"answer": SCHEMA}, 1.0),
        ("json", None, '{"b": 1}', {"answer": SCHEMA}, 0.0),
        ("json", None, "{", {"answer": SCHEMA}, 0.0),
        ("json", None, "{}", {"answer": "{"}, None),
        ("json", None, "{}", {"answer": "{}", "verifier": "exact"}, None),
        ("accuracy", {"scoring": "fraction"}, "red dog", {"answer": "red cat", "verifier": "f1"}, 0.5),
        ("accuracy", None, "red dog", {"answer": "red cat", "verifier": "f1"}, 0.0),
        ("accuracy", {"kinds": ["exact"]}, "7", {"verifier": "math"}, None),
        ("accuracy", {"kinds": ["exact", "math"]}, "7", {"verifier": "math"}, 1.0),
    ],
)
def test_verdict_rewards(name, settings, final, columns, score):
    kind = {"constraints": "constraints", "json": "json_schema"}.get(name, "math")
    assert pay(name, ZERO.write("a", final), settings=settings, **({"verifier": kind} | columns)) == score


@SANDBOX
@pytest.mark.parametrize(
    ("settings", "program", "score"),
    [
        ({}, TWICE, 1.0),
        ({}, TWICE.replace("2 *", "3 *"), 0.0),
        ({}, TWICE.replace("2 * x", "2 * x if x < 4 else 0"), 0.0),
        ({"scoring": "fraction"}, TWICE.replace("2 * x", "2 * x if x < 4 else 0"), 0.75),
        ({"scoring": "fraction"}, TWICE, 1.0),
        ({}, "no program", 0.0),
        ({"seconds": 0.5}, "```python\nwhile True: pass\n```", 0.0),
        ({"memory_mb": 64}, TWICE.replace("return", "y = bytearray(1 << 27); return"), 0.0),
        ({"sandbox": {"warm": True, "concurrency": 1}}, TWICE, 1.0),
    ],
)
def test_code_reward_pays_all_or_the_share_of_passed_tests(settings, program, score):
    assert pay("code", ZERO.write("a", program), settings=settings, answer=TESTS, verifier="code") == score


@SANDBOX
def test_code_reward_pays_nothing_where_it_does_not_apply_or_cannot_tell():
    reward = build("code")
    finals, kinds = [TWICE, "7", TWICE], ["code", "math", "code"]
    scores = batch(
        reward, [ZERO.write("a", final) for final in finals], verifier=kinds, answer=[TESTS, "7", "no tests"]
    )
    assert scores == [1.0, None, None]


@SANDBOX
def test_code_reward_works_after_pickling():
    reward = pickle.loads(pickle.dumps(build("code")))
    assert batch(reward, [ZERO.write("a", TWICE)], verifier="code", answer=TESTS) == [1.0]


@pytest.mark.parametrize("settings", [{"sandbox": {"provider": "nobody"}}, {"sandbox": {"mode": "paper"}}])
def test_a_sandbox_that_cannot_be_had_stops_the_run_at_its_start(settings):
    with pytest.raises(Exception, match="nobody|paper"):
        build("code", settings)


# ------------------------------------------------------------------------------------------------ shaping rewards


@pytest.mark.parametrize("ids", [[], [1], [1, 2, 3, 4], [5] * 9, [1, 2, 3] * 5, list(range(99))], ids=len)
def test_repetition_is_that_of_trl(ids):
    from trl.rewards import get_repetition_penalty_reward

    assert pay("repetition", GOOD, ids=ids) == get_repetition_penalty_reward(3, -1.0)([ids])[0]
    settings = {"ngram_size": 2, "max_penalty": -0.5}
    assert pay("repetition", GOOD, settings=settings, ids=ids) == get_repetition_penalty_reward(2, -0.5)([ids])[0]


@pytest.mark.parametrize(
    ("length", "score"), [(0, 0.0), (80, 0.0), (81, -0.05), (90, -0.5), (100, -1.0), (101, -1.0), (1000, -1.0)]
)
def test_soft_overlong_is_that_of_trl(length, score):
    from trl.rewards import get_soft_overlong_punishment

    paid = pay("soft_overlong", GOOD, settings=NEEDED["soft_overlong"], ids=[1] * length)
    assert paid == get_soft_overlong_punishment(100, 20)([[1] * length])[0] == score


@pytest.mark.parametrize("length", [0, 25, 50, 100, 150])
@pytest.mark.parametrize(
    "values",
    [{}, {"min_value_wrong": -3.0, "max_value_wrong": -2.0, "min_value_correct": 2.0, "max_value_correct": 3.0}],
)
def test_cosine_is_that_of_trl(length, values):
    from trl.rewards import get_cosine_scaled_reward

    settings, trl = {"max_length": 100, "values": values}, get_cosine_scaled_reward(100, **values)
    for completion, text in ((GOOD, r"\boxed{7}"), (BAD, r"\boxed{8}")):
        expected = trl([[{"content": text}]], [r"\boxed{7}"], [[1] * length])[0]
        assert pay("cosine", completion, settings=settings, ids=[1] * length) == pytest.approx(expected)


def test_cosine_has_our_verdicts():
    def paid(completion, **columns):
        return pay("cosine", completion, settings={"max_length": 100}, ids=[1] * 50, **columns)

    assert paid(ZERO.write("a", "Red cat"), verifier="exact", answer="red cat") == pytest.approx(0.75)
    assert paid(ZERO.write("a", "blue"), verifier="exact", answer="red cat") == pytest.approx(-0.75)
    assert paid("<think> 7") == pytest.approx(-0.75)
    assert paid(GOOD, answer="") is None


def test_cosine_keeps_its_places_in_a_batch():
    scores = batch(
        build("cosine", {"max_length": 100}),
        [GOOD, BAD, GOOD, GOOD],
        answer=["7", "7", "", "7"],
        completion_ids=[[1] * 50] * 4,
    )
    assert scores == [pytest.approx(0.75), pytest.approx(-0.75), None, pytest.approx(0.75)]


# ---------------------------------------------------------------------------------------------------- where, when


@pytest.mark.parametrize(
    "name", ["accuracy", "format", "tag_count", "language", "random", "cosine", "repetition", "soft_overlong"]
)
def test_other_domains_and_earlier_steps_get_none_in_their_places(name):
    reward = build(name, NEEDED.get(name, {}) | {"domains": ["general", "harm"], "from_step": 10})

    def at(step):
        domains = ["general", "reasoning", "harm"]
        return batch(reward, [GOOD] * 3, domain=domains, trainer_state=SimpleNamespace(global_step=step))

    assert at(9) == [None] * 3
    for step in (10, 11):
        first, middle, last = at(step)
        assert middle is None and first == last and first is not None


def test_kinds_and_domains_are_asked_together():
    reward = build("accuracy", {"kinds": ["math"], "domains": ["general"]})
    kinds, domains = ["math", "math", "exact", "exact"], ["general", "reasoning", "general", "reasoning"]
    assert batch(reward, [GOOD] * 4, verifier=kinds, domain=domains) == [1.0, None, None, None]


def test_rows_without_a_domain_are_no_domain():
    reward = build("format", {"domains": ["general"]})
    assert reward(prompts=["q"], completions=[GOOD]) == [None] and build("format")(
        prompts=["q"], completions=[GOOD]
    ) == [1.0]


def test_scores_keep_the_order_of_the_batch():
    completions = [ZERO.write("a", str(i)) for i in range(4)]
    assert batch(build("accuracy"), completions, answer=["0", "9", "2", "9"]) == [1.0, 0.0, 1.0, 0.0]


def test_rewards_that_wait_for_others_can_run_at_the_same_time():
    rewards = [
        build(name, settings)
        for name, settings in (("accuracy", {}), ("constraints", {}), ("json", {}), ("cosine", {"max_length": 9}))
    ]
    assert all(isinstance(reward, AsyncReward) and inspect.iscoroutinefunction(reward.__call__) for reward in rewards)
    columns = {key: [value] for key, value in COLUMNS.items()} | {"completion_ids": [[1]]}

    async def together():
        return await asyncio.gather(*[reward(prompts=["q"], completions=[GOOD], **columns) for reward in rewards])

    assert asyncio.run(together())[:3] == [[1.0], [None], [None]]


@pytest.mark.parametrize("name", NAMES)
def test_trl_knows_which_rewards_it_must_await(name, model):
    from trl.trainer.utils import is_async_callable

    settings = NEEDED.get(name, {}) | ({"model": model} if name in ("helpful", "safety") else {})
    waits = name in ("accuracy", "constraints", "json", "code", "cosine", "judge", "judge_helpful")
    assert is_async_callable(build(name, settings)) is waits


@pytest.mark.parametrize("text", ["\\(", "\\[", "$ a", "`", "```", "``` a", "<a", "\\a", "é ", "-"], ids=ascii)
def test_long_hostile_text_is_counted_in_seconds(text):
    program = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (20, 20))\n"
    program += f"from open_r1.core.languages import consistency; consistency({text!r} * 10**5, 'en')"
    subprocess.run([sys.executable, "-c", program], check=True)


# ---------------------------------------------------------------------------------------------------------- log


@pytest.mark.parametrize(
    ("name", "completion", "columns", "counts"),
    [
        ("format", GOOD, {}, {}),
        ("accuracy", GOOD, {}, {"timeouts": 0, "errors": 0, "bad_golds": 0}),
        ("accuracy", GOOD, {"answer": ""}, {"timeouts": 0, "errors": 0, "bad_golds": 1}),
        ("accuracy", ZERO.write("a", r"\boxed{10^{10^{10}}}"), {}, {"timeouts": 1, "errors": 0, "bad_golds": 0}),
        ("accuracy", GOOD, {"verifier": "gym"}, {"timeouts": 0, "errors": 1, "bad_golds": 0}),
        ("constraints", GOOD, {"verifier": "constraints"}, {"timeouts": 0, "errors": 0, "bad_golds": 1}),
    ],
)
def test_log_receives_seconds_and_counts(name, completion, columns, counts):
    logged = {}
    pay(name, completion, log=logged.__setitem__, **columns)
    seconds = logged.pop(f"rewards/{name}/seconds")
    assert seconds >= 0 and logged == {f"rewards/{name}/{key}": value for key, value in counts.items()}


def test_counts_are_those_of_the_last_batch():
    reward, logged = build("accuracy"), []
    for answer in ("", "7"):
        batch(reward, [GOOD], answer=answer, log_metric=lambda key, value: logged.append((key, value)))
    assert [value for key, value in logged if key.endswith("bad_golds")] == [1, 0]


# --------------------------------------------------------------------------------------------- pickling, settings


def state_of(reward):
    """Its attributes; functions of TRL by theirs."""
    return {
        key: value.__dict__ if callable(value) else value
        for key, value in reward.__dict__.items()
        if not key.startswith("_")
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_reward_survives_pickling(name, model):
    settings = NEEDED.get(name, {}) | ({"model": model} if name in ("helpful", "safety") else {})
    reward = build(name, settings | {"domains": ["reasoning"], "from_step": 3}, R1)
    again = pickle.loads(pickle.dumps(reward))
    assert type(again) is type(reward) and state_of(again) == state_of(reward) and again.__name__ == name


def test_weights_of_a_reward_model_stay_behind_when_pickled(model):
    reward = build("helpful", {"model": model}, R1)
    reward._loaded = lambda: "cannot be pickled"
    assert pickle.loads(pickle.dumps(reward))._loaded is None and reward._loaded is not None


@pytest.mark.parametrize(
    ("name", "completion", "visible"),
    [
        ("helpful", R1.write("secret", "hello"), "hello"),
        ("helpful", "<think> secret", None),
        ("safety", R1.write("secret", "hello"), "<think> secret </think> hello"),
        ("safety", "  ", ""),
    ],
)
def test_helpful_sees_the_summary_and_safety_everything(name, completion, visible, model):
    assert build(name, {"model": model}, R1).visible(R1.read(completion)) == visible


def test_names_and_weights_come_from_the_recipe():
    rewards, weights = build_rewards({"format": {"weight": "0.5"}, "accuracy": None}, ZERO)
    assert [reward.__name__ for reward in rewards] == ["format", "accuracy"] and weights == [0.5, 1.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "no `rewards`"),
        (None, "no `rewards`"),
        ({"acuracy": {}}, "acuracy"),
        ({"accuracy": {"wieght": 2}}, "wieght"),
        ({"accuracy": {"scoring": "half"}}, "half"),
        ({"helpful": {}}, "model"),
        ({"judge": {"model": "m"}}, "url"),
        ({"cosine": {}}, "max_length"),
        ({"cosine": {"max_length": 9, "values": {"min": 1}}}, "min"),
        ({"repetition": {"max_penalty": 1.0}}, "max_penalty"),
        ({"soft_overlong": {"max_length": 9}}, "cache"),
        ({"accuracy": {"weight": "high"}}, "accuracy"),
        pytest.param({"accuracy": 1.0}, "accuracy", id="bare weight"),
    ],
)
def test_wrong_settings_are_a_recipe_error_that_names_them(settings, message):
    with pytest.raises(RecipeError, match=message) as caught:
        build_rewards(settings, ZERO)
    assert caught.value.hint


def test_missing_reward_model_is_an_artifact_error(tmp_path):
    with pytest.raises(ArtifactError, match="does not exist"):
        build_rewards({"safety": {"model": str(tmp_path / "nowhere")}}, R1)
