"""Write the model that ships with speakertrip: a calibrated bundle with a card that says how it errs, and its manifest.

python recipes/openspeech/ship.py --data ../shared/openspeech --model runs/default/backend --made "in two hours, ..."

The errors are measured here, on the dev lists, to which nothing was fitted. A model of another seed shows the spread.
Beside the ids that it was trained on, `model.json` keeps what belongs together: hashes of the model, its backend and
its recipe, and the errors.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from speakertrip.bundle import Bundle
from speakertrip.config import read_config
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
from speakertrip.metrics import MIN_SPEAKERS
from speakertrip.training.validation import speakers_hash

ROOT = Path(__file__).parents[2]
RECIPE = Path(__file__).with_name("default.toml")
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
- It was trained at 16 kHz on speech that is read aloud. Telephones, far microphones, music, shouting, singing,
  overlapping speakers, illness, and voices that are alike (relatives, children of one age) were not measured.
- Its thresholds and error rates are of one utterance against one.

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


def errors(found: Mapping[str, tuple[Report, list[ConditionReport]]], others: Sequence[str]) -> str:
    """Return the section of the card about errors on the dev lists."""
    lines = [
        "## Errors on speakers and recordings never seen\n",
        "Nothing was fitted to these lists, or chosen by them; intervals are of 95 %, over speakers.\n",
        *(f"- {name}: {about};" for name, (_, about) in LISTS.items()),
        "\n| list | trials (target) | EER, % | minDCF(0.01) | minDCF(0.05) | actDCF(0.01) | actDCF(0.05) | Cllr |",
        "|---|---|---|---|---|---|---|---|",
        *(line(name, report) for name, (report, _) in found.items()),
        *others,
        f"\nBy condition, where {MIN_SPEAKERS} speakers or more have target trials; EER in percent:\n",
        "| list | condition | target trials (speakers) | EER |",
        "|---|---|---|---|",
    ]
    for name, (_, rows) in found.items():
        for row in rows:
            if row.eer is not None and row.eer_interval is not None and row.target_speakers >= MIN_SPEAKERS:
                rate = with_ends(row.eer, row.eer_interval, 100, 1)
                counts = f"{row.targets:,} ({row.target_speakers})"
                lines.append(f"| {name} | {row.name}: {row.value} | {counts} | {rate} |")
    return "\n".join(lines)


def parts(card: str) -> dict[str, str]:
    """Return the sections of a card by their titles; the first by ""."""
    head, *sections = card.split("\n## ")
    titled = (section.partition("\n") for section in sections)
    return {"": head.partition("\n")[2].strip(), **{title: text.strip() for title, _, text in titled}}


def require_whole(bundle: Bundle, held_out: str) -> None:
    """Check that a bundle is calibrated, by what its recipe held out."""
    known = bundle.calibration and bundle.calibration.lengths and bundle.backend.calibration
    if not known or bundle.backend.norm is None or bundle.held_out != held_out:
        raise SystemExit(f"{bundle.source}: not calibrated as the recipe says, or of another seed.")


def record(bundle: Bundle, reports: Mapping[str, Report], ids: Mapping[str, Path]) -> dict[str, Any]:
    """Return what belongs together: the model, its backend, its recipe, its data and its errors."""
    files = bundle.files()
    backend = b"".join(files[name] for name in ("backend.json", "backend.safetensors", "calibration.json"))
    return {
        "identity": bundle.identity,
        "backend": hashlib.sha256(backend).hexdigest(),
        "recipe": hashlib.sha256(RECIPE.read_bytes()).hexdigest(),
        **{name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in ids.items()},
        "errors": {
            name: {"eer": found.eer, "eer_interval": found.eer_interval, "cllr": found.cllr}
            for name, found in reports.items()
        },
    }


def main() -> None:
    """Write the bundle into the package, and the ids that it was trained and calibrated on into the manifests."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--model", type=Path, required=True, help="bundle, calibrated")
    parser.add_argument("--made", required=True, help="'in two hours on one core', or the like")
    parser.add_argument("--other", type=Path, action="append", default=[], help="the same of another seed")
    parser.add_argument("--out", type=Path, default=ROOT / "speakertrip/bundle/default")
    parser.add_argument("--ids", type=Path, default=ROOT / "manifests/openspeech")
    options = parser.parse_args()
    recipe = read_config(RECIPE)
    utterances = read_manifest(options.data / "manifest.train.jsonl")
    kept, held = split_speakers(utterances, recipe.validation.speakers, recipe.seed)
    bundle = Bundle.load(options.model)
    require_whole(bundle, speakers_hash(utterance.speaker for utterance in held))
    found = {name: measure(bundle, options.data, name) for name in LISTS}
    others = [
        line(f"{name}, another seed", measure(other, options.data, name)[0])
        for other in map(Bundle.load, options.other)
        for name in LISTS
    ]
    told = parts(bundle.card)
    made = f"{told['']}\n\nBy `recipes/openspeech/default.toml`, {options.made}."
    sections = {"Made": made, "Data": told["Data"], "Backend": told["Backend"]}
    card = HEAD.format(dim=bundle.encoder.embedding_dim) + errors(found, others)
    card += "".join(f"\n\n## {title}\n\n{text}" for title, text in sections.items()) + "\n"
    bundle = replace(bundle, card=card)
    bundle.save(options.out)
    ids = {"train": options.ids / "train.txt", "held_out": options.ids / "held-out.txt"}
    options.ids.mkdir(parents=True, exist_ok=True)
    for path, part in zip(ids.values(), (kept, held), strict=True):
        write_lines(path, (utterance.id for utterance in part))
    entries = record(bundle, {name: of_list for name, (of_list, _) in found.items()}, ids)
    write_lines(options.ids / "model.json", [json.dumps(entries, indent=2)])
    size = sum(file.stat().st_size for file in options.out.iterdir())
    print(f"{options.out}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
