"""What score normalisation, calibration and quality measures do to a model on real speech it was not fitted on.

Everything is fitted on the dev list of one corpus, with the training speakers as cohort, and scored on another:

    python benchmarks/backend_on_speech.py --model runs/small/bundle --data ../shared/openspeech

With ``--held-out`` it tells which steps are best on the speakers that the recipe held out, by what no calibration
changes; it is how the backend of the model that ships was chosen:

    python recipes/openspeech/held_out.py --data ../shared/openspeech --out data/openspeech
    python benchmarks/backend_on_speech.py --model runs/default/bundle --held-out data/openspeech
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from speakertrip.bundle import Bundle
from speakertrip.embedding import Embedder
from speakertrip.embedding.embedder import FloatArray
from speakertrip.evaluation import (
    BackendRecipe,
    Report,
    compare,
    fit_backend,
    report,
    score_trials,
    speakers_of,
)
from speakertrip.manifests import read_manifest, read_trials
from speakertrip.metrics import PairedDifference

LISTS = ("librispeech", "commonvoice")
RECIPES = {
    "cosine": None,
    "cosine, calibrated": BackendRecipe(),
    "centred, calibrated": BackendRecipe(centre=True),
    "AS-norm, calibrated": BackendRecipe(norm="as"),
    "centred, AS-norm, calibrated": BackendRecipe(centre=True, norm="as"),
    "S-norm, calibrated": BackendRecipe(norm="s"),
    "AS-norm, QMF (seconds)": BackendRecipe(norm="as", quality=("seconds",)),
    "AS-norm, QMF (seconds, magnitude, cohort)": BackendRecipe(
        norm="as", quality=("seconds", "magnitude", "cohort")
    ),
    "LDA 96, PLDA, calibrated": BackendRecipe(lda=96, plda=True),
    "LDA 96, PLDA, AS-norm, calibrated": BackendRecipe(lda=96, plda=True, norm="as"),
    "AS-norm, isotonic": BackendRecipe(norm="as", method="isotonic"),
}


CHOICES = {
    "cosine": BackendRecipe(),
    "AS-norm": BackendRecipe(norm="as"),
    "centred, AS-norm": BackendRecipe(centre=True, norm="as"),
    "S-norm": BackendRecipe(norm="s"),
    "LDA 96, AS-norm": BackendRecipe(lda=96, norm="as"),
    "PLDA, AS-norm": BackendRecipe(plda=True, norm="as"),
    **{f"LDA {dim}, PLDA, AS-norm": BackendRecipe(lda=dim, plda=True, norm="as") for dim in (64, 96, 112)},
    **{
        f"LDA {dim}, PLDA, AS-norm of 100, 10 utterances": BackendRecipe(
            lda=dim, plda=True, norm="as", top=100, utterances=10
        )
        for dim in (96, 112)
    },
}


class Remembering(Embedder):
    """Embeds each utterance once, whatever asks for it."""

    known: dict[str, FloatArray]

    def embed_utterances(self, utterances, progress=lambda done: None):  # type: ignore[no-untyped-def]
        """Embed what is not known yet."""
        self.known = getattr(self, "known", {})
        new = [utterance for utterance in utterances if utterance.id not in self.known]
        if new:
            found = super().embed_utterances(new, progress)
            self.known.update(zip((utterance.id for utterance in new), found, strict=True))
        return np.stack([self.known[utterance.id] for utterance in utterances])


def row(name: str, found: Report, against: PairedDifference) -> str:
    """Return a line of the table, each rate with its interval, and how the EER differs from the cosine's."""
    ends, (low, high) = found.intervals, against.interval
    cells = [f"{100 * found.eer:.2f} [{100 * found.eer_interval[0]:.2f}, {100 * found.eer_interval[1]:.2f}]"]
    cells += [f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, (low, high) in (
        (found.min_dcf[0.05], ends["min_dcf(0.05)"]),
        (found.act_dcf[0.05], ends["act_dcf(0.05)"]),
        (found.act_dcf[0.01], ends["act_dcf(0.01)"]),
        (found.min_cllr, ends["min_cllr"]),
        (found.cllr, ends["cllr"]),
    )]  # fmt: skip
    cells.append(f"{100 * against.difference:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}]")
    return f"| {name} | {' | '.join(cells)} |"


def choose(embedder: Embedder, folder: Path) -> None:
    """Print a table of backends on the held-out speakers, in a folder that ``held_out.py`` wrote."""
    held, kept = read_manifest(folder / "held.jsonl"), read_manifest(folder / "kept.jsonl")
    trials, speakers = read_trials(folder / "held.txt"), speakers_of(held)
    print("| backend | EER, % | minDCF(0.05) | minCllr | EER less the cosine's |\n|---|---|---|---|---|")
    cosines = score_trials(embedder, trials, held)
    for name, recipe in CHOICES.items():
        scores = fit_backend(embedder, recipe, trials, held, None, kept if recipe.needs_cohort else ()).scores
        found = report(trials, scores, speakers)
        against = compare(trials, scores, cosines, speakers).differences["eer"]
        low, high = (100 * end for end in found.eer_interval)
        print(
            f"| {name} | {100 * found.eer:.2f} [{low:.2f}, {high:.2f}] | {found.min_dcf[0.05]:.3f} | "
            f"{found.min_cllr:.3f} | {100 * against.difference:+.2f} [{100 * against.interval[0]:+.2f}, "
            f"{100 * against.interval[1]:+.2f}] |",
            flush=True,
        )


def main() -> None:
    """Print a table for each list, or one of the speakers held out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--data", type=Path, help="folder of the corpus")
    place.add_argument("--held-out", type=Path, help="folder of what the recipe held out")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    bundle = Bundle.load(options.model)
    embedder = Remembering(bundle.model, "cpu", options.threads)
    if options.held_out:
        choose(embedder, options.held_out)
        return
    dev = read_manifest(options.data / "manifest.dev.jsonl")
    cohort, speakers = read_manifest(options.data / "manifest.train.jsonl"), speakers_of(dev)
    trials = {name: read_trials(options.data / f"trials.{name}.txt") for name in LISTS}
    for fitted_on, tested_on in (LISTS, LISTS[::-1]):
        print(f"\nFitted on {fitted_on}, tested on {tested_on} ({bundle.identity[:8]}):\n")
        print(
            "| backend | EER, % | minDCF(0.05) | actDCF(0.05) | actDCF(0.01) | minCllr | Cllr | EER less the cosine's |"
        )
        print("|---|---|---|---|---|---|---|---|")
        fit, test = trials[fitted_on], trials[tested_on]
        cosines = score_trials(embedder, test, dev)
        for name, recipe in RECIPES.items():
            scores = cosines
            if recipe is not None:
                seen = cohort if recipe.needs_cohort else ()
                backend = fit_backend(embedder, recipe, fit, dev, None, seen, name=fitted_on).backend
                scores = score_trials(embedder, test, dev, backend=backend)
            against = compare(test, scores, cosines, speakers).differences["eer"]
            print(row(name, report(test, scores, speakers), against), flush=True)


if __name__ == "__main__":
    main()
