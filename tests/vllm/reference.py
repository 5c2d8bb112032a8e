"""log P(choice | prompt) by transformers alone, to compare with: python reference.py FOLDER SAMPLES > LINES

FOLDER: a model in Hugging Face's layout. SAMPLES: a run's samples.jsonl. Each line that is written holds, for one
sample, the log-probability of each choice and whether a token straddles the border between prompt and choice. Computed
in float32, without any code of the product: the joint text is tokenized, and the choice is every token that ends past
the border. float32 is right to about 1e-5 a token with a vocabulary of 49,152, in whose softmax the rounding errors add
up to one side; vLLM's are the same.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast


def main(folder: str, samples: str) -> None:
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=f"{folder}/tokenizer.json")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    for sample in map(json.loads, Path(samples).read_bytes().splitlines()):
        logprobs, straddles, known = [], False, {}
        for choice in sample["choices"]:
            border = len(sample["prompt"])
            joint = tokenizer(sample["prompt"] + choice["text"], return_offsets_mapping=True)
            ids, spans = joint["input_ids"], joint["offset_mapping"]
            first = next(place for place, (_, end) in enumerate(spans) if end > border)
            straddles |= spans[first][0] < border
            before = tuple(ids[:-1])
            if before not in known:  # choices of one token follow the same text
                with torch.no_grad():
                    logits = model(torch.tensor([before]), logits_to_keep=len(ids) - first).logits[0]
                known[before] = torch.log_softmax(logits, -1)
            logprobs.append(sum(float(known[before][at - len(ids), ids[at]]) for at in range(first, len(ids))))
        print(json.dumps({"logprobs": logprobs, "straddles": straddles}))


main(*sys.argv[1:])
