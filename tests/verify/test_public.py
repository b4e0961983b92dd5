"""What others' graders and hand-labelled answers say of the verifier, kept from getting worse (docs/rewards.md)."""

import json
from pathlib import Path

from corpus import boxed

from open_r1.verify import Case, verify_many

PAID = {  # though the label says wrong; docs/rewards.md says why
    (r"0.\overline{142857}", "0.142857"),
    (r"\frac{1}{3}", "0.333333333333333"),
}
REFUSED = 36  # though the label says right


def test_no_wrong_answer_is_paid_and_few_right_ones_are_refused():
    rows = [
        json.loads(line) | {"kind": "choice" if path.stem == "choice" else "math"}
        for path in sorted((Path(__file__).parent / "public").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if '"right"' in line
    ]
    cases = [
        Case(row["kind"], row["gold"], row.get("response") or boxed(row["answer"]), {"options": row.get("options")})
        for row in rows
    ]
    verdicts = verify_many(cases, limit=30.0)  # a busy machine must not turn a right answer into a timeout
    wrong = [(row, verdict) for row, verdict in zip(rows, verdicts, strict=True) if verdict.correct != row["right"]]
    assert len(rows) > 2900
    assert {(row["gold"], row.get("answer")) for row, verdict in wrong if verdict.correct} == PAID
    refused = [(row["gold"], row.get("answer", row.get("response"))[-80:]) for row, verdict in wrong if row["right"]]
    assert len(refused) <= REFUSED, refused
