"""JSON schemas: what cannot be resolved is a bad gold, what is nested too deeply or infinite is no JSON."""

import json

import pytest

from open_r1.verify.structured import audit, decide


@pytest.mark.parametrize(
    ("schema", "answer", "outcome"),
    [
        ({"type": "integer"}, "7", "correct"),
        ({"type": "integer"}, "7.5", "wrong"),
        ({"enum": [1]}, "true", "wrong"),
        ({"type": "number"}, "NaN", "wrong"),
        ({"type": "number"}, "1e400", "wrong"),
        ({"multipleOf": 0.1}, "-1e400", "wrong"),
        ({"type": "integer"}, "9" * 5000, "wrong"),
        ({"items": {"$ref": "#"}}, "[" * 900 + "]" * 900, "wrong"),
        ({"items": {"$ref": "#"}}, "[[]]", "correct"),
        ({"properties": {"a": {"$ref": "#/nowhere"}}}, '{"a": 1}', "bad_gold"),
        ({"$ref": "#"}, "1", "bad_gold"),
        ({"$ref": "#/nowhere"}, "1", "bad_gold"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "1", "bad_gold"),
        ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, "{}", "correct"),
        ({"$schema": 7}, "1", "bad_gold"),
        ({"pattern": "("}, "1", "bad_gold"),
        (7, "1", "bad_gold"),
        (None, "1", "bad_gold"),
    ],
)
def test_schemas_and_answers(schema, answer, outcome):
    gold = json.dumps(schema)
    assert decide(gold, answer)[0] == outcome
    assert bool(audit(gold)) == (outcome == "bad_gold") or "properties" in gold  # which `null` does not reach


@pytest.mark.parametrize("gold", ["", "{", "[" * 100_000, '"text"'])
def test_what_is_no_schema_is_a_bad_gold(gold):
    assert decide(gold, "1")[0] == "bad_gold"
