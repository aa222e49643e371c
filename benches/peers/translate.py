#!/usr/bin/env python3
"""The translators of a run folder in PyTorch: `python3 benches/peers/translate.py RUN TRAIN.tsv VALIDATION.tsv [--out FILE]`.

Reads the settings and the vocabularies of a run of `seq2seq` or `attention` (one layer, LSTM, Bahdanau's style) and trains the
same model in PyTorch, as people write it: equal sizes, first values from the same distributions, the same optimizer, schedule,
clipping, dropout, batch size and bucketing, as many steps as the run made. Prints progress, the validation loss and the time;
`--out` keeps the greedy translations of the validation sources, for `sacrebleu` or any other measure. `--steps 50` times a few.
"""
import argparse
import json
import math
import pathlib
import random
import re
import time
import unicodedata

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

PADDING, START, END, UNKNOWN = range(4)
POOL, SHELF = 100, 5  # batches that are sorted together, by targets and by sources

# One space before a word or mark belongs to it; a word may have apostrophes inside, and is cut behind an elision.
PIECE = re.compile(r" ?[^\W_]+(?:['’][^\W_]+)*| ?[^\w\s]| ?_|\s")
ELISION = re.compile(r"( ?(?:[^\W_]|[^\W_]*[qQ][uU])['’])(.+)", re.DOTALL)


def pieces(text):
    for piece in PIECE.findall(" " + text):
        while match := ELISION.fullmatch(piece):
            yield match[1]
            piece = match[2]
        yield piece


def read(path):
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        yield [" ".join(unicodedata.normalize("NFC", side).split()) for side in line.split("\t")[:2]]


def encoded(path, sides, longest):
    pairs = [[[ids.get(p, UNKNOWN) for p in pieces(text)] for text, ids in zip(pair, sides)] for pair in read(path)]
    return [pair for pair in pairs if longest is None or max(map(len, pair)) <= longest]


def epoch(pairs, size):
    order = random.sample(range(len(pairs)), len(pairs))
    rows = []
    for at in range(0, len(order), size * POOL):
        pool = sorted(order[at : at + size * POOL], key=lambda row: len(pairs[row][1]))
        for shelf in range(0, len(pool), size * SHELF):
            rows += sorted(pool[shelf : shelf + size * SHELF], key=lambda row: len(pairs[row][0]))
    batches = [rows[at : at + size] for at in range(0, len(rows), size)]
    random.shuffle(batches)
    return batches


def padded(sequences):
    longest = max(map(len, sequences))
    return torch.tensor([ids + [PADDING] * (longest - len(ids)) for ids in sequences])


def batch(pairs):
    source, target = zip(*pairs)
    lengths = torch.tensor([len(ids) for ids in source])
    return padded(source), lengths, padded([[START] + ids for ids in target]), padded([ids + [END] for ids in target])


def begin_cell(cell):
    for name, parameter in cell.named_parameters():
        if parameter.dim() == 1:
            nn.init.zeros_(parameter)
            if "bias_ih" in name:
                nn.init.ones_(parameter[parameter.numel() // 4 : parameter.numel() // 2])
        else:
            for gate in parameter.chunk(4):
                (nn.init.orthogonal_ if "weight_hh" in name else nn.init.xavier_uniform_)(gate)


class Seq2Seq(nn.Module):
    def __init__(self, vocabularies, s):
        super().__init__()
        self.source, self.target = (nn.Embedding(size, s["embedding"]) for size in vocabularies)
        self.encoder = nn.LSTM(s["embedding"], s["hidden"], batch_first=True)
        self.decoder = nn.LSTM(s["embedding"], s["hidden"], batch_first=True)
        self.head = nn.Linear(s["hidden"], vocabularies[1])
        self.dropout = nn.Dropout(s["dropout"])
        self.reverse = s["pairs"]["reverse"]
        begin_cell(self.encoder), begin_cell(self.decoder)

    def start(self, source, lengths):
        if self.reverse:
            source = padded([row[:n].flip(0).tolist() for row, n in zip(source, lengths)])
        x = pack_padded_sequence(self.dropout(self.source(source)), lengths, batch_first=True, enforce_sorted=False)
        return self.encoder(x)[1]

    def features(self, inputs, state):
        out, state = self.decoder(self.dropout(self.target(inputs)), state)
        return self.dropout(out), state


class Attention(nn.Module):
    def __init__(self, vocabularies, s):
        super().__init__()
        d, h, both = s["embedding"], s["hidden"], s["pairs"]["both_ways"]
        shown = 2 * h if both else h
        self.source, self.target = (nn.Embedding(size, d) for size in vocabularies)
        self.encoder = nn.LSTM(d, h, batch_first=True, bidirectional=both)
        self.bridge_h, self.bridge_c = nn.Linear(shown, h), nn.Linear(shown, h)
        self.w_query, self.w_value = nn.Linear(h, h, bias=False), nn.Linear(shown, h, bias=False)
        self.u = nn.Linear(h, 1, bias=False)
        self.decoder = nn.LSTMCell(d + shown, h)
        self.combine = nn.Linear(h + shown + d, h)
        self.head = nn.Linear(h, vocabularies[1])
        self.dropout = nn.Dropout(s["dropout"])
        begin_cell(self.encoder), begin_cell(self.decoder)

    def start(self, source, lengths):
        x = pack_padded_sequence(self.dropout(self.source(source)), lengths, batch_first=True, enforce_sorted=False)
        states, (h, c) = self.encoder(x)
        states, _ = pad_packed_sequence(states, batch_first=True)
        h, c = (torch.cat(tuple(last), 1) for last in (h, c))
        mask = torch.arange(states.shape[1])[None] >= lengths[:, None]
        return self.bridge_h(h).tanh(), self.bridge_c(c).tanh(), states, self.w_value(states), mask

    def features(self, inputs, state):
        h, c, states, keys, mask = state
        out = []
        for y in self.dropout(self.target(inputs)).unbind(1):
            scores = self.u(torch.tanh(self.w_query(h)[:, None] + keys)).squeeze(2)
            weights = scores.masked_fill(mask, -math.inf).softmax(1)
            context = torch.bmm(weights[:, None], states).squeeze(1)
            h, c = self.decoder(torch.cat((y, context), 1), (h, c))
            out.append(torch.cat((h, context, y), 1))
        return self.dropout(self.combine(torch.stack(out, 1)).tanh()), (h, c, states, keys, mask)


def begin(model):
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def loss_of(model, source, lengths, inputs, targets):
    features, _ = model.features(inputs, model.start(source, lengths))
    logits = model.head(features)
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PADDING, reduction="sum"), (targets != PADDING).sum()


def in_order(pairs):
    rows = sorted(range(len(pairs)), key=lambda row: (len(pairs[row][1]), len(pairs[row][0])))
    return [rows[at : at + 64] for at in range(0, len(rows), 64)]


@torch.no_grad()
def validate(model, pairs):
    model.eval()
    sums = [loss_of(model, *batch([pairs[row] for row in rows])) for rows in in_order(pairs)]
    model.train()
    return sum(loss.item() for loss, _ in sums) / sum(tokens.item() for _, tokens in sums)


@torch.no_grad()
def translate(model, sources, tokens, most=200):
    model.eval()
    found = [""] * len(sources)
    for rows in in_order([(source, source) for source in sources]):
        source, lengths, *_ = batch([(sources[row], []) for row in rows])
        state, ids = model.start(source, lengths), torch.full((len(rows), 1), START)
        texts, live = [[] for _ in rows], set(range(len(rows)))
        for _ in range(most):
            features, state = model.features(ids, state)
            logits = model.head(features)[:, -1]
            logits[:, [PADDING, START, UNKNOWN]] = -math.inf
            ids = logits.argmax(1, keepdim=True)
            for row in tuple(live):
                token = ids[row].item()
                live.discard(row) if token == END else texts[row].append(tokens[token])
            if not live:
                break
        for row, text in zip(rows, texts):
            found[row] = "".join(text).removeprefix(" ")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("train"), parser.add_argument("validation")
    parser.add_argument("--out"), parser.add_argument("--steps", type=int)
    options = parser.parse_args()
    config = json.loads((options.run / "config.json").read_text())
    s = config["settings"]["settings"]
    tokenizer = json.loads((options.run / "tokenizer.json").read_text())
    tokens = [tokenizer[side]["tokens"] for side in ("source", "target")]
    sides = [{token: id for id, token in enumerate(side)} for side in tokens]
    made = len((options.run / "metrics.csv").read_text().splitlines()) and int(
        (options.run / "metrics.csv").read_text().splitlines()[-1].split(",")[0]
    )
    steps, schedule = options.steps or made, s["schedule"]
    train, validation = encoded(options.train, sides, s["context"]), encoded(options.validation, sides, s["context"])

    torch.manual_seed(s["seed"]), random.seed(s["seed"])
    model = (Seq2Seq if s["rung"] == "seq2seq" else Attention)([len(side) for side in tokens], s)
    begin(model)
    adam = s["optimizer"]
    optimizer = torch.optim.Adam(model.parameters(), lr=schedule["rate"], betas=(adam["beta1"], adam["beta2"]), eps=adam["epsilon"])
    print(f"torch {s['rung']}: {sum(p.numel() for p in model.parameters()):,} parameters, {steps} steps", flush=True)
    started, batches, seen, times = time.perf_counter(), [], 0, []
    for step in range(steps):
        ratio = step / max(steps - 1, 1)
        rate = schedule["minimum"] + 0.5 * (1 + math.cos(math.pi * ratio)) * (schedule["rate"] - schedule["minimum"])
        optimizer.param_groups[0]["lr"] = rate
        begun = time.perf_counter()
        batches = batches or epoch(train, s["batch_size"])
        loss, count = loss_of(model, *batch([train[row] for row in batches.pop()]))
        (loss / count).backward()
        nn.utils.clip_grad_norm_(model.parameters(), s["clip"])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seen += count.item()
        times.append(time.perf_counter() - begun)
        if (step + 1) % 250 == 0 or step + 1 == steps:
            elapsed = sum(times)
            print(f"step {step + 1}, loss {loss.item() / count.item():.3f}, {seen / elapsed:,.0f} tokens/s", flush=True)
    middle = sorted(times)[len(times) // 2]
    print(f"time {sum(times):.0f} s, {seen / sum(times):,.0f} tokens/s, {1e3 * middle:.1f} ms a step in the middle")
    print(f"validation loss {validate(model, validation):.4f} nats per token, all in {time.perf_counter() - started:.0f} s", flush=True)
    if options.out:
        sources = [source for source, _ in encoded(options.validation, sides, None)]
        pathlib.Path(options.out).write_text("".join(line + "\n" for line in translate(model, sources, tokens[1])), encoding="utf-8")


if __name__ == "__main__":
    main()
