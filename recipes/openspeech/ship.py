"""Write the model that ships with speakertrip: a calibrated bundle with a card that says how it errs, and its manifest.

python recipes/openspeech/ship.py --data ../shared/openspeech --model runs/default/backend --made "in two hours, ..."

The errors are measured here, on the dev lists; a bundle that was calibrated on anything but what its recipe holds out
is refused. A model of another seed shows the spread.
Beside the ids that it was trained on, `model.json` keeps what belongs together: hashes of the model, its backend and
its recipe, and the errors.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from speakertrip.backend import Backend, FittedOn
from speakertrip.bundle import Bundle
from speakertrip.config import TrainConfig, read_config
from speakertrip.corpora import draw_trials_within, split_speakers, thin_speakers
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
from speakertrip.manifests import Utterance, read_manifest, read_trials
from speakertrip.manifests.lines import write_lines
from speakertrip.metrics import MIN_SPEAKERS, Statistic, bootstrap, interval, speaker_groups
from speakertrip.training.validation import speakers_hash

ROOT = Path(__file__).parents[2]
RECIPE = Path(__file__).with_name("default.toml")
SECOND_SEED = 2  # of the model that shows the spread
LISTS = {  # the manifest of each, and what it holds
    "librispeech": (
        "manifest.dev.jsonl",
        "read English, 10 speakers of one session each, so that the channel helps",
    ),
    "librispeech-2s": ("manifest.dev-2s.jsonl", "the same pairs, two seconds of each utterance"),
    "commonvoice": (
        "manifest.dev.jsonl",
        "130 speakers of many languages; target pairs of two sessions, as guessed from clip numbers: the hard list",
    ),
    "speechocean": (
        "manifest.dev.jsonl",
        "40 Mandarin speakers of English, adults and children, one session each",
    ),
}
HEAD = """# The model that ships with speakertrip

It tells whether two recordings of speech are of one speaker: an embedding of {dim} numbers, scored by
{scorer}, normalised against the training speakers, and calibrated to
natural-log likelihood ratios.

It is small, and was trained on few hours of speech: a start, to be measured on recordings of your own
(`speakertrip evaluate`), fitted to them (`speakertrip backend`), and replaced by `--model` where it does not suffice.

## Must not be used for

- identifying or watching people who did not consent to it;
- a decision with consequences for a person (access, payment, employment, police, courts) on its score alone;
- evidence of who spoke: its errors depend on language, channel and speaker, and are known for the lists below only;
- telling living speakers from recordings, synthetic or converted voices: it cannot.

## Known weaknesses

- Two sessions, microphones or rooms cost far more than one. Most of the target trials that it was calibrated on are of
  one session, so that across sessions it misses more often than it says: at its threshold, where misses and false
  alarms were {promised} % each on these, it misses {misses} % on commonvoice. There its LLRs of target trials lie too
  low: those far below 0 claim too much.
- Less than three seconds of speech: see the table by seconds. Less than half a second is refused.
- It was trained at 16 kHz on speech that is read aloud. Telephones, far microphones, music, shouting, singing,
  overlapping speakers, illness, and voices that are alike (relatives, children of one age) were not measured.
- Its thresholds and error rates are of one utterance against one.

"""


@dataclass(frozen=True, slots=True)
class Measured:
    """The errors of a bundle on a list: its rates, those by condition, and with intervals those at its threshold."""

    report: Report
    conditions: list[ConditionReport]
    miss: tuple[float, tuple[float, float]]
    false_alarm: tuple[float, tuple[float, float]]


def measure(bundle: Bundle, data: Path, name: str) -> Measured:
    """Return the errors of a calibrated bundle on a dev list, to which it must not have been fitted."""
    utterances, trials = read_manifest(data / LISTS[name][0]), read_trials(data / f"trials.{name}.txt")
    assert bundle.calibration, "checked before"
    if bundle.backend.fitted_on and bundle.backend.fitted_on.overlaps(trials):
        raise SystemExit(f"{bundle.source}: fitted to trials of {name}, on which it would be reported.")
    scores = score_trials(Embedder(bundle.model, "cpu"), trials, utterances, backend=bundle.backend)
    speakers, threshold = speakers_of(utterances), bundle.calibration.threshold
    first, second, _ = speaker_groups(trials, speakers)
    statistics: dict[str, Statistic] = {
        "miss": lambda resample: resample.rates(threshold)[0],
        "false alarm": lambda resample: resample.rates(threshold)[1],
    }
    drawn = bootstrap(scores, trials.targets, first, second, statistics)
    accepted = scores >= threshold
    return Measured(
        report(trials, scores, speakers),
        report_conditions(trials, scores, sides_of(utterances)),
        (float(np.mean(~accepted[trials.targets])), interval(drawn["miss"])),
        (float(np.mean(accepted[~trials.targets])), interval(drawn["false alarm"])),
    )


def with_ends(value: float, ends: tuple[float, float], scale: float = 1, digits: int = 3) -> str:
    """Return a number and its interval as text."""
    return f"{scale * value:.{digits}f} [{scale * ends[0]:.{digits}f}, {scale * ends[1]:.{digits}f}]"


def line(name: str, measured: Measured) -> str:
    """Return the row of a list."""
    found = measured.report
    rates = [with_ends(found.eer, found.eer_interval, 100, 2)]
    rates += [with_ends(*at, scale=100, digits=1) for at in (measured.miss, measured.false_alarm)]
    for kind, values in (("min", found.min_dcf), ("act", found.act_dcf)):
        rates += [with_ends(values[p], found.intervals[f"{kind}_dcf({p:g})"]) for p in (0.01, 0.05)]
    rates.append(with_ends(found.cllr, found.intervals["cllr"]))
    return f"| {name} | {found.trials:,} ({found.targets:,}) | {' | '.join(rates)} |"


def errors(found: Mapping[str, Measured], others: Sequence[str]) -> str:
    """Return the section of the card about errors on the dev lists."""
    lines = [
        "## Errors on speakers never seen\n",
        "Nothing was fitted to these lists, or chosen by them, and none of their speakers was trained on; but other "
        "speakers\nof the same corpora were, recorded in the same way, so that on other recordings it may err more. "
        "Misses and false\nalarms are at its threshold; intervals are of 95 %, over speakers.\n",
        *(f"- {name}: {about};" for name, (_, about) in LISTS.items()),
        "\n| list | trials (target) | EER, % | misses, % | false alarms, % | minDCF(0.01) | minDCF(0.05) | "
        "actDCF(0.01) | actDCF(0.05) | Cllr |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(line(name, measured) for name, measured in found.items()),
        *others,
        f"\nBy condition, where {MIN_SPEAKERS} speakers or more have target trials; EER in percent:\n",
        "| list | condition | target trials (speakers) | EER |",
        "|---|---|---|---|",
    ]
    for name, measured in found.items():
        for row in measured.conditions:
            if row.eer is not None and row.eer_interval is not None and row.target_speakers >= MIN_SPEAKERS:
                rate = with_ends(row.eer, row.eer_interval, 100, 1)
                counts = f"{row.targets:,} ({row.target_speakers})"
                lines.append(f"| {name} | {row.name}: {row.value} | {counts} | {rate} |")
    return "\n".join(lines)


def scorer(backend: Backend) -> str:
    """Say what makes the scores."""
    kind = "the cosine" if backend.plda is None else "PLDA"
    return kind if backend.lda is None else f"{kind} of the {backend.lda.projection.shape[1]} that LDA keeps"


def parts(card: str) -> dict[str, str]:
    """Return the sections of a card by their titles; the first by ""."""
    head, *sections = card.split("\n## ")
    titled = (section.partition("\n") for section in sections)
    return {"": head.partition("\n")[2].strip(), **{title: text.strip() for title, _, text in titled}}


def require_whole(bundle: Bundle, held: Sequence[Utterance], recipe: TrainConfig, seed: int) -> None:
    """Check that a bundle is calibrated on what its recipe holds out by a seed, as `held_out.py` draws it."""
    wanted, fitted = recipe.validation, bundle.backend.fitted_on
    chosen = thin_speakers(held, wanted.utterances, seed)
    trials = draw_trials_within(chosen, "corpus", seed, wanted.targets, wanted.nontargets)
    whole = bundle.calibration and bundle.calibration.lengths and bundle.backend.calibration
    if not whole or bundle.backend.norm is None:
        raise SystemExit(f"{bundle.source}: not calibrated as the recipe says.")
    if bundle.held_out != speakers_hash(utterance.speaker for utterance in held):
        raise SystemExit(
            f"{bundle.source}: it held out other speakers than the recipe does with seed {seed}."
        )
    if fitted is None or fitted.ids != FittedOn.of(trials, fitted.name).ids:
        raise SystemExit(f"{bundle.source}: calibrated on other trials than those that were held out.")


def record(bundle: Bundle, found: Mapping[str, Measured], ids: Mapping[str, Path]) -> dict[str, Any]:
    """Return what belongs together: the model, its backend, its recipe, its data and its errors."""
    files = bundle.files()
    backend = b"".join(files[name] for name in ("backend.json", "backend.safetensors", "calibration.json"))
    return {
        "identity": bundle.identity,
        "backend": hashlib.sha256(backend).hexdigest(),
        "recipe": hashlib.sha256(RECIPE.read_bytes()).hexdigest(),
        **{name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in ids.items()},
        "errors": {
            name: {
                "eer": of_list.report.eer,
                "eer_interval": of_list.report.eer_interval,
                "cllr": of_list.report.cllr,
                "miss": of_list.miss[0],
                "false_alarm": of_list.false_alarm[0],
            }
            for name, of_list in found.items()
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
    parser.add_argument("--other", type=Path, help="the same of seed 2")
    parser.add_argument("--out", type=Path, default=ROOT / "speakertrip/bundle/default")
    parser.add_argument("--ids", type=Path, default=ROOT / "manifests/openspeech")
    options = parser.parse_args()
    recipe = read_config(RECIPE)
    utterances = read_manifest(options.data / "manifest.train.jsonl")
    kept, held = split_speakers(utterances, recipe.validation.speakers, recipe.seed)
    bundle = Bundle.load(options.model)
    require_whole(bundle, held, recipe, recipe.seed)
    others = []
    if options.other:
        other = Bundle.load(options.other)
        _, held_by_other = split_speakers(utterances, recipe.validation.speakers, SECOND_SEED)
        require_whole(other, held_by_other, recipe, SECOND_SEED)
        others = [line(f"{name}, seed {SECOND_SEED}", measure(other, options.data, name)) for name in LISTS]
    found = {name: measure(bundle, options.data, name) for name in LISTS}
    told = parts(bundle.card)
    made = f"{told['']}\n\nBy `recipes/openspeech/default.toml`, {options.made}."
    sections = {"Made": made, "Data": told["Data"], "Backend": told["Backend"]}
    assert bundle.calibration, "checked before"
    head = HEAD.format(
        dim=bundle.encoder.embedding_dim,
        scorer=scorer(bundle.backend),
        promised=f"{100 * bundle.calibration.eer:.1f}",
        misses=with_ends(*found["commonvoice"].miss, scale=100, digits=1),
    )
    card = head + errors(found, others)
    card += "".join(f"\n\n## {title}\n\n{text}" for title, text in sections.items()) + "\n"
    bundle = replace(bundle, card=card)
    bundle.save(options.out)
    ids = {"train": options.ids / "train.txt", "held_out": options.ids / "held-out.txt"}
    options.ids.mkdir(parents=True, exist_ok=True)
    for path, part in zip(ids.values(), (kept, held), strict=True):
        write_lines(path, (utterance.id for utterance in part))
    entries = record(bundle, found, ids)
    write_lines(options.ids / "model.json", [json.dumps(entries, indent=2)])
    size = sum(file.stat().st_size for file in options.out.iterdir())
    print(f"{options.out}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
