"""The process in which math-verify compares expressions: one line of JSON in, one out.

It is started as a script, apart from the package, by `proctor.metrics.symbolic`. Symbolic algebra can run for ever or
eat all memory inside C, where no exception of Python reaches; so a process does it that the system ends.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
from typing import Any

MEMORY = 2 * 1024**3


def main() -> None:
    """Answers questions until the input ends. An alarm without a handler ends the process where one takes too long."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY if most < 0 else min(MEMORY, most), most))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    logging.disable(logging.CRITICAL)
    import math_verify  # noqa: F401

    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        kind, gold, answer, limit = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            verdict = expressions_agree(gold, answer) if kind == "value" else relations_agree(kind, gold, answer)
        except (Exception, RecursionError, MemoryError):
            verdict = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(verdict), file=answers, flush=True)


def _read(latex: str) -> Any:
    """The expression, or None."""
    import math_verify
    from latex2sympy2_extended import NormalizationConfig

    # Units stay: 3m is three times m, and what was a unit has gone already.
    plain = NormalizationConfig(basic_latex=True, units=False, malformed_operators=True, nits=False, boxed="none")
    found = math_verify.parse(
        f"${latex}$",
        [math_verify.LatexExtractionConfig(normalization_config=plain)],
        fallback_mode="no_fallback",
        parsing_timeout=None,
    )
    return found[0] if found else None


def expressions_agree(gold: str, answer: str) -> bool:
    """Whether math-verify says so, and their difference is not merely small."""
    import math_verify
    import sympy

    left, right = _read(gold), _read(answer)
    if left is None or right is None:
        return False
    if not math_verify.verify(left, right, float_rounding=12, timeout_seconds=None):
        return False
    if isinstance(left, sympy.Expr) and isinstance(right, sympy.Expr):
        if left.free_symbols != right.free_symbols and _flat(left) != _flat(right):
            return bool(sympy.simplify(left - right) == 0)
        if not left.free_symbols:
            return _close(left.doit(), right.doit())
    return True


def _flat(expression: Any) -> str:
    return "".join(sorted(map(str, expression.free_symbols)))


def _close(left: Any, right: Any) -> bool:
    """Whether two constants differ by less than can be told; math-verify rounds small differences away."""
    import sympy

    difference = sympy.Abs(sympy.N(left - right, 40))
    scale = sympy.Abs(sympy.N(left, 40))
    return bool(difference <= scale * sympy.Float("1e-25"))


def relations_agree(kind: str, gold: list[str], answer: list[str]) -> bool:
    """Whether two relations, each given by its sides, are multiples of each other; 0 = 0 agrees with nothing."""
    import sympy

    sides = [_read(side) for side in (*gold, *answer)]
    if not all(isinstance(side, sympy.Expr) for side in sides):
        return False
    left, right = sympy.expand(sides[0] - sides[1]), sympy.expand(sides[2] - sides[3])
    if sympy.simplify(left) == 0 or sympy.simplify(right) == 0 or left.free_symbols != right.free_symbols:
        return False
    ratio = sympy.simplify(left / right)
    if not (ratio.is_number and ratio.is_finite) or ratio == 0:
        return False
    return kind == "equation" or bool(ratio > 0)


if __name__ == "__main__":
    main()
