#!/usr/bin/env python3
"""Rungs beside PyTorch, in one run: `python3 benches/peers/compare.py [W1 W1b …]`.

Runs `cargo bench` (`workloads`, or `generation` for those that begin with W6) and `pytorch.py` in turns, twice each, and prints
the ratio of speeds for each workload and the most memory of both. The machine may be noisy: what counts is the median over both turns,
and a ratio within a tenth of 1 says "level". PyTorch must be installed for the Python that runs this.
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

def medians(workload, metric):
    return [statistics.median(found[workload, metric, peer]) for peer in ("rungs", "torch")]


print(f"{'':12}{'rungs':>10}{'PyTorch':>10}{'ratio':>8}{'':12}{'rungs':>8}{'PyTorch':>9}   MB at most; medians")
for workload in WORKLOADS:
    unit = next(unit for unit in ("tokens/s", "samples/s", "chars/s") if (workload, unit, "rungs") in found)
    (rungs, torch), (here, there) = medians(workload, unit), medians(workload, "peak-MB")
    print(f"{workload:12}{rungs:10,.0f}{torch:10,.0f}{rungs / torch:8.2f} {unit:11}{here:8,.0f}{there:9,.0f}")
for workload in (workload for workload in WORKLOADS if not workload.startswith("W6")):
    parts = {metric: statistics.median(found[workload, metric, "rungs"]) for metric in ("ms-fwd", "ms-bwd", "ms-opt", "page-faults/step")}
    print(f"{workload:12}", ", ".join(f"{metric} {value:.1f}" for metric, value in parts.items()))
