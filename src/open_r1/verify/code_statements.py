"""
Statements of a test that assert nothing: its own stay outside, the program's part of the others goes in. What is
assigned from a comparison is kept as an expression, for the assertions that ask for it.
"""

import ast
from typing import Any

from .code_assertions import Assertions, Own
from .code_judging import JUDGING
from .code_names import BUILTINS, changes, children, constant, judging, patches, reads, stores
from .code_values import NOTHING


class Statements(Assertions):
    """The state of reading a test, and what its statements do to it."""

    def __init__(self):
        super().__init__()
        self.theirs: set[str] = set()  # names that the test assigned from the program
        self.random = False

    def binds(self, target: ast.expr, value: Any) -> None:
        """Assigns a known value; each name by itself, since the program is given only those that it needs."""
        parts = getattr(target, "elts", [])
        if (
            parts
            and isinstance(value, (list, tuple))
            and len(parts) == len(value)
            and not any(isinstance(p, ast.Starred) for p in parts)
        ):
            for part, item in zip(parts, value, strict=True):
                self.binds(part, item)
        else:
            # a loop's may stand for several assignments
            target = ast.parse(f"{ast.unparse(target)} = 0").body[0].targets[0]
            self.executes(ast.Assign([target], ast.Constant(value)), split=False)

    def executes(self, node: ast.stmt, split: bool = True) -> None:
        """A statement that asserts nothing: the test's own, or the program's."""
        found, writes, changed = reads(node), stores(node), changes(node)
        self.notes(node, writes)
        if isinstance(node, (ast.For, ast.While, ast.If, ast.With, ast.Try)):
            found -= writes - self.own - self.theirs  # what is first bound in it
        simple = isinstance(node, ast.Assign) and len(node.targets) == 1
        value = constant(node.value, self.known) if simple else NOTHING
        if split and value is not NOTHING and isinstance(node.targets[0], (ast.Tuple, ast.List)):
            self.binds(node.targets[0], value)
            return
        for name in writes & self.kept.keys():
            del self.kept[name]
        for name in found | writes:
            if name in writes or not isinstance(self.constants.get(name), (str, int, float)):
                self.constants.pop(name, None)  # it has another value, may be changed, or gets a second name
        text = ast.unparse(ast.fix_missing_locations(node))
        if found <= self.own:
            self.theirs -= writes
            if self.random:  # twice the same: beside the program and without it
                text = f"__import__('random').seed({len(self.setup)})\n{text}"
            self.setup.append(text)
            if patches(node, self.modules):
                self.gives(node)
                self.sent.append(text)
            self.unsent.append(Own(text, writes, found, not simple or bool(changed)))
            self.own |= writes
            self.given -= writes
            self.shadowed |= writes & JUDGING.keys()
            if value is not NOTHING and isinstance(node.targets[0], ast.Name):
                self.constants[node.targets[0].id] = value
        elif simple and isinstance(node.targets[0], ast.Name) and not self.may_be_asked(node.value):
            self.kept[node.targets[0].id] = self.keeps(node.value)
            self.own -= writes
            self.theirs |= writes
        else:
            if judging(node, self.own):
                raise ValueError(f"a comparison outside an assertion cannot be checked from outside: {text[:40]}")
            self.gives(node, set() if simple else writes)
            self.unsent = [own for own in self.unsent if not own.writes <= writes]  # they have other values now
            self.sent.append(text)
            self.theirs |= writes | (changed - BUILTINS - self.modules)
            self.own -= self.theirs

    def notes(self, node: ast.stmt, writes: set[str]) -> None:
        """Remembers which names are of objects that the test made of the program's classes."""
        self.made -= writes
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                pairs = zip(names, values, strict=False)
            case ast.Assign(targets=[name], value=value):
                pairs = [(name, value)]
            case _:
                pairs = []
        self.made |= {name.id for name, value in pairs if isinstance(name, ast.Name) and self.is_made(value)}

    def may_be_asked(self, node: ast.expr) -> bool:
        """
        Whether the program may be asked for an expression: one of its own, or one around that which compares nothing.
        """
        if self.is_hole(node):
            return True
        around = [child for child, _ in children(node) if self.foreign(child)]
        return len(around) == 1 and self.may_ask(node, around[0], False) and self.may_be_asked(around[0])

    def keeps(self, node: ast.expr) -> ast.expr:
        """
        The expression with the program's parts under names of their own: they are evaluated now, the rest where an
        assertion asks.
        """
        if self.is_hole(node):
            name = f"_kept{len(self.steps)}_{len(self.sent)}"
            self.executes(ast.Assign([ast.Name(name, ast.Store())], node))
            return ast.Name(name, ast.Load())
        for child, put in children(node):
            if self.foreign(child):
                put(self.keeps(child))
        return node
