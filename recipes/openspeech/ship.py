"""Write the model that ships with speakertrip: a calibrated bundle with a card that says how it errs, and its manifest.

python recipes/openspeech/ship.py --data ../shared/openspeech --model runs/default/as --other runs/default-2/as

The errors are measured here, on the dev lists, to which nothing was fitted. The model of another seed shows the spread.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from speakertrip.bundle import Bundle
from speakertrip.config import ValidationConfig
from speakertrip.corpora import split_speakers
from speakertrip.embedding import Embedder
from speakertrip.evaluation import (
    ConditionReport,
    Report,
    report,
    report_conditions,
    score_trials,
    sides_of,
    speakers_of,
)
from speakertrip.manifests import read_manifest, read_trials
from speakertrip.manifests.lines import write_lines

ROOT = Path(__file__).parents[2]
LISTS = {  # the manifest of each, and what it holds
    "librispeech": (
        "manifest.dev.jsonl",
        "read English, 10 speakers of one session each, so that the channel helps",
    ),
    "librispeech-2s": ("manifest.dev-2s.jsonl", "the same pairs, two seconds of each utterance"),
    "commonvoice": (
        "manifest.dev.jsonl",
        "130 speakers of many languages; target pairs of two sessions: the hard list",
    ),
    "speechocean": (
        "manifest.dev.jsonl",
        "40 Mandarin speakers of English, adults and children, one session each",
    ),
}
TARGETS = 50  # of a condition with fewer target trials the error rate says too little
HEAD = """# The model that ships with speakertrip

It tells whether two recordings of speech are of one speaker: an embedding of {dim} numbers, scored by the cosine,
normalised against the training speakers, and calibrated to natural-log likelihood ratios.

It is small, and was trained on few hours of speech: a start, to be measured on recordings of your own
(`speakertrip evaluate`), fitted to them (`speakertrip backend`), and replaced by `--model` where it does not suffice.

## Must not be used for

- identifying or watching people who did not consent to it;
- a decision with consequences for a person (access, payment, employment, police, courts) on its score alone;
- evidence of who spoke: its errors depend on language, channel and speaker, and are known for the lists below only;
- telling living speakers from recordings, synthetic or converted voices: it cannot.

## Known weaknesses

- Two sessions, microphones or rooms cost far more than one: see commonvoice. Most of the target trials that it was
  calibrated on are of one session, so that across sessions it misses more often than it says.
- Less than three seconds of speech: see the table by seconds. Less than half a second is refused.
- Trained at 16 kHz on speech that is read aloud: telephones, far microphones, music, shouting, singing, overlapping
  speakers and illness were not measured.
- Voices that are alike (of one family, or of children of one age) and languages that it has not heard err more often.
- Its thresholds are of one pair of utterances; whoever enrols several utterances errs less than they say.

"""


def measure(bundle: Bundle, data: Path, name: str) -> tuple[Report, list[ConditionReport]]:
    """Return the error rates of a bundle on a dev list, and those of its conditions."""
    utterances, trials = read_manifest(data / LISTS[name][0]), read_trials(data / f"trials.{name}.txt")
    scores = score_trials(Embedder(bundle.model, "cpu"), trials, utterances, backend=bundle.backend)
    rows = report_conditions(trials, scores, sides_of(utterances))
    return report(trials, scores, speakers_of(utterances)), rows


def with_ends(value: float, ends: tuple[float, float], scale: float = 1, digits: int = 3) -> str:
    """Return a number and its interval as text."""
    return f"{scale * value:.{digits}f} [{scale * ends[0]:.{digits}f}, {scale * ends[1]:.{digits}f}]"


def line(name: str, found: Report) -> str:
    """Return the row of a list."""
    rates = [with_ends(found.eer, found.eer_interval, 100, 2)]
    for kind, values in (("min", found.min_dcf), ("act", found.act_dcf)):
        rates += [with_ends(values[p], found.intervals[f"{kind}_dcf({p:g})"]) for p in (0.01, 0.05)]
    rates.append(with_ends(found.cllr, found.intervals["cllr"]))
    return f"| {name} | {found.trials:,} ({found.targets:,}) | {' | '.join(rates)} |"


def errors(bundle: Bundle, others: Sequence[Bundle], data: Path) -> Iterator[str]:
    """Yield the lines of the card about errors on the dev lists."""
    yield "## Errors on speakers and recordings never seen\n"
    yield "Nothing was fitted to these lists, or chosen by them; intervals are of 95 %, over speakers.\n"
    yield from (f"- {name}: {about};" for name, (_, about) in LISTS.items())
    costs = "minDCF(0.01) | minDCF(0.05) | actDCF(0.01) | actDCF(0.05) | Cllr"
    yield f"\n| list | trials (target) | EER, % | {costs} |\n|---|---|---|---|---|---|---|---|"
    conditions: list[str] = []
    for name in LISTS:
        found, rows = measure(bundle, data, name)
        yield line(name, found)
        for other in others:
            yield line(f"{name}, another seed", measure(other, data, name)[0])
        conditions += [
            f"| {name} | {row.name}: {row.value} | {row.targets:,} | {with_ends(row.eer, row.eer_interval, 100, 1)} |"
            for row in rows
            if row.eer is not None and row.eer_interval is not None and row.targets >= TARGETS
        ]
    yield f"\nBy condition, where there are {TARGETS} target trials or more; EER in percent:\n"
    yield "| list | condition | target trials | EER |\n|---|---|---|---|"
    yield from conditions
    yield ""


def main() -> None:
    """Write the bundle into the package, and the ids that it was trained and calibrated on into the manifests."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--model", type=Path, required=True, help="bundle, calibrated")
    parser.add_argument("--made", required=True, help="'in two hours on one core', or the like")
    parser.add_argument("--seed", type=int, default=1, help="of the recipe")
    parser.add_argument("--other", type=Path, action="append", default=[], help="the same of another seed")
    parser.add_argument("--out", type=Path, default=ROOT / "speakertrip/bundle/default")
    parser.add_argument("--ids", type=Path, default=ROOT / "manifests/openspeech")
    options = parser.parse_args()
    bundle, others = Bundle.load(options.model), [Bundle.load(path) for path in options.other]
    measured = "\n".join(errors(bundle, others, options.data))
    made = bundle.card.replace("# Speaker encoder", "## Encoder", 1).replace("\n## ", "\n### ").rstrip()
    by = f"Trained by `recipes/openspeech/default.toml`, {options.made}."
    card = f"{HEAD.format(dim=bundle.encoder.embedding_dim)}{measured}\n{made}\n\n### Made\n\n{by}\n"
    replace(bundle, card=card).save(options.out)
    wanted = ValidationConfig()
    utterances = read_manifest(options.data / "manifest.train.jsonl")
    for name, part in zip(
        ("train", "held-out"), split_speakers(utterances, wanted.speakers, options.seed), strict=True
    ):
        options.ids.mkdir(parents=True, exist_ok=True)
        write_lines(options.ids / f"{name}.txt", (utterance.id for utterance in part))
    size = sum(file.stat().st_size for file in options.out.iterdir())
    print(f"{options.out}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
