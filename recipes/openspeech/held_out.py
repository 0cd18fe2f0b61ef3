"""Write what a recipe with this seed holds out of its training, to fit a backend on, and what it trains on, as cohort.

python recipes/openspeech/held_out.py --data ../shared/openspeech --out data/openspeech
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from speakertrip.config import ValidationConfig
from speakertrip.corpora import draw_trials, split_speakers, thin_speakers
from speakertrip.errors import DataError
from speakertrip.manifests import Trials, Utterance, read_manifest, write_manifest, write_trials


def trials_within(utterances: Sequence[Utterance], seed: int, targets: int, nontargets: int) -> Trials:
    """Draw trials of which both sides are of one corpus, as both sides of a verification share a channel.

    Two corpora are told apart by their channels: nontargets across them would promise fewer false alarms than there
    are among those who speak into one kind of microphone.
    """
    corpora: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        corpora[str(utterance.extra.get("corpus"))].append(utterance)
    parts: list[Trials] = []
    for of_one in corpora.values():
        try:
            parts.append(draw_trials(of_one, seed, targets, nontargets))
        except DataError:  # a single speaker, or none with two utterances
            continue
    return Trials.of(
        [part.ids[row] for part in parts for row in part.first],
        [part.ids[row] for part in parts for row in part.second],
        np.concatenate([part.targets for part in parts]),
    )


def main() -> None:
    """Write ``kept.jsonl``, ``held.jsonl`` and ``held.txt``, trials among the speakers that were held out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--seed", type=int, default=1, help="of the recipe")
    options = parser.parse_args()
    wanted = ValidationConfig()
    utterances = read_manifest(options.data / "manifest.train.jsonl")
    kept, held = split_speakers(utterances, wanted.speakers, options.seed)
    chosen = thin_speakers(held, wanted.utterances, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    write_manifest(options.out / "kept.jsonl", kept)
    write_manifest(options.out / "held.jsonl", chosen)
    trials = trials_within(chosen, options.seed, wanted.targets, wanted.nontargets)
    write_trials(options.out / "held.txt", trials)
    print(f"{options.out}: {len(trials):,} trials ({trials.targets.sum():,} target)")


if __name__ == "__main__":
    main()
