"""
Right programs in the idioms of APPS, TACO, LiveCodeBench, HumanEval, MBPP, KodCode, Codeforces and LeetCode: all of
them are paid.

Each case is a gold and a program, or a whole response where it begins with words. Written for these tests after the
forms of those sets; none of their problems are copied.
"""

SUM = {"inputs": ["3\n1 2 3\n", "1\n5\n"], "outputs": ["6\n", "5\n"]}
ECHO = {"inputs": ["a b\nc\n"], "outputs": ["a b\nc\n"]}
HALF = {"inputs": ["1\n", "3\n"], "outputs": ["0.500000000\n", "1.500000000\n"]}
TWICE = "def f(x):\n    return 2 * x"
TWO = ["assert f(1) == 2", "assert f(2) == 4"]
STACK = (
    "class Stack:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.append(x); return self\n"
    + (
        "    def pop(self): return self.items.pop()\n    def is_empty(self): return not self.items\n"
        "    def __len__(self): return len(self.items)"
    )
)
POINT = (
    "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n    y: int\ndef f(a, b):\n"
    "    return Point(a, b)"
)
VECTOR = (
    "class Vector:\n    def __init__(self, x, y): self.x, self.y = x, y\n"
    "    def __add__(self, o): return Vector(self.x + o.x, self.y + o.y)\n"
    "    def __mul__(self, k): return Vector(self.x * k, self.y * k)\n"
    "    def __eq__(self, o): return (self.x, self.y) == (o.x, o.y)\n"
    "    def __repr__(self): return f'Vector({self.x}, {self.y})'\n    def __len__(self): return 2\n"
    "    def __abs__(self): return abs(self.x)\n"
    "    def __bool__(self): return bool(self.x or self.y)\n    def __getitem__(self, i): return (self.x, self.y)[i]\n"
    "    def __iter__(self): return iter((self.x, self.y))\n    def __call__(self): return self.x\n"
    "    def __hash__(self): return hash(self.x)"
)
COLOR = (
    "from enum import Enum\nclass Color(Enum):\n    RED = 1\n    BLUE = 2\ndef f(x):\n"
    "    return Color.RED if x else Color.BLUE"
)
NODE = "class Node:\n    def __init__(self, v, n=None): self.val, self.next = v, n\n" + (
    "def to_list(n):\n    out = []\n    while n: out.append(n.val); n = n.next\n    return out\n"
    "def reverse(n):\n    p = None\n    while n: n.next, p, n = p, n, n.next\n    return p"
)
GENERATOR = "def f(n):\n    for i in range(n):\n        yield i * i"
CHECK = "METADATA = {'author': 'x'}\n\ndef check(candidate):\n    "


def call(inputs, outputs, name="f"):
    return {"fn_name": name, "inputs": inputs, "outputs": outputs}


def solution(body, head="def f(self, x):"):
    return f"class Solution:\n    {head}\n        {body}"


STDIN = {
    "input()": (SUM, "n = int(input())\nprint(sum(map(int, input().split())))"),
    "sys.stdin.read": (SUM, "import sys\nd = sys.stdin.read().split()\nprint(sum(map(int, d[1:])))"),
    "sys.stdin.readline": (
        SUM,
        "import sys\ninput = sys.stdin.readline\ninput()\nprint(sum(map(int, input().split())))",
    ),
    "sys.stdin.buffer": (SUM, "import sys\nd = sys.stdin.buffer.read().split()\nprint(sum(map(int, d[1:])))"),
    "buffer.readline": (SUM, "import sys\ni = sys.stdin.buffer.readline\ni()\nprint(sum(map(int, i().split())))"),
    "open(0)": (SUM, "d = open(0).read().split()\nprint(sum(map(int, d[1:])))"),
    "open(0) lines": (SUM, "_, *rows = open(0)\nprint(sum(int(x) for r in rows for x in r.split()))"),
    "os.read": (SUM, "import os\nd = os.read(0, 1 << 16).split()\nprint(sum(map(int, d[1:])))"),
    "fileinput": (SUM, "import fileinput\nr = list(fileinput.input())\nprint(sum(map(int, r[1].split())))"),
    "for line in stdin": (
        SUM,
        "import sys\nt = 0\nfor i, l in enumerate(sys.stdin):\n    if i: t += sum(map(int, l.split()))\nprint(t)",
    ),
    "iter(input)": ({"inputs": ["1\n2\n\n"], "outputs": ["3"]}, "print(sum(map(int, iter(input, ''))))"),
    "try EOFError": (ECHO, "while True:\n    try:\n        print(input())\n    except EOFError:\n        break"),
    "BytesIO": (
        SUM,
        "import os, sys\nfrom io import BytesIO\ninput = BytesIO(os.read(0, os.fstat(0).st_size or 9999)).readline\n"
        "input()\n"
        "print(sum(map(int, input().split())))",
    ),
    "stdout.write": (SUM, "import sys\ninput()\nsys.stdout.write(str(sum(map(int, input().split()))))"),
    "stdout.buffer": (SUM, "import sys\ninput()\nsys.stdout.buffer.write(b'%d\\n' % sum(map(int, input().split())))"),
    "os.write": (SUM, "import os\ninput()\nos.write(1, str(sum(map(int, input().split()))).encode())"),
    "main()": (SUM, "def main():\n    input()\n    print(sum(map(int, input().split())))\n\nmain()"),
    "guard": (
        SUM,
        "def main():\n    input()\n    print(sum(map(int, input().split())))\n\n"
        "if __name__ == '__main__':\n    main()",
    ),
    "main in a thread": (
        SUM,
        "import sys, threading\ndef main():\n    input()\n    print(sum(map(int, input().split())))\n"
        "t = threading.Thread(target=main)\nt.start()\nt.join()",
    ),
    "recursion limit": (
        {"inputs": ["3000"], "outputs": ["3000"]},
        "import sys\nsys.setrecursionlimit(10**5)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(int(input())))",
    ),
    "sys.exit": (SUM, "import sys\ninput()\nprint(sum(map(int, input().split())))\nsys.exit()"),
    "sys.exit(0) in main": (
        SUM,
        "import sys\ndef main():\n    input()\n    print(sum(map(int, input().split())))\n    return 0\n"
        "sys.exit(main())",
    ),
    "raise SystemExit": (SUM, "input()\nprint(sum(map(int, input().split())))\nraise SystemExit"),
    "os._exit after a flush": (
        SUM,
        "import os\ninput()\nprint(sum(map(int, input().split())), flush=True)\nos._exit(0)",
    ),
    "trailing blanks": (
        {"inputs": ["3"], "outputs": ["1 2 3\n"]},
        "print(*range(1, int(input()) + 1), end=' \\n\\n')",
    ),
    "no last newline": ({"inputs": ["3"], "outputs": ["3\n"]}, "print(input(), end='')"),
    "CRLF input": (
        {"inputs": ["3\r\n1 2 3\r\n"], "outputs": ["6\r\n"]},
        "input()\nprint(sum(map(int, input().split())))",
    ),
    "CRLF output": ({"inputs": [""], "outputs": ["1\n2\n"]}, "print('1\\r\\n2\\r')"),
    "join": ({"inputs": ["3"], "outputs": ["0\n1\n2"]}, "print('\\n'.join(map(str, range(int(input())))))"),
    "f-string": ({"inputs": ["2"], "outputs": ["Case #1: 2"]}, "print(f'Case #{1}: {input()}')"),
    "percent": ({"inputs": ["2"], "outputs": ["2.00"]}, "print('%.2f' % float(input()))"),
    "format": ({"inputs": ["2"], "outputs": ["2.50"]}, "print('{:.2f}'.format(float(input()) + 0.5))"),
    "repr of a float": (HALF, "print(int(input()) / 2)"),
    "many digits": (HALF, "print('%.12f' % (int(input()) / 2))"),
    "few digits of a third": ({"inputs": ["1"], "outputs": ["0.3333333333"]}, "print(round(1 / 3, 8))"),
    "an integer for a decimal": ({"inputs": ["4"], "outputs": ["2.0"]}, "print(int(input()) // 2)"),
    "exponent": ({"inputs": ["1"], "outputs": ["0.00001"]}, "print(1e-05)"),
    "large decimal": ({"inputs": ["1"], "outputs": ["123456789.123456"]}, "print(123456789.123457)"),
    "minus zero": ({"inputs": ["1"], "outputs": ["0.0"]}, "print(-0.0)"),
    "nan as written": ({"inputs": ["1"], "outputs": ["nan"]}, "print(float('nan'))"),
    "5,000 digits": ({"inputs": ["5000"], "outputs": ["1" + "0" * 5000]}, "print(10 ** int(input()))"),
    "5,000 digits read": ({"inputs": ["9" * 5000], "outputs": ["1" + "0" * 5000]}, "print(int(input()) + 1)"),
    "big integers as JSON numbers": ({"inputs": [10**30], "outputs": [10**30 + 1]}, "print(int(input()) + 1)"),
    "unicode": ({"inputs": ["é ☃\n"], "outputs": ["☃ é\n"]}, "print(*reversed(input().split()))"),
    "numbers with leading zeros": ({"inputs": ["007"], "outputs": ["007"]}, "print(input())"),
    "stderr as a log": (
        SUM,
        "import sys\ninput()\nprint('debug', file=sys.stderr)\nprint(sum(map(int, input().split())))",
    ),
    "assert in a program": (
        SUM,
        "n = int(input())\na = list(map(int, input().split()))\nassert len(a) == n\nprint(sum(a))",
    ),
    "Decimal": (
        {"inputs": ["0.1 0.2"], "outputs": ["0.3"]},
        "from decimal import *\nprint(sum(map(Decimal, input().split())))",
    ),
    "Fraction": (
        {"inputs": ["1 3"], "outputs": ["1/3"]},
        "from fractions import *\nprint(Fraction(*map(int, input().split())))",
    ),
    "heapq": (
        {"inputs": ["3 1 2"], "outputs": ["1"]},
        "import heapq\na = list(map(int, input().split()))\nheapq.heapify(a)\nprint(a[0])",
    ),
    "bisect": (
        {"inputs": ["5"], "outputs": ["3"]},
        "from bisect import *\nprint(bisect_left([1, 2, 3, 5], int(input())))",
    ),
    "collections": (
        {"inputs": ["aab"], "outputs": ["a"]},
        "from collections import *\nprint(Counter(input()).most_common(1)[0][0])",
    ),
    "match": ({"inputs": ["a"], "outputs": ["1"]}, "match input():\n    case 'a': print(1)\n    case _: print(2)"),
    "walrus": ({"inputs": ["3"], "outputs": ["3"]}, "if (n := int(input())): print(n)"),
    "lambda": ({"inputs": ["3"], "outputs": ["9"]}, "print((lambda x: x * x)(int(input())))"),
    "exec in a string": ({"inputs": ["3"], "outputs": ["3"]}, "exec('print(input())')"),
    "inputs as lists of lines": (
        {"inputs": [["3", "1 2 3"]], "outputs": [["6"]]},
        "input()\nprint(sum(map(int, input().split())))",
    ),
    "list of cases": ([{"input": "2\n", "output": "4\n", "testtype": "stdin"}], "print(2 * int(input()))"),
    "test_cases": (
        {
            "language": "python",
            "test_cases": [{"input": "2\n", "output": "4\n", "fn_name": None, "type": "stdin_stdout"}],
        },
        "print(2 * int(input()))",
    ),
}
CALLS = {
    "a function": (call([[1], [2]], [2, 4]), TWICE),
    "Solution": (call([[1], [2]], [2, 4]), solution("return 2 * x")),
    "Solution named": (call([[1]], [2], "Solution.f"), solution("return 2 * x")),
    "results in lists": (call([[1], [2]], [[2], [4]]), TWICE),
    "a list of one": (call([[1], [2]], [[2], [4]]), "def f(x):\n    return [2 * x]"),
    "List without its import": (call([[[1, 2]]], [3]), solution("return sum(x)", "def f(self, x: List[int]) -> int:")),
    "Optional": (call([[None]], [0]), solution("return x or 0", "def f(self, x: Optional[int]) -> int:")),
    "Dict and Tuple": (
        call([[{"a": 1}]], [1]),
        solution("return x['a']", "def f(self, x: Dict[str, int]) -> Tuple[int, int]:"),
    ),
    "heapq without its import": (call([[[3, 1]]], [1]), solution("heapq.heapify(x); return heapq.heappop(x)")),
    "heappush": (call([[3]], [3]), solution("h = []; heappush(h, x); return heappop(h)")),
    "defaultdict": (
        call([["aab"]], [2]),
        solution("d = defaultdict(int)\n        for c in x: d[c] += 1\n        return d['a']"),
    ),
    "Counter": (call([["aab"]], [2]), solution("return Counter(x)['a']")),
    "collections.deque": (call([[[1, 2]]], [1]), solution("return collections.deque(x).popleft()")),
    "deque": (call([[[1, 2]]], [1]), solution("return deque(x).popleft()")),
    "math.gcd": (call([[12]], [4]), solution("return math.gcd(x, 8)")),
    "gcd": (call([[12]], [4]), solution("return gcd(x, 8)")),
    "inf": (call([[12]], [12]), solution("return min(x, inf)")),
    "sqrt, ceil": (call([[10]], [4]), solution("return ceil(sqrt(x))")),
    "bisect_left": (call([[[1, 3]]], [1]), solution("return bisect_left(x, 2)")),
    "bisect.bisect": (call([[[1, 3]]], [1]), solution("return bisect.bisect(x, 2)")),
    "accumulate": (call([[[1, 3]]], [[1, 4]]), solution("return list(accumulate(x))")),
    "itertools.product": (call([[2]], [4]), solution("return len(list(itertools.product(range(x), repeat=2)))")),
    "permutations": (call([[3]], [6]), solution("return len(list(permutations(range(x))))")),
    "@cache": (
        call([[30]], [832040]),
        solution("@cache\n        def g(n): return n if n < 2 else g(n - 1) + g(n - 2)\n        return g(x)"),
    ),
    "@lru_cache": (
        call([[30]], [832040]),
        solution(
            "@lru_cache(None)\n        def g(n): return n if n < 2 else g(n - 1) + g(n - 2)\n        return g(x)"
        ),
    ),
    "@functools.lru_cache": (
        call([[5]], [5]),
        solution("return x", "@functools.lru_cache(None)\n    def f(self, x):"),
    ),
    "reduce": (call([[[1, 2, 3]]], [6]), solution("return reduce(lambda a, b: a * b, x)")),
    "cmp_to_key": (call([[[1, 2]]], [[2, 1]]), solution("return sorted(x, key=cmp_to_key(lambda a, b: b - a))")),
    "re": (call([["a1"]], ["1"]), solution("return re.sub('[a-z]', '', x)")),
    "ascii_lowercase": (call([[1]], ["b"]), solution("return string.ascii_lowercase[x]")),
    "deepcopy": (call([[[1]]], [[1]]), solution("return copy.deepcopy(x)")),
    "from typing import *": (
        call([[[1]]], [1]),
        "from typing import *\n" + solution("return x[0]", "def f(self, x: List[int]) -> int:"),
    ),
    "a helper method": (call([[3]], [6]), solution("return self.g(x)\n    def g(self, x): return 2 * x")),
    "__init__ with state": (
        call([[3], [3]], [1, 1]),
        solution("self.n += 1; return self.n\n    def __init__(self): self.n = 0"),
    ),
    "class variables": (
        call([[3], [3]], [[3], [3]]),
        "class Solution:\n    seen = []\n    def f(self, x):\n        self.seen.append(x)\n        return self.seen",
    ),
    "global state": (call([[3], [3]], [[3], [3]]), "seen = []\ndef f(x):\n    seen.append(x)\n    return seen"),
    "staticmethod": (call([[3]], [6]), "class Solution:\n    @staticmethod\n    def f(x):\n        return 2 * x"),
    "a tuple for a list": (call([[3]], [[3, 6]]), "def f(x):\n    return x, 2 * x"),
    "a deque": (call([[3]], [[3, 6]]), "from collections import deque\ndef f(x):\n    return deque([x, 2 * x])"),
    "a range": (call([[3]], [[0, 1, 2]]), "def f(x):\n    return range(x)"),
    "a generator": (call([[3]], [[0, 1, 4]]), GENERATOR),
    "keys of a dict": (call([[3]], [[3, 4]]), "def f(x):\n    return {x: 1, 4: 2}.keys()"),
    "a Counter": (
        call([["aab"]], [{"a": 2, "b": 1}]),
        "from collections import Counter\ndef f(x):\n    return Counter(x)",
    ),
    "a defaultdict": (
        call([["a"]], [{"a": 1}]),
        "from collections import defaultdict\ndef f(x):\n    d = defaultdict(int)\n    d[x] += 1\n    return d",
    ),
    "integers as keys": (call([[3]], [{"3": "x"}]), "def f(x):\n    return {x: 'x'}"),
    "None": (call([[3]], [None]), "def f(x):\n    pass"),
    "a boolean": (call([[3], [4]], [True, False]), "def f(x):\n    return x % 2 == 1"),
    "a float": (call([[3]], [1.5]), "def f(x):\n    return x / 2"),
    "a float of rounding": (call([[0.1]], [0.3]), "def f(x):\n    return x + 0.2"),
    "five digits of a float": (call([[2]], [1.41421356]), "def f(x):\n    return x ** 0.5"),
    "a whole float": (call([[4]], [2.0]), "def f(x):\n    return x // 2"),
    "a float that is an integer": (call([[4]], [2]), "def f(x):\n    return x / 2"),
    "a long result": (call([[100000]], [list(range(100000))]), "def f(x):\n    return list(range(x))"),
    "5,000 digits": (call([[5000]], [10**5000]), "def f(x):\n    return 10 ** x"),
    "an argument of 5,000 digits": (call([[10**5000]], [5001]), "def f(x):\n    return len(str(x))"),
    "a string": (call([["a'b\"\n"]], ["\n\"b'a"]), "def f(x):\n    return x[::-1]"),
    "several arguments": (call([[1, [2], "a"]], [[1, 2, "a"]]), "def f(a, b, c):\n    return [a, *b, c]"),
    "no arguments": (call([[]], [1]), "def f():\n    return 1"),
    "one argument without its list": (call([5], [10]), TWICE),
    "it prints as well": (call([[1]], [2]), "def f(x):\n    print(x)\n    return 2 * x"),
    "it ends with a call of main": (
        call([[1]], [2]),
        TWICE + "\nif __name__ == '__main__':\n    print(f(int(input())))",
    ),
    "it ends with sys.exit": (call([[1]], [2]), "import sys\n" + TWICE + "\nsys.exit(0)"),
    "it changes its argument": (call([[[2, 1]], [[3, 1]]], [[1, 2], [1, 3]]), "def f(x):\n    x.sort()\n    return x"),
    "LiveCodeBench": (
        [{"input": "[1, 2]\n3", "output": "6", "testtype": "functional", "func_name": "f"}],
        "def f(a, b):\n    return sum(a) + b",
    ),
    "LiveCodeBench, strings": (call(['"ab"'], ['"ba"']), solution("return x[::-1]")),
    "nested functions": (call([[3]], [6]), "def f(x):\n    def g(y): return 2 * y\n    return g(x)"),
    "recursion": (call([[500]], [500]), "def f(n):\n    return n and 1 + f(n - 1)"),
    "annotations of its own class": (
        call([[3]], [3]),
        "from __future__ import annotations\ndef f(x: Unknown) -> list[Tree]:\n    return x",
    ),
}
ASSERTS = {
    "plain": (TWO, TWICE),
    "parentheses": (["assert (f(1)) == 2", "assert (f(1) == 2)", "assert((f(1)) == (2))"], TWICE),
    "a message": (["assert f(1) == 2, 'wrong'"], TWICE),
    "HumanEval": (CHECK + "assert candidate(1) == 2\n    assert candidate(2) == 4\n\ncheck(f)\n", TWICE),
    "HumanEval, a remark": (
        CHECK
        + 'assert True, "This prints if this assert fails 1 (good for debugging!)"\n    assert candidate(1) == 2\n'
        "check(f)",
        TWICE,
    ),
    "HumanEval, a distance": (
        CHECK + "assert abs(candidate(3.5) - 0.5) < 1e-6\ncheck(f)",
        "def f(x):\n    return x % 1.0",
    ),
    "HumanEval, random calls": (
        CHECK + "import random\n    for _ in range(10):\n        x = random.randint(0, 99)\n"
        "        assert candidate(x) == 2 * x\ncheck(f)",
        TWICE,
    ),
    "HumanEval, tuples": (
        CHECK + "assert tuple(candidate(1)) == tuple([1, 2])\ncheck(f)",
        "def f(x):\n    return [x, 2]",
    ),
    "HumanEval+": (
        "import math\ndef is_floats(x):\n    return isinstance(x, float)\n\ndef assertion(out, exp, atol):\n"
        "    exact_match = out == exp\n    if atol == 0 and is_floats(exp):\n        atol = 1e-6\n"
        "    if not exact_match and atol != 0:\n"
        "        assert math.isclose(out, exp, rel_tol=1e-07, abs_tol=atol)\n    else:\n        assert exact_match\n\n"
        "def check(candidate):\n    inputs = [[1], [2.5]]\n    results = [2, 5.0]\n"
        "    for i, (inp, exp) in enumerate(zip(inputs, results)):\n"
        "        assertion(candidate(*inp), exp, 0)\n\ncheck(f)",
        TWICE,
    ),
    "MBPP+": (
        "inputs = [[1], [2]]\nresults = [2, 4]\ndef assertion(out, exp, atol):\n    assert out == exp, f'{out}'\n"
        "for i, (inp, exp) in enumerate(zip(inputs, results)):\n    assertion(f(*inp), exp, 0)",
        TWICE,
    ),
    "MBPP, sets": (["assert set(f([1, 1, 2])) == set([2, 1])"], "def f(x):\n    return tuple(set(x))"),
    "MBPP, isclose": (
        ["import math", "assert math.isclose(f(2), 1.4142, rel_tol=0.001)"],
        "def f(x):\n    return x ** 0.5",
    ),
    "MBPP, True": (["assert f(3) == True", "assert f(2) == False"], "def f(x):\n    return x % 2 == 1"),
    "MBPP, 1 for True": (["assert f(3) == True", "assert f(2) == False"], "def f(x):\n    return x & 1"),
    "MBPP, the name of a builtin": (["assert sum(10, 15) == 25"], "def sum(a, b):\n    return a + b"),
    "MBPP, objects": (
        ["assert area(root) == 3"],
        "class Node:\n    def __init__(self, v): self.v = v\nroot = Node(3)\ndef area(n): return n.v",
    ),
    "KodCode": (
        "from solution import f\nimport pytest\n\ndef test_one():\n    assert f(1) == 2\n\ndef test_two():\n"
        "    with pytest.raises(TypeError):\n"
        "        f(None)\n",
        TWICE,
    ),
    "KodCode, try": (
        "from solution import f\ndef test():\n    try:\n        f(None)\n        assert False\n    except TypeError:\n"
        "        pass",
        TWICE,
    ),
    "a base class of the exception": (
        ["import pytest", "with pytest.raises(LookupError, match='x'):\n    f('x')"],
        "def f(x):\n    return {}[x]",
    ),
    "an exception of its own": (
        ["import pytest", "from solution import Bad, f", "with pytest.raises(Bad):\n    f(1)"],
        "class Bad(Exception):\n    pass\ndef f(x):\n    raise Bad(x)",
    ),
    "parametrize": (
        "import pytest\n@pytest.mark.parametrize('x, y', [(1, 2), (2, 4)])\ndef test(x, y):\n    assert f(x) == y",
        TWICE,
    ),
    "parametrize one name": (
        "import pytest\n@pytest.mark.parametrize('x', [1, 2])\ndef test(x):\n    assert f(x) == 2 * x",
        TWICE,
    ),
    "import under another name": ("from main import f as g\nassert g(1) == 2", TWICE),
    "import of the module": ("import solution\nassert solution.f(1) == 2", TWICE),
    "import of everything": ("from your_module import *\nassert f(1) == 2", TWICE),
    "a variable": ("expected = 2\nassert f(1) == expected", TWICE),
    "variables": ("x, expected = 1, 2\nresult = f(x)\nassert result == expected", TWICE),
    "a comparison in a variable": ("ok = f(1) == 2\nassert ok\nd = abs(f(1.5) - 3)\nassert d < 1e-6", TWICE),
    "a design problem": (
        "def run(names, given):\n    out, stack = [], None\n    for name, values in zip(names, given):\n"
        "        if name == 'Stack':\n"
        "            stack = Stack()\n            out.append(None)\n        elif name == 'push':\n"
        "            stack.push(*values)\n"
        "            out.append(None)\n        else:\n            out.append(getattr(stack, name)(*values))\n"
        "    return out\n"
        "assert run(['Stack', 'push', 'pop'], [[], [1], []]) == [None, None, 1]",
        STACK,
    ),
    "a table": ("cases = [(1, 2), (2, 4)]\nfor x, y in cases:\n    assert f(x) == y, x", TWICE),
    "a table of dictionaries": (
        "cases = [{'in': 1, 'out': 2}]\nfor case in cases:\n    assert f(case['in']) == case['out']",
        TWICE,
    ),
    "items of a dict": ("for x, y in {1: 2, 2: 4}.items():\n    assert f(x) == y", TWICE),
    "an index": ("cases = [(1, 2), (2, 4)]\nassert f(cases[1][0]) == cases[1][1]", TWICE),
    "a loop over a range": ("for i in range(20):\n    assert f(i) == i * 2", TWICE),
    "all of a table": ("assert all(f(x) == y for x, y in [(1, 2), (2, 4)])", TWICE),
    "a comprehension": ("assert [f(x) for x in range(3)] == [0, 2, 4]", TWICE),
    "map": ("assert list(map(f, [1, 2])) == [2, 4]", TWICE),
    "a reference beside it": (
        "def reference(x):\n    return x + x\nfor i in range(5):\n    assert f(i) == reference(i)",
        TWICE,
    ),
    "a helper that calls the program": ("def run(x):\n    return f(x) + 1\nassert run(1) == 3", TWICE),
    "a helper that judges": ("def close(a, b):\n    return abs(a - b) < 1e-3\nassert close(f(1.0), 2.0)", TWICE),
    "nested lists": (["assert f([[1, 2], [3]]) == [1, 2, 3]"], "def f(x):\n    return [b for a in x for b in a]"),
    "a tuple": (["assert f(1) == (1, 2)"], "def f(x):\n    return x, 2"),
    "a set": (["assert f() == {1, 2}"], "def f():\n    return {2, 1}"),
    "a frozenset": (["assert f() == frozenset({1, 2})"], "def f():\n    return frozenset({2, 1})"),
    "a dict": (["assert f() == {'b': 1, 'a': [2]}"], "def f():\n    return {'a': [2], 'b': 1}"),
    "bytes": (["assert f() == b'a\\x00'"], "def f():\n    return b'a\\x00'"),
    "complex": (["assert f() == 1 + 2j"], "def f():\n    return complex(1, 2)"),
    "float from floats": (["assert f() == 0.3"], "def f():\n    return 0.1 + 0.2"),
    "infinity": (["assert f() == float('inf')"], "def f():\n    return float('inf')"),
    "NaN is no NaN": (["x = f()", "assert x != x"], "def f():\n    return float('nan')"),
    "isnan": (["import math", "assert math.isnan(f())"], "def f():\n    return float('nan')"),
    "5,000 digits": (["assert f() == 10 ** 5000"], "def f():\n    return 10 ** 5000"),
    "5,000 digits written": ([f"assert f() == 1{'0' * 5000}"], "def f():\n    return 10 ** 5000"),
    "digits of a long integer": (["assert len(str(f())) == 5001"], "def f():\n    return 10 ** 5000"),
    "a date": (
        ["from datetime import date", "assert f() == date(2024, 2, 29)"],
        "from datetime import date\ndef f():\n    return date(2024, 2, 29)",
    ),
    "a datetime": (
        ["import datetime", "assert f(datetime.datetime(2024, 1, 1)) == datetime.datetime(2024, 1, 2)"],
        "import datetime\ndef f(d):\n    return d + datetime.timedelta(days=1)",
    ),
    "a timedelta": (
        ["from datetime import timedelta", "assert f() == timedelta(hours=1)"],
        "from datetime import timedelta\ndef f():\n    return timedelta(minutes=60)",
    ),
    "a time zone": (
        ["from datetime import *", "assert f().tzinfo == timezone.utc"],
        "from datetime import *\ndef f():\n    return datetime(2024, 1, 1, tzinfo=timezone.utc)",
    ),
    "a Decimal": (
        ["from decimal import Decimal", "assert f() == Decimal('0.30')"],
        "from decimal import Decimal\ndef f():\n    return Decimal('0.1') + Decimal('0.2')",
    ),
    "a Fraction": (
        ["from fractions import Fraction", "assert f() == Fraction(1, 2)"],
        "from fractions import Fraction\ndef f():\n    return Fraction(2, 4)",
    ),
    "a Fraction as a float": (
        ["assert f() == 0.5"],
        "from fractions import Fraction\ndef f():\n    return Fraction(2, 4)",
    ),
    "a member of an Enum": (
        ["assert f(1) == Color.RED", "assert f(0) is Color.BLUE", "assert f(1) != Color.BLUE"],
        COLOR,
    ),
    "value and name of an Enum": (["assert f(1).value == 1", "assert f(1).name == 'RED'"], COLOR),
    "an IntEnum": (
        ["assert f() == 2"],
        "from enum import IntEnum\nclass C(IntEnum):\n    A = 2\ndef f():\n    return C.A",
    ),
    "a namedtuple": (
        ["assert f() == (1, 2)", "assert f() == P(1, 2)", "assert f().x == 1"],
        "from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef f():\n    return P(1, 2)",
    ),
    "NamedTuple": (
        ["assert f() == (1, 'a')"],
        "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\n    y: str\ndef f():\n    return P(1, 'a')",
    ),
    "a dataclass": (["assert f(1, 2) == Point(1, 2)", "assert f(1, 2) != Point(2, 1)"], POINT),
    "fields of a dataclass": (["p = f(1, 2)", "assert p.x == 1 and p.y == 2", "assert (p.x, p.y) == (1, 2)"], POINT),
    "a list of dataclasses": (["assert [f(1, 2)] == [Point(1, 2)]"], POINT),
    "repr of a dataclass": (["assert repr(f(1, 2)) == 'Point(x=1, y=2)'"], POINT),
    "asdict": (["from dataclasses import asdict", "assert asdict(f(1, 2)) == {'x': 1, 'y': 2}"], POINT),
    "own ==": (["assert Vector(1, 2) + Vector(3, 4) == Vector(4, 6)", "assert Vector(1, 2) != Vector(2, 1)"], VECTOR),
    "objects and None": (
        [
            "assert Vector(1, 2) != None",
            "assert Vector(1, 2) is not None",
            "assert Color.RED != 1",
            "assert Node() != 3",
        ],
        VECTOR + "\n" + COLOR + "\nclass Node: pass",
    ),
    "own *": (["v = Vector(1, 2)", "assert v * 2 == Vector(2, 4)"], VECTOR),
    "own repr": (
        ["assert repr(Vector(1, 2)) == 'Vector(1, 2)'", "assert str(Vector(1, 2)) == 'Vector(1, 2)'"],
        VECTOR,
    ),
    "own len, abs, index": (
        ["v = Vector(3, 4)", "assert len(v) == 2", "assert abs(v) == 3", "assert v[1] == 4"],
        VECTOR,
    ),
    "own bool": (["assert Vector(1, 0)", "assert not Vector(0, 0)", "assert bool(Vector(0, 0)) is False"], VECTOR),
    "own iterator": (
        [
            "assert list(Vector(1, 2)) == [1, 2]",
            "x, y = Vector(1, 2)",
            "assert x == 1",
            "assert tuple(Vector(1, 2)) == (1, 2)",
        ],
        VECTOR,
    ),
    "own call": (["assert Vector(1, 2)() == 1"], VECTOR),
    "isinstance of its class": (
        ["v = Vector(1, 2)", "assert isinstance(v, Vector)", "assert isinstance(v.x, int)"],
        VECTOR,
    ),
    "isinstance": (
        ["assert isinstance(f(1), int)", "assert isinstance(f(1), (int, float))", "assert not isinstance(f(1), str)"],
        TWICE,
    ),
    "type": (["assert type(f(1)) == int", "assert type(f(1)) is int", "assert type(f('a')).__name__ == 'str'"], TWICE),
    "a class with methods": (
        ["s = Stack()", "s.push(1)", "s.push(2)", "assert s.pop() == 2", "assert s.pop() == 1", "assert s.is_empty()"],
        STACK,
    ),
    "chained methods": (["assert Stack().push(1).push(2).pop() == 2"], STACK),
    "len of an object": (
        ["s = Stack()", "assert len(s) == 0", "s.push(1)", "assert len(s) == 1", "assert not s.is_empty()"],
        STACK,
    ),
    "an attribute": (["s = Stack()", "s.push(3)", "assert s.items == [3]", "assert s.items[-1] == 3"], STACK),
    "two pops of a list": (
        ["r = f()", "assert r.pop() == 2", "assert r.pop() == 1", "assert r == []"],
        "def f():\n    return [1, 2]",
    ),
    "next of a generator": (
        ["g = f(3)", "assert next(g) == 0", "assert next(g) == 1", "assert list(g) == [4]"],
        GENERATOR,
    ),
    "the end of a generator": (
        ["import pytest", "g = f(1)", "assert next(g) == 0", "with pytest.raises(StopIteration):\n    next(g)"],
        GENERATOR,
    ),
    "a generator as a list": (
        ["assert list(f(3)) == [0, 1, 4]", "assert sorted(f(3)) == [0, 1, 4]", "assert sum(f(3)) == 5"],
        GENERATOR,
    ),
    "a generator in a comprehension": (["assert [x + 1 for x in f(3)] == [1, 2, 5]"], GENERATOR),
    "an iterator class": (
        ["it = iter(Count(2))", "assert next(it) == 1", "assert next(it) == 2", "assert next(it, None) is None"],
        "class Count:\n    def __init__(self, n): self.n, self.i = n, 0\n    def __iter__(self): return self\n"
        "    def __next__(self):\n"
        "        if self.i >= self.n: raise StopIteration\n        self.i += 1\n        return self.i",
    ),
    "a closure": (
        ["c = counter()", "assert c() == 1", "assert c() == 2"],
        "def counter():\n    n = 0\n    def add():\n        nonlocal n\n        n += 1\n        return n\n"
        "    return add",
    ),
    "a cache": (
        ["c = LRU(1)", "c.put(1, 1)", "c.put(2, 2)", "assert c.get(1) == -1", "assert c.get(2) == 2"],
        "class LRU:\n    def __init__(self, n): self.n, self.d = n, {}\n"
        "    def get(self, k): return self.d.get(k, -1)\n    def put(self, k, v):\n        self.d[k] = v\n"
        "        if len(self.d) > self.n: self.d.pop(next(iter(self.d)))",
    ),
    "a counter of calls": (
        ["f(1)", "f(1)", "assert calls == 1"],
        "calls, seen = 0, {}\ndef f(x):\n    global calls\n    if x not in seen:\n        calls += 1\n"
        "        seen[x] = 2 * x\n    return seen[x]",
    ),
    "a decorator": (
        ["@twice\ndef g(x):\n    return x + 1", "assert g(1) == 3"],
        "def twice(g):\n    return lambda x: g(g(x))",
    ),
    "a context manager": (
        ["with Box() as b:\n    b.add(1)", "assert b.items == [1]", "assert b.closed"],
        "class Box:\n    def __enter__(self): self.items, self.closed = [], False; return self\n"
        "    def add(self, x): self.items.append(x)\n    def __exit__(self, *_): self.closed = True",
    ),
    "in place": (["x = [2, 1]", "f(x)", "assert x == [1, 2]"], "def f(x):\n    x.sort()"),
    "in place, None": (["x = [2, 1]", "assert f(x) is None", "assert x == [1, 2]"], "def f(x):\n    x.sort()"),
    "in place, a matrix": (
        ["m = [[1, 2], [3, 4]]", "f(m)", "assert m == [[1, 3], [2, 4]]"],
        "def f(m):\n    m[:] = [list(r) for r in zip(*m)]",
    ),
    "its argument is left alone": (
        ["x = [2, 1]", "y = f(x)", "assert y == [1, 2]", "assert x == [2, 1]"],
        "def f(x):\n    return sorted(x)",
    ),
    "collected results": (["out = []", "for i in range(3):\n    out.append(f(i))", "assert out == [0, 2, 4]"], TWICE),
    "a callback": (["seen = []", "f(seen.append)", "assert seen == [1, 2]"], "def f(g):\n    g(1)\n    g(2)"),
    "a lambda as an argument": (["assert f(lambda x: x + 1, 1) == 2"], "def f(g, x):\n    return g(x)"),
    "a linked list": (["assert to_list(reverse(Node(1, Node(2)))) == [2, 1]"], NODE),
    "fields of a linked list": (
        ["n = reverse(Node(1, Node(2)))", "assert n.val == 2", "assert n.next.val == 1", "assert n.next.next is None"],
        NODE,
    ),
    "a class of the test": (
        [
            "class Tree:\n    def __init__(self, v, l=None, r=None): self.v, self.l, self.r = v, l, r",
            "assert depth(Tree(1, Tree(2))) == 2",
        ],
        "def depth(t):\n    return 1 + max(depth(t.l), depth(t.r)) if t else 0",
    ),
    "membership": (
        ["assert f(1) in (1, 2)", "assert f(1) not in [1]", "assert 'b' in g()"],
        TWICE + "\ndef g(): return 'abc'",
    ),
    "membership in a result": (["assert 2 in [f(1)]", "assert 1 in g()"], TWICE + "\ndef g(): return {1: 2}"),
    "order": (["assert f(1) > 1", "assert 1 < f(1) <= 2", "assert f(1) >= f(0)"], TWICE),
    "or": (["assert f(1) == 2 or f(1) == 3", "assert f(None) is None if False else True or f(1)"], TWICE),
    "not": (["assert not f(0)", "assert not f(1) == 3", "assert f(1) is not None"], TWICE),
    "is True": (["assert f(1) is True", "assert (f(1) == True) is True"], "def f(x):\n    return x == 1"),
    "both sides are the program's": (
        ["assert f(2) == f(1) + f(1)", "assert g(f(3)) == 3"],
        TWICE + "\ndef g(x): return x // 2",
    ),
    "round": (["assert round(f(1), 2) == 0.33"], "def f(x):\n    return x / 3"),
    "approx": (
        ["import pytest", "assert f(1) == pytest.approx(0.3333, abs=1e-3)", "assert [f(1)] == pytest.approx([1 / 3])"],
        "def f(x):\n    return x / 3",
    ),
    "a slice": (
        ["assert f(3)[:2] == [0, 1]", "assert f(3)[-1] == 2", "assert len(f(3)) == 3"],
        "def f(n):\n    return list(range(n))",
    ),
    "methods of strings": (
        ["assert f('a').upper() == 'AA'", "assert f('a').startswith('a')", "assert ','.join(f('ab')) == 'a,b,a,b'"],
        TWICE,
    ),
    "sorted by a key": (
        ["assert sorted(f(), key=lambda x: -x) == [3, 2, 1]", "assert sorted(f(), reverse=True) == [3, 2, 1]"],
        "def f():\n    return {1, 2, 3}",
    ),
    "Counter of a result": (
        ["from collections import Counter", "assert Counter(f()) == Counter([2, 1, 1])"],
        "def f():\n    return [1, 2, 1]",
    ),
    "any and all": (
        [
            "assert all(x > 0 for x in f())",
            "assert any(x == 2 for x in f())",
            "assert all(isinstance(x, int) for x in f())",
        ],
        "def f():\n    return [1, 2]",
    ),
    "a match": (
        ["assert f('a')", "assert not f('b')", "assert f('a') is not None", "assert f('a').group() == 'a'"],
        "import re\ndef f(x):\n    return re.match('a', x)",
    ),
    "a function that returns functions": (["assert f(2)(3) == 6"], "def f(x):\n    return lambda y: x * y"),
    "a deque": (
        ["from collections import deque", "assert f() == deque([1, 2])"],
        "from collections import deque\ndef f():\n    return deque([1, 2])",
    ),
    "an OrderedDict": (
        ["assert f() == {'a': 1}", "assert list(f().items()) == [('a', 1)]"],
        "from collections import OrderedDict\ndef f():\n    return OrderedDict(a=1)",
    ),
    "singleton": (
        ["assert get() is get()", "a, b = Vector(1, 2), Vector(1, 2)", "assert a is not b"],
        VECTOR + "\none = Vector(0, 0)\ndef get(): return one",
    ),
    "properties": (
        ["c = C(4)", "assert c.side == 2", "c.side = 3", "assert c.area == 9"],
        "class C:\n    def __init__(self, a): self.area = a\n    @property\n"
        "    def side(self): return int(self.area ** 0.5)\n    @side.setter\n    def side(self, s): self.area = s * s",
    ),
    "class and static methods": (
        ["assert C.make(2).v == 2", "assert C.twice(2) == 4", "assert C.K == 7"],
        "class C:\n    K = 7\n    def __init__(self, v): self.v = v\n    @classmethod\n"
        "    def make(cls, v): return cls(v)\n    @staticmethod\n    def twice(v): return 2 * v",
    ),
    "inheritance": (
        ["assert Dog().speak() == 'Woof'", "assert issubclass(Dog, Animal)", "assert isinstance(Dog(), Animal)"],
        "class Animal:\n    def speak(self): return '?'\nclass Dog(Animal):\n    def speak(self): return 'Woof'",
    ),
    "a program that asks its own tests": (TWO, TWICE + "\nassert f(1) == 2\nprint('ok')"),
    "a program that ends": (TWO, TWICE + "\nimport sys\nsys.exit()"),
    "typing without imports": (TWO, "def f(x: List[int]) -> Optional[int]:\n    return 2 * x"),
    "a text of assertions": ("assert f(1) == 2\nassert f(2) == 4", TWICE),
    "LeetCode's method": (CHECK + "assert candidate(x=1) == 2\n\ncheck(Solution().f)", solution("return 2 * x")),
    "a docstring": (
        "'''Tests.'''\ndef test():\n    '''One.'''\n    assert f(1) == 2\nif __name__ == '__main__':\n    test()\n"
        "    print('ok')",
        TWICE,
    ),
    "global names of the program": (["assert LIMIT == 5", "assert NAMES['a'] == 1"], "LIMIT = 5\nNAMES = {'a': 1}"),
}
RESPONSES = {
    "words around": (TWO, f"Here it is:\n```python\n{TWICE}\n```\nDone."),
    "an output after it": (
        SUM,
        "The code:\n```python\ninput()\nprint(sum(map(int, input().split())))\n```\nOutput:\n```\n6\n```",
    ),
    "an output after it, unlabelled": (
        SUM,
        "The code:\n```\ninput()\nprint(sum(map(int, input().split())))\n```\nExample output:\n\n```\n6\n```",
    ),
    "an output as text": (
        SUM,
        "The code:\n```python\ninput()\nprint(sum(map(int, input().split())))\n```\nThis prints\n```text\n6\n```",
    ),
    "an input before it": (
        SUM,
        "For the input\n```\n3\n1 2 3\n```\nwe write\n```python\ninput()\nprint(sum(map(int, input().split())))\n```",
    ),
    "a command after it": (TWO, f"Code:\n```python\n{TWICE}\n```\nRun it with\n```bash\npython main.py\n```"),
    "a first attempt": (TWO, f"First:\n```python\ndef f(x): return 0\n```\nBetter:\n```python\n{TWICE}\n```"),
    "fences in strings": (TWO, f'Code:\n```python\nTEXT = """\n```\nx\n```\n"""\n{TWICE}\n```'),
    "fences in a line": (TWO, f"Code:\n```python\nTEXT = '```'\n{TWICE}\n```"),
    "an indented block": (TWO, "1. Code:\n   ```python\n   def f(x):\n       return 2 * x\n   ```"),
    "longer fences": (TWO, f"Code:\n````python\n{TWICE}\n````"),
    "CRLF": (TWO, f"Code:\r\n```python\r\n{TWICE}\r\n```\r\n".replace("x):\n", "x):\r\n")),
    "capitals": (TWO, f"Code:\n```Python\n{TWICE}\n```"),
    "a version": (TWO, f"Code:\n```python3.11\n{TWICE}\n```"),
    "py": (TWO, f"Code:\n```py\n{TWICE}\n```"),
    "a title": (TWO, f'Code:\n```python title="main.py"\n{TWICE}\n```'),
    "inline code": (TWO, f"Use `f` and ```x```:\n```python\n{TWICE}\n```\nThen `f(1)`."),
    "a quote": (TWO, f"Code: ```python\n{TWICE}\n```"),
}
IDIOMS = {
    f"{kind}: {name}": case
    for kind, cases in (("stdin", STDIN), ("call", CALLS), ("assert", ASSERTS), ("response", RESPONSES))
    for name, case in cases.items()
}
