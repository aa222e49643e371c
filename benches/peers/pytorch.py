#!/usr/bin/env python3
"""The training steps of `benches/benches/workloads.rs` in PyTorch, printed in the same form:

    peer workload metric median min max

A step is forward, backward, clipping of the global norm, optimizer, clearing the gradients: eager PyTorch as people write it.
"""
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
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.qkv, self.projection = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x):
        b, t, d = x.shape
        split = (part.view(b, t, self.heads, -1).transpose(1, 2) for part in self.qkv(self.norm_1(x)).split(d, 2))
        heads = F.scaled_dot_product_attention(*split, is_causal=True)
        x = x + self.projection(heads.transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


class Gpt(nn.Module):
    def __init__(self, context, width, heads, layers):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width, bias=False)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        return self.norm(self.blocks(x)) @ self.tokens.weight.T  # the head is tied


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


def adamw(model):
    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))


def rmsprop(model):
    return torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9)


def language(b, t):
    return (torch.randint(VOCABULARY, (b, t)),), torch.randint(VOCABULARY, (b, t)), b * t, "tokens/s"


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


if __name__ == "__main__":
    for workload in sys.argv[1:] or WORKLOADS:
        train(workload)
