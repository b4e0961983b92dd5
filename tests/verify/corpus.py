# ruff: noqa: E501
r"""Labelled cases for the verifiers, by category: written by hand, kept as a regression corpus.

`MATH`: category -> list of (gold, right answers, wrong answers); each answer is put into a response that ends in `\boxed{answer}`.
`RESPONSES`: category -> list of (kind, gold, whole response, expected outcome).
"""

from collections.abc import Iterator

MATH: dict[str, list[tuple[str, list[str], list[str]]]] = {
    "integers": [
        ("17", ["17", " 17 ", "17.", "+17", "017", "17.0", r"\text{17}", r"\mathbf{17}", "{17}", r"\left(17\right)"], ["18", "-17", "1.7", "71"]),
        ("-8", ["-8", "- 8", r"\,-8", "−8", "-8.00", r"\frac{-16}{2}"], ["8", "-9", "-0.8", r"\frac{8}{1}"]),
        ("0", ["0", "0.0", "-0", r"\frac{0}{5}", "1-1"], ["1", r"\emptyset", "0.1", "10^{-7}"]),
        ("144", [r"12^2", r"12^{2}", r"2^4\cdot 9", r"\sqrt{20736}", "144", r"100+44", r"3 \times 48"], ["12", "143", r"12\sqrt{2}", "1440"]),
        ("98765432109876543210", ["98765432109876543210", "98,765,432,109,876,543,210"], ["98765432109876543211", "9876543210987654321"]),
        ("720", ["6!", "720", "720.0"], ["5!", "700", "72"]),
        ("35", [r"\binom{7}{3}", r"\binom73", "35", r"\frac{7!}{3!4!}"], [r"\binom{7}{2}", "34"]),
    ],
    "thousands": [
        ("25000", ["25,000", r"25{,}000", r"25\,000", "25 000", r"2.5\times 10^4", r"2.5 \cdot 10^{4}", "25000"], ["2500", "25,001", "25.000001"]),
        ("3,141,592", ["3141592", "3,141,592", r"3{,}141{,}592"], ["3141", "3.141592", "3141593"]),
        ("1,2,3", ["1, 2, 3", r"\{3,2,1\}", "1 , 2 , 3"], ["123", "1,2", "6"]),
        ("12{,}500", ["12500", "12,500"], ["12.5", "125"]),
    ],
    "fractions": [
        ("\\frac{3}{7}", [r"\frac{3}{7}", r"\dfrac{3}{7}", r"\tfrac37", r"\frac37", "3/7", r"\frac{6}{14}", r"\frac{-3}{-7}", "6/14"], [r"\frac{7}{3}", "3", "0.43", r"\frac{3}{8}", "0.428"]),
        ("-\\frac{5}{2}", [r"\frac{-5}{2}", r"\frac{5}{-2}", "-5/2", "-2.5", r"-2\frac{1}{2}", r"-\dfrac{10}{4}"], [r"\frac{5}{2}", "-2", "-0.4", r"-\frac{2}{5}"]),
        ("1/8", [r"\frac18", "0.125", ".125", r"12.5\%", r"2^{-3}", r"\frac{1}{2^3}"], ["0.12", "8", "0.13"]),
        ("\\frac12", [r"\frac{1}{2}", "0.5", "1/2", r"\frac{2}{4}", "50\\%", r"\frac{\sqrt{4}}{4}"], ["2", r"\frac{1}{3}", "0.49", "5"]),
        ("\\frac{1}{3}", [r"\frac13", "1/3", r"\frac{2}{6}", "0.33333333"], ["0.3", "0.33", "0.333", "3"]),
    ],
    "decimals": [
        ("2.75", ["2.75", "2.750", r"\frac{11}{4}", r"2\frac{3}{4}", "11/4"], ["2.7", "2.8", "275", "2.57"]),
        ("0.002", ["0.002", r"2\times10^{-3}", r"\frac{1}{500}", ".002"], ["0.02", "0.0002", "2"]),
        ("0.75", [r"0{,}75", "0.75", r"\frac34", r"75\%"], ["7.5", "0.7", "0.57"]),
        ("1.414", ["1.414"], [r"\sqrt{2}", "1.41", "1.4142", "1.413"]),
        ("3.00", ["3", "3.0", r"\frac{9}{3}"], ["300", "3.01"]),
        ("0.000001", ["0.000001", "10^{-6}", r"1\times 10^{-6}"], ["0.000002", "10^{-7}", "0"]),
    ],
    "percent": [
        ("40\\%", [r"40\%", "40%", "0.4", r"\frac{2}{5}", "40"], [r"4\%", "0.04", "4", r"60\%"]),
        ("40", [r"40\%", "40"], [r"4\%", "0.4001"]),
        ("33\\frac{1}{3}\\%", [r"33\frac{1}{3}\%", r"\frac13"], [r"33\%", "0.33"]),
    ],
    "mixed numbers": [
        ("3\\frac{1}{4}", [r"3\frac{1}{4}", r"3\frac14", r"\frac{13}{4}", "3.25", r"3 \frac{1}{4}"], [r"\frac{3}{4}", r"4\frac{1}{3}", "3.14", r"3\frac{3}{4}"]),
    ],
    "radicals": [
        ("3\\sqrt{2}", [r"3\sqrt{2}", r"3\sqrt2", r"\sqrt{18}", r"\sqrt{2}\cdot 3", r"\frac{6}{\sqrt{2}}", r"3 \cdot 2^{1/2}"], [r"2\sqrt{3}", "4.24", r"\sqrt{6}", r"3\sqrt{3}", "3"]),
        ("\\frac{\\sqrt{5}}{5}", [r"\frac{1}{\sqrt{5}}", r"\frac1{\sqrt5}", r"\frac{\sqrt5}5", r"5^{-1/2}"], [r"\sqrt{5}", r"\frac{1}{5}", "0.45", r"\frac{5}{\sqrt{5}}"]),
        ("\\sqrt[3]{2}", [r"\sqrt[3]{2}", r"2^{1/3}", r"2^{\frac13}"], [r"\sqrt{2}", r"\sqrt[3]{3}", "1.26"]),
        ("1+\\sqrt{3}", [r"\sqrt{3}+1", r"1 + \sqrt3", r"\frac{2+2\sqrt{3}}{2}"], [r"1-\sqrt{3}", r"\sqrt{4}", r"\sqrt{3}", "2.73"]),
    ],
    "constants": [
        ("2\\pi", [r"2\pi", r"\pi\cdot 2", "2π", r"2 \pi", r"\frac{4\pi}{2}"], [r"\pi", "6.28", "2", r"\pi^2", r"\frac{\pi}{2}"]),
        ("\\frac{\\pi}{6}", [r"\frac{\pi}{6}", r"\pi/6", r"\frac16\pi"], [r"\frac{\pi}{3}", "0.52", "30"]),
        ("e^2", ["e^2", "e^{2}", r"e\cdot e", r"\exp(2)", r"\mathrm{e}^2"], ["2e", "7.389", "e"]),
        ("1-\\frac{1}{e}", [r"1-\frac1e", r"1-e^{-1}", r"\frac{e-1}{e}", r"1-1/\mathrm{e}"], [r"1+\frac{1}{e}", r"1+1/\mathrm{e}", r"\frac1e", "0.63"]),
        ("\\infty", [r"\infty", r"+\infty", "∞"], [r"-\infty", "0", "1000000"]),
        ("\\ln 3", [r"\ln 3", r"\ln(3)", r"\ln{3}"], [r"\ln 2", "1.0986", "3", r"\log_{2}3"]),
    ],
    "expressions": [
        ("x^2-4", ["x^2-4", "-4+x^2", "(x-2)(x+2)", "x^{2} - 4", r"x\cdot x-4", "(x + 2)(x - 2)"], ["x^2+4", "x-2", "(x-2)^2", "x^2-2"]),
        ("\\frac{a+b}{2}", [r"\frac{a+b}{2}", r"\frac12(a+b)", "(a+b)/2", r"\frac{b+a}{2}", r"\frac{a}{2}+\frac{b}{2}"], [r"\frac{a-b}{2}", "a+b", r"\frac{ab}{2}", r"\frac{A+B}{2}"]),
        ("2n+1", ["2n+1", "1+2n", "n+n+1"], ["2n-1", "2n", "n+1", "2N+1"]),
        ("\\cos^2 x", [r"\cos^2 x", r"1-\sin^2 x", r"\cos^{2}(x)"], [r"\sin^2 x", r"\cos x", r"\cos(x^2)"]),
        ("\\frac{n(n-1)}{2}", [r"\frac{n^2-n}{2}", r"\frac{1}{2}n(n-1)", r"\frac{(n-1)n}{2}", r"\frac{n(n-1)}2"], [r"\frac{n(n+1)}{2}", r"n(n-1)", r"\frac{n^2}{2}"]),
        ("6xy", ["6xy", "6yx", r"2x\cdot 3y", r"6 x y"], ["6x", "5xy", "6x+y"]),
        ("3^{2n}", ["3^{2n}", "9^n", "9^{n}"], ["3^{n}", "6^n", "3^{2+n}"]),
        ("|x-1|", [r"|x-1|", r"\left|x-1\right|", "|1-x|"], ["x-1", "|x+1|", "1-x"]),
    ],
    "complex": [
        ("2+3i", ["2+3i", "3i+2", "2 + 3i"], ["2-3i", "3+2i", "5i", "5"]),
        ("-i", ["-i", r"\frac{1}{i}"], ["i", "-1", "1"]),
    ],
    "equations": [
        ("x=5", ["5", "x=5", "x = 5", "x=5.0"], ["x=4", "4", "y=4"]),
        ("5", ["x=5", "n = 5", "2+3=5", "a=2+3=5", "f(2)=5"], ["x=6", "5=6"]),
        ("y=3x-2", ["y=3x-2", "y = -2+3x", "3x-2", "3x-y-2=0", "y+2=3x"], ["y=3x+2", "y=2x-3", "x=3y-2", "y=3x"]),
        ("x^2+y^2=9", ["x^2+y^2=9", "y^2+x^2=9", "x^2+y^2-9=0"], ["x^2+y^2=3", "x^2-y^2=9", "x+y=3"]),
        ("3x-y+13=0", ["3x-y+13=0", "3x+13=y"], ["3x+4y+14=0", "3x+y+13=0", "3x-y+14=0"]),
    ],
    "sets": [
        ("\\{2,3,5\\}", [r"\{2,3,5\}", r"\{5,2,3\}", r"\left\{2,3,5\right\}", "2,3,5", "2, 3, 5", r"\{2, 2, 3, 5\}"], [r"\{2,3\}", r"\{2,3,7\}", "235", r"\{2,3,5,7\}", "(5,3,2)x"]),
        ("-1, 4", ["4, -1", r"\{-1,4\}", "x=-1, x=4", r"-1 \text{ and } 4", "x=-1 or x=4", r"x = 4 \text{ or } x = -1"], ["-1", "4", "1,4", "-1,4,5", "3"]),
        ("\\emptyset", [r"\emptyset", r"\varnothing", r"\{\}", "∅"], ["0", r"\{0\}"]),
        ("7", ["7", r"\{7\}"], ["7 or 8", "7, 8", r"7 \text{ or } 9", "6,7,8", r"\{6,7\}"]),
        ("1331 and 1728", ["1331, 1728", r"1728 \text{ and } 1331"], ["1728", "1331", "1331, 1729"]),
        ("a,b,c", ["a,b,c", "c, b, a"], ["a,b", "abc", "a,b,d"]),
    ],
    "tuples": [
        ("(3,-2)", ["(3,-2)", "(3, -2)", r"\left(3,-2\right)", "(3.0,-2.0)", "(x,y)=(3,-2)", "x=3, y=-2", r"(\frac{6}{2},-2)"], ["(-2,3)", "(3,2)", r"\{3,-2\}", "(3,-2,0)", "3"]),
        ("(1,2),(3,4)", ["(1,2),(3,4)", "(3,4), (1,2)", r"(1,2) \text{ and } (3,4)", r"\{(1,2),(3,4)\}"], ["(1,2)", "(1,2),(4,3)", "(1,3),(2,4)", "1,2,3,4"]),
        ("(r,\\theta)=(2,\\frac{\\pi}{3})", [r"(2,\frac{\pi}{3})", r"\left(2,\pi/3\right)"], [r"(2,\frac{\pi}{6})", r"(\frac{\pi}{3},2)"]),
    ],
    "intervals": [
        ("[0,5]", ["[0,5]", "[0, 5]", r"\left[0,5\right]", r"0\le x\le 5", r"x\in[0,5]", r"0 \leq x \leq 5"], ["(0,5)", "[0,5)", "(0,5]", "[0,6]", "0<x<5", "5"]),
        ("(-\\infty,3)", [r"(-\infty, 3)", "x<3", r"x \in (-\infty,3)", "3>x"], [r"(-\infty,3]", "x>3", r"(3,\infty)", r"x\le 3", "3"]),
        ("(-\\infty,-1)\\cup(1,\\infty)", [r"(1,\infty)\cup(-\infty,-1)", r"(-\infty,-1) \cup (1,+\infty)", r"x<-1 \text{ or } x>1"], [r"(-\infty,-1)", r"(-1,1)", r"(-\infty,-1]\cup[1,\infty)", r"(-\infty,-2)\cup(1,\infty)"]),
        ("x\\ge 2", [r"x\ge 2", r"x \geq 2", r"[2,\infty)", r"2\le x"], ["x>2", r"x\le 2", r"(2,\infty)", "2", r"x\ge 3"]),
        ("(2,3]", [r"2<x\le 3", "(2, 3]"], ["[2,3)", "(2,3)", "[2,3]"]),
    ],
    "plus-minus": [
        ("\\pm 4", [r"\pm 4", r"\pm4", "4,-4", r"\{-4,4\}", r"x=\pm 4", r"4 \text{ or } -4"], ["4", "-4", r"\pm 5", "16"]),
        ("2\\pm\\sqrt{3}", [r"2\pm\sqrt3", r"2+\sqrt{3}, 2-\sqrt{3}", r"2-\sqrt{3},2+\sqrt{3}"], [r"2+\sqrt{3}", r"3\pm\sqrt{2}", r"-2\pm\sqrt{3}"]),
    ],
    "matrices": [
        ("\\begin{pmatrix}1&0\\\\2&-3\\end{pmatrix}", [r"\begin{pmatrix}1 & 0\\2 & -3\end{pmatrix}", r"\begin{bmatrix}1&0\\2&-3\end{bmatrix}", r"\left(\begin{array}{cc}1&0\\2&-3\end{array}\right)", r"\begin{pmatrix} 1 & 0 \\ 2 & -\frac{6}{2} \end{pmatrix}"], [r"\begin{pmatrix}1&2\\0&-3\end{pmatrix}", r"\begin{pmatrix}1&0\\2&3\end{pmatrix}", "-3", r"\begin{pmatrix}1&0&2&-3\end{pmatrix}"]),
        ("\\begin{pmatrix}4\\\\7\\end{pmatrix}", [r"\begin{pmatrix} 4 \\ 7 \end{pmatrix}", r"\begin{bmatrix}4\\7\end{bmatrix}"], [r"\begin{pmatrix}7\\4\end{pmatrix}", r"\begin{pmatrix}4&7\end{pmatrix}", "11"]),
    ],
    "units": [
        ("12\\text{ cm}", ["12", r"12\text{ cm}", r"12\,\mathrm{cm}", "12 cm", r"12 \text{ centimeters}"], [r"12\text{ m}", "13", r"120\text{ cm}", r"12\text{ inches}"]),
        ("30", [r"30\text{ meters}", r"30^\circ", "30°", r"30 \text{ square units}", r"30\text{ cm}^2", r"\$30", r"30 \text{ students}", r"30\text{ km/h}", r"30 minutes"], [r"31\text{ meters}", "300", r"\$3", "3.0"]),
        ("60^\\circ", ["60", r"60^\circ", r"60^{\circ}", "60°", r"60\text{ degrees}"], ["30", r"\frac{\pi}{6}", r"61^\circ"]),
        ("\\$4.50", ["4.5", r"\$4.50", "4.50", r"4.50\text{ dollars}", r"\text{\$}4.50"], ["45", "4.05", r"\$4.05"]),
    ],
    "words": [
        ("\\text{Tuesday}", ["Tuesday", r"\text{Tuesday}", "tuesday", r"\textbf{Tuesday}", r"\mathrm{Tuesday}"], ["Thursday", r"\text{Monday}", "2", "Tuesday or Monday"]),
        ("ellipse", ["ellipse", r"\text{Ellipse}", r"\text{ellipse}"], ["circle", "parabola", "an ellipse or a circle"]),
        ("\\text{(C)}", ["C", "(C)", r"\text{C}", r"\textbf{(C)}"], ["B", "(A)", "CD", "A, C"]),
        ("Yes", ["yes", r"\text{Yes}", "YES"], ["no", "not sure", "maybe yes"]),
        ("甲", ["甲", r"\text{甲}"], ["乙", "丙"]),
    ],
    "bases and functions": [
        ("1011_2", ["1011_2", r"1011_{2}"], ["1011_3", "1010_2"]),
        ("f(x)=2x+1", ["f(x)=2x+1", "f(x) = 1+2x", "2x+1"], ["f(x)=2x-1", "2x", "g(x)=2x"]),
        ("\\log_2 5", [r"\log_2 5", r"\log_{2}5", r"\log_{2}(5)", r"\frac{\ln 5}{\ln 2}"], [r"\log_5 2", r"\log_{2}6", "2.32"]),
    ],
    "known false positives": [  # of math-verify 0.9
        ("\\frac{1}{2004!}", [r"\frac{1}{2004!}"], [r"\frac{1}{2006!}", "0"]),
        ("\\frac{1}{2^{99}}", [r"\frac{1}{2^{99}}", "2^{-99}"], [r"\frac{1}{2^{98}}", "0", r"2^{-98}"]),
        ("a+b", ["a+b", "b+a"], ["A+B", "a-b", "ab", "a+b+c"]),
        ("(1,2)", ["(1,2)"], [r"\{1,2\}", "(2,1)"]),
        ("10^{-8}", ["10^{-8}", r"\frac{1}{10^8}"], ["10^{-9}", "0", "2 \\cdot 10^{-8}"]),
    ],
    "golds in dollars or boxes": [
        ("$\\frac{2}{9}$", [r"\frac29", "2/9"], [r"\frac{9}{2}"]),
        ("$$x+1$$", ["1+x", "x+1"], ["x"]),
        ("10-2\\sqrt{5}", [r"10-2\sqrt5", r"-2\sqrt{5}+10"], [r"10+2\sqrt{5}", "10", r"8\sqrt{5}"]),
        ("(0, 12.5)", ["(0,12.5)", r"(0,\frac{25}{2})"], ["(12.5,0)", "12.5", "0"]),
        ("5!", ["120", "5!"], ["5", "24"]),
    ],
}  # fmt: skip

THOUGHT = "<think> some reasoning </think> "
RESPONSES: dict[str, list[tuple[str, str, str | None, str]]] = {
    "where the answer stands": [
        ("math", "7", THOUGHT + r"So \boxed{7}.", "correct"),
        ("math", "7", r"No tags at all: \boxed{7}", "correct"),
        ("math", "7", "<think> a </think> <answer> 7 </answer>", "correct"),
        ("math", "7", r"<think> a </think> <answer> it is \boxed{7} </answer>", "correct"),
        ("math", "7", r"reasoning </think> The answer is \boxed{7}", "correct"),
        ("math", "7", THOUGHT + "The final answer is $7$. I hope it is correct.", "correct"),
        ("math", "7", THOUGHT + "The final answer is 7.", "correct"),
        ("math", "7", THOUGHT + "**Answer:** 7", "correct"),
        ("math", "7", THOUGHT + "Answer: $7$", "correct"),
        ("math", r"\frac{1}{2}", THOUGHT + r"Therefore $$\frac{1}{2}$$", "correct"),
        ("math", r"\frac{1}{2}", THOUGHT + r"\[ \frac{1}{2} \]", "correct"),
        ("math", "7", THOUGHT + "答案是：7", "correct"),
        ("math", "7", THOUGHT + r"First \boxed{3}, which fails. Then \boxed{7}.", "correct"),
        ("math", "7", THOUGHT + r"First \boxed{7}, which fails. Then \boxed{3}.", "wrong"),
        ("math", "1,2", THOUGHT + r"$\boxed{1}$ and $\boxed{2}$", "correct"),
        ("math", "1,2", THOUGHT + r"x=\boxed{2}, x=\boxed{1}", "correct"),
        ("math", "7", THOUGHT + r"\boxed{\boxed{7}}", "correct"),
        ("math", "7", THOUGHT + r"\boxed {7}", "correct"),
        ("math", "7", THOUGHT + r"\fbox{7}", "correct"),
        ("math", "7", THOUGHT + r"\\boxed{7}", "correct"),
        ("math", "7", THOUGHT + "<answer>7</answer> and more text", "correct"),
        ("math", "7", THOUGHT + "<answer>\n7\n</answer>", "correct"),
    ],
    "no answer": [
        ("math", "7", r"<think> maybe \boxed{7}", "no_answer"),
        ("math", "7", r"<think> \boxed{7} </think>", "no_answer"),
        ("math", "7", r"<think> \boxed{7} </think> I do not know.", "no_answer"),
        ("math", "7", "", "no_answer"),
        ("math", "7", None, "no_answer"),
        ("math", "7", "   \n", "no_answer"),
        ("math", "7", THOUGHT + r"\boxed{}", "no_answer"),
        ("math", "7", THOUGHT + r"\boxed{7", "no_answer"),
        ("math", "7", THOUGHT + "<answer> </answer>", "no_answer"),
        ("math", "7", THOUGHT + "<answer> 7", "no_answer"),
        ("math", "7", "seven, I think", "no_answer"),
        ("math", "7", "<think> <answer> 7 </answer>", "no_answer"),
    ],
    "attempts to be paid": [
        ("math", "7", THOUGHT + r"\boxed{7 or 8}", "wrong"),
        ("math", "7", THOUGHT + r"\boxed{7, 8, 9}", "wrong"),
        ("math", "7", THOUGHT + r"\boxed{8} or \boxed{7}", "wrong"),
        ("math", "7", THOUGHT + r"\boxed{6}, \boxed{7}", "wrong"),
        ("math", "7", THOUGHT + " ".join(rf"\boxed{{{n}}}" for n in range(8)), "no_answer"),
        ("math", "7", THOUGHT + r"\boxed{x}", "wrong"),
        ("math", "7", THOUGHT + r"\boxed{7=7}", "correct"),
        ("math", "7", THOUGHT + r"\boxed{7 = 8}", "wrong"),
        ("math", "7", THOUGHT + r"\boxed{\text{the answer is 7}}", "wrong"),
        ("math", "7", THOUGHT + r"\boxed{\text{correct}}", "wrong"),
        ("math", "7", THOUGHT + r"\boxed{[0,10]}", "wrong"),
        ("math", "7", THOUGHT + r"\boxed{n}", "wrong"),
        ("math", "7", THOUGHT + r"\boxed{\text{any number}}", "wrong"),
        ("math", "7", THOUGHT + r"\boxed{0 \le x \le 9}", "wrong"),
        ("math", "7", "<think></think>" * 50 + r"\boxed{8}", "wrong"),
        ("math", "7", THOUGHT + "<answer> 7 </answer> <answer> 8 </answer>", "wrong"),
        ("math", "7", THOUGHT + "<answer> 7 or 8 </answer>", "wrong"),
        ("math", "x", THOUGHT + r"\boxed{7}", "wrong"),
    ],
    "bad golds": [
        ("math", "", THOUGHT + r"\boxed{7}", "bad_gold"),
        ("math", "   ", THOUGHT + r"\boxed{7}", "bad_gold"),
        ("math", r"\frac{", THOUGHT + r"\boxed{7}", "bad_gold"),
        ("choice", "Z", THOUGHT + r"\boxed{A}", "bad_gold"),
        ("constraints", "{}", THOUGHT + "text", "bad_gold"),
        ("constraints", '[{"id": "unknown:kind"}]', THOUGHT + "text", "bad_gold"),
        ("json_schema", "{not json", THOUGHT + "{}", "bad_gold"),
        ("code", '{"inputs": [], "outputs": []}', THOUGHT + "```python\n1\n```", "bad_gold"),
    ],
    "costly": [  # math-verify alone hangs or needs seconds
        ("math", "7", THOUGHT + r"\boxed{9^{9^{9^{9}}}}", "timeout"),
        ("math", "7", THOUGHT + r"\boxed{\dfrac{5^{(5^{(5^{(5^5)})}-4)}-5}{16}}", "timeout"),
        ("math", "7", THOUGHT + r"\boxed{10^{10^{10}}}", "timeout"),
        ("math", "7", THOUGHT + r"\boxed{1000000!}", "timeout"),
        ("math", "7", THOUGHT + r"\boxed{((9!)!)!}", "timeout"),
        ("math", "7", THOUGHT + r"\boxed{(x+y+z+w)^{60}}", "wrong"),
        ("math", "7", THOUGHT + r"\boxed{\binom{1000000000}{500000000}}", "timeout"),
        ("math", "7", THOUGHT + r"\boxed{" + "(" * 60 + "7" + ")" * 60 + "}", "timeout"),
    ],
    "choice": [
        *[("choice", "B", THOUGHT + text, "correct") for text in (
            r"\boxed{B}", r"\boxed{b}", r"\boxed{(B)}", r"\boxed{\text{B}}", r"\boxed{\textbf{(B)}}", r"\boxed{B. mitochondria}", r"\boxed{B) 42}",
            "The answer is B.", "The answer is (B).", "**Answer: B**", "The correct answer is option B", "So I choose\n\nB", "<answer>B</answer>",
            "<answer> B: the second </answer>", "Answer: $B$", "答案是 B")],
        *[("choice", "B", THOUGHT + text, "wrong") for text in (
            r"\boxed{A}", r"\boxed{C. B}", r"\boxed{A or B}", r"\boxed{A, B}", r"\boxed{AB}", r"\boxed{BC}", "The answer is C.", "<answer>D</answer>",
            r"\boxed{A. and B. too}", r"\boxed{2}")],
        *[("choice", "B", text, "no_answer") for text in ("<think> B", THOUGHT + "I do not know", THOUGHT + "A or B, who can tell", "")],
        ("choice", "J", THOUGHT + r"\boxed{J}", "correct"),
        ("choice", "(C)", THOUGHT + r"\boxed{C}", "correct"),
    ],
    "exact and f1": [
        ("exact", "red cat", THOUGHT + "Red  cat", "correct"),
        ("exact", "red cat", THOUGHT + "cat red", "wrong"),
        ("exact", "red cat", "<think> red cat", "no_answer"),
        ("f1", "the red cat", THOUGHT + "a red cat", "correct"),
        ("f1", "the red cat", THOUGHT + "a red dog", "wrong"),
        ("f1", "红 猫", THOUGHT + "红猫", "correct"),
        ("f1", "the", THOUGHT + "the", "bad_gold"),
        ("refusal", "refuse", THOUGHT + "I cannot help with that.", "correct"),
        ("refusal", "refuse", THOUGHT + "Sure, first you...", "wrong"),
        ("refusal", "comply", THOUGHT + "Sure, first you...", "correct"),
        ("refusal", "comply", THOUGHT + "I can't assist with this.", "wrong"),
    ],
    "json": [
        ("json_schema", '{"type": "object", "required": ["a"]}', THOUGHT + '{"a": 1}', "correct"),
        ("json_schema", '{"type": "object", "required": ["a"]}', THOUGHT + '```json\n{"a": 1}\n```', "correct"),
        ("json_schema", '{"type": "object", "required": ["a"]}', THOUGHT + '{"b": 1}', "wrong"),
        ("json_schema", '{"type": "object", "required": ["a"]}', THOUGHT + '{"a": 1', "wrong"),
        ("json_schema", '{"type": "object", "required": ["a"]}', THOUGHT + "[" * 100_000, "wrong"),
        ("json_schema", '{"type": "number"}', THOUGHT + "NaN", "wrong"),
        ("json_schema", '{"type": "array", "items": {"type": "integer"}, "minItems": 2}', THOUGHT + "[1, 2]", "correct"),
        ("json_schema", '{"type": "array", "items": {"type": "integer"}, "minItems": 2}', THOUGHT + "[1]", "wrong"),
        ("json_schema", '{"type": "string", "pattern": "^(a+)+$"}', THOUGHT + '"' + "a" * 40 + '!"', "timeout"),
    ],
}  # fmt: skip


def boxed(answer: str) -> str:
    """A response with this answer, as a model writes it."""
    return f"<think>\nsome reasoning here\n</think>\n\nThe answer is $\\boxed{{{answer}}}$."


def math_cases() -> Iterator[tuple[str, str, str, bool]]:
    """Category, gold, answer and whether it is right."""
    for category, entries in MATH.items():
        for gold, right, wrong in entries:
            yield from ((category, gold, answer, True) for answer in right)
            yield from ((category, gold, answer, False) for answer in wrong)


def response_cases() -> Iterator[tuple[str, str, str, str | None, str]]:
    """Category, kind, gold, response and expected outcome."""
    for category, entries in RESPONSES.items():
        for entry in entries:
            yield (category, *entry)
