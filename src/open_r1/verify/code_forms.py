"""
Forms of tests that are only other spellings: classes (pytest's and unittest's), fixtures, coroutines, `pytest.raises`
with a function, `if` before a failure. They are rewritten as functions with `assert` before `code_script.py` reads
them.
"""

import ast
import copy
from collections.abc import Iterable, Iterator

from .code_names import called, fails
from .code_values import dotted

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BEFORE = ("setUp", "setup_method", "setUpClass", "setup_class")
COMPARED = {  # methods of unittest.TestCase -> the assertion of their arguments
    **dict.fromkeys(("Equal", "ListEqual", "DictEqual", "TupleEqual", "SetEqual", "SequenceEqual", "MultiLineEqual"),
                    "{0} == {1}"),
    "NotEqual": "{0} != {1}", "True": "{0}", "False": "not {0}", "Is": "{0} is {1}", "IsNot": "{0} is not {1}",
    "IsNone": "{0} is None", "IsNotNone": "{0} is not None", "In": "{0} in {1}", "NotIn": "{0} not in {1}",
    "IsInstance": "isinstance({0}, {1})", "NotIsInstance": "not isinstance({0}, {1})", "Greater": "{0} > {1}",
    "GreaterEqual": "{0} >= {1}", "Less": "{0} < {1}", "LessEqual": "{0} <= {1}",
    "CountEqual": "sorted({0}) == sorted({1})", "AlmostEqual": "round({0} - {1}, {places}) == 0",
    "Regex": "__import__('re').search({1}, {0})",
}  # fmt: skip


def plain(body: Iterable[ast.stmt]) -> list[ast.stmt]:
    """The statements of a test in the forms that [`Script`] reads."""
    rewriter = Rewriter()
    found = [part for node in body for part in rewriter.statements(node)]
    return ast.parse("import asyncio").body + found if rewriter.waits else found


class Rewriter(ast.NodeTransformer):
    """Rewrites statements; remembers fixtures, which belong to the tests after them."""

    def __init__(self):
        self.fixtures: dict[str, ast.FunctionDef] = {}
        self.waits = False

    def statements(self, node: ast.stmt) -> list[ast.stmt]:
        found = self.visit(node)
        return [ast.fix_missing_locations(part) for part in (found if isinstance(found, list) else [found])]

    def visit_Await(self, node: ast.Await) -> ast.expr:
        self.waits = True
        if not isinstance(node.value, ast.Call) or dotted(node.value.func).startswith("asyncio."):
            raise ValueError("a test that waits for more than a call of the program")
        return ast.Call(ast.parse("asyncio.run", mode="eval").body, [self.visit(node.value)], [])

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        if any(name_of(decorator) == "fixture" for decorator in node.decorator_list):
            self.fixtures[node.name] = node
            return []
        used = [argument for argument in node.args.args if argument.arg in self.fixtures]
        node.args.args = [argument for argument in node.args.args if argument not in used]
        body = [part for argument in used for part in self.provided(argument.arg)] + node.body
        decorators = [part for part in node.decorator_list if name_of(part) != "asyncio"]
        return ast.FunctionDef(node.name, node.args, body, decorators, None)

    visit_AsyncFunctionDef = visit_FunctionDef

    def provided(self, name: str) -> Iterator[ast.stmt]:
        """The statements of a fixture, with its value under its name."""
        node = copy.deepcopy(self.fixtures[name])
        for argument in node.args.args:
            if argument.arg in self.fixtures:
                yield from self.provided(argument.arg)
        for part in node.body:
            value = part.value if isinstance(part, (ast.Return, ast.Expr)) else None
            value = value.value if isinstance(value, ast.Yield) else value if isinstance(part, ast.Return) else None
            yield ast.Assign([ast.Name(name, ast.Store())], value) if value else part
            if value:
                return

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt | list[ast.stmt]:
        """A class of tests becomes its functions, each after what prepares it; what `self` holds, variables."""
        methods = [part for part in node.body if isinstance(part, FUNCTIONS)]
        if not any(part.name.startswith("test") for part in methods):
            return node
        parts = [Unbound().visit(part) for part in node.body]
        before = [step for part in parts if isinstance(part, FUNCTIONS) and part.name in BEFORE for step in part.body]
        found: list[ast.stmt] = []
        for part in parts:
            if isinstance(part, FUNCTIONS):
                if part.name in (*BEFORE, "tearDown", "teardown_method"):
                    continue
                if part.name.startswith("test"):
                    part.body = copy.deepcopy(before) + part.body
                else:
                    part.name = f"self_{part.name}"
            elif isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
                part.targets[0].id = f"self_{part.targets[0].id}"
            found += self.statements(part)
        return found

    def visit_If(self, node: ast.If) -> ast.stmt:
        fault = node.body[0]
        meant = not isinstance(fault, ast.Raise) or "AssertionError" in ast.dump(fault)
        if not node.orelse and len(node.body) == 1 and fails(fault) and meant:
            return ast.Assert(ast.UnaryOp(ast.Not(), node.test), None)
        return self.generic_visit(node)

    def visit_With(self, node: ast.With) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        first = called(node.items[0].context_expr)
        return node.body if first in ("subTest", "warns", "deprecated_call") else node

    visit_AsyncWith = visit_With

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        self.generic_visit(node)
        match node.value:
            case ast.Call(
                func=ast.Name("raises") | ast.Attribute(attr="raises") as func, args=[kind, function, *rest]
            ):
                body = ast.Expr(ast.Call(function, rest, node.value.keywords))
                return ast.With([ast.withitem(ast.Call(func, [kind], []))], [body])
            case ast.Call(args=[ast.Call(func=ast.Name()) as inner], keywords=[]) if called(node.value) == "run":
                return ast.Expr(inner)  # asyncio.run(test()): it is no coroutine any more
        return node


class Unbound(ast.NodeTransformer):
    """Methods as functions: `self.x` is `self_x`, and the assertions of unittest are `assert`."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            return ast.Name(f"self_{node.attr}", node.ctx)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        node.args.args = [argument for argument in node.args.args if argument.arg not in ("self", "cls")]
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_With(self, node: ast.With) -> ast.stmt:
        self.generic_visit(node)
        for item in node.items:
            if (name := called(item.context_expr)) in ("self_assertRaises", "self_assertRaisesRegex", "self_subTest"):
                call = item.context_expr
                named = [ast.keyword("match", part) for part in call.args[1:2]] if name.endswith("Regex") else []
                word = "subTest" if name == "self_subTest" else "raises"
                item.context_expr = ast.Call(ast.Name(word, ast.Load()), call.args[:1], named)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        self.generic_visit(node)
        name = called(node.value)
        if name == "self_assertRaises":
            return ast.Expr(ast.Call(ast.Name("raises", ast.Load()), node.value.args, node.value.keywords))
        kind = name.removeprefix("self_assert")
        if name == kind or kind not in COMPARED:
            return node
        texts = [f"({ast.unparse(part)})" for part in node.value.args]
        named = {word.arg: ast.unparse(word.value) for word in node.value.keywords}
        form = "abs({0} - {1}) <= {delta}" if "delta" in named else COMPARED[kind]
        places = texts[2] if kind == "AlmostEqual" and len(texts) > 2 else "7"
        return ast.Assert(ast.parse(form.format(*texts, **{"places": places} | named), mode="eval").body, None)


def name_of(decorator: ast.expr) -> str:
    """Last name of a decorator, called or not."""
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
