"""`python -m evals.answers.train DATA TARGET`: fine-tune all-MiniLM-L6-v2 to find the unit that answers.

DATA has squad2 and tatqa. TARGET is the ONNX file. A token gets three numbers; a unit's logit is the mean of the
second and the maximum of the third over its tokens, and the first of the first token is the logit of "none". The
loss is the cross-entropy over a passage's units and "none". One epoch over SQuAD 2.0 and TAT-QA, then two over the
set of our own with some of the others; a fifth of our documents and four articles are held out and scored.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from evals.answers.examples import Example, own, squad, tatqa
from service.models.catalog import MINILM
from service.models.minilm_build import Graph, encoder, model, save
from service.models.store import ModelStore

HELD_OUT = frozenset(("Steam engine", "Packet switching", "IPod", "Immune system"))
BATCH = 16
RATE = 6e-5
HEAD_RATE = 10
LONGEST, LONGEST_QUESTION = 300, 64
MIXED_IN = 1600
SEPARATOR = 102


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of question and passage, the token ranges of the units, and which of them answer."""

    kind: str
    ids: list[int]
    units: list[tuple[int, int]]
    gold: list[int]


def main() -> None:
    """Train, score what was held out, and write the model."""
    parser = argparse.ArgumentParser(prog="evals.answers.train")
    parser.add_argument("data", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    torch: Any = import_module("torch")
    torch.manual_seed(1)
    torch.set_num_threads(1)
    chosen = random.Random(1)
    public = [*squad(options.data / "squad2", chosen), *tatqa(options.data / "tatqa" / "tatqa_dataset_dev.json")]
    chosen.shuffle(public)
    learnt, held = _split(public), _split(list(own()))
    network = _network(torch)
    _train(torch, network, learnt[0], 1.0, chosen)
    _train(torch, network, held[0] + learnt[0][:MIXED_IN], 2.0, chosen)
    for name, examples in (("SQuAD and TAT-QA", learnt[1]), ("own", held[1])):
        print(name, _score(torch, network, examples))
    _export(network, options.target)


def _split(examples: Sequence[Example]) -> tuple[list[Encoded], list[Encoded]]:
    """What is learnt and what is held out."""
    tokenizer: Any = import_module("tokenizers").Tokenizer.from_file(str(_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    parts: tuple[list[Encoded], list[Encoded]] = ([], [])
    for example in examples:
        number = "".join(filter(str.isdigit, example.group))
        held = example.group in HELD_OUT or (bool(number) and int(number) % 5 == 0)
        encoded = _encode(tokenizer, example)
        if encoded.units and (encoded.gold or not example.gold):
            parts[held].append(encoded)
    return parts


def _encode(tokenizer: Any, example: Example) -> Encoded:
    head = " > ".join(example.headings) + "\n" if example.headings else ""
    asked: list[int] = tokenizer.encode(example.question).ids[:LONGEST_QUESTION]
    encoding = tokenizer.encode(head + example.text, add_special_tokens=False)
    ids = [*asked, *encoding.ids, SEPARATOR][:LONGEST]
    units: list[tuple[int, int]] = []
    gold: list[int] = []
    for index, (start, end) in enumerate(example.units):
        inside = [i for i, (s, e) in enumerate(encoding.offsets) if e > start + len(head) and s < end + len(head)]
        if inside and len(asked) + inside[-1] < LONGEST:
            gold += [len(units)] * (index in example.gold)
            units.append((len(asked) + inside[0], len(asked) + inside[-1] + 1))
    return Encoded(example.kind, ids, units, gold)


def _network(torch: Any) -> Any:
    transformers: Any = import_module("transformers")
    safetensors: Any = import_module("safetensors.torch")
    shape = transformers.BertConfig(
        vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    )
    bert = transformers.BertModel(shape, add_pooling_layer=False)
    bert.load_state_dict(safetensors.load_file(str(_folder() / "model.safetensors")), strict=False)
    return torch.nn.ModuleDict({"bert": bert, "head": torch.nn.Linear(384, 3)})


def _train(torch: Any, network: Any, examples: list[Encoded], epochs: float, chosen: random.Random) -> None:
    groups = [{"params": network["bert"].parameters()}, {"params": network["head"].parameters()}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.01)
    steps = int(epochs * len(examples) / BATCH)
    network.train()
    for step, batch in zip(range(steps), _batches(examples, chosen), strict=False):
        pace = min(1.0, (step + 1) / (0.06 * steps)) * max(0.02, 1 - step / steps)
        for group, times in zip(optimizer.param_groups, (1, HEAD_RATE), strict=True):
            group["lr"] = RATE * times * pace
        pairs = zip(batch, _logits(torch, network, batch), strict=True)
        loss: Any = torch.stack([_loss(torch, logits, item.gold) for item, logits in pairs]).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 100 == 0:
            print(f"step {step} of {steps}, loss {loss.item():.3f}", flush=True)


def _batches(examples: list[Encoded], chosen: random.Random) -> Iterator[list[Encoded]]:
    """Without end, of similar length."""
    while True:
        order = chosen.sample(examples, len(examples))
        batches: list[list[Encoded]] = []
        for start in range(0, len(order), 40 * BATCH):
            block = sorted(order[start : start + 40 * BATCH], key=lambda item: len(item.ids))
            batches += [block[i : i + BATCH] for i in range(0, len(block), BATCH)]
        chosen.shuffle(batches)
        yield from batches


def _logits(torch: Any, network: Any, batch: Sequence[Encoded]) -> Iterator[Any]:
    """Of "none" and of the units, for each item."""
    width = -(-max(len(item.ids) for item in batch) // 32) * 32
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, item in enumerate(batch):
        ids[row, : len(item.ids)] = torch.tensor(item.ids)
        mask[row, : len(item.ids)] = 1
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = network["bert"](ids, attention_mask=mask).last_hidden_state
    scores = network["head"](states.float())
    for row, item in enumerate(batch):
        found = [scores[row, s:e, 1].mean() + scores[row, s:e, 2].max() for s, e in item.units]
        yield torch.stack([scores[row, 0, 0], *found])


def _loss(torch: Any, logits: Any, gold: Sequence[int]) -> Any:
    logarithms = logits.log_softmax(0)
    return -torch.logsumexp(logarithms[[unit + 1 for unit in gold]], 0) if gold else -logarithms[0]


def _score(torch: Any, network: Any, examples: list[Encoded]) -> str:
    """How often the likeliest unit is right, and how well the probability of an answer tells the kinds apart (AUC)."""
    network.eval()
    answered: dict[str, list[float]] = defaultdict(list)
    right = 0
    with torch.no_grad():
        for start in range(0, len(examples), BATCH):
            batch = examples[start : start + BATCH]
            for item, logits in zip(batch, _logits(torch, network, batch), strict=True):
                answered[item.kind].append(1 - float(logits.softmax(0)[0]))
                right += int(logits[1:].argmax()) in item.gold
    best = np.array(answered["answer"])
    areas = {kind: np.mean(best[:, None] > np.array(answered[kind])[None]) for kind in ("absent", "elsewhere")}
    aucs = ", ".join(f"AUC against {kind} {area:.3f} (n {len(answered[kind])})" for kind, area in areas.items())
    return f"right unit {right / len(best):.3f} (n {len(best)}), {aucs}"


def _export(network: Any, target: Path) -> None:
    weights = {name.removeprefix("bert."): value.detach().numpy() for name, value in network.state_dict().items()}
    graph = Graph(weights)
    head = graph.transposed("head.weight")
    graph.add("MatMul", [encoder(graph), head], "products")
    scores = graph.add("Add", ["products", graph.weight("head.bias")], "scores")
    save(model(graph, "answers", scores, 3), target, in_full=("products",))


def _folder() -> Path:
    return ModelStore().folder(MINILM)


if __name__ == "__main__":
    main()
