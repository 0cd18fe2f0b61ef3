"""Which error rates has a model on real speech, beside a peer that ships its weights, and beside a floor?

Resemblyzer 0.1.4 (17 MB, trained on thousands of speakers) is the peer; the mean and deviation of MFCCs the floor.
All take the same audio and the same trials, in one run:

    pip install resemblyzer==0.1.4
    python benchmarks/accuracy.py --data ../shared/openspeech

The model is the one that ships with speakertrip, unless others are named. It scores by its own backend. The others
score by the cosine, calibrated on trials among the training speakers that it was not trained on either: those that its
recipe with this seed holds out. Without Resemblyzer its rows are left out.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import torch

from speakertrip.backend import Backend, LinearCalibration
from speakertrip.bundle import Bundle
from speakertrip.bundle.source import DEFAULT
from speakertrip.config import read_config
from speakertrip.corpora import draw_trials_within, split_speakers, thin_speakers
from speakertrip.embedding import Embedder, load_speech
from speakertrip.evaluation import Report, compare, report, speakers_of
from speakertrip.manifests import Trials, Utterance, read_manifest, read_trials

FloatArray = npt.NDArray[np.float32]
LISTS = {
    "librispeech": "manifest.dev.jsonl",
    "librispeech-2s": "manifest.dev-2s.jsonl",
    "commonvoice": "manifest.dev.jsonl",
    "speechocean": "manifest.dev.jsonl",
}
RECIPE = Path(__file__).parents[1] / "recipes" / "openspeech" / "default.toml"
MFCCS = 20


@dataclass(frozen=True)
class System:
    """What turns waveforms into scores.

    Attributes:
        name: in the table.
        size: of its files, in bytes.
        embed: float32 waveform ``(samples,)`` at 16 kHz to embedding ``(dim,)``.
        backend: that scores; without a calibration it is given one.
    """

    name: str
    size: int
    embed: Callable[[FloatArray], FloatArray]
    backend: Backend


def of_bundle(name: str, folder: Path) -> System:
    """Return the system of a bundle."""
    bundle = Bundle.load(folder)
    embedder = Embedder(bundle.model, "cpu", 1)
    size = sum(file.stat().st_size for file in folder.iterdir())
    return System(name, size, lambda wave: embedder.embed([wave])[0], bundle.backend)


def of_resemblyzer() -> System | None:
    """Return the peer, if it is installed."""
    try:
        import resemblyzer
    except ModuleNotFoundError:
        return None
    peer: ModuleType = resemblyzer
    encoder = peer.VoiceEncoder("cpu", verbose=False)
    size = (Path(str(peer.__file__)).parent / "pretrained.pt").stat().st_size

    def embed(wave: FloatArray) -> FloatArray:
        return np.asarray(encoder.embed_utterance(peer.preprocess_wav(wave, 16_000)), np.float32)

    return System("Resemblyzer 0.1.4", size, embed, Backend())


def of_mfccs(held: Sequence[Utterance]) -> System:
    """Return the floor: mean and deviation of MFCCs over an utterance, each scaled by the held-out speakers."""
    import librosa

    def embed(wave: FloatArray) -> FloatArray:
        mfccs = librosa.feature.mfcc(y=wave, sr=16_000, n_mfcc=MFCCS)
        return np.concatenate([mfccs.mean(axis=1), mfccs.std(axis=1)]).astype(np.float32)

    seen = np.stack([embed(load_speech(utterance)) for utterance in held])
    mean, deviation = seen.mean(axis=0), seen.std(axis=0)
    return System("MFCC statistics", 0, lambda wave: (embed(wave) - mean) / deviation, Backend())


def embed_all(system: System, utterances: Sequence[Utterance]) -> FloatArray:
    """Embed utterances one by one."""
    return np.stack([system.embed(load_speech(utterance)) for utterance in utterances])


def score(
    backend: Backend, embeddings: FloatArray, utterances: Sequence[Utterance], trials: Trials
) -> FloatArray:
    """Score trials between utterances that are embedded."""
    row = {utterance.id: place for place, utterance in enumerate(utterances)}
    rows = np.array([row[id_] for id_ in trials.ids])
    sides = backend.sides(embeddings, None, np.array([each.duration or np.nan for each in utterances]))
    return backend.score(sides, sides, rows[trials.first], rows[trials.second])


def calibrated(system: System, held: Sequence[Utterance], trials: Trials) -> System:
    """Calibrate a system that is not, on trials among training speakers that were held out."""
    if system.backend.calibration is not None:
        return system
    cosines = score(system.backend, embed_all(system, held), held, trials)
    fitted = LinearCalibration.fit(cosines, trials.targets)
    return replace(system, backend=replace(system.backend, calibration=fitted))


def row(system: System, found: Report, against: str) -> str:
    """Return a line of a table, each rate with its 95 % interval over speakers."""
    ends = found.intervals
    rates = [f"{100 * found.eer:.2f} [{100 * found.eer_interval[0]:.2f}, {100 * found.eer_interval[1]:.2f}]"]
    for name, values in (("min", found.min_dcf), ("act", found.act_dcf)):
        for p, value in values.items():
            low, high = ends[f"{name}_dcf({p:g})"]
            rates.append(f"{value:.3f} [{low:.3f}, {high:.3f}]")
    rates.append(f"{found.cllr:.3f} [{ends['cllr'][0]:.3f}, {ends['cllr'][1]:.3f}]")
    return f"| {system.name} | {system.size / 1e6:.1f} MB | {' | '.join(rates)} | {against} |"


def print_list(name: str, data: Path, systems: Sequence[System]) -> None:
    """Print the table of one trial list."""
    utterances, trials = read_manifest(data / LISTS[name]), read_trials(data / f"trials.{name}.txt")
    wanted = {*trials.ids}
    utterances, speakers = [each for each in utterances if each.id in wanted], speakers_of(utterances)
    scores: Mapping[str, FloatArray] = {
        system.name: score(system.backend, embed_all(system, utterances), utterances, trials)
        for system in systems
    }
    peer = next((each.name for each in systems if each.name.startswith("Resemblyzer")), None)
    print(f"\n{name}: {len(trials):,} trials, {trials.targets.sum():,} target\n")
    costs = "minDCF(0.01) | minDCF(0.05) | actDCF(0.01) | actDCF(0.05) | Cllr"
    print(f"| system | size | EER, % | {costs} | EER less {peer or 'the peer'}'s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for system in systems:
        against = "-"
        if peer and system.name != peer:
            found = compare(trials, scores[system.name], scores[peer], speakers).differences["eer"]
            low, high = (100 * end for end in found.interval)
            against = f"{100 * found.difference:+.2f} [{low:+.2f}, {high:+.2f}]"
        print(row(system, report(trials, scores[system.name], speakers), against), flush=True)


def main() -> None:
    """Print a table for each list."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
    parser.add_argument(
        "--model",
        type=Path,
        action="append",
        default=[],
        help="bundle; repeatable  [default: the one that ships]",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the recipe that held speakers out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train = read_manifest(options.data / "manifest.train.jsonl")
    wanted = read_config(RECIPE).validation
    held = thin_speakers(
        split_speakers(train, wanted.speakers, options.seed)[1], wanted.utterances, options.seed
    )
    trials = draw_trials_within(held, "corpus", options.seed, wanted.targets, wanted.nontargets)
    peer = of_resemblyzer()
    systems = [of_bundle(str(folder), folder) for folder in options.model] or [
        of_bundle("speakertrip", DEFAULT)
    ]
    systems += [*([peer] if peer else []), of_mfccs(held)]
    systems = [calibrated(system, held, trials) for system in systems]
    for name in LISTS:
        print_list(name, options.data, systems)


if __name__ == "__main__":
    main()
