"""Which loss gives the lowest error on real speech: same encoder, data, augmentation and steps for all.

Each run trains by ``recipes/openspeech/ecapa-small.toml`` with another loss and is scored on the four dev lists, which
nothing was chosen by. A finished run is one line in ``benchmarks/results/losses_on_speech.jsonl``; a run that is
there is not repeated, and one that was stopped by Ctrl-C goes on from its checkpoint:

    python benchmarks/losses_on_speech.py --data ../shared/openspeech              short runs, three seeds each
    python benchmarks/losses_on_speech.py --data ../shared/openspeech --long       the best three, longer, one seed
    python benchmarks/losses_on_speech.py --data ../shared/openspeech --long --method NAME      another as long
    python benchmarks/losses_on_speech.py --table                                  the table of what is there

The best three are those of the lowest mean error on the speakers held out of training.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from speakertrip.bundle import Bundle
from speakertrip.config import TrainConfig, read_config
from speakertrip.embedding import Embedder
from speakertrip.evaluation import evaluate
from speakertrip.manifests import read_manifest, read_trials
from speakertrip.training import StepRecord, train

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "recipes" / "openspeech" / "ecapa-small.toml"
RESULTS = Path(__file__).parent / "results" / "losses_on_speech.jsonl"
SEEDS = (1, 2, 3)
SHORT, LONG = 300, 1_300  # steps: at most 15 and 60 minutes on one core
LISTS = {
    "librispeech": "manifest.dev.jsonl",
    "librispeech-2s": "manifest.dev-2s.jsonl",
    "commonvoice": "manifest.dev.jsonl",
    "speechocean": "manifest.dev.jsonl",
}
AAM = ("loss.kind=aam-softmax",)
# Each method is a sequence of stages that share the steps evenly; the margins are the usual ones, not tuned here.
METHODS: dict[str, tuple[tuple[str, ...], ...]] = {
    "multi-sample, hardest 5 %": (("loss.margin=0.4", "loss.miner.kind=hardest-share"),),
    "multi-sample, 8 hardest speakers": (("loss.margin=0.4", "loss.miner.kind=hardest-speakers"),),
    "multi-sample, all negatives": (("loss.margin=1.0", "loss.miner.kind=everything"),),
    "batch-hard": (("loss.margin=0.4", "loss.miner.kind=batch-hard"),),
    "semi-hard": (("loss.margin=0.4", "loss.miner.kind=semi-hard"),),
    "angular prototypical": (("loss.kind=angular-prototypical",),),
    "GE2E": (("loss.kind=ge2e",),),
    "AAM-softmax": (AAM,),
    "AAM-softmax, then multi-sample": (AAM, ("loss.margin=0.4", "loss.miner.kind=hardest-share")),
}


def configuration(stage: tuple[str, ...], seed: int, steps: int) -> TrainConfig:
    """Return the recipe with the loss of a stage, validated once, at its end."""
    schedule = [f"seed={seed}", f"optimizer.steps={steps}", f"validation.every={steps}"]
    return read_config(RECIPE, ["loss={}", *stage, *schedule])


def run(method: str, seed: int, steps: int, data: Path, runs: Path) -> dict[str, Any]:
    """Train by each stage in turn, score the last model, and return a line of results."""
    stages, seconds = METHODS[method], 0.0
    folder: Path | None = None
    records: list[StepRecord] = []
    for number, stage in enumerate(stages):
        slug = "".join(letter if letter.isalnum() else "-" for letter in method.lower())
        before, folder = folder, runs / f"{slug}-{steps}-seed{seed}-stage{number}"
        config = configuration(stage, seed, steps // len(stages))
        resume = (folder / "checkpoint.safetensors").exists()
        init = before / "bundle" if before else None
        began = time.process_time()
        if not train(config, data, folder, resume, "cpu", init, on_record=records.append):
            sys.exit(f"Stopped within {folder}; the same command goes on from there.")
        seconds += time.process_time() - began
    assert folder is not None
    bundle = Bundle.load(folder / "bundle")
    lists = {name: score(bundle, data, name) for name in LISTS}
    active = next((r.health.active for r in reversed(records) if r.health), None)
    return {
        "method": method,
        "seed": seed,
        "steps": steps,
        "cpu_minutes": round(
            seconds / 60, 1
        ),  # of this process: what was done before it was cut off is not in it
        "commit": commit(),
        "validation_eer": bundle.calibration.eer if bundle.calibration else None,
        "active": active,
        "lists": lists,
    }


def score(bundle: Bundle, data: Path, name: str) -> dict[str, Any]:
    """Return the error rates on a dev list."""
    report = evaluate(
        Embedder(bundle.model, "cpu"),
        read_trials(data / f"trials.{name}.txt"),
        read_manifest(data / LISTS[name]),
    )
    return report.to_json()


def commit() -> str:
    """Return the short name of the commit that the working tree stands on."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def read_results(path: Path) -> list[dict[str, Any]]:
    """Return the finished runs."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def wanted(results: list[dict[str, Any]], long: bool, methods: list[str]) -> Iterator[tuple[str, int, int]]:
    """Yield (method, seed, steps) of the runs that are missing: every method once before any twice."""
    if long:
        short = {(line["method"], line["seed"]) for line in results if line["steps"] == SHORT}
        if len(short) < len(METHODS) * len(SEEDS):
            sys.exit(f"Only {len(short)} of {len(METHODS) * len(SEEDS)} short runs are there to choose by.")
        ranked = sorted(METHODS, key=lambda method: mean_validation(results, method))
        plan = [(method, SEEDS[0], LONG) for method in methods or ranked[:3]]
    else:
        plan = [(method, seed, SHORT) for seed in SEEDS for method in METHODS]
    done = {(line["method"], line["seed"], line["steps"]) for line in results}
    yield from (each for each in plan if each not in done and (not methods or each[0] in methods))


def mean_validation(results: list[dict[str, Any]], method: str) -> float:
    """Return a method's mean error on held-out training speakers, over its short runs."""
    rates = [r["validation_eer"] for r in results if r["method"] == method and r["steps"] == SHORT]
    return statistics.fmean(rates) if rates else 1.0


def table(results: list[dict[str, Any]]) -> str:
    """Return a Markdown table: mean EER in percent, the span over seeds, and the mean bootstrap interval."""
    lines = [
        f"| loss | steps | seeds | held-out | {' | '.join(LISTS)} |",
        f"|---|---|---|---|{'---|' * len(LISTS)}",
    ]
    for steps in (SHORT, LONG):
        for method in METHODS:
            runs = [line for line in results if (line["method"], line["steps"]) == (method, steps)]
            if runs:
                held = f"{100 * statistics.fmean(r['validation_eer'] for r in runs):.1f}"
                cells = [cell([r["lists"][name] for r in runs]) for name in LISTS]
                lines.append(f"| {method} | {steps} | {len(runs)} | {held} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(reports: list[dict[str, Any]]) -> str:
    """Return "mean (lowest to highest seed) [interval]" in percent."""
    rates = [100 * report["eer"] for report in reports]
    low, high = (100 * statistics.fmean(r["eer_interval"][end] for r in reports) for end in (0, 1))
    span = f" ({min(rates):.1f} to {max(rates):.1f})" if len(rates) > 1 else ""
    return f"{statistics.fmean(rates):.1f}{span} [{low:.1f}, {high:.1f}]"


def main() -> None:
    """Do the missing runs one after the other, as far as the time goes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the corpus")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "losses", help="where runs are kept")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--method", action="append", default=[], choices=METHODS)
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no run after so long")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table:
        print(table(read_results(options.results)))
        return
    if options.data is None:
        parser.error("--data names the folder of the corpus")
    torch.set_num_threads(options.threads)
    began = time.monotonic()
    for method, seed, steps in wanted(read_results(options.results), options.long, options.method):
        if time.monotonic() - began > 60 * options.minutes:
            break
        line = run(method, seed, steps, options.data, options.runs)
        options.results.parent.mkdir(parents=True, exist_ok=True)
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        rates = {name: f"{report['eer']:.2%}" for name, report in line["lists"].items()}
        print(f"{method}, seed {seed}, {line['cpu_minutes']} min: {rates}", flush=True)


if __name__ == "__main__":
    main()
