"""What an assertion asks of a program, and what is decided outside: the program's part of it goes into the sandbox,
the rest does not.

Of an assertion only the innermost calls of the program are made beside it ("holes"): their values come out as plain
data, and the assertion is decided with them outside. Where a value is no plain data, the expressions around it are
tried beside the program as well (`len(f(1))`, `f(1).area()`), but never a comparison: no object can claim to equal
everything.
"""

import ast
import copy
from collections.abc import Collection
from typing import NamedTuple

from .code_asking import COMPREHENSIONS, Asking
from .code_judging import JUDGING
from .code_names import BUILTINS, Fold, called, children, constant, exchanged, reads
from .code_values import NOTHING, dotted


class Assertion(NamedTuple):
    """What has to hold of the program's values, and where they and the test's own ones come from."""

    test: ast.expr
    holes: tuple[tuple[int, tuple[ast.expr, ...]], ...]  # index of the step; the expression of each of its levels
    own: tuple[tuple[int, ast.expr], ...]  # index among the test's own values; the expression
    after: int  # so many of the test's own statements come before
    here: bool  # whether names mean what they usually do


class Raises(NamedTuple):
    """That a step ends with an exception of one of these classes."""

    step: int
    names: tuple[str, ...]


class Own(NamedTuple):
    """A statement of the test's own that the program has not been given."""

    text: str
    writes: set[str]
    reads: set[str]
    changes: bool  # whether it may change what its names hold


class Assertions(Asking):
    """The state of reading a test, and the parts of its assertions (see [`Script`])."""

    def __init__(self):
        super().__init__()
        self.steps, self.setup, self.values, self.checks = [], [], [], []
        self.unsent: list[Own] = []
        self.sent: list[str] = []  # statements of the next step
        self.kept: dict[str, ast.expr] = {}  # what names stand for that were assigned from a comparison

    def gives(self, node: ast.AST, more: Collection[str] = ()) -> None:
        """
        Gives the program what a part of it needs of the test's own statements, and remembers what its calls were
        given.
        """
        needed, chosen = reads(node).union(more), []
        for own in reversed(self.unsent):
            if own.writes & needed or (own.changes and own.reads & needed - BUILTINS):
                chosen.append(own)
                needed |= own.reads
        self.unsent = (
            [own for own in self.unsent if not any(own is other for other in chosen)] if chosen else self.unsent
        )
        self.sent += [own.text for own in reversed(chosen)]
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and self.foreign(call.func):
                parts = [part for given in [*call.args, *call.keywords] for part in ast.walk(given)]
                self.given |= {part.id for part in parts if isinstance(part, ast.Name)} & self.own - BUILTINS

    def step(self, levels: list[ast.expr]) -> int:
        """Adds a step: each level is the one before with something around it, and finds that as `_`."""
        texts = [ast.unparse(levels[0])]
        for inner, outer in zip(levels, levels[1:], strict=False):
            texts.append(ast.unparse(exchanged(outer, {id(inner): ast.Name("_", ast.Load())})))
        if called(levels[-1]) == "isinstance" and len(levels) > 1:  # a class could be claimed
            texts[-1] = f"issubclass(type(_), {ast.unparse(levels[-1].args[1])})"
        self.steps.append(("\n".join(self.sent), texts))
        self.sent = []
        return len(self.steps) - 1

    def asserts(self, test: ast.expr) -> None:
        """Checks of an assertion: `and` and `all(... for ...)` are several."""
        if self.kept:
            kept = {
                id(part): self.kept[part.id]
                for part in ast.walk(test)
                if isinstance(part, ast.Name) and part.id in self.kept
            }
            test = copy.deepcopy(exchanged(test, kept))
        match test:
            case ast.BoolOp(op=ast.And(), values=parts):
                for part in parts:
                    self.asserts(part)
                return
            case ast.Call(
                func=ast.Name("all"), args=[ast.GeneratorExp(elt=each, generators=[ast.comprehension(ifs=[]) as loop])]
            ):
                if (items := constant(loop.iter, self.known)) is not NOTHING:
                    for item in items:
                        self.binds(loop.target, item)
                        self.asserts(copy.deepcopy(each))
                    return
        own, names = self.own, reads(test)
        # not a word of the program: what became of what it was given? Or does it have the name of a builtin?
        if names <= own:
            builtin = (
                {dotted(part.func) for part in ast.walk(test) if isinstance(part, ast.Call)}
                if names <= BUILTINS
                else set()
            )
            self.own = own - (names & self.given or builtin)
        if self.foreign(test):
            self.holes, self.owned = [], []
            test = self.cut(test, [], False)
            self.checks.append(
                Assertion(test, tuple(self.holes), tuple(self.owned), len(self.setup), not names & self.shadowed)
            )
        self.own = own

    def cut(self, node: ast.expr, around: list[ast.expr], free: bool) -> ast.expr:
        """
        Notes the program's parts of an expression, and the test's; what is known at once is put in its place.

        Args:
            node (`ast.expr`):
                The expression.
            around (`list[ast.expr]`):
                Those around it, inner ones first, that may be evaluated beside the program if its value is not plain.
            free (`bool`):
                Whether all may that are no comparison, since the test compares no value of its own.
        """
        if not self.foreign(node):
            if dotted(node) in JUDGING and dotted(node) not in self.shadowed:
                return node
            if isinstance(node, ast.Slice):
                return exchanged(node, {id(part): self.cut(part, [], False) for part, _ in children(node)})
            if (value := constant(node, self.known)) is not NOTHING:
                return ast.Constant(value)
            if called(node) == "approx":
                node.args[:1] = [self.cut(node.args[0], [], False)]
                return node
            self.owned.append((len(self.values), node))
            self.values.append((len(self.setup), ast.unparse(node)))
            return node
        if self.is_hole(node):
            node = Fold(self.known).visit(node)
            levels = [node, *around]
            for level in levels:
                self.gives(level)
            self.holes.append((self.step(levels), tuple(levels)))
            return node
        for name in self.names_inside(node) if isinstance(node, COMPREHENSIONS) else ():
            self.cut(name, [], False)
        if isinstance(node, ast.Compare):
            free = all(map(self.foreign, [node.left, *node.comparators]))
        for child, put in children(node):
            if self.foreign(child):
                put(self.cut(child, [node, *around] if self.may_ask(node, child, free) else [], free))
            elif not (isinstance(node, ast.Call) and child is node.func):
                put(self.cut(child, [], free))
        return node
