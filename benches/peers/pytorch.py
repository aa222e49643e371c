#!/usr/bin/env python3
"""The workloads of `benches/benches/{workloads,generation}.rs` in PyTorch, printed in the same form:

    peer workload metric median min max

A step is forward, backward, clipping of the global norm, optimizer, clearing the gradients: eager PyTorch as people write it.
"""
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

VOCABULARY, WARM_UP, STEPS, BUDGET = 65, 3, 15, 30.0


class Recurrent(nn.Module):
    def __init__(self, cell, embedding, hidden, layers):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, embedding)
        self.cell = cell(embedding, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, VOCABULARY)

    def forward(self, ids):
        return self.head(self.cell(self.embedding(ids))[0])


class Block(nn.Module):
    def __init__(self, width, heads, bias, gelu):
        super().__init__()
        self.heads, self.gelu = heads, gelu
        self.norm_1, self.norm_2 = nn.LayerNorm(width, bias=bias), nn.LayerNorm(width, bias=bias)
        self.qkv, self.projection = nn.Linear(width, 3 * width, bias=bias), nn.Linear(width, width, bias=bias)
        self.up, self.down = nn.Linear(width, 4 * width, bias=bias), nn.Linear(4 * width, width, bias=bias)

    def forward(self, x, cache=None):
        b, t, d = x.shape
        q, k, v = (part.view(b, t, self.heads, -1).transpose(1, 2) for part in self.qkv(self.norm_1(x)).split(d, 2))
        if cache is not None:
            k, v = (torch.cat((past, new), 2) for past, new in zip(cache, (k, v))) if cache else (k, v)
            cache[:] = k, v
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=t > 1)  # a prompt, or one token after it
        x = x + self.projection(heads.transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.gelu(self.up(self.norm_2(x)), approximate=self.gelu))


class Gpt(nn.Module):
    def __init__(self, context, width, heads, layers, vocabulary=VOCABULARY, bias=False, gelu="none"):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads, bias, gelu) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=bias)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids, caches=None, start=0):
        x = self.tokens(ids) + self.positions(torch.arange(start, start + ids.shape[1]))
        for block, cache in zip(self.blocks, caches or [None] * len(self.blocks)):
            x = block(x, cache)
        x = self.norm(x if caches is None else x[:, -1:])
        return x @ self.tokens.weight.T  # the head is tied


class OneHotSeq2Seq(nn.Module):
    def __init__(self, source, target, hidden):
        super().__init__()
        self.encoder = nn.LSTM(source, hidden, batch_first=True)
        self.decoder = nn.LSTM(target, hidden, batch_first=True)
        self.head = nn.Linear(hidden, target)

    def forward(self, source, target):
        return self.head(self.decoder(target, self.encoder(source)[1])[0])


class AttentionSeq2Seq(nn.Module):
    """The same model as `rungs::models::AttentionSeq2Seq` in Bahdanau's style: GRUs, additive scores, one direction."""

    def __init__(self, vocabulary, hidden):
        super().__init__()
        self.source_embedding, self.target_embedding = (nn.Embedding(vocabulary, hidden) for _ in range(2))
        self.encoder = nn.GRU(hidden, hidden, batch_first=True)
        self.bridge = nn.Linear(hidden, hidden)
        self.decoder = nn.GRU(2 * hidden, hidden, batch_first=True)
        self.w_query, self.w_value = (nn.Linear(hidden, hidden, bias=False) for _ in range(2))
        self.u = nn.Linear(hidden, 1, bias=False)
        self.combine = nn.Linear(3 * hidden, hidden)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, source, target):
        states, last = self.encoder(self.source_embedding(source))
        h, keys, features = self.bridge(last).tanh(), self.w_value(states), []
        for y in self.target_embedding(target).split(1, 1):
            weights = F.softmax(self.u(torch.tanh(self.w_query(h.transpose(0, 1)) + keys)).transpose(1, 2), -1)
            context = weights @ states
            out, h = self.decoder(torch.cat((y, context), 2), h)
            features.append(self.combine(torch.cat((out, context, y), 2)).tanh())
        return self.head(torch.cat(features, 1))


def adam(model):
    return torch.optim.Adam(model.parameters(), lr=1e-3)


def plain_adamw(model):
    return torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)


def adamw(model):
    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))


def rmsprop(model):
    return torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9)


def gpt2():
    return Gpt(1024, 768, 12, 12, 50257, bias=True, gelu="tanh")


def language(b, t, vocabulary=VOCABULARY):
    return (torch.randint(vocabulary, (b, t)),), torch.randint(vocabulary, (b, t)), b * t, "tokens/s"


def one_hot_pairs():
    source, target = torch.randint(71, (64, 16)), torch.randint(93, (64, 59))
    inputs = F.one_hot(source, 71).float(), F.one_hot(target, 93).float()
    return inputs, torch.randint(93, (64, 59)), 64, "samples/s"


def word_pairs():
    source, inputs, targets = (torch.randint(4000, (64, 10)) for _ in range(3))
    return (source, inputs), targets, 64, "samples/s"


WORKLOADS = {
    "W1": (lambda: Recurrent(nn.LSTM, 128, 512, 2), lambda: language(50, 50), 5.0, adam),
    "W1b": (lambda: Recurrent(nn.RNN, 128, 256, 1), lambda: language(32, 64), 5.0, adam),
    "W2": (lambda: Gpt(64, 128, 4, 4), lambda: language(12, 64), 1.0, adamw),
    "W2b": (lambda: Gpt(256, 384, 6, 6), lambda: language(8, 256), 1.0, adamw),
    "W3": (gpt2, lambda: language(4, 64, 50257), None, plain_adamw),
    "W4": (lambda: OneHotSeq2Seq(71, 93, 256), one_hot_pairs, None, rmsprop),
    "W5": (lambda: AttentionSeq2Seq(4000, 256), word_pairs, None, adam),
}


def report(workload, metric, figures):
    print(f"torch {workload} {metric} {statistics.median(figures):.4f} {min(figures):.4f} {max(figures):.4f}", flush=True)


def train(name):
    make, data, clip, optimizer = WORKLOADS[name]
    torch.manual_seed(0)
    model = make()
    optimizer = optimizer(model)
    inputs, targets, units, unit = data()
    times, losses, started = [], [], time.perf_counter()
    for step in range(WARM_UP + STEPS):
        begin = time.perf_counter()
        loss = F.cross_entropy(model(*inputs).flatten(0, 1), targets.flatten())
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if step >= WARM_UP:
            times.append(time.perf_counter() - begin)
            if time.perf_counter() - started > BUDGET and len(times) >= 5:
                break
    report(name, unit, [units / seconds for seconds in times])
    report(name, "ms/step", [1e3 * seconds for seconds in times])
    report(name, "loss-first", losses[:1])
    report(name, "loss-last", losses[-1:])


def write_attending(model, prompt, tokens):
    caches = [[] for _ in model.blocks]
    ids, start = prompt, 0
    for _ in range(tokens):
        logits = model(ids, caches, start)
        start += ids.shape[1]
        ids = logits[:, -1].argmax(-1, keepdim=True)


def write_recurrent(model, prompt, tokens):
    ids, state = prompt, None
    for _ in range(tokens):
        y, state = model.cell(model.embedding(ids), state)
        ids = torch.multinomial(F.softmax(model.head(y)[:, -1], -1), 1)


GENERATION = {
    "W6": (gpt2, write_attending, 50257, 32, 128, "tokens/s"),
    "W6-babygpt": (lambda: Gpt(256, 384, 6, 6), write_attending, VOCABULARY, 32, 200, "chars/s"),
    "W6-lstm": (lambda: Recurrent(nn.LSTM, 128, 512, 2), write_recurrent, VOCABULARY, 1, 500, "chars/s"),
}


def generate(name, turns=5):
    make, write, vocabulary, prompt, tokens, unit = GENERATION[name]
    torch.manual_seed(0)
    model, speeds = make().eval(), []
    with torch.inference_mode():
        for turn in range(turns + 1):
            begin = time.perf_counter()
            write(model, torch.randint(vocabulary, (1, prompt)), tokens)
            if turn > 0:
                speeds.append(tokens / (time.perf_counter() - begin))
    report(name, unit, speeds)


if __name__ == "__main__":
    for workload in sys.argv[1:] or [*WORKLOADS, *GENERATION]:
        (train if workload in WORKLOADS else generate)(workload)
        report(workload, "peak-MB", [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1.024e-3])
