"""Which parts of an assertion are evaluated beside the program: where its part begins, and what it may be asked for
around that.

A comparison is never asked for, but where the test itself made the objects of the program's classes, or compares
identities: no object can claim to equal everything.
"""

import ast
from typing import Any

from .code_judging import JUDGING
from .code_names import BUILTINS, called, children, constant, reads, root
from .code_values import dotted

CONVERTERS = {  # which of the builtins may be asked of an object of the program: none that compares
    "abs", "all", "any", "asdict", "astuple", "bool", "bytes", "dict", "enumerate", "filter", "float", "frozenset",
    "int", "iter", "len",
    "list", "map", "max", "min", "next", "repr", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "type",
    "vars", "zip", "callable", "format", "hasattr", "hash",
}  # fmt: skip
LIBRARY = {  # and which functions of modules
    "asyncio": {"run"}, "copy": {"copy", "deepcopy"}, "dataclasses": {"asdict", "astuple", "replace"},
    "functools": {"reduce"}, "inspect": {"isgeneratorfunction", "iscoroutinefunction", "isgenerator", "isclass"},
    "itertools": {"accumulate", "chain", "dropwhile", "islice", "takewhile"},
}  # fmt: skip
JUDGES = {  # methods that compare, or say of a text what a test wants to hear
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__contains__", "startswith", "endswith", "isdigit",
    "isalpha", "isalnum", "isupper", "islower", "isspace", "isnumeric", "isdecimal", "istitle", "isidentifier",
    "issubset", "issuperset", "isdisjoint", "is_integer",
}  # fmt: skip
ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Asking:
    """What is known of the names of a test."""

    def __init__(self):
        self.own = BUILTINS | {"isclose", "approx", "pytest"}  # the test's
        self.given: set[str] = set()  # those of them that the program was given
        self.shadowed: set[str] = set()  # names of `JUDGING` that mean something else here
        self.constants: dict[str, Any] = {}
        self.asked = set(CONVERTERS)  # functions that may be asked of an object of the program
        self.modules: set[str] = set()  # names that the test imported
        self.made: set[str] = set()  # names of objects that it made of the program's classes

    @property
    def known(self) -> dict[str, Any]:
        """What names stand for that can be evaluated at once."""
        return {name: value for name, value in JUDGING.items() if name not in self.shadowed} | self.constants

    def foreign(self, node: ast.AST) -> bool:
        return not reads(node) <= self.own

    def is_hole(self, node: ast.expr) -> bool:
        """Whether the program's part begins here: its name, or its first call."""
        match node:
            case ast.Name() | ast.Lambda():
                return True
            case ast.Attribute(value=of, attr=name) if name in JUDGES and not self.is_made(of):
                return False
            case ast.Attribute() | ast.Subscript():
                return root(node) not in self.own | {""}
            case ast.Call(func=ast.Name("getattr"), args=[of, ast.expr() as name, *_]):
                return self.is_hole(of) and self.foreign(of) and constant(name, self.known) not in JUDGES
            case ast.Call(func=ast.Attribute(value=of, attr=name)) if name in JUDGES and not self.is_made(of):
                return False
            case ast.Call(func=ast.Call() as function) if called(function) == "getattr":
                return self.is_hole(function)
            case ast.Call(func=function, args=given):
                if dotted(function) in ("isinstance", "issubclass"):
                    return self.foreign(given[-1])
                if dotted(function) in self.asked and not self.foreign(function) and len(given) > 1:
                    return self.all_holes(given)
                return self.foreign(function) and (
                    root(function) not in self.own | {""} or any(map(self.foreign, given))
                )
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return self.all_holes(parts)
            case ast.BinOp(left=left, right=right):
                return self.foreign(left) and self.foreign(right)
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot()], comparators=[right]):
                given = isinstance(right, ast.Name) and right.id in self.given | self.arguments(left)
                return self.foreign(left) and (given or self.foreign(right))
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[right]):
                return self.is_made(right)
            case ast.Compare(left=left, ops=[order], comparators=[right]) if isinstance(order, ORDERS):
                return self.is_made(left) and self.is_made(right)
        if isinstance(node, COMPREHENSIONS):
            inner = self.names_inside(node)
            if not any(isinstance(part, ast.Compare) and self.foreign(part) for part in ast.walk(node)):
                return bool(inner)
            if {name.id for name in inner} & {
                root(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)
            }:
                raise ValueError(f"a comparison inside {ast.unparse(node)[:40]} cannot be checked from outside")
        return False

    def names_inside(self, node: ast.expr) -> list[ast.Name]:
        """The program's names in a comprehension, but for its first iterable, which is found before it."""
        names, first = reads(node) - self.own, {id(part) for part in ast.walk(node.generators[0].iter)}
        inner = [part for part in ast.walk(node) if isinstance(part, ast.Name) and id(part) not in first]
        return [part for part in inner if part.id in names and isinstance(part.ctx, ast.Load)]

    def all_holes(self, parts: list[ast.expr]) -> bool:
        return bool(parts) and all(self.foreign(part) and self.is_hole(part) for part in parts)

    def is_made(self, node: ast.expr) -> bool:
        """
        Whether it is an object that the test made of a class of the program, by its name: how it is ordered, and what
        is in it, is its own business.
        """
        if isinstance(node, ast.Name):
            return node.id in self.made
        return isinstance(node, ast.Call) and self.foreign(node.func) and dotted(node.func)[:1].isupper()

    def arguments(self, node: ast.expr) -> set[str]:
        """Names among the arguments of a call of the program."""
        given = node.args if isinstance(node, ast.Call) and self.foreign(node.func) else []
        return {part.id for part in given if isinstance(part, ast.Name)}

    def may_ask(self, node: ast.expr, child: ast.expr, free: bool) -> bool:
        """
        Whether the program may be asked for an expression around a value of its own: it must not be one that compares.
        """
        known = BUILTINS | (self.modules if called(node) == "isinstance" else set())
        if any(
            not reads(other) <= known
            for other, _ in children(node)
            if other is not child and other is not getattr(node, "func", None)
        ):
            return False
        inside = {id(part) for part in ast.walk(child)}
        compares = [part for part in ast.walk(node) if judges(part) and id(part) not in inside | {id(node)}]
        match node:
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return not compares and reads(node) - reads(child) <= BUILTINS
            case ast.Call() if any(
                called(node) not in ("takewhile", "dropwhile") or not isinstance(order, ORDERS)
                for part in compares
                for order in getattr(part, "ops", [None])
            ):
                return False
            case ast.Attribute(attr=name):
                return name not in JUDGES
            case ast.Call(func=function):
                if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Constant):
                    return function.attr in ("format", "join")
                return function is child or (
                    dotted(function) in self.asked | {"isinstance"} and dotted(function) not in self.shadowed
                )
            case ast.BinOp(left=ast.Constant(str()), op=ast.Mod()):
                return True
            case ast.BinOp() | ast.UnaryOp(op=ast.USub() | ast.Invert()):
                return free
        return isinstance(node, (ast.Subscript, ast.List, ast.Tuple, ast.Starred, ast.JoinedStr))


def judges(node: ast.AST) -> bool:
    """Whether it compares, or asks for what an object may claim."""
    return isinstance(node, ast.Compare) or called(node) in JUDGES | {"isinstance", "issubclass"}
