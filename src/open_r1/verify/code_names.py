"""
Names in the code of a test: which an expression reads, a statement writes or changes, and expressions with parts
exchanged.
"""

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .code_judging import Failed
from .code_values import BAD_TEXT, NOTHING, dotted, evaluate

BUILTINS = set(dir(builtins))


SCOPES = (ast.comprehension, ast.arg, ast.FunctionDef, ast.ClassDef)


def reads(node: ast.AST) -> set[str]:
    """Names that it takes from around it: not those of its comprehensions, lambdas and functions."""
    found, bound = set(), set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            if not isinstance(part.ctx, ast.Store):
                found.add(part.id)
        elif isinstance(part, ast.AugAssign):
            found.add(root(part.target))
        elif isinstance(part, SCOPES):
            bound |= bound_by(part)
    return found - bound - {""}


def bound_by(scope: ast.AST) -> set[str]:
    """Names that belong to a comprehension, a lambda's argument, or a function or class."""
    if isinstance(scope, ast.comprehension):
        return stores(scope.target)
    return {scope.arg} if isinstance(scope, ast.arg) else {scope.name}.union(*map(stores, scope.body))


def stores(node: ast.AST) -> set[str]:
    """Names that it binds."""
    found = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    for part in ast.walk(node):
        if isinstance(part, (ast.FunctionDef, ast.ClassDef)):
            found.add(part.name)
        elif isinstance(part, ast.alias):
            found.add(part.asname or part.name.partition(".")[0])
    return found


def changes(node: ast.AST) -> set[str]:
    """Names whose objects it may change: `x.append(1)`, `x[0] = 1`, `x += [1]`."""
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            found.add(root(part.func))
        elif isinstance(part, (ast.Attribute, ast.Subscript)) and not isinstance(part.ctx, ast.Load):
            found.add(root(part))
        elif isinstance(part, ast.AugAssign):
            found.add(root(part.target))
        elif isinstance(part, ast.withitem) and isinstance(part.context_expr, ast.Call):
            found |= {given.id for given in part.context_expr.args if isinstance(given, ast.Name)}
    return found - {""}


def patches(node: ast.stmt, modules: set[str]) -> bool:
    """Whether it puts something else into a module, or in the place of `input`, for the program to find."""
    match node:
        case ast.Assign(targets=[ast.Attribute() as target]):
            return root(target) in modules
        case ast.Assign(targets=[ast.Name("input")], value=ast.Lambda()) | ast.FunctionDef(name="input"):
            return True
    return False


def root(node: ast.AST) -> str:
    """`a` of `a.b[0].c`, empty where there is something else."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def called(node: ast.AST) -> str:
    """Last name of what is called, empty if nothing is."""
    return dotted(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""


def asserting(node: ast.AST, functions: Iterable[str]) -> bool:
    """Whether it holds an assertion, or a call of functions that do."""
    return any(isinstance(part, ast.Assert) or called(part) in ("raises", *functions) for part in ast.walk(node))


def judging(node: ast.AST, own: set[str]) -> bool:
    """Whether code that uses the program compares what it gave."""
    tainted = reads(node) - own - stores(node)
    for part in ast.walk(node):
        if (
            isinstance(part, (ast.Assign, ast.AugAssign, ast.For))
            and reads(part.iter if isinstance(part, ast.For) else part.value) & tainted
        ):
            tainted |= stores(part)
    compared = [part for part in ast.walk(node) if isinstance(part, ast.Compare)]
    return any(
        names & tainted for part in compared for names in [{x.id for x in ast.walk(part) if isinstance(x, ast.Name)}]
    )


def fails(node: ast.stmt) -> bool:
    """`assert False`, `raise AssertionError(...)`, `pytest.fail(...)`: what stands where no exception came."""
    if isinstance(node, ast.Assert):
        return isinstance(node.test, ast.Constant) and not node.test.value
    return isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and called(node.value) == "fail")


def constant(node: ast.expr, known: dict[str, Any]) -> Any:
    """Value of an expression of literals and known names, `NOTHING` if it is none."""
    try:
        return evaluate(node, {}, known)
    except (*BAD_TEXT, Failed):
        return NOTHING


def children(node: ast.AST) -> Iterator[tuple[ast.expr, Callable[[ast.expr], None]]]:
    """
    Expressions in an expression, each with what puts another in its place; of a comprehension the first iterable.
    """
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        yield node.generators[0].iter, lambda new: setattr(node.generators[0], "iter", new)
        return
    for field, part in ast.iter_fields(node):
        if isinstance(part, ast.expr):
            yield part, lambda new, field=field: setattr(node, field, new)
        elif isinstance(part, list):
            for index, item in enumerate(part):
                if isinstance(item, (ast.keyword, ast.FormattedValue)):
                    yield item.value, lambda new, item=item: setattr(item, "value", new)
                elif isinstance(item, ast.expr):
                    yield item, lambda new, part=part, index=index: part.__setitem__(index, new)


def exchanged(node: Any, parts: dict[int, ast.expr]) -> Any:
    """A copy of an expression with others in the place of parts of it, by `id`."""
    if id(node) in parts:
        return parts[id(node)]
    if isinstance(node, list):
        return [exchanged(item, parts) for item in node]
    if isinstance(node, ast.AST):
        return type(node)(**{field: exchanged(part, parts) for field, part in ast.iter_fields(node)})
    return node


class Fold(ast.NodeTransformer):
    """Puts values in the place of what is taken from known tables: `f(cases[0][0])` need not bring all cases along."""

    def __init__(self, known: dict[str, Any]):
        self.known = known

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        value = constant(node, self.known)
        return self.generic_visit(node) if value is NOTHING else ast.Constant(value)
