"""What the tests of a program expect of it: golds of all forms become checks, which a sandbox and `code.py` decide.

A gold is JSON, in the forms that datasets use:
- `{"inputs": [...], "outputs": [...]}`: stdin and stdout of whole programs (APPS, TACO, LiveCodeBench);
- the same with `"fn_name": "solve"` (or `"Solution.solve"`): arguments and results of a function;
- a list of `assert` statements, or a string of them, also inside `def test_...():` (MBPP, KodCode). Of a comparison only the left side
  is evaluated beside the program, and comes back as a plain value: no object can claim to equal everything, no program can redefine
  `sorted` for the test. An assertion without a comparison is the program's own word, as is one whose both sides call it.
"""

import ast
import builtins
import functools
import json
from typing import Any, NamedTuple

from ..errors import DataError


class Check(NamedTuple):
    """One expectation: run on stdin, or evaluate an expression after some statements; and what should come out."""

    stdin: str | None
    prelude: str
    expression: str
    expected: Any  # a value, or `Pending`: an expression without names of the program, evaluated in a sandbox of its own
    relation: str = "=="
    tolerance: tuple[float, float] = (0.0, 0.0)  # relative and absolute, of `near`


class Pending(NamedTuple):
    """An expected value that has to be computed first."""

    expression: str


@functools.lru_cache(maxsize=64)  # a group's completions share their tests
def read_tests(gold: str) -> list[Check]:
    """The checks of a gold; raises `DataError` where it has another form."""
    try:
        value = json.loads(gold)
    except ValueError:
        value = gold
    try:
        if isinstance(value, dict):
            return table_checks(value)
        return assert_checks("\n".join(value) if isinstance(value, list) else value)
    except (KeyError, TypeError, ValueError, SyntaxError, IndexError, AttributeError, RecursionError, MemoryError) as error:
        raise DataError(f"tests {gold[:80]!r}: {error}", "see open_r1/verify/code_tests.py for the forms that are known") from None


def unreadable(gold: str) -> str:
    """Why a gold cannot be read, empty if it can."""
    try:
        read_tests(gold)
    except DataError as error:
        return str(error)
    return ""


def table_checks(value: dict[str, Any]) -> list[Check]:
    """Checks from inputs and outputs."""
    pairs = list(zip(value["inputs"], value["outputs"], strict=True))
    if not pairs:
        raise ValueError("no inputs")
    name = value.get("fn_name")
    if not name:
        text = ["\n".join(map(str, given)) if isinstance(given, list) else str(given) for given, _ in pairs]
        wanted = ["\n".join(map(str, out)) if isinstance(out, list) else str(out) for _, out in pairs]
        return [Check(stdin, "", "", out) for stdin, out in zip(text, wanted, strict=True)]
    owner, _, method = name.rpartition(".")
    function = f"{owner}().{method}" if owner else f"(Solution().{method} if 'Solution' in globals() else {method})"
    wrapped = all(isinstance(out, list) and len(out) == 1 for _, out in pairs)  # APPS wraps results; a function that returns lists does not
    checks = []
    for given, out in pairs:
        arguments = given if isinstance(given, list) else [given]
        checks.append(Check(None, "", f"{function}(*{arguments!r})", out, "== or [0]" if wrapped else "=="))
    return checks


def assert_checks(source: str) -> list[Check]:
    """Checks from assertions: the left side runs in the sandbox, the right side stays here where it is a literal."""
    checks, prelude = [], []
    for node in flat(ast.parse(source).body):
        if isinstance(node, ast.Assert):
            checks += checks_of("\n".join(prelude), node.test)
        elif isinstance(node, (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr, ast.AnnAssign)):
            module = getattr(node, "module", None) or (node.names[0].name if isinstance(node, ast.Import) else "")
            if module not in ("solution", "pytest"):
                prelude.append(ast.unparse(node))
        else:
            raise ValueError(f"a test with a {type(node).__name__} statement cannot be checked from outside")
    if not checks:
        raise ValueError("no assert")
    return checks


def flat(body: list[ast.stmt]) -> list[ast.stmt]:
    """Statements with the bodies of test functions in their place."""
    found = []
    for node in body:
        is_test = isinstance(node, ast.FunctionDef) and not node.args.args
        found += flat(node.body) if is_test else [node]
    return [
        node for node in found if not (isinstance(node, ast.Expr) and isinstance(node.value, (ast.Constant, ast.Call)) and is_run(node))
    ]


def is_run(node: ast.Expr) -> bool:
    """A docstring, or the call of a test function that was already unfolded."""
    return isinstance(node.value, ast.Constant) or ast.unparse(node).startswith(("test_", "check("))


RELATIONS = {
    ast.Eq: "==", ast.Is: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


def checks_of(prelude: str, test: ast.expr) -> list[Check]:
    """What an assertion expects of which expressions; `and` and chains of comparisons are several."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [check for part in test.values for check in checks_of(prelude, part)]
    if isinstance(test, ast.Compare) and all(type(relation) in RELATIONS for relation in test.ops):
        sides = [test.left, *test.comparators]
        return [comparison(prelude, *part) for part in zip(sides, test.ops, sides[1:], strict=False)]
    if isinstance(test, ast.Call) and ast.unparse(test.func) in ("math.isclose", "isclose"):
        return [isclose_check(prelude, test)]
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return [Check(None, prelude, ast.unparse(test.operand), False, "truth")]
    return [Check(None, prelude, ast.unparse(test), True, "truth")]


def comparison(prelude: str, left: ast.expr, operation: ast.cmpop, right: ast.expr) -> Check:
    """The check of one comparison: what the program does is on its left."""
    relation = RELATIONS[type(operation)]
    if "in" not in relation and (is_approx(left) or is_own(left) and not is_own(right)):
        left, relation, right = right, MIRRORED.get(relation, relation), left
    if relation in ("<", "<=") and is_distance(left) and constant(right) is not NOTHING:
        inside = left.args[0]
        one, other = (inside.right, inside.left) if is_own(inside.left) and not is_own(inside.right) else (inside.left, inside.right)
        return Check(None, prelude, ast.unparse(one), expected(other), f"near {relation}", (0.0, float(constant(right))))
    if relation == "==" and is_approx(right):
        return Check(None, prelude, ast.unparse(left), expected(right.args[0]), "near <=", tolerances(right, "rel", "abs", 1e-6, 1e-12))
    return Check(None, prelude, ast.unparse(left), expected(right), relation)


def isclose_check(prelude: str, call: ast.Call) -> Check:
    """`isclose(f(x), 2.5, abs_tol=0.01)`"""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    left, right = [*call.args, *(named[name] for name in ("a", "b") if name in named)]
    if is_own(left) and not is_own(right):
        left, right = right, left
    return Check(None, prelude, ast.unparse(left), expected(right), "near <=", tolerances(call, "rel_tol", "abs_tol", 1e-9, 0.0))


def tolerances(call: ast.Call, relative: str, absolute: str, *defaults: float) -> tuple[float, float]:
    """Relative and absolute tolerance that a call names."""
    named = {keyword.arg: constant(keyword.value) for keyword in call.keywords}
    if is_approx(call):  # takes them by position too
        named |= dict(zip((relative, absolute), map(constant, call.args[1:]), strict=False))
    one, other = (named.get(name, default) for name, default in zip((relative, absolute), defaults, strict=True))
    return float(one), float(other)


def is_approx(node: ast.expr) -> bool:
    """`pytest.approx(2.5)`"""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("approx", "pytest.approx") and bool(node.args)


def is_own(node: ast.expr) -> bool:
    """Whether an expression consists of literals, builtins and modules: the test's own, not the program's."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names <= {*dir(builtins), "math"}


def expected(node: ast.expr) -> Any:
    value = constant(node)
    return Pending(ast.unparse(node)) if value is NOTHING else value


NOTHING, OPAQUE = object(), object()  # no value; a value that is no literal
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def constant(node: ast.expr) -> Any:
    """Value of a literal, `NOTHING` if it is none."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return NOTHING


def is_distance(node: ast.expr) -> bool:
    """`abs(f(x) - 1.5)`"""
    inside = node.args[0] if isinstance(node, ast.Call) and ast.unparse(node.func) == "abs" and len(node.args) == 1 else None
    return isinstance(inside, ast.BinOp) and isinstance(inside.op, ast.Sub)
