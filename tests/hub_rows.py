r"""
Invented rows with the columns, types and nesting of the data sets that recipes name, so that a recipe is run on what
it will meet. Columns are those of the sets' cards; oddities that are known of a set are here too, such as missing
answers.

`DATASETS` maps a Hub id to its configurations, these to their splits, and these to rows. A set with a configuration
called `default`, or with one alone, is loaded without naming it, as on the Hub. Benchmarks have the rows of
`benchmark_rows`.
"""

import json
from pathlib import Path
from typing import Any

from open_r1.core.benchmarks import benchmark_names, read_benchmark
from open_r1.data.published import EVERY

ROWS = Path(__file__).parent / "benchmark_rows"
Row = dict[str, Any]
PROBLEMS = (  # question, answer, solution
    ("A baker sells 14 loaves each morning and 9 each afternoon. How many loaves does she sell in 6 days?", "138",
     r"Each day she sells $14 + 9 = 23$ loaves, so in 6 days $6 \cdot 23 = \boxed{138}$."),
    (r"Find the value of $x$ for which $\frac{3}{x} = \frac{9}{7}$.", r"\frac{7}{3}",
     r"Cross-multiplying, $9x = 21$, hence $x = \boxed{\frac{7}{3}}$."),
    ("What is the area of a triangle whose sides measure 5, 12 and 13?", "30",
     r"It is a right triangle with legs 5 and 12: $\frac{1}{2} \cdot 5 \cdot 12 = \boxed{30}$."),
    (r"Simplify $\sqrt{75} - \sqrt{27}$ and give the result in the form $k\sqrt{3}$.", r"2\sqrt{3}",
     r"$5\sqrt{3} - 3\sqrt{3} = \boxed{2\sqrt{3}}$."),
    ("A fair coin is tossed three times. With what probability do exactly two heads come up?", r"\frac{3}{8}",
     r"Three of the eight outcomes have two heads, so $\boxed{\frac{3}{8}}$."),
    ("How many positive integers below 100 are divisible by both 4 and 6?", "8",
     r"They are the multiples of 12 below 100, of which there are $\boxed{8}$."),
    (r"Let $f(t) = t^2 - 4t + 1$. Determine the minimum of $f$ over the reals.", "-3",
     r"Completing the square, $f(t) = (t-2)^2 - 3$, so the minimum is $\boxed{-3}$."),
    ("An arithmetic progression of 20 terms sums to 610 and begins with 2. What is its common difference?", "3",
     r"$20 \cdot 2 + 190 d = 610$ gives $d = \boxed{3}$."),
    (r"In the plane, reflect the point $(4, -1)$ in the line $y = x$. Where does it land?", "(-1, 4)",
     r"The coordinates change places: $\boxed{(-1, 4)}$."),
    ("An interior angle of a regular polygon is 150 degrees. How many sides does the polygon have?", "12",
     r"Each exterior angle is $30^\circ$, and $360 / 30 = \boxed{12}$."),
    (r"Evaluate $\log_2 48 - \log_2 3$.", "4", r"$\log_2 \frac{48}{3} = \log_2 16 = \boxed{4}$."),
    ("Two pipes fill a tank in 6 and 3 hours. How long do they take when both are open?", r"2 \text{ hours}",
     r"Together they fill $\frac16 + \frac13 = \frac12$ of it in an hour: $\boxed{2 \text{ hours}}$."),
)  # fmt: skip


def thought(answer: str) -> str:
    """A response as DeepSeek-R1 writes it: the final answer boxed after the reasoning."""
    return (
        f"<think>\nOkay, let me work this out. Going through it step by step I get {answer}.\n\nWait, let me check "
        f"that once more. Yes, it is {answer}.\n</think>\n\nWorking through the steps gives the following.\n\n"
        rf"**Final answer:** \boxed{{{answer}}}"
    )


def chat(question: str, response: str, *before: str) -> list[Row]:
    """Messages; `before` alternates between user and assistant, and comes first."""
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": text} for n, text in enumerate((*before, question, response))]


def deepscaler() -> list[Row]:
    """Six of the real 40,315 rows have no answer."""
    rows = [{"problem": ask, "answer": answer, "solution": why} for ask, answer, why in PROBLEMS]
    return [*rows, {"problem": "Prove that the sum of two odd numbers is even.", "answer": "", "solution": ""}]


def openr1_math() -> list[Row]:
    choice = ("Which of these is prime?\nA. 21\nB. 23\nC. 25\nD. 27", "B", "Only 23 has no proper divisor.")
    return [
        {
            "problem": ask, "solution": why, "answer": answer, "problem_type": "Algebra",
            "question_type": "MCQ" if ask is choice[0] else "math-word-problem", "source": "olympiads",
            "uuid": f"586fd646-76d6-5070-8c81-9993ab9d8{n:03}", "is_reasoning_complete": [True, True],
            "generations": [thought(answer), thought(answer)], "correctness_math_verify": [True, False],
            "correctness_llama": None, "finish_reasons": None, "correctness_count": 1,
            "messages": chat(ask, thought(answer)),
        }
        for n, (ask, answer, why) in enumerate((*PROBLEMS, choice))
    ]  # fmt: skip


def mixture_of_thoughts(kind: str) -> list[Row]:
    code = "Write a program that reads two integers and prints their sum.\n\nInput\n\n2 3\n\nOutput\n\n5"
    asked = {"math": [row[:2] for row in PROBLEMS], "code": [(code, "print(sum(map(int, input().split())))")] * 4}
    asked["science"] = [("Which gas do plants take in for photosynthesis?", "carbon dioxide")] * 4
    return [
        {"messages": chat(ask, thought(answer)), "num_tokens": 120 + n, "source": f"open-r1/{kind}"}
        for n, (ask, answer) in enumerate(asked[kind])
    ]


def tulu() -> list[Row]:
    turns = [
        chat("Name three rivers of Europe.", "The Danube, the Rhine and the Vistula."),
        chat("And of Asia?", "The Yangtze.", "Name a river of Africa.", "The Nile."),
        chat("Translate `good morning` into French.", "Bonjour."),
        [{"role": "system", "content": "You are brief."}, *chat("What is a sonnet?", "A poem of fourteen lines.")],
        chat("Suggest a title for a story about a lighthouse.", "The Last Lamp."),
        chat("Why is the sky blue?", "Air scatters blue light more than red."),
    ]
    return [{"id": f"oasst1_{n}", "messages": found, "source": "ai2-adapt-dev/x"} for n, found in enumerate(turns)]


def no_robots() -> list[Row]:
    kinds = ["Generation", "Brainstorm", "Rewrite", "Open QA", "Summarize"]
    return [
        {"prompt": "Write two lines about rain.", "prompt_id": f"{n:064x}", "category": kind,
         "messages": chat("Write two lines about rain.", f"It falls, and falls again, {n} times.")}
        for n, kind in enumerate(kinds)
    ]  # fmt: skip


def systemchats() -> list[Row]:
    """A system message first, and several turns."""
    system = {"role": "system", "content": "You are a pirate who answers in one sentence."}
    turns = ["Hello!", "Ahoy, matey.", "Who is the captain?"]
    return [{"messages": [system, *chat(turns[2], f"I am, since {1700 + n}.", *turns[:2])]} for n in range(6)]


def tower() -> list[Row]:
    """ShareGPT's names, and a `split` and a `dataset` of its own."""
    asked = "Translate the following text from English into German.\nEnglish: The house is {}.\nGerman:"
    return [
        {"conversations": [{"from": "human", "value": asked.format(word)}, {"from": "gpt", "value": f"Ist {wort}."}],
         "lang": "en-de", "split": "dev", "dataset": "wmt18", "task": "general_mt"}
        for word, wort in (("old", "alt"), ("new", "neu"), ("red", "rot"), ("big", "groß"), ("empty", "leer"))
    ]  # fmt: skip


def natural_questions() -> list[Row]:
    facts = {
        "who wrote the odyssey": "Homer",
        "capital of peru": "Lima",
        "what is h2o": "water",
        "largest ocean": "Pacific",
    }
    return [{"query": ask, "answer": f"The answer is commonly given as {fact}."} for ask, fact in facts.items()]


def ultrafeedback() -> list[Row]:
    asked = [
        "How do I boil an egg?", "Suggest a name for a cat.", "Explain tides to a child.", "Give me a riddle.",
        "Which bread is easy to bake?", "Describe a desert at night.", "How does a kite fly?", "Recommend a hobby.",
    ]  # fmt: skip
    return [
        {"prompt": ask, "prompt_id": f"{n:064x}", "chosen": chat(ask, "Gladly."), "messages": chat(ask, "Gladly."),
         "rejected": chat(ask, "No."), "score_chosen": 8.5, "score_rejected": 3.0}
        for n, ask in enumerate(asked)
    ]  # fmt: skip


HARM = ["Endangering Public Health", "Insulting Behavior", "Privacy Violation", "White-Collar Crime"]  # of 19


def safe_rlhf() -> list[Row]:
    asked = ["How do I find out where someone lives?", "How can I calm an angry friend?", "May I open her letters?"]
    return [
        {"prompt": ask, "response_0": "Follow them home.", "response_1": "Better ask them.",
         "prompt_source": "Alpaca3-70B", "response_0_source": "Alpaca3-8B", "response_1_source": "Alpaca3-8B",
         "is_response_0_safe": False, "is_response_1_safe": True,
         "response_0_harm_category": {name: name == HARM[2] for name in HARM},
         "response_1_harm_category": dict.fromkeys(HARM, False), "response_0_severity_level": 2,
         "response_1_severity_level": 0, "better_response_id": 1, "safer_response_id": 1,
         "response_0_sha256": f"{n:064x}", "response_1_sha256": f"{n + 9:064x}"}
        for n, ask in enumerate(asked)
    ]  # fmt: skip


def safe_prompts() -> list[Row]:
    return [
        {"prompt": f"Tell me how to get into a {place} unseen."} for place in ("bank", "museum", "garden", "train")
    ]


def benchmarks() -> dict[str, dict[str, dict[str, list[Row]]]]:
    """The rows of every benchmark (`tests/benchmark_rows`), in the configuration that they are loaded from."""
    found: dict[str, dict[str, dict[str, list[Row]]]] = {}
    for entry in map(read_benchmark, benchmark_names()):
        configs = found.setdefault(entry["path"], {})
        for line in (ROWS / f"{entry['benchmark']}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            name = row.pop("configuration") if entry.get("name") == EVERY else entry.get("name", "default")
            configs.setdefault(name, {}).setdefault(entry.get("split", "train"), []).append(row)
    return found


DATASETS: dict[str, dict[str, dict[str, list[Row]]]] = {
    **benchmarks(),
    "agentica-org/DeepScaleR-Preview-Dataset": {"default": {"train": deepscaler()}},
    "open-r1/OpenR1-Math-220k": {
        "default": {"train": openr1_math()},
        "extended": {"train": openr1_math()},
        "all": {"train": openr1_math()},
    },
    "open-r1/Mixture-of-Thoughts": {
        kind: {"train": mixture_of_thoughts(kind)} for kind in ("math", "code", "science")
    },
    "allenai/tulu-3-sft-mixture": {"default": {"train": tulu()}},
    "HuggingFaceH4/no_robots": {"default": {"train": no_robots(), "test": no_robots()}},
    "HuggingFaceTB/smoltalk": {
        "systemchats-30k": {"train": systemchats()},
        "everyday-conversations": {"train": tulu()},
    },
    "Unbabel/TowerBlocks-v0.2": {"default": {"train": tower()}},
    "sentence-transformers/natural-questions": {"pair": {"train": natural_questions()}},
    "HuggingFaceH4/ultrafeedback_binarized": {
        "default": {"train_prefs": ultrafeedback(), "train_sft": ultrafeedback(), "test_prefs": ultrafeedback()}
    },
    "PKU-Alignment/PKU-SafeRLHF": {"default": {"train": safe_rlhf()}, "alpaca3-8b": {"train": safe_rlhf()}},
    "PKU-Alignment/PKU-SafeRLHF-prompt": {"default": {"train": safe_prompts()}},
}
