"""Write what the recipe holds out of training with this seed, to fit a backend on, and what it trains on, as cohort.

python recipes/openspeech/held_out.py --data ../shared/openspeech --out data/openspeech
"""

import argparse
from pathlib import Path

from speakertrip.config import read_config
from speakertrip.corpora import draw_trials_within, split_speakers, thin_speakers
from speakertrip.manifests import read_manifest, write_manifest, write_trials

RECIPE = Path(__file__).with_name("default.toml")


def main() -> None:
    """Write ``kept.jsonl``, ``held.jsonl`` and ``held.txt``, trials within a corpus of those that were held out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--seed", type=int, default=1, help="of the recipe")
    options = parser.parse_args()
    wanted = read_config(RECIPE).validation
    utterances = read_manifest(options.data / "manifest.train.jsonl")
    kept, held = split_speakers(utterances, wanted.speakers, options.seed)
    chosen = thin_speakers(held, wanted.utterances, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    write_manifest(options.out / "kept.jsonl", kept)
    write_manifest(options.out / "held.jsonl", chosen)
    trials = draw_trials_within(chosen, "corpus", options.seed, wanted.targets, wanted.nontargets)
    write_trials(options.out / "held.txt", trials)
    print(f"{options.out}: {len(trials):,} trials ({trials.targets.sum():,} target)")


if __name__ == "__main__":
    main()
