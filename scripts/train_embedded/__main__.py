"""Train the embedded model and write its Hugging Face folder.

    PYTHONPATH=scripts python -m train_embedded fixtures/proctor_service/embedded/weights

Takes about half an hour on two idle cores with AVX-512. `--steps 0` writes random weights, for trying the rest.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from train_embedded.muon import Muon
from train_embedded.network import Network, Sizes
from train_embedded.plan import PHASES
from train_embedded.tokens import END, batches, train_tokenizer

MATRIX_RATE, ADAM_RATE = 0.02, 0.003
"""Peak learning rates of Muon and of Adam."""
WARM_UP = 50
"""Steps, at the start of every phase: a new mixture of texts has large gradients, which wash away what was learnt."""
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] + '\n\n' }}"
    "{% elif message['role'] == 'user' %}{{ 'Question: ' + message['content'] + '\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ 'Answer: ' + message['content'] + '\n\n' }}"
    "{% else %}{{ raise_exception('a role must be system, user or assistant') }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Answer:' }}{% endif %}"
)


def main() -> None:
    """Train as `plan.PHASES` says and save; saves in between too."""
    options = _parser().parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    tokenizer = train_tokenizer()
    network = Network(Sizes(vocab_size=tokenizer.get_vocab_size()))
    print(f"{sum(p.numel() for p in network.parameters()):,} parameters", flush=True)
    if options.skip:
        saved = load_file(options.folder / "model.safetensors")
        network.load_state_dict({name.removeprefix("model."): value.float() for name, value in saved.items()})
    if options.steps != 0:
        train(network, tokenizer, options)
    save(network, tokenizer, options.folder)


def train(network: Network, tokenizer: Tokenizer, options: argparse.Namespace) -> None:
    """All phases with the rates that they name; each after a short warm-up."""
    matrices = [p for name, p in network.layers.named_parameters() if p.ndim == 2]
    others = [p for p in network.parameters() if all(p is not matrix for matrix in matrices)]
    muon, adam = Muon(matrices), torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0)
    total = sum(phase.steps for phase in PHASES) if options.steps is None else options.steps
    done, start = 0, time.monotonic()
    means: dict[float, float] = {}
    for phase in PHASES:
        if done + phase.steps <= options.skip:
            done += phase.steps
            continue
        for index, (tokens, weights) in enumerate(batches(tokenizer, phase)):
            if done >= total:
                return
            if done < options.skip:
                done += 1
                continue
            first, last = phase.rates
            warm = min(WARM_UP, index + 1, done - options.skip + 1) / WARM_UP
            rate = warm * (first + (last - first) * index / phase.steps)
            found = _step(network, muon, adam, rate, torch.from_numpy(tokens).long(), torch.from_numpy(weights).float())
            means |= {weight: 0.9 * means.get(weight, loss) + 0.1 * loss for weight, loss in found.items()}
            done += 1
            if done % 25 == 0:
                losses = ", ".join(f"{mean:.3f} (x{weight:g})" for weight, mean in sorted(means.items()))
                print(f"step {done}/{total} {time.monotonic() - start:.0f} s, losses by weight: {losses}", flush=True)
            if done % options.save_every == 0:
                save(network, tokenizer, options.folder)


def _step(
    network: Network, muon: Muon, adam: torch.optim.Optimizer, rate: float, tokens: torch.Tensor, weights: torch.Tensor
) -> dict[float, float]:
    """One update; the mean losses before it of the tokens of each weight: of questions, of answers, of letters."""
    with torch.autocast("cpu", torch.bfloat16):
        each = network.losses(tokens, weights > 0)
    asked = weights[:, 1:][weights[:, 1:] > 0]
    loss = (each * asked).sum() / asked.sum()
    loss.backward()  # type: ignore[no-untyped-call]
    muon.step(MATRIX_RATE * rate)
    for group in adam.param_groups:
        group["lr"] = ADAM_RATE * rate
    adam.step()
    adam.zero_grad()
    return {weight: float(each[asked == weight].mean().detach()) for weight in set(asked.tolist())}


def save(network: Network, tokenizer: Tokenizer, folder: Path) -> None:
    """Write config, weights in float16 and tokenizer, as transformers and vLLM read them."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{name}": value.to(torch.float16).contiguous() for name, value in network.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    tokenizer.save(str(folder / "tokenizer.json"))
    end = tokenizer.token_to_id(END)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **vars(network.sizes),
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": end,
        "eos_token_id": end,
        "torch_dtype": "float16",
    }
    _write(folder / "config.json", config)
    _write(folder / "generation_config.json", {"bos_token_id": end, "eos_token_id": end})
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END,
        "eos_token": END,
        "model_max_length": network.sizes.max_position_embeddings,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }
    _write(folder / "tokenizer_config.json", settings)


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train_embedded", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, help="stop after so many steps")
    parser.add_argument("--skip", type=int, default=0, help="go on after so many steps, from the weights in FOLDER")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save-every", type=int, default=200)
    return parser


if __name__ == "__main__":
    main()
