#!/usr/bin/env python3
"""nanoGPT's small configuration as a plain PyTorch loop: `python3 benches/peers/language.py TEXT [STEPS]`.

4 layers, 4 heads, 128 wide, windows of 64, batches of 12, no dropout, no biases, tied head; AdamW (0.9, 0.99, decay 0.1 for
matrices), warm-up of 100 steps, cosine from 1e-3 to 1e-4, clipping at 1: the settings of `rungs train gpt`. The last tenth of
the text is held out and evaluated whole at the end, in windows that follow each other. Prints what `rungs train --json` does.
"""
import json
import math
import sys
import time

import torch
import torch.nn.functional as F

from pytorch import Gpt, adamw

CONTEXT, BATCH, WARM_UP, RATE = 64, 12, 100, 1e-3


def rate(step, steps):
    if step < WARM_UP:
        return RATE * (step + 1) / (WARM_UP + 1)
    return RATE * (0.1 + 0.45 * (1 + math.cos(math.pi * (step - WARM_UP) / (steps - WARM_UP))))


def main():
    started = time.perf_counter()
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    text = open(sys.argv[1], encoding="utf-8", newline="").read()
    index = {character: i for i, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([index[character] for character in text])
    train, held_out = ids[: int(0.9 * len(ids))], ids[int(0.9 * len(ids)) :]
    torch.manual_seed(0)
    model = Gpt(CONTEXT, 128, 4, 4, len(index))
    optimizer = adamw(model)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps)
        starts = torch.randint(len(train) - CONTEXT, (BATCH,))
        windows = torch.stack([train[start : start + CONTEXT + 1] for start in starts])
        logits = model(windows[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    seconds = time.perf_counter() - started
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(held_out) - 1, CONTEXT):
            window = held_out[start : start + CONTEXT + 1].unsqueeze(0)
            logits = model(window[:, :-1])
            total += F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten(), reduction="sum").item()
    report = {"steps": steps, "seconds": seconds, "tokens_per_second": steps * BATCH * CONTEXT / seconds}
    print(json.dumps({**report, "validation_loss": total / (len(held_out) - 1)}))


main()
