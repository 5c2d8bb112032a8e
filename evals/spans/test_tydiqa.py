"""TyDiQA, gold passage (Clark et al. 2020, arXiv:2003.05002): questions in nine languages on a paragraph that answers.

0-shot with OpenCompass's prompts (tydiqa_gen_978d2a), each in the question's own language, which it has from
open-instruct. Dev split. exact_match, f1: as TyDiQA's evaluation has them (SQuAD's evaluate-v1.1.py by language), but
articles are dropped from English alone. The authors average over all languages but English (here `macro` counts it).
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import span
from proctor.metrics import exact, token_f1

# Code; instruction; what stands before passage, question and answer.
LANGUAGES = {
    "arabic": ("ar", "أجب على السؤال التالي بناءً على المعلومات في المقطع المعطى.", "المقطع:", "السؤال:", "الإجابة:"),
    "bengali": (
        "bn",
        "প্রদত্ত অধ্যায়ের তথ্যের উপর ভিত্তি করে নিম্নলিখিত প্রশ্নের উত্তর দিন।",
        "অধ্যায়:",
        "প্রশ্ন:",
        "উত্তর:",
    ),
    "english": (
        "en",
        "Answer the following question based on the information in the given passage.",
        "Passage:",
        "Question:",
        "Answer:",
    ),
    "finnish": (
        "fi",
        "Vastaa seuraavaan kysymykseen annetun kappaleen tiedon perusteella.",
        "Kappale:",
        "Kysymys:",
        "Vastaus:",
    ),
    "indonesian": (
        "id",
        "Jawab pertanyaan berikut berdasarkan informasi di bagian yang diberikan.",
        "Bagian:",
        "Pertanyaan:",
        "Jawaban:",
    ),
    "korean": ("ko", "주어진 문단의 정보에 기반하여 다음 질문에 답하십시오.", "문단:", "질문:", "답변:"),
    "russian": (
        "ru",
        "Ответьте на следующий вопрос на основе информации в данном отрывке.",
        "Отрывок:",
        "Вопрос:",
        "Ответ:",
    ),
    "swahili": (
        "sw",
        "Jibu swali lifuatalo kulingana na habari kwenye kifungu kilichotolewa.",
        "Kifungu:",
        "Swali:",
        "Jibu:",
    ),
    "telugu": ("te", "ఇచ్చిన పేరాలోని సమాచారం ఆధారంగా కింది ప్రశ్నకు సమాధానం ఇవ్వండి.", "పేరా:", "ప్రశ్న:", "సమాధానం:"),
}

tydiqa = Benchmark(
    "tydiqa",
    main="f1",
    version=2,
    header="{{ words[1] }}\n\n",
    prompt="{{ words[2] }}{{ passage }}\n{{ words[3] }} {{ question }}\n{{ words[4] }}",
    answer=" {{ target }}\n\n",
)


@tydiqa.rows
def read(row):
    for number, paragraph in enumerate(row["paragraphs"]):
        for asked in paragraph["qas"]:
            language = asked["id"].partition("-")[0]
            golds = [answer["text"] for answer in asked["answers"]]
            yield Sample(
                question=asked["question"],
                passage=paragraph["context"],
                target=golds[0],
                targets=golds,
                groups={"language": language},
                cluster=f"{language}: {row['title']}-{number}",
                metadata={"words": LANGUAGES[language]},
            )


@tydiqa.test(generate(max_tokens=50))
def test_tydiqa(sample, output, score):
    answer, code = span(output.text, whole_line=True), sample.metadata["words"][0]
    score(answer, exact_match=exact(answer, sample.targets, code), f1=token_f1(answer, sample.targets, code))
