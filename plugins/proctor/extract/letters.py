"""Letters: which option a text settles on."""

from __future__ import annotations

import re
from functools import lru_cache

from proctor.extract.texts import FULL_WIDTH, SPAN, own_text, until_next


def choice_letter(text: str | None, letters: str = "ABCD") -> str | None:
    r"""The option that the text settles on, one of `letters` (capitals or digits); None where it settles on none.

    Thinking is left out, and so is a next question that the text goes on to, unless only that has an answer; full-width
    characters are read as ASCII. In this order:

    1. the last of "answer is B", "Answer: (B)", "correct option is B", `\boxed{\text{B}}`, 答案是B, 故选B, 而是B,
       应该是B, 答：B;
    2. the last of "I choose B", "it is option B", "B is correct", "Answer B", 选B, B正确, B项符合题意, 所以，B;
    3. a letter at the very start, alone or before punctuation ("B", "(b)", "**B**. text", "Option B ...", B项);
       not the first line of a list that repeats the options;
    4. a last line that is a letter alone;
    5. the only letter in brackets, bold or quotes;
    6. the only letter after "option" or "choice".

    A marker counts only with a valid label: "ANSWER: [LETTER]", "the answer is not A", "Answer: A or B" do not.
    "A" before a word is an article unless the word goes on about the answer ("A because"); "I" is the writer, and a
    digit a quantity ("4 kg", "3.5"). Small letters count only before punctuation or an end of line. An empty pair of
    brackets after 正确的是 is the question repeated. Of a very long text the first and last `SPAN` characters are read.
    """
    if text is None:
        return None
    rules = _rules(letters)
    text = own_text(text)
    own = until_next(text)
    return _settled(own, rules) or (None if own == text else _settled(text, rules))


def _settled(text: str, rules: dict[str, re.Pattern[str]]) -> str | None:
    head = text[:SPAN].translate(FULL_WIDTH)
    text = text[-SPAN:].translate(FULL_WIDTH)
    for rule in rules["marked"], rules["stated"]:
        found = [match[match.lastindex or 0] for match in rule.finditer(text)]
        if found:
            return found[-1].upper()
    start = rules["start"].match(head)
    if start and not rules["listed"].match(head) and not rules["inline"].match(head):
        return start[start.lastindex or 0].upper()
    end = rules["end"].fullmatch(_last_line(text))
    if end:
        return end[1].upper()
    for rule in rules["set_off"], rules["option"]:
        distinct = {match[match.lastindex or 0].upper() for match in rule.finditer(text)}
        if len(distinct) == 1:
            return distinct.pop()
    return None


def _last_line(text: str) -> str:
    """The last line with something on it; empty where the line before it is as short: then it ends a list."""
    lines = text.rstrip().rsplit("\n", 2)
    return "" if len(lines) > 1 and 0 < len(lines[-2].strip()) < 4 else lines[-1].strip()


# Between a marker and its label: white space, emphasis, quotes, brackets, LaTeX.
_NOISE = r"[\s*_\"'`“”‘’:=\-–—→>(\[{$\\]{0,16}"
_LATEX = r"(?:(?:text|textbf|mathrm|mathbf|boxed)\{[\s(*]{0,4}){0,2}"
_KIND = (
    r"(?i:(?:(?:most )?(?:[a-z]{1,12}ly|indeed|therefore|still) )?(?:the )?"
    r"(?:(?:option|choice|letter|statement)\b)?)"
)
GOES_ON = r"(?:because|since|as|and|or|not|but|for|due|which|is|was|in|given|by|so|that|rather|instead|if|with|from)\b"


@lru_cache(maxsize=64)
def _rules(letters: str) -> dict[str, re.Pattern[str]]:
    """The patterns of `choice_letter` for one set of labels; a match's last group is the label."""
    if not letters:
        return dict.fromkeys(
            ("marked", "stated", "start", "listed", "inline", "end", "set_off", "option"), re.compile(r"(?!)")
        )
    upper, lower = f"[{re.escape(letters.upper())}]", f"[{re.escape(letters.lower())}]"
    either = f"[{re.escape(letters.upper() + letters.lower())}]"
    bound, small_bound = _bounds(upper)
    label = rf"(?:({upper}){bound}|({lower}){small_bound})"
    told = rf"{_NOISE}{_LATEX}{_KIND}(?:选项)?{_NOISE}{_LATEX}{label}"
    item = r"[*]{0,2}(?:[.):][^\n]*|\s*)\n"
    first, second = re.escape(letters[0].upper()), rf"(?!{re.escape(letters[0].upper())}){upper}"
    return {
        "marked": re.compile(_marked(label, told)),
        "stated": re.compile(_stated(upper, told)),
        "start": re.compile(_start(upper, lower, bound)),
        "listed": re.compile(rf"[\s*(]{{0,6}}{first}{item}[\s*(]{{0,6}}{second}[*]{{0,2}}(?:[.):]|\s)"),
        "inline": re.compile(rf"[\s*(]{{0,6}}{listed_inline(letters.upper()).pattern}"),
        "end": re.compile(rf"[*(\[$\"]{{0,4}}({either})[)\]*.$\"]{{0,5}}"),
        "set_off": re.compile(
            rf"\(({either})\)|\[({either})\]|\*\*\(?({upper})\)?(?:[.:)][^*\n]{{0,200}})?\*\*|[\"“`]({upper})[\"”`.]"
        ),
        "option": re.compile(rf"(?i:\b(?:option|choice))\s[*(\[]{{0,3}}({upper}){bound}|选项\s?({upper}){bound}"),
    }


def listed_inline(letters: str) -> re.Pattern[str]:
    """Options repeated in one line, such as "A. so B. very C. too": the first three, with the same mark after each."""
    first, second, third = (*map(re.escape, letters[:3]), *["(?!)"] * 3)[:3]
    between = r"[^\n]{1,80}?(?<![A-Za-z0-9])"
    return re.compile(rf"{first}\s?([.):、]){between}{second}\s?\1{between}{third}\s?\1")


def _bounds(upper: str) -> tuple[str, str]:
    """What may follow a label: not the rest of a word or name, nor a second label; stricter after a small letter."""
    several = (
        r"[)\]*}]{0,3}\s?(?:,|/|\||&|、|和|与|及|跟|或|and\b|or\b)(?: ?(?:and|or)\b)?\s?[(\[*]{0,3}"
        rf"{upper}(?![A-Za-z0-9])(?![)\]*}}]{{0,3}} ?(?!(?:and|or)\b)\w)"
    )
    word = rf"(?<=[AI0-9]) +(?!{GOES_ON})[a-z]|(?<=[0-9])\.[0-9]|(?<=[0-9])%"
    bound = rf"(?![A-Za-z0-9+#]|['’][a-z]|-[A-Za-z]|\.[A-Za-z]\.|{several}|{word})"
    small_bound = r"(?=[*_\"'`)\]}$\\]{0,4}\s*(?:[.,;:!。、]|$|\n)|\)|\]|\}|\*\*)(?!\.[A-Za-z0-9])"
    return bound, small_bound


def _marked(label: str, told: str) -> str:
    """The markers that name the answer itself."""
    subject = (
        r"(?:answer|(?:correct|right|best|final|my) (?:option|choice|letter|response|statement|one)|closest"
        r"|correct(?=[*]{0,2}:))"
    )
    return (
        rf"(?i:\b{subject}\b(?! (?:choices|options|key))[^\n.:?!=]{{0,40}}?(?:\b(?:is|was|be)\b|[:=→]))(?! not\b){told}"
        rf"|\\(?:boxed|fbox)\s?{{{_NOISE}{_LATEX}{label}"
        # The look ahead costs one scan where nothing follows that could be a label: 答案答案答案... stays cheap.
        r"|(?:答案|故选|(?<!不)应选|应该选|因此选|所以选|而是"
        r"|(?<!不)正确的?(?:选项|说法|一项)?(?=[是为](?!:?\s?\(\s{0,8}\)|:?[^\S\n]*\n)))(?=[^A-Za-z0-9]{0,60}[A-Za-z0-9])"
        rf"[^\n。?!,A-Za-z不非]{{0,12}}?{told}"
        rf"|(?:(?<!不)应(?:该|当)?[是为选]|(?<![\u4e00-\u9fff])答:)(?=[^A-Za-z0-9]{{0,60}}[A-Za-z0-9]){told}"
    )


def _stated(upper: str, told: str) -> str:
    """Sentences that settle on an option without calling it the answer."""
    return (
        r"(?<!not )(?<!n't )(?i:\b(?:choose|chose|pick|select|leaves(?: us with)?(?: only)?"
        r"|go(?:ing)? with|opt for|(?:my )?guess(?: is)?"
        r"|(?:it|this|that)(?:['’]s| is| must be| would be| should be)|must be))\b"
        rf"{told}"
        rf"|(?<![A-Za-z0-9])({upper})[)\]*]{{0,3}} (?i:is|would be) (?:(?:the|indeed|clearly|most|only|also) ){{0,2}}"
        r"(?i:correct|right|best|true|answer)\b"
        rf"|(?i:\banswer) {_NOISE}({upper})(?=[)\]*]{{0,3}}\s*(?:[.,;]|$))"
        rf"|(?<![不未人候当竞普])(?<!不应)选(?![项举]|[择出了]?\s*\n)(?=[^A-Za-z0-9]{{0,60}}[A-Za-z0-9])[^\n。?!,A-Za-z不非]{{0,4}}?{told}"
        rf"|(?<![A-Za-z0-9])({upper})\s?(?:选项|项)?\s?(?:是|最)?(?:正确|对(?!于)|符合题意)"
        rf"|(?:所以|因此|综上(?:所述)?)[,:]?\s?({upper})(?=[)\]*]{{0,3}}\s*(?:[.,;。]|$|\n))"
    )


def _start(upper: str, lower: str, bound: str) -> str:
    """A label at the very start of the text."""
    point = r"[)\]*_}\"'`$\\]{0,6}"
    return (
        rf"[\s*_\"'`“‘(\[{{$>#\\]{{0,16}}{_LATEX}(?:"
        rf"(?i:option|choice)\b:? ?[*(\[]{{0,3}}({upper}){bound}"
        rf"|(?!I, [a-z])({upper}){bound}{point}(?:选?项)?"
        rf"(?:\s*(?:$|\n|[.,;:。、)])|(?<=[)\]*_}}\"'`$])|\s[-–—]|\s(?:because|since|as)\b)"
        rf"|({lower})(?:{point}[.!]?\s*$|[*]{{0,2}}\)))"
    )
