"""What a Python program does inside the sandbox: it runs as the main module, or is a solution asked for values.

Of a solution, steps are made in its namespace, and what each gives is written as a line of text: the literal of a
plain value, or a description. Readers outside (verify/code_values.py) take it for what a stranger says.
"""

import posix as os
import sys


def python_body(code, name="__main__"):
    """
    A program as the main module of a fresh namespace; as another module it is a solution, which finds what judges
    import for it.
    """

    def body():
        module = type(sys)(name)
        module.__dict__["__builtins__"] = __builtins__
        if name != "__main__":
            module.__dict__.update(offered(code))
        sys.modules[name] = module
        sys.argv = ["main.py"]
        sys.set_int_max_str_digits(0)  # a limit against slow servers; here the time is limited
        exec(code, module.__dict__)

    return body


def offered(code):
    """What LeetCode imports before a solution: of these names those that the code mentions."""
    offers = {
        "typing": "List Dict Set Tuple FrozenSet Deque DefaultDict Optional Union Any Callable Iterable Iterator "
            "Generator Sequence",
        "collections": "collections defaultdict deque Counter OrderedDict namedtuple ChainMap",
        "heapq": "heapq heappush heappop heapify heappushpop heapreplace nlargest nsmallest merge",
        "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
        "itertools": "itertools accumulate chain combinations combinations_with_replacement groupby islice pairwise "
            "permutations"
        " product zip_longest",
        "functools": "functools cache lru_cache cmp_to_key reduce partial total_ordering",
        "math": "math gcd lcm sqrt isqrt ceil floor inf pi comb perm factorial prod log2 log10 hypot",
        "operator": "operator itemgetter attrgetter xor or_ and_ mul",
        "string": "string ascii_lowercase ascii_uppercase ascii_letters digits",
        "random": "random randint randrange shuffle", "copy": "deepcopy", "re": "re", "sys": "sys", "time": "time",
    }  # fmt: skip
    names, rest, found = set(), [code], {}
    while rest:
        names.update(rest[-1].co_names)
        rest += [part for part in rest.pop().co_consts if type(part) is type(code)]
    for module, members in offers.items():
        if wanted := names.intersection(members.split()):
            source = __import__(module)
            found |= {name: getattr(source, name) for name in wanted if hasattr(source, name)} | {module: source}
    return found


def evaluations_body(code, steps):
    """Makes steps in a program's namespace and writes what each gives, as a line, to file descriptor 3."""

    def body():
        import builtins

        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)  # what the program prints is nobody's business
        own = dict(vars(builtins))  # as the program found them
        try:
            python_body(code, "solution")()
        except SystemExit as error:  # `main(); exit()` at the end of a program
            if error.code:
                raise
        with open(3, "w", encoding="utf-8", errors="surrogateescape") as results:
            for step in steps:
                results.write(answer(sys.modules["solution"].__dict__, own, *step) + "\n")
                results.flush()

    return body


def answer(space, own, statements, levels):
    """
    What a step gives: executes statements, then evaluates expressions until one has a plain value. Each finds the one
    before as `_`, and the builtins as they are. `value LEVEL LITERAL` or `error CLASSES: TEXT`.
    """
    value = None
    try:
        exec(statements, space)
        for level, expression in enumerate(levels):
            value = eval(expression, {**space, **own, "_": value} if level else space)
            try:
                return f"value {level} {literal(value)}"
            except TypeError:
                continue
        return f"value {level} {literal(value, True)}"
    except BaseException as error:
        names = " ".join(kind.__name__ for kind in type(error).__mro__)
        return f"error {names}: {error}"[:300].replace("\n", " ")


def literal(value, describe=False, kept=[]):  # noqa: B006  keeps what was described, or its identity came again
    """Source text of a plain value; anything else has none (`TypeError`), but can be described: class, fields, truth,
    and identity: positive where the class has no `==`, 0 where it has, -1 where the fields tell all."""
    kind, inside = type(value), lambda value: literal(value, describe)
    name, module = kind.__name__, kind.__module__
    if value is None or kind in (bool, str, bytes, bytearray, float, complex, range):
        return repr(value)
    if kind is int:
        return repr(value) if -(1 << 13000) < value < 1 << 13000 else hex(value)  # readers take at most 4,300 digits
    if kind is list:
        return f"[{', '.join(map(inside, value))}]"
    if kind is tuple:
        return f"({', '.join(map(inside, value))}{',' if len(value) == 1 else ''})"
    if kind in (set, frozenset):
        return f"{{{', '.join(map(inside, value))}}}" if value else "set()"
    if kind is dict:
        return "{" + ", ".join([f"{inside(key)}: {inside(item)}" for key, item in value.items()]) + "}"
    if module == "collections" and name in ("deque", "Counter", "OrderedDict", "defaultdict"):
        return f"{name}({inside((list if name == 'deque' else dict)(value))})"
    if module in ("datetime", "decimal", "fractions"):
        return repr(value)
    if not describe:
        raise TypeError(f"returned a {name}, not a plain value")
    plain = {int: int.__int__, float: float.__float__, str: str.__str__} | {
        kind: kind for kind in (list, tuple, dict, set)
    }
    for base, convert in plain.items():  # such as a named tuple: equal to what its class is made of
        if isinstance(value, base) and kind.__eq__ is base.__eq__:
            return inside(convert(value))
    if isinstance(value, type):
        return f"Thing('type', {{'name': {value.__name__!r}}}, True, -1)"
    if hasattr(value, "__iter__") and module in ("builtins", "itertools", "array"):
        return f"Items({name!r}, {inside(list(value))})"
    fields = (
        {"name": value._name_, "value": value._value_}
        if hasattr(value, "_value_")
        else dict(getattr(value, "__dict__", {}))
    )
    for slot in [slot for base in kind.__mro__ for slot in getattr(base, "__slots__", ())]:
        fields[slot] = getattr(value, slot, None)
    identity = -1 if hasattr(value, "_value_") else 0 if kind.__eq__ is not object.__eq__ else id(value)
    kept.append(value)
    return f"Thing({name!r}, {inside(fields)}, {bool(value)}, {identity})"
