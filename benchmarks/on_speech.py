"""What lowers the error on real speech: the loss, the encoder, or more speakers? Training data and steps alike for all.

Each run trains by a recipe of ``recipes/openspeech`` with one thing changed, and is scored on the four dev lists, by
which nothing was chosen. A finished run is one line in ``benchmarks/results``; a run that is there is not repeated, and
one that was stopped by Ctrl-C goes on from its checkpoint:

    python benchmarks/on_speech.py losses --data ../shared/openspeech              short runs, three seeds each
    python benchmarks/on_speech.py losses --data ../shared/openspeech --long       the best three, longer, one seed
    python benchmarks/on_speech.py losses --data ../shared/openspeech --long --method NAME      another as long
    python benchmarks/on_speech.py encoders --data ../shared/openspeech            encoders by the triplet loss
    python benchmarks/on_speech.py speakers --data ../shared/openspeech            a share of the training speakers
    python benchmarks/on_speech.py losses --table                                  the table of what is there

The best three are those of the lowest mean error on the speakers held out of training.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from speakertrip.bundle import Bundle
from speakertrip.config import TrainConfig, read_config
from speakertrip.embedding import Embedder
from speakertrip.errors import DivergedError
from speakertrip.evaluation import evaluate
from speakertrip.manifests import read_manifest, read_trials, write_manifest
from speakertrip.training import StepRecord, train

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "recipes" / "openspeech"
RESULTS = Path(__file__).parent / "results"
DIM = "encoder.embedding_dim=128"
NARROW = (
    "encoder.attention_channels=64",
    "encoder.se_channels=48",
    "encoder.res2net_scale=4",
)  # as ecapa-small.toml
XVECTOR = ("encoder.kind=xvector", "encoder.channels=256", "encoder.pooling_channels=512", DIM)
ALL_NEGATIVES = ("loss.margin=1.0", 'loss.miner={kind="everything"}')
LISTS = {
    "librispeech": "manifest.dev.jsonl",
    "librispeech-2s": "manifest.dev-2s.jsonl",
    "commonvoice": "manifest.dev.jsonl",
    "speechocean": "manifest.dev.jsonl",
}
AAM = ("loss.kind=aam-softmax",)
Stages = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Question:
    """What is varied.

    Attributes:
        recipe: file name of the configuration.
        emptied: its section that a method writes anew; "" for none.
        methods: each a sequence of stages that share the steps evenly: overrides of the recipe.
        seeds: of the short runs.
        short: steps of a run.
        long: steps of the best three, once more.
        shares: the share of the training speakers that a method sees, where not all.
    """

    recipe: str
    emptied: str
    methods: Mapping[str, Stages]
    seeds: tuple[int, ...] = (1,)
    short: int = 300
    long: int = 1_300
    shares: Mapping[str, float] = field(default_factory=dict)


QUESTIONS = {
    "losses": Question(  # the margins are the usual ones, not tuned here
        "ecapa-small.toml",
        "loss",
        {
            "multi-sample, hardest 5 %": (("loss.margin=0.4", "loss.miner.kind=hardest-share"),),
            "multi-sample, 8 hardest speakers": (("loss.margin=0.4", "loss.miner.kind=hardest-speakers"),),
            "multi-sample, all negatives": (("loss.margin=1.0", "loss.miner.kind=everything"),),
            "batch-hard": (("loss.margin=0.4", "loss.miner.kind=batch-hard"),),
            "semi-hard": (("loss.margin=0.4", "loss.miner.kind=semi-hard"),),
            "angular prototypical": (("loss.kind=angular-prototypical",),),
            "GE2E": (("loss.kind=ge2e",),),
            "AAM-softmax": (AAM,),
            "AAM-softmax, then multi-sample": (AAM, ("loss.margin=0.4", "loss.miner.kind=hardest-share")),
        },
        seeds=(1, 2, 3),
    ),
    "encoders": Question(
        "resnet.toml",
        "encoder",
        {
            "x-vector, 256 channels": ((*XVECTOR, "optimizer.lr=5e-4"),),
            **{
                f"ECAPA-TDNN, {channels} channels": (
                    ("encoder.kind=ecapa", f"encoder.channels={channels}", DIM, *NARROW),
                )
                for channels in (64, 96, 128)
            },
            **{
                f"ResNet, {channels} channels": (
                    ("encoder.kind=resnet", f"encoder.channels={channels}", DIM),
                )
                for channels in (8, 16, 24)
            },
            # An x-vector diverges by the hardest negatives: beside it another encoder by the loss that it learns from.
            "x-vector, 256 channels, all negatives": ((*XVECTOR, *ALL_NEGATIVES),),
            "ResNet, 16 channels, all negatives": (
                ("encoder.kind=resnet", "encoder.channels=16", DIM, *ALL_NEGATIVES),
            ),
        },
    ),
    "speakers": Question(
        "resnet.toml",
        "",
        {"a quarter": ((),), "half": ((),), "all": ((),)},
        short=600,
        shares={"a quarter": 0.25, "half": 0.5},
    ),
}


def configuration(question: Question, stage: tuple[str, ...], seed: int, steps: int) -> TrainConfig:
    """Return the recipe with the changes of a stage, validated once, at its end."""
    schedule = [f"seed={seed}", f"optimizer.steps={steps}", f"validation.every={steps}"]
    emptied = [f"{question.emptied}={{}}"] if question.emptied else []
    return read_config(RECIPES / question.recipe, [*emptied, *stage, *schedule])


def some_speakers(data: Path, share: float, folder: Path) -> Path:
    """Write the training manifest of a share of the speakers, of which the recipe holds some out; return its folder."""
    utterances = read_manifest(data / "manifest.train.jsonl")
    speakers = sorted({utterance.speaker for utterance in utterances})
    chosen = set(np.random.default_rng(0).permutation(speakers)[: round(share * len(speakers))])
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(folder / "manifest.train.jsonl", [each for each in utterances if each.speaker in chosen])
    return folder


def run(name: str, method: str, seed: int, steps: int, data: Path, runs: Path) -> dict[str, Any]:
    """Train by each stage in turn, score the last model, and return a line of results."""
    question = QUESTIONS[name]
    stages, seconds = question.methods[method], 0.0
    folder: Path | None = None
    records: list[StepRecord] = []
    slug = "".join(letter if letter.isalnum() else "-" for letter in method.lower())
    seen = data
    if method in question.shares:
        seen = some_speakers(data, question.shares[method], runs / f"{slug}-data")
    for number, stage in enumerate(stages):
        before, folder = folder, runs / f"{slug}-{steps}-seed{seed}-stage{number}"
        config = configuration(question, stage, seed, steps // len(stages))
        resume = (folder / "checkpoint.safetensors").exists()
        init = before / "bundle" if before else None
        began = time.process_time()
        if not train(config, seen, folder, resume, "cpu", init, on_record=records.append):
            sys.exit(f"Stopped within {folder}; the same command goes on from there.")
        seconds += time.process_time() - began
    assert folder is not None
    bundle = Bundle.load(folder / "bundle")
    lists = {name: score(bundle, data, name) for name in LISTS}
    active = next((r.health.active for r in reversed(records) if r.health), None)
    tensors = bundle.model.encoder.state_dict().values()
    return {
        "method": method,
        "seed": seed,
        "steps": steps,
        "cpu_minutes": round(
            seconds / 60, 1
        ),  # of this process: what was done before it was cut off is not in it
        "parameters": sum(tensor.numel() for tensor in tensors),
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


def wanted(
    question: Question, results: list[dict[str, Any]], long: bool, methods: list[str]
) -> Iterator[tuple[str, int, int]]:
    """Yield (method, seed, steps) of the runs that are missing: every method once before any twice."""
    every, seeds = question.methods, question.seeds
    if long:
        short = {(line["method"], line["seed"]) for line in results if line["steps"] == question.short}
        if len(short) < len(every) * len(seeds):
            sys.exit(f"Only {len(short)} of {len(every) * len(seeds)} short runs are there to choose by.")
        ranked = sorted(every, key=lambda method: mean_validation(question, results, method))
        plan = [(method, seeds[0], question.long) for method in methods or ranked[:3]]
    else:
        plan = [(method, seed, question.short) for seed in seeds for method in every]
    done = {(line["method"], line["seed"], line["steps"]) for line in results}
    yield from (each for each in plan if each not in done and (not methods or each[0] in methods))


def mean_validation(question: Question, results: list[dict[str, Any]], method: str) -> float:
    """Return a method's mean error on held-out training speakers, over its short runs; infinite if one diverged."""
    runs = [r for r in results if r["method"] == method and r["steps"] == question.short]
    return statistics.fmean(r.get("validation_eer", math.inf) for r in runs) if runs else math.inf


def table(question: Question, results: list[dict[str, Any]]) -> str:
    """Return a Markdown table: mean EER in percent, the span over seeds, and the mean bootstrap interval."""
    lines = [
        f"| method | steps | seeds | CPU minutes | held-out | {' | '.join(LISTS)} |",
        f"|---|---|---|---|---|{'---|' * len(LISTS)}",
    ]
    for steps in (question.short, question.long):
        for method in question.methods:
            runs = [line for line in results if (line["method"], line["steps"]) == (method, steps)]
            if any("diverged" in line for line in runs):
                lines.append(f"| {method} | {steps} | {len(runs)} | diverged |" + " |" * (1 + len(LISTS)))
            elif runs:
                held = f"{100 * statistics.fmean(r['validation_eer'] for r in runs):.1f}"
                minutes = f"{statistics.fmean(cpu_minutes(r) for r in runs):.0f}"
                cells = [cell([r["lists"][name] for r in runs]) for name in LISTS]
                lines.append(
                    f"| {method} | {steps} | {len(runs)} | {minutes} | {held} | {' | '.join(cells)} |"
                )
    return "\n".join(lines)


def cpu_minutes(line: dict[str, Any]) -> float:
    """Return the minutes of a run: of the first ones, by the clock."""
    return float(line["cpu_minutes"] if "cpu_minutes" in line else line["minutes"])


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
    parser.add_argument("question", choices=QUESTIONS)
    parser.add_argument("--data", type=Path, help="folder of the corpus")
    parser.add_argument("--runs", type=Path, help="where runs are kept  [default: runs/QUESTION]")
    parser.add_argument("--results", type=Path, help="lines of results  [default: benchmarks/results]")
    parser.add_argument("--method", action="append", default=[])
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no run after so long")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    name, question = options.question, QUESTIONS[options.question]
    path = options.results or RESULTS / f"{name}_on_speech.jsonl"
    if options.table:
        print(table(question, read_results(path)))
        return
    if options.data is None:
        parser.error("--data names the folder of the corpus")
    if unknown := {*options.method} - {*question.methods}:
        parser.error(f"--method {min(unknown)!r} is none of: {', '.join(question.methods)}")
    torch.set_num_threads(options.threads)
    began = time.monotonic()
    for method, seed, steps in wanted(question, read_results(path), options.long, options.method):
        if time.monotonic() - began > 60 * options.minutes:
            break
        try:
            line = run(name, method, seed, steps, options.data, options.runs or ROOT / "runs" / name)
        except DivergedError as error:  # which is an answer too
            line = {
                "method": method,
                "seed": seed,
                "steps": steps,
                "commit": commit(),
                "diverged": str(error),
            }
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        rates = {of: f"{report['eer']:.2%}" for of, report in line.get("lists", {}).items()}
        print(f"{method}, seed {seed}: {line.get('diverged', rates)}", flush=True)


if __name__ == "__main__":
    main()
