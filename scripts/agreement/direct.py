"""hellaswag on transformers alone, without any code of proctor: python direct.py MODEL ROWS > LINES

MODEL: a folder in Hugging Face's layout. ROWS: the authors' JSON lines, with ctx_a and ctx_b. Each line that is written
holds for one row (prompt, ending) of its four endings, and their log P(ending | prompt) in nats, computed in float32.
"""

import json
import re
import sys

import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast


def without_brackets(text: str) -> str:
    return re.sub(r"\[.*?\]", "", text.strip().replace(" [title]", ". ")).replace("  ", " ")


def main(folder: str, rows: str) -> None:
    # As the file says, and not as a class of transformers would have it: AutoTokenizer drops digit splitting here.
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=f"{folder}/tokenizer.json")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with open(rows, encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            prompt = without_brackets(f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}")
            endings = [" " + without_brackets(ending) for ending in row["endings"]]
            context = tokenizer(prompt)["input_ids"]
            logprobs = []
            for ending in endings:
                # No token of this tokenizer runs across the space, so the two parts are tokenized apart.
                continuation = tokenizer(ending)["input_ids"]
                ids = torch.tensor([context + continuation])
                with torch.no_grad():
                    every = torch.log_softmax(model(ids).logits[0, :-1], -1)
                chosen = every.gather(1, ids[0, 1:, None])[-len(continuation) :]
                logprobs.append(float(chosen.double().sum()))
            asked = [(prompt, ending) for ending in endings]
            print(json.dumps({"asked": asked, "logprobs": logprobs}), flush=True)


main(*sys.argv[1:])
