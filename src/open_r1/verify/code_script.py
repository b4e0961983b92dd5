"""Tests as a script: what the program has to do goes into the sandbox beside it, what is expected of it never does.

The statements of a test are walked in order. Names that the test binds itself (and builtins) are its own, all others
are the program's, and so is what is assigned from them. Of the test's own statements the program gets those that its
calls need. Loops over literals and functions that assert are unfolded; for assertions see `code_assertions.py`.
"""

import ast
import copy
import sys
import textwrap
from collections.abc import Iterable

from .code_asking import LIBRARY
from .code_assertions import Raises
from .code_forms import plain
from .code_names import (
    asserting,
    called,
    constant,
    fails,
    reads,
    root,
)
from .code_statements import Statements
from .code_values import NOTHING, dotted

RAISED = (  # what `pytest.raises(...) as` gives
    "__import__('types').SimpleNamespace(value=_error, type=type(_error), "
    "match=lambda pattern, _error=_error: __import__('re').search(pattern, str(_error)))"
)
LIMIT = 10_000  # statements after loops are unfolded
# a test's own imports, beside the standard library
THIRD_PARTY = {"numpy", "pandas", "scipy", "sympy", "torch", "hypothesis"}


class Script(Statements):
    """
    The parts of a test.

    Args:
        source (`str`):
            Statements; raises `ValueError` where something cannot be decided from outside.

    Attributes:
        steps (`list[tuple[str, list[str]]]`): What is made beside the program.
        setup (`list[str]`): The test's own statements.
        values (`list[tuple[int, str]]`): The test's own values: how many of these statements come before, and the
        expression.
        checks (`list[Assertion | Raises]`): What is decided.
    """

    def __init__(self, source: str):
        super().__init__()
        self.functions: dict[str, ast.FunctionDef | None] = {}  # those that assert; None: it has run
        self.left = LIMIT
        self.walk(plain(ast.parse("import math\n" + source).body))  # some tests forget it

    def walk(self, body: Iterable[ast.stmt]) -> None:
        for node in body:
            self.left -= 1
            if self.left < 0:
                raise ValueError(f"more than {LIMIT} statements")
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.imports(node)
            elif isinstance(node, ast.Assert):
                self.asserts(copy.deepcopy(node.test))
            elif isinstance(node, ast.Expr) and (isinstance(node.value, ast.Constant) or called(node.value) == "main"):
                continue  # a docstring, `pytest.main()`
            elif (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Call)
                and dotted(node.value.func) in self.functions
            ):
                self.calls(node.value)
            elif isinstance(node, ast.FunctionDef) and asserting(node, self.functions):
                self.defines(node)
            elif asserting(node, self.functions):
                self.unfolds(node)
            else:
                self.executes(copy.deepcopy(node))

    # ------------------------------------------------------------------------------------------------ statements

    def imports(self, node: ast.Import | ast.ImportFrom) -> None:
        """Imports of the test's own, or of the program under whatever name its module has."""
        for alias in node.names:
            module = (node.module or "" if isinstance(node, ast.ImportFrom) else alias.name).partition(".")[0]
            name = alias.asname or alias.name.partition(".")[0]
            self.modules.add(name)
            for function in LIBRARY.get(module, ()):
                if isinstance(node, ast.Import) or function == alias.name:
                    self.asked.add(f"{name}.{function}" if isinstance(node, ast.Import) else name)
            if module == "pytest":
                self.own.add(name)
            elif module in sys.stdlib_module_names or module in THIRD_PARTY:
                hidden, self.random = self.shadowed.copy(), self.random or module == "random"
                self.executes(
                    ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], 0)
                )
                self.shadowed = hidden if module == "math" and name == alias.name else self.shadowed
            elif name != "*":
                self.own.discard(name)
                self.constants.pop(name, None)
                self.sent += [f"import solution as {name}"] if isinstance(node, ast.Import) else []
                self.sent += [f"{name} = {alias.name}"] if isinstance(node, ast.ImportFrom) and alias.asname else []

    def defines(self, node: ast.FunctionDef) -> None:
        """A function that asserts: pytest would call it, or the test does."""
        arguments, rows = {argument.arg for argument in node.args.args}, None
        for decorator in node.decorator_list:
            if called(decorator) == "parametrize":
                names, rows = (constant(part, self.known) for part in decorator.args[:2])
                target = ast.parse(names if isinstance(names, str) else ",".join(names), mode="eval").body
        self.functions[node.name] = node if arguments and rows is None else None
        if rows is not None:
            for row in rows:
                self.binds(target, row)
                self.walk(node.body)
        elif not arguments:
            self.walk(node.body)
        elif reads(node) <= self.own and not arguments & {
            root(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)
        }:
            self.executes(copy.deepcopy(node))  # it judges values that it is given

    def calls(self, call: ast.Call) -> None:
        """
        Unfolds the call of a function that asserts; if it is the test's own and given only values, it judges them.
        """
        function = self.functions[call.func.id]
        if function is None:
            return
        if function.name in self.own:
            self.asserts(ast.parse(f"({ast.unparse(call)}, True)[1]", mode="eval").body)
            return
        names, defaults = [argument.arg for argument in function.args.args], function.args.defaults
        given = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True)) | dict(
            zip(names, call.args, strict=False)
        )
        for name, value in (given | {word.arg: word.value for word in call.keywords}).items():
            self.executes(ast.Assign([ast.Name(name, ast.Store())], copy.deepcopy(value)))
        self.walk(function.body)

    def unfolds(self, node: ast.stmt) -> None:
        """Statements around assertions: loops over what is known, expected exceptions, the guard of a main module."""
        match node:
            case ast.For(orelse=[]) if (items := constant(node.iter, self.known)) is not NOTHING:
                for item in items:
                    self.binds(node.target, item)
                    self.walk(node.body)
            case ast.With(items=[ast.withitem(ast.Call() as call, name)]) if called(call) == "raises":
                match = [word.value for word in call.keywords if word.arg == "match"]
                name = name.id if name else "_raised" if match else ""
                self.raises(call.args[0], node.body, name, RAISED)
                for pattern in match:
                    found = ast.parse(
                        f"__import__('re').search({ast.unparse(pattern)}, str({name}.value))", mode="eval"
                    )
                    self.asserts(found.body)
            case ast.Try(handlers=[ast.ExceptHandler(type=ast.expr() as kind) as handler], finalbody=[]) if fails(
                (node.body + node.orelse)[-1]
            ):
                self.raises(kind, [part for part in node.body + node.orelse if not fails(part)], handler.name or "")
                self.walk(handler.body)
            case ast.If(test=ast.Compare(left=ast.Name("__name__"))) | ast.If(test=ast.Constant(True)):
                self.walk(node.body)
            case _:
                raise ValueError(f"a test with a {type(node).__name__} statement cannot be checked from outside")

    def raises(self, kind: ast.expr, body: list[ast.stmt], name: str = "", value: str = "_error") -> None:
        """Expects an exception of a body; it, or a value made of it, gets a name in the program."""
        if self.sent:
            self.step([ast.Constant(None)])  # an exception of these would be another
        for node in body:
            self.gives(node)
            self.sent.append(ast.unparse(node))
        if name:
            lines = textwrap.indent("\n".join(self.sent), "    ")
            self.sent = [f"try:\n{lines}\nexcept BaseException as _error:\n    {name} = {value}\n    raise"]
            self.own.discard(name)
            self.constants.pop(name, None)
            self.theirs.add(name)
        names = tuple(dotted(part).rpartition(".")[2] for part in getattr(kind, "elts", [kind]))
        self.checks.append(Raises(self.step([ast.Constant(None)]), names))
