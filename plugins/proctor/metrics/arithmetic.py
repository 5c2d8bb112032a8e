r"""The value of a written calculation, found by walking its syntax tree: no `eval`, no time or memory without bounds.

Numbers, + - * / // % **, brackets, `pi` and `e`, and the functions in `_FUNCTIONS` are read, as Python or as LaTeX
(`\frac{1}{2}`, `3 \times 10^{-4}`, `\sqrt{2}`). All arithmetic is of floats: 9**9**9 overflows and has no value.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable

LONGEST = 400
"""Characters of a calculation beyond which none is read."""

_DEEPEST = 40

_NAMES = {"pi": math.pi, "e": math.e, "E": math.e, "inf": math.inf}


def _factorial(number: float) -> float:
    if number != int(number) or not 0 <= number <= 170:
        raise ValueError("no factorial that a float holds")
    return float(math.factorial(int(number)))


def _combinations(total: float, chosen: float) -> float:
    if total != int(total) or chosen != int(chosen) or not 0 <= chosen <= total <= 1000:
        raise ValueError("no such number of combinations")
    return float(math.comb(int(total), int(chosen)))


_LIKE_MATH = "sqrt exp log log2 log10 sin cos tan asin acos atan sinh cosh tanh pow floor ceil degrees radians"
_FUNCTIONS: dict[str, Callable[..., float]] = {
    **{name: getattr(math, name) for name in _LIKE_MATH.split()},
    "ln": math.log,
    "abs": abs,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "cbrt": lambda number: math.copysign(abs(number) ** (1 / 3), number),
    "factorial": _factorial,
    "comb": _combinations,
    "binom": _combinations,
    "Rational": lambda upper, lower=1.0: upper / lower,
    "float": float,
    "round": lambda number, places=0.0: round(number, int(places)),
}
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: math.pow,
}

_FRACTION = re.compile(r"\\[dtc]?frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\s?(?:\[(\d+)\])?\s?\{([^{}]*)\}")
_POWER = re.compile(r"\^\s?\{([^{}]*)\}")
_CHOOSE = re.compile(r"\\[dt]?binom\s?\{([^{}]*)\}\s?\{([^{}]*)\}")
_FACTORIAL = re.compile(r"(\d{1,9}|\([^()]*\))!")
_SPELT = [
    (re.compile(pattern), new)
    for pattern, new in [
        (r"\\%", "%"),
        (r"\\(?:left|right|mathrm|text|displaystyle)(?![A-Za-z])|\\[,;:! ]|\$", ""),
        (r"\\[dtc]?frac\s?(\d)\s?(\d)", r"\\frac{\1}{\2}"),
        (r"\\sqrt\s?(\d)", r"\\sqrt{\1}"),
        (r"\\(?:times|cdot)(?![A-Za-z])|[×·⋅∗]|(?<=[\d)]) ?x ?(?=10\b)", "*"),
        (r"\\div(?![A-Za-z])|÷", "/"),
        (r"\\pi(?![A-Za-z])|π", "(pi)"),
        (r"[−–]", "-"),
        (r"√\s?\(", "sqrt("),
        (r"√\s?(\d+(?:\.\d+)?)", r"sqrt(\1)"),
        (r"(?<=\d)(?:\{,\}|,\\!)(?=\d{3})", ""),
        (r"\b(?:math|np|numpy|sympy|sp)\.", ""),
    ]
]
_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])")
_JUXTAPOSED = [
    (re.compile(r"(?<=[\d.)])\s*(?=\(|(?:sqrt|pi|ln|log|exp|sin|cos|tan)\b)"), "*"),
    (re.compile(r"(?<=\))\s*(?=\d)"), "*"),
]


def value(text: str) -> float | None:
    r"""The value of one calculation; None where it has none that is finite, or is none.

    >>> value("10*9"), value(r"\\frac{1}{2}"), value("9**9**9"), value("factorial(2000000)")
    (90.0, 0.5, None, None)
    """
    if not text or len(text) > LONGEST:
        return None
    written = _python(_THOUSANDS.sub(lambda found: found[0].replace(",", ""), text.strip()))
    if max(written.count("("), written.count("-"), written.count("+"), written.count("~")) > _DEEPEST:
        return None
    try:
        found = _walk(ast.parse(written.strip(), mode="eval").body, 0)
    except (SyntaxError, ValueError, ArithmeticError, TypeError, RecursionError, MemoryError):
        return None
    return found if math.isfinite(found) else None


def _python(text: str) -> str:
    """LaTeX as Python writes it, from the inside out."""
    for pattern, new in _SPELT:
        text = pattern.sub(new, text)
    for _ in range(6):
        before = text
        text = _POWER.sub(r"**(\1)", text)
        text = _FRACTION.sub(r"((\1)/(\2))", text)
        text = _CHOOSE.sub(r"comb(\1,\2)", text)
        text = _ROOT.sub(lambda root: f"(({root[2]})**(1/{root[1]}))" if root[1] else f"sqrt({root[2]})", text)
        if text == before:
            break
    text = _FACTORIAL.sub(r"factorial(\1)", text.replace("^", "**"))
    text = re.sub(r"\\(?=(?:ln|log|exp|sin|cos|tan|arcsin|arccos|arctan)(?![A-Za-z]))", "", text)
    text = re.sub(r"\b(ln|log|exp|sin|cos|tan)\s+(\d+(?:\.\d+)?|\(pi\))", r"\1(\2)", text)
    text = re.sub(r"(?<![A-Za-z])(?<!e)0+(?=\d)", "", text) if re.fullmatch(r"-?0+\d+", text) else text
    for pattern, new in _JUXTAPOSED:
        text = pattern.sub(new, text)
    return re.sub(r"(\d+(?:\.\d*)?)\s*%(?!\s*[\d(])", r"(\1/100)", text)


def _walk(node: ast.expr, depth: int) -> float:
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return _NAMES[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        operand = _walk(node.operand, depth + 1)
        return -operand if isinstance(node.op, ast.USub) else operand
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return float(_OPERATORS[type(node.op)](_walk(node.left, depth + 1), _walk(node.right, depth + 1)))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
        if node.keywords or not 1 <= len(node.args) <= 2:
            raise ValueError("no such call")
        return float(_FUNCTIONS[node.func.id](*(_walk(argument, depth + 1) for argument in node.args)))
    raise ValueError("not arithmetic")
