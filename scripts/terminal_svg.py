"""Draw a terminal's text as SVG: `pytest evals/ -k gsm8k | python scripts/terminal_svg.py > docs/terminal.svg`.

The first line is the command that was given, from `--command`.
"""

import argparse
import sys
from xml.sax.saxutils import escape

FONT, LINE, WIDTH, MARGIN = 13, 18, 7.85, 16


def draw(command: str, lines: list[str]) -> str:
    """The picture of a prompt with `command` and the lines that it printed."""
    columns = max(len(line) for line in [command + "$ ", *lines])
    width, height = columns * WIDTH + 2 * MARGIN, (len(lines) + 1) * LINE + 2 * MARGIN
    rows = [f'<tspan fill="#7ee787">$</tspan> <tspan fill="#ffffff">{escape(command)}</tspan>', *map(_row, lines)]
    texts = [f'<text x="{MARGIN}" y="{MARGIN + FONT + i * LINE}">{row}</text>' for i, row in enumerate(rows)]
    style = f"font: {FONT}px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}">',
            f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/><g style="{style}" fill="#c9d1d9">',
            *texts,
            "</g></svg>\n",
        ]
    )


def _row(line: str) -> str:
    if line.startswith("===") and " passed" in line:
        return f'<tspan fill="#7ee787">{escape(line)}</tspan>'
    if line.startswith(("===", "task ")):
        return f'<tspan fill="#ffffff" font-weight="bold">{escape(line)}</tspan>'
    return escape(line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--command", default="pytest evals/ -k gsm8k")
    sys.stdout.write(draw(parser.parse_args().command, sys.stdin.read().rstrip().splitlines()))
