#!/usr/bin/env python3
"""Rungs beside PyTorch, in one run: `python3 benches/peers/compare.py [W1 W1b …]`.

Runs `cargo bench` (`workloads`, or `generation` for those that begin with W6) and `pytorch.py` in turns, twice each, and prints the ratio of speeds for each workload. The
machine may be noisy: what counts is the median over both turns, and a ratio within a tenth of 1 says "level". PyTorch must be
installed for the Python that runs this.
"""
import collections
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
WORKLOADS = sys.argv[1:] or ["W1", "W1b", "W2", "W2b", "W3", "W4", "W5", "W6", "W6-babygpt", "W6-lstm"]
TURNS = 2


def figures(command):
    lines = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    for line in lines:
        fields = line.split()
        if len(fields) == 6 and fields[0] in ("rungs", "torch"):
            peer, workload, metric, median, *_ = fields
            yield (workload, metric, peer), float(median)


found = collections.defaultdict(list)
for _ in range(TURNS):
    for workload in WORKLOADS:
        bench = "generation" if workload.startswith("W6") else "workloads"
        for command in (
            ["cargo", "bench", "--quiet", "--bench", bench, "--", workload],
            [sys.executable, str(HERE / "pytorch.py"), workload],
        ):
            for key, value in figures(command):
                found[key].append(value)

print(f"{'':6}{'rungs':>12}{'PyTorch':>12}{'ratio':>8}   medians")
for workload in WORKLOADS:
    unit = next(unit for unit in ("tokens/s", "samples/s", "chars/s") if (workload, unit, "rungs") in found)
    rungs, torch = (statistics.median(found[workload, unit, peer]) for peer in ("rungs", "torch"))
    print(f"{workload:6}{rungs:12,.0f}{torch:12,.0f}{rungs / torch:8.2f}   {unit}")
for workload in (workload for workload in WORKLOADS if not workload.startswith("W6")):
    parts = {metric: statistics.median(found[workload, metric, "rungs"]) for metric in ("ms-fwd", "ms-bwd", "ms-opt", "page-faults/step")}
    print(f"{workload:6}", ", ".join(f"{metric} {value:.1f}" for metric, value in parts.items()))
