"""How the energy detector of speech compares with Silero VAD on real speech, and what each takes.

    python benchmarks/voice_activity.py ../shared/openspeech

All dev utterances, their 2 s cuts, and a few of each training corpus. Per corpus: the share of frames of 10 ms on which
the two agree, the speech found in the median utterance by each, and the least in any, and how many utterances
``verify`` refuses for too little of it; then the processor time that each takes. Silero is no truth either: it is the
peer. Needs the extra ``silero``.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speakertrip.audio import SAMPLE_RATE, SpeechNeeds, find_speech, load_waveform
from speakertrip.audio.activity import Stretches, total_seconds
from speakertrip.audio.silero import SileroDetector
from speakertrip.manifests import Utterance, read_manifest

FRAMES_PER_SECOND = 100
MANIFESTS = ("dev", "dev-2s", "train")


@dataclass
class Corpus:
    """What was found in the utterances of one corpus."""

    seconds: float = 0.0
    agreement: list[float] = field(default_factory=list)
    energy: list[float] = field(default_factory=list)
    silero: list[float] = field(default_factory=list)


def frames(speech: Stretches, seconds: float) -> npt.NDArray[np.bool_]:
    """Return for each frame of 10 ms whether it begins in speech."""
    active = np.zeros(int(seconds * FRAMES_PER_SECOND), bool)
    for start, end in speech:
        active[round(start * FRAMES_PER_SECOND) : round(end * FRAMES_PER_SECOND)] = True
    return active


def chosen(data: Path, few: int) -> Iterator[tuple[str, Utterance]]:
    """Yield each utterance with the name of its group: all of the dev manifests, a few of each training corpus."""
    for name in MANIFESTS:
        groups = defaultdict(list)
        for utterance in read_manifest(data / f"manifest.{name}.jsonl"):
            groups[f"{name} {utterance.extra['corpus']}"].append(utterance)
        for group, utterances in sorted(groups.items()):
            rows = np.random.default_rng(0).permutation(len(utterances))
            for row in rows if name != "train" else rows[:few]:
                yield group, utterances[row]


def main() -> None:
    """Print a line a corpus, and the seconds a second of audio takes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--few", type=int, default=40, help="utterances of each training corpus")
    arguments = parser.parse_args()
    silero = SileroDetector()
    corpora: dict[str, Corpus] = defaultdict(Corpus)
    took = {"energy": 0.0, "silero": 0.0}
    for group, utterance in chosen(arguments.data, arguments.few):
        waveform = load_waveform(utterance.path, utterance.start, utterance.duration)
        seconds = len(waveform) / SAMPLE_RATE
        began = time.process_time()
        by_energy = find_speech(waveform)
        between = time.process_time()
        by_silero = silero(waveform)
        took["energy"] += between - began
        took["silero"] += time.process_time() - between
        corpus = corpora[group]
        corpus.seconds += seconds
        corpus.agreement.append(float((frames(by_energy, seconds) == frames(by_silero, seconds)).mean()))
        corpus.energy.append(total_seconds(by_energy))
        corpus.silero.append(total_seconds(by_silero))

    needed = SpeechNeeds().comparison_seconds
    print(f"{'':<49}{'speech, median (least) s':^34}{'refused':^18}")
    print(f"{'corpus':<34}{'files':>6}{'agree':>9}{'energy':>17}{'Silero':>17}{'energy':>9}{'Silero':>9}")
    for group, corpus in corpora.items():
        both = (corpus.energy, corpus.silero)
        found = "".join(f"{f'{np.median(each):.2f} ({min(each):.2f})':>17}" for each in both)
        refused = "".join(f"{sum(seconds < needed for seconds in each):>9}" for each in both)
        print(f"{group:<34}{len(corpus.energy):>6}{np.mean(corpus.agreement):>9.1%}{found}{refused}")
    every = [share for corpus in corpora.values() for share in corpus.agreement]
    print(f"{'all':<34}{len(every):>6}{np.mean(every):>9.1%}")
    total = sum(corpus.seconds for corpus in corpora.values())
    for name, seconds in took.items():
        print(f"{name}: {seconds / total:.3%} of the audio's {total / 3600:.2f} h")


if __name__ == "__main__":
    main()
