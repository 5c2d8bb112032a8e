"""Sentences that say that a question cannot be answered, in English, Chinese and TyDiQA's languages."""

from __future__ import annotations

import re

_WHOLE = frozenset(
    phrase
    for line in (
        "unanswerable|not answerable|cannotanswer|cannot answer|cant answer|can not answer|impossible to answer",
        "no answer|no answer found|no answer available|no information|none|n a|unknown|i dont know|dont know",
        "i do not know",
        "not mentioned|not given|not stated|not specified|not provided|not available|not found|not enough information",
        "insufficient information|cannot be answered|cannot be determined|not in the passage|not in the text",
        "not in the context|无答案|没有答案|無答案|無法回答|无法回答|不能回答|无法确定|无法得知|不知道|未知|未提及",
        "未提到|没有提到|文中未提及|无法作答|信息不足|答えられない|わからない|不明|回答不能|답할 수 없음|답변 불가",
        "알 수 없음|нет ответа|неизвестно|tidak ada jawaban|tidak diketahui|hakuna jibu|haijulikani|ei vastausta",
        "ei tiedossa|لا توجد إجابة|غير معروف|কোনো উত্তর নেই|উত্তর নেই|অজানা|సమాధానం లేదు|తెలియదు",
    )
    for phrase in line.split("|")
)
"""Answers that are nothing else."""

_SOURCE = r"(?:passage|text|context|article|paragraph|document|excerpt|story|author)"
_GIVEN = (
    r"(?:mentioned|stated|specified|given|provided|discussed|indicated|said|clear|found|included|covered|available"
    r"|explained|answered|answerable|addressed|contained|present|described|known)"
)
_NOT = r"(?:not|never|n['’]t)"
_UNABLE = (
    r"(?:cannot|can['’]?t|can not|could not|couldn['’]t|am unable to|are unable to|is impossible to|is not possible to"
    r"|isn['’]t possible to|do not|don['’]t)"
)
_ENGLISH = (
    r"\b(?:unanswerable|not answerable|cannotanswer)\b",
    rf"\b{_SOURCE}\b[^\n.!?]{{0,30}}? (?:does not|doesn['’]t|do not|did not|didn['’]t|never|fails to|is silent)\b",
    rf"\b{_SOURCE}\b[^\n.!?]{{0,30}}? (?:has|gives|contains|provides|makes|offers) no\b",
    rf"\b{_NOT} (?:\w+ )?{_GIVEN}\b[^\n.!?]{{0,40}}\b{_SOURCE}\b",
    r"\bit (?:does not|doesn['’]t|never) (?:mention|say|state|specify|provide|contain|give|tell)",
    rf"\b(?:answer|information|it|this) (?:is|was)(?: not|n['’]t) (?:\w+ )?in the {_SOURCE}\b",
    rf"\bquestion {_UNABLE}\b",
    rf"\b(?:answer|information|question|detail|this|it) (?:\w+ )?(?:is|was|are)(?: not|n['’]t)(?: \w+)? {_GIVEN}\b",
    r"\b(?:there is|there['’]s|there are|contains|has|provides|gives|have|find) (?:no|not enough|insufficient|not any)"
    r" (?:\w+ ){0,2}(?:information|mention|answer|details?|indication|data|evidence)\b",
    r"\b(?:not enough|insufficient) (?:information|context|details?)\b",
    r"^\W{0,3}(?:(?:sorry|unfortunately|i['’]m sorry|i am sorry|i apologi[sz]e)\b[^\n.!?]{0,20}?)?"
    rf"(?:i|we|it)\b[^\n.!?]{{0,12}}?{_UNABLE}"
    r" (?:be )?(?:answer|determine|find|tell|say|know|infer|have (?:enough|the))",
    r"^\W{0,3}(?:unable|impossible) to (?:answer|determine|find|say|tell)",
    r"^\W{0,3}cannot (?:be )?(?:answer|determine|infer)",
)
_EAST_ASIAN = (
    r"(?:文章|短文|文中|原文|材料|段落|上文|本文|文本|内容|资料)[^\n。！？]{0,16}?(?:没有|没|未|並未|并未|沒有|無)"
    r"[^\n。！？]{0,6}?(?:提到|提及|提供|说明|說明|给出|給出|涉及|指出|交代|记载|記載|相关|相關|答案|介绍|描述)",
    r"(?:无法|無法|不能|难以)[^\n。！？]{0,16}?(?:回答|作答|确定|確定|判断|判斷|得知|得出|推断|找到)",
    r"没有足够的?信息|信息不足",
    r"(?:記載|言及|記述)[^\n。]{0,8}?(?:ない|ありません|いません)|答えられ(?:ない|ません)|本文からは?わから",
    r"답(?:변)?할 수 없|알 수 없(?:습니다|다|음)|언급(?:되어|되지|이)[^\n.]{0,8}?(?:않|없)|나와 ?있지 않",
)
_OTHERS = (
    r"нельзя ответить|невозможно ответить",
    r"(?:в тексте|в отрывке)[^\n.]{0,30}?(?:не|нет) ?(?:указан|сказан|упомина|говорит|информ)",
    r"tidak (?:disebutkan|dapat dijawab|bisa dijawab|dijelaskan|ada informasi)",
    r"haija?(?:tajwa|elezwa)|haiwezi kujibiwa|haikutajwa",
    r"ei (?:voi(?:da)? vastata|mainita|kerrota|käy ilmi)",
    r"لا يمكن الإجابة|لم يُ?ذكر|غير مذكور|لا يذكر النص",
    r"উল্লেখ (?:করা )?(?:নেই|হয়নি|হয়নি)|উত্তর দেও(?:য়া|য়া) (?:সম্ভব নয়|সম্ভব নয়|যায় না)",
    r"ప్రస్తావించ(?:బడ)?లేదు|సమాధానం (?:చెప్పలేము|ఇవ్వలేము)",
)
_MISSING = re.compile("(?i)" + "|".join((*_ENGLISH, *_EAST_ASIAN, *_OTHERS)))
_STILL = re.compile(
    r"(?i)\b(?:but|however|though|although|yet)\b,? (?!i\b|we\b|it (?:does|is)(?: not|n['’]t)\b)(?P<rest>.+)"
    r"|但是?(?P<zh>.+)"
)

CHATTER = re.compile(
    r"(?i)\W{0,3}(?:i(?:['’]ve| have)?\b|let me|let['’]s|looking|after|having|sorry|unfortunately|sure|okay"
    r"|the question asks|this is|good question|我|让我|抱歉|很抱歉|对不起)"
)
"""The start of a sentence after which the answer is still to come."""


def denies(sentence: str) -> bool:
    """Whether the sentence says that there is no answer, and does not answer still ("..., but it was X")."""
    plain = re.sub(r"['’]", "", sentence.lower()).replace("/", " ")
    if " ".join(plain.split()).strip(' .。!！?*_"“”`()[]<>,、-') in _WHOLE:
        return True
    found = _MISSING.search(sentence)
    if not found:
        return False
    still = _STILL.search(sentence, found.end())
    return not still or bool(_MISSING.search(still["rest"] or still["zh"]))
