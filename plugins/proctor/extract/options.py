"""Sets of options ("ACD") and lists of answers, one letter a question ("36. C 37. F ...").

What follows from the published scorers, and where these functions differ:

- AGIEval (jec-qa-kd, jec-qa-ca, gaokao-physics) takes every capital from A to F in the text, or in its last line with
  chain of thought, as the answer, and compares sets. A model that explains why B is wrong fails there. `option_set`
  reads the answer that is stated, so it is more generous to explanations; a text of letters alone has the same
  verdict in both.
- GAOKAO-Bench, several right options: the letters A to D after the first 【答案】 (which must not begin the text), else
  those of the last ten characters, in the order of writing. Here 【答案】 is a marker like others, the last one counts,
  and order and repetition do not matter: an answer "CA" is the set AC.
- GAOKAO-Bench, several questions: the letters after 【答案】 where there are as many as questions, else the first
  capitals of the text, those of English words among them. Five of seven: the first five capitals from A to G. Here
  letters count where they are given as answers; numbers decide which question a letter answers, so a skipped
  question costs itself alone.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from proctor.extract.letters import GOES_ON, choice_letter, listed_inline
from proctor.extract.texts import FULL_WIDTH, ends, own_text

# White space, emphasis, quotes, brackets and LaTeX around letters. Possessive, as all repetitions here: what they took
# is never given back, so no text is read more than a fixed number of times.
_OPEN = r"(?:\\(?:text|textbf|mathrm|mathbf|boxed|fbox|quad|;|,|\(|\[)|[\s*_\"'`“‘「『《【(\[{$|:=→>\-–—]){0,16}+"
_CLOSE = r"[)\]}*_\"'`”’」』》】$\\]{0,6}+"
_JOIN = (
    r"(?:\s?(?:[,、;/&+]|和|与|及|以及|还有|(?i:and|plus)\b)?\s?(?:(?i:and)\b\s?)?"
    r"(?:选项|(?i:(?:options?|choices?|statements?)\b)\s?)?[(\[{*$\"'“]{0,4}+)"
)
# A letter before these names a party, a place or a thing of the question: A公司, B点, C类.
_NAMES = r"公司|银行|企业|集团|工厂|厂|国|市|县|村|镇|地|型|股|轮|楼|座|车|球|点|处|商|校|省|区|类|罪|房|某"


_MOST = 1_000
"""How many markers, letters and numbers of a text are looked at, from its end: an answer has fewer."""


def option_set(text: str | None, letters: str = "ABCD") -> str | None:
    r"""The options that the text settles on, sorted, such as "ACD"; None where it settles on none.

    Thinking is left out and full-width characters are read as ASCII. Letters are a set where nothing stands between
    them but spaces, brackets, emphasis, commas, 、, /, &, "and", 和, 与. In this order:

    1. the last of 答案：ACD, [正确答案]ACD, 故选A、C, 应选AC, 正确的是A和C, 而是AC, "the answers are A, C and D",
       "Answer: A, C", `\boxed{ACD}`; or lines of options ("A. ...", "C. ...") after such a marker;
    2. the last of 选AB, "I choose A and C", 综上，AC, so AC; 以上都正确, 全选, "all of them are correct":
       all letters;
    3. what is said of the options one by one (A正确, "B is wrong"): the right ones where every option has a verdict,
       else the last statement where it names several options, or is the only verdict;
    4. letters at the very start, alone or before punctuation, or lines of options from there; not all of the options
       in a row, which repeat the question;
    5. a last line of letters alone;
    6. the only letters in brackets, bold or quotes.

    A marker counts only with valid labels: "A or B", "ABCD中的", a list that breaks off ("A、") do not. Letters of a
    word (ABC公司, A点) are none. Small letters count after a marker, in alphabetical order, before punctuation.
    Of a very long text the first and last `texts.SPAN` characters are read.
    """
    if text is None or not letters:
        return None
    rules = _rules(letters.upper())
    text = ends(own_text(text)).translate(FULL_WIDTH)
    return (
        _after_markers(text, rules, "marked")
        or _after_markers(text, rules, "stated")
        or _verdicts(text, rules)
        or _at_start(text, rules)
        or _last_line(text, rules)
        or _set_off(text, rules)
    )


@dataclass(frozen=True)
class _Rules:
    """The patterns of this module for one set of letters, in capitals."""

    letters: str
    told: re.Pattern[str]
    line: re.Pattern[str]
    group: re.Pattern[str]
    start: re.Pattern[str]
    alone: re.Pattern[str]

    def sorted(self, found: str) -> str:
        """The letters of a match as a set, joining words aside."""
        plain = _WORDS.sub("", found).upper()
        return "".join(letter for letter in sorted(set(self.letters)) if letter in plain)


_WORDS = re.compile(r"(?i:\band\b|\bplus\b|options?\b|choices?\b|statements?\b)")


@lru_cache(maxsize=64)
def _rules(letters: str) -> _Rules:
    upper, small = f"[{re.escape(letters)}]", f"[{re.escape(letters.lower())}]"
    name = rf"['’-][A-Za-z]|\.[A-Za-z]|(?<=[AI]) +(?!{GOES_ON})[a-z]|(?<=[A-Z])(?:{_NAMES})"
    bound = rf"(?![A-Za-z0-9#]|\+(?!\s?{upper})|{name})"
    run = rf"{upper}{{1,{len(letters)}}}+{bound}"
    group = rf"(?>{run}(?:{_CLOSE}(?:\s?\([^()\n]{{2,40}}\))?{_JOIN}{run}){{0,{len(letters)}}})"
    hedge = (
        rf"(?!{_CLOSE}\s?(?:[,、]\s?)?(?:(?i:or)\b|或|还是)|\s?(?:中|之中|里|哪)|\s?(?:[、/&+,]|和|与|(?i:and))\s*$)"
    )
    several_small = rf"{small}+(?:{_JOIN}{small}\b){{0,{len(letters)}}}"
    point = rf"(?:\s*(?:$|\n|[.;:。、)<]|,(?!\s?{upper}))|(?<=[)\]*}}$])|\s[-–—]|\s(?:because|since|as)\b)"
    kind = r"(?:选项|(?i:options?|choices?|letters?|statements?)\b)"
    return _Rules(
        letters=letters,
        told=re.compile(
            rf"{_OPEN}(?:{kind}{_OPEN})?(?:({group}){hedge}|({several_small})(?={_CLOSE}\s*(?:[.,;。!]|$|\n)))"
        ),
        line=re.compile(
            rf"[\s*\-(]{{0,8}}+({upper})[)*]{{0,3}}\s?(?:[.):、,]|\*(?!\*?\s?(?:(?i:and|or|but|is|are)\b|[,、/&+和与或])))[^\n]*?(?:;\s*(?={upper}\s?[.):、])|\n|$)"
        ),
        group=re.compile(rf"(?<![A-Za-z0-9])({group})"),
        start=re.compile(rf"{_OPEN}(?:{kind}{_OPEN}|(?i:both) )?({group}){hedge}{_CLOSE}(?:选?项(?!:))?{point}"),
        alone=re.compile(rf"{_OPEN}({group}){hedge}{_CLOSE}\s*(?:<eo[ae]>)?[.。;]?\s*"),
    )


_MARKED = re.compile(
    r"(?i:\b(?:answers?|(?:correct|right|best|final|true) (?:options?|choices?|letters?|statements?|ones?))\b"
    r"(?! (?:choices|options|key))[^\n.:?!=]{0,40}?(?:\b(?:is|are|was|were|be)\b(?! not\b)|[:=→])"
    r"(?: (?:both|all|therefore|thus|only))?)"
    r"|\\(?:boxed|fbox)\s?(?={)"
    r"|(?:答案|故选|(?<!不)应选|应该选|因此选|所以选|而是"
    r"|(?<!不)(?:正确|对|成立|符合题意)的?(?:选项|说法|一项|表述)?(?=[是为有:](?!:?\s?\(\s{0,8}\))))"
    r"(?:应该?|应当|可能)?(?:选择|选|是|为|有|包括)?[\s:】\])》」*是为]{0,6}+"
    r"|(?<!不)应(?:该|当)?[是为选]|(?<![\u4e00-\u9fff])答:"
)
_STATED = re.compile(
    r"(?<!not )(?<!n't )"
    r"(?i:\b(?:choose|chose|pick|select|go(?:ing)? with|opt for|it(?:['’]s| is| must be))\b(?: both)?)|(?<!不)即选项"
    r"|(?<![不未可请人候当竞普])(?<!不应)选(?:择|了|出)?(?![项举]|\s*\n)"
    r"|(?:综上(?:所述)?|所以|因此|(?i:\b(?:so|therefore|thus|hence)\b)),?(?=\s?[(*\[]{0,3}[A-Z0-9]+[)*\]]{0,3}(?:。|\.?\s*(?:$|\n)))"
)
_ALL = re.compile(
    r"(?<![非不])(?<!不是)(?:以上|上述|[四4五5]个?)(?:[四4五5]个)?(?:选?项|说法)?(?:都|均|全部?)(?:是)?(?:正确|对)"
    r"|(?<!不)(?:全选|选全部)"
    r"|(?i:(?<!not )\ball (?:of )?(?:the )?(?:them|above|four|five|options|statements|choices)"
    r"(?: (?:options|statements|choices))? are (?:correct|true|right)\b)"
)


def _after_markers(text: str, rules: _Rules, kind: str) -> str | None:
    """The letters after the last marker that has some; among the weaker markers, "all of them are right" as well."""
    every = deque(_ALL.finditer(text), maxlen=1) if kind == "stated" else None
    for marker in reversed(deque((_MARKED if kind == "marked" else _STATED).finditer(text), maxlen=_MOST)):
        if every and every[0].start() > marker.start():
            break
        told = rules.told.match(text, marker.end())
        if told and told[1]:
            lines = _lines(text, told.start(1), rules)
            # All options in a row after "the correct ones are:" are the question, unless they are called the answer.
            if lines != rules.sorted(rules.letters) or "答案" in marker[0] or "nswer" in marker[0]:
                return lines or rules.sorted(told[1])
        elif told and (small := _WORDS.sub("", told[2])):
            plain = [letter for letter in small.upper() if letter in rules.letters]
            if plain == sorted(set(plain)):
                return "".join(plain)
    return rules.sorted(rules.letters) if every else None


def _lines(text: str, start: int, rules: _Rules) -> str | None:
    """The letters of the lines of options that begin at `start`, where there are at least two of them."""
    found = ""
    while line := rules.line.match(text, start):
        if line[1] in found:
            break
        found, start = found + line[1], line.end()
    return "".join(sorted(found)) if len(found) > 1 else None


_VERDICT = re.compile(
    _CLOSE + r"\s?(?:(?:选?项|说法|表述|[两三四]项|[两三四]个选项){0,2}:?\s?(?:都|均|也)?(?:是|为)?"
    r"(?:(正确|对(?!于)|符合题意|应选|当选|[√✓✔])|错误|错|有误|[×✗✘]|不(?:正确|对|符合|当选|成立))"
    r"|(?:is|are)(?: (?:both|all|the|also|indeed|clearly)){0,2} "
    r"(?:((?:correct|right|true)\b)|(?:not|incorrect|wrong|false)\b))"
)


def _verdicts(text: str, rules: _Rules) -> str | None:
    """What is said of the options one by one, the last word on each."""
    said: dict[str, bool] = {}
    last, count = "", 0
    for group in deque(rules.group.finditer(text), maxlen=_MOST):
        verdict = _VERDICT.match(text, group.end())
        if verdict is None or text[group.start() - 1 : group.start()] in ("不", "非"):
            continue
        options = rules.sorted(group[1])
        right = bool(verdict[1] or verdict[2])
        said.update(dict.fromkeys(options, right))
        last, count = options if right else last, count + 1
    if set(said) == set(rules.letters):
        return "".join(sorted(letter for letter, right in said.items() if right)) or None
    return last if last and (len(last) > 1 or count == 1) else None


def _at_start(text: str, rules: _Rules) -> str | None:
    lines = _lines(text, 0, rules)
    if lines:
        return None if lines == "".join(sorted(rules.letters))[: len(lines)] and len(lines) > 2 else lines
    start = rules.start.match(text)
    return rules.sorted(start[1]) if start else None


def _last_line(text: str, rules: _Rules) -> str | None:
    lines = text.rstrip().rsplit("\n", 2)
    listed = len(lines) > 1 and 0 < len(lines[-2].strip()) < 4
    end = None if listed else rules.alone.fullmatch(lines[-1])
    return rules.sorted(end[1]) if end else None


def _set_off(text: str, rules: _Rules) -> str | None:
    distinct = {
        rules.sorted(group[1])
        for group in deque(rules.group.finditer(text), maxlen=_MOST)
        if _OPENS.search(text, max(group.start() - 3, 0), group.start()) and _CLOSES.match(text, group.end())
    }
    return distinct.pop() if len(distinct) == 1 else None


_OPENS = re.compile(r"(?:\*\*|[(\[“\"「`])[\s*(\[]?$")
_CLOSES = re.compile(r"\*\*|[)\]”\"」`]")


def option_list(text: str | None, count: int, letters: str = "ABCD") -> list[str | None] | None:
    r"""One letter for each of `count` questions, in order, None for those left out; None where there is no letter.

    Thinking is left out and full-width characters are read as ASCII. In this order:

    1. numbered answers: "36. C", "36.G<eoa>", "(1)【答案】 A", "第2题：B", "Q3: D", "1.A；2.C", "| 4 | B |",
       `"36": "C"`, and the "36-40 CFAED" of answer keys. Of numbers that repeat, the last answer counts. The
       questions are 1 to `count` where all numbers lie there, else the `count` numbers in a row that have most
       answers. Where a number is followed by an explanation, the answer is what `choice_letter` reads in it;
    2. the last marker with a row of letters: "【答案】 C F A E D", "答案：CFAED", "Answer: C, F, A";
    3. markers with one letter each, in order; of more than `count` markers the last ones (the prompt repeated);
    4. a row of letters at the start, on a line of its own, or one letter a line. Of a row that is longer than `count`
       the first ones count, as in GAOKAO-Bench.

    One question is what `choice_letter` reads. Letters are not taken from words: see the module for how the published
    scorer differs. Of a very long text the first and last `texts.SPAN` characters are read.
    """
    if text is None or not letters or count < 1:
        return None
    letters = letters.upper()
    if count == 1:
        only = choice_letter(text, letters)
        return [only] if only else None
    text = ends(own_text(text)).translate(_NUMERALS)
    rules = _list_rules(letters)
    return (
        _numbered(text, count, letters, rules)
        or _marked_row(text, count, rules)
        or _marked_singles(text, count, rules)
        or _bare_row(text, count, rules)
    )


# Brackets of their own: in "A. ①③ B. ②③" circled numbers are what options say, and B is no answer to 3.
_CIRCLED = {ord("①") + i: f"⟨{i + 1}⟩" for i in range(20)}
_NUMERALS = {**FULL_WIDTH, **_CIRCLED}
_CHINESE = {name: i for i, name in enumerate("一二三四五六七八九十", 1)}
_MARKER = (
    r"[\[【(]?(?:参考|正确|最终|本题)?(?:答案|(?i:the |correct |final ){0,2}(?i:answers?))[\]】)]?\s?"
    r"(?:依次|分别)?(?:应?[是为]|(?i:is|are)\b)?"
)
_NUMBER = (
    r"(?:第\s?\(?([0-9]{1,3}|[一二三四五六七八九十])\)?\s?(?:小?题|空|个?问题?)"
    r"|(?<![0-9A-Za-z./])(?<![0-9],)(?:(?i:question|blank|q|no\.?)\s?|小?题)?([0-9]{1,3})(?:小?题)?)(?![0-9%])"
)
_GAP = r"[\s.、:)⟩\]}】|*\"'=>→$(\[{,_`“”‘’\-–—]{0,10}+"


@lru_cache(maxsize=64)
def _list_rules(letters: str) -> dict[str, re.Pattern[str]]:
    upper = f"[{re.escape(letters)}]"
    bound = rf"(?![A-Za-z+#]|['’-][A-Za-z]|选?项|\s?\.\s?⟨|(?<=[AI]) +(?!{GOES_ON})[a-z])"
    letter = rf"(?:\\(?:text|boxed|textbf)\{{){{0,2}}({upper}){bound}"
    one = rf"{letter}(?![)\]}}*]{{0,3}}\s?(?:[、/&]|,|或|和|(?i:or|and)\b)\s?{upper}(?![A-Za-z0-9.]))"
    row = rf"{upper}(?:[\s,、;/|*\-–—.)\](\[\"']{{0,4}}+{upper}){{1,40}}(?![A-Za-z])"
    return {
        "number": re.compile(_NUMBER),
        "answer": re.compile(rf"{_GAP}(?:{_MARKER}{_GAP})?(?:选|(?i:option\b))?{_GAP}{one}"),
        "key": re.compile(rf"([0-9]{{1,3}})\s?(?:[-–—~]|至|到)\s?([0-9]{{1,3}}){_GAP}(?:{_MARKER}{_GAP})?({row})"),
        "marked_row": re.compile(rf"(?:{_MARKER}|\\boxed(?={{)){_GAP}({row})"),
        "marked": re.compile(rf"(?:{_MARKER}|故选|\\boxed(?={{)){_GAP}{one}"),
        "row": re.compile(
            rf"^[\s*(\[\"`$]{{0,8}}({row})[)\]*.。\"`$]{{0,4}}\s*(?:<eo[ae]>)?[ \t]*(?:$|\n|[.。;])", re.MULTILINE
        ),
        "listed": listed_inline(letters),
        "letter": re.compile(upper),
    }


def _cut(found: Sequence[str | None], count: int) -> list[str | None]:
    return [*found[:count], *[None] * (count - len(found))]


def _numbered(text: str, count: int, letters: str, rules: dict[str, re.Pattern[str]]) -> list[str | None] | None:
    """Answers by number; where a line's number has none right after it, what the text up to the next number says."""
    answers, explained, end = _by_number(text, rules)
    first = _first_number({*answers} if len(answers) >= count else {*answers, *explained}, count)
    if first is None:
        return None
    row = _last_row(text[end:], rules)
    if row is not None and len(row) == count:
        return list(row)
    for number in range(first, first + count):
        if number in explained and number not in answers:
            found = choice_letter(text[explained[number]].lstrip(" .、:)]】*"), letters)
            if found:
                answers[number] = found
    listed = [answers.get(number) for number in range(first, first + count)]
    # One number with a letter may be anything, such as a figure's, unless the text begins with it.
    alone = count > 2 and not rules["number"].match(text.lstrip("# *-(|\t\n"))
    return listed if sum(map(bool, listed)) > alone else None


def _by_number(text: str, rules: dict[str, re.Pattern[str]]) -> tuple[dict[int, str], dict[int, slice], int]:
    """The letters right after numbers, what follows the other numbers of lines, and where the last letter ends."""
    answers: dict[int, str] = {}
    explained: dict[int, slice] = {}
    end = 0
    for key in rules["key"].finditer(text):
        first, last, found = int(key[1]), int(key[2]), rules["letter"].findall(key[3])
        if last - first + 1 == len(found):
            answers |= dict(enumerate(found, first))
            end = key.end()
    open_number = None
    for place in deque(rules["number"].finditer(text, end), maxlen=_MOST):
        number = _CHINESE.get(place[1] or "") or int(place[1] or place[2])
        direct = rules["answer"].match(text, place.end())
        if direct and rules["listed"].match(text, direct.start(1)):
            direct = None
        line = text[max(place.start() - 12, 0) : place.start()].rpartition("\n")[2]
        at_line = not line.strip("# *-(（|\t")
        if not (at_line or direct):
            continue
        if open_number is not None:
            explained[open_number] = slice(explained[open_number].start, place.start())
        open_number = None
        if direct:
            answers[number], end = direct[1], direct.end()
        else:
            explained[number], open_number = slice(place.end(), None), number
    return answers, explained, end


def _first_number(numbers: set[int], count: int) -> int | None:
    """Where the questions begin: at 1 where that covers all, else at the number from which most numbers follow."""
    if not numbers:
        return None
    if max(numbers) <= count:
        return 1
    return max(
        sorted(numbers, reverse=True), key=lambda first: sum(first <= other < first + count for other in numbers)
    )


def _last_row(text: str, rules: dict[str, re.Pattern[str]]) -> list[str] | None:
    """The row of letters after the last marker that has one."""
    rows = deque(rules["marked_row"].finditer(text), maxlen=1)
    return rules["letter"].findall(rows[0][1]) if rows else None


def _marked_row(text: str, count: int, rules: dict[str, re.Pattern[str]]) -> list[str | None] | None:
    row = _last_row(text, rules)
    return _cut(row, count) if row else None


def _marked_singles(text: str, count: int, rules: dict[str, re.Pattern[str]]) -> list[str | None] | None:
    found = [match[1] for match in rules["marked"].finditer(text)]
    return _cut(found[-count:], count) if found else None


def _bare_row(text: str, count: int, rules: dict[str, re.Pattern[str]]) -> list[str | None] | None:
    rows = [rules["letter"].findall(found[1]) for found in rules["row"].finditer(text)]
    whole = [row for row in rows if len(row) >= count]
    if whole or rows:
        return _cut((whole or rows)[-1], count)
    return None
