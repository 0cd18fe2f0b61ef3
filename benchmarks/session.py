"""Does the operating point keep what it promises? Speakers are enrolled and the rest of the corpus knocks at the door.

Of the dev speakers, 20 are drawn and enrolled with 3 files each; every other utterance of all 180 is then verified
against each of them, and identified among them:

    python benchmarks/session.py --data ../shared/openspeech --far 0.01

The false alarms and misses stand beside what the calibration of the bundle says of its threshold, which was found on
speakers held out of the training. Each rate has its 95 % interval over speakers.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speakertrip import SpeakerVerifier
from speakertrip.backend import FalseAlarmRate
from speakertrip.enrollment import Identification
from speakertrip.errors import AudioError
from speakertrip.manifests import Utterance, read_manifest
from speakertrip.metrics.bootstrap import bootstrap, interval

ENROLLED, FILES = 20, 3
Rows = npt.NDArray[np.bool_]


def draw(utterances: Sequence[Utterance], seed: int) -> dict[str, list[Utterance]]:
    """Return speakers who have files to spare, and those that they are enrolled by."""
    of_speaker: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        of_speaker[utterance.speaker].append(utterance)
    many = sorted(speaker for speaker, files in of_speaker.items() if len(files) > FILES)
    rng = np.random.default_rng(seed)
    return {speaker: of_speaker[speaker][:FILES] for speaker in rng.permutation(many)[:ENROLLED]}


def knock(verifier: SpeakerVerifier, probes: Sequence[Utterance]) -> list[tuple[Utterance, Identification]]:
    """Identify each probe, and with that compare it with everybody who is enrolled; leave out what is refused."""
    crowd, answers = verifier.crowd(), []
    for probe in probes:
        try:
            answers.append((probe, crowd.search(verifier.embed_speaker([probe.path]), ENROLLED)))
        except AudioError as error:
            print(f"refused: {error}".replace(str(probe.path), probe.id))
    return answers


def rate(wrong: Rows, of: Rows, speakers: Sequence[npt.NDArray[np.int64]], truth: Rows) -> str:
    """Say the share of some trials that went wrong, with its interval over speakers."""
    # As scores that are 1 where a trial was accepted, so that the bootstrap of error rates can be used.
    accepted = np.where(truth, ~wrong, wrong).astype(float)
    rows = of | (~truth if truth[of].all() else truth)  # a bootstrap needs targets and nontargets
    place = 0 if truth[of].all() else 1
    found = bootstrap(
        accepted[rows],
        truth[rows],
        speakers[0][rows],
        speakers[1][rows],
        {"rate": lambda resample: resample.rates(0.5)[place]},
    )
    low, high = interval(found["rate"])
    return f"{100 * wrong[of].mean():6.2f} % [{100 * low:.2f}, {100 * high:.2f}] of {of.sum():,}"


def main() -> None:
    """Enroll, knock, and print the rates beside what was promised."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="bundle  [default: the one that ships]")
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--far", type=float, default=0.01, help="false-alarm rate of one comparison")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dev = read_manifest(options.data / "manifest.dev.jsonl")
    enrolled = draw(dev, options.seed)
    used = {utterance.id for files in enrolled.values() for utterance in files}
    probes = [utterance for utterance in dev if utterance.id not in used]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "speakers.sqlite"
        point = FalseAlarmRate(options.far)
        verifier = SpeakerVerifier.from_pretrained(options.model, store, "cpu", operating_point=point)
        for speaker, files in enrolled.items():
            verifier.enroll(speaker, [utterance.path for utterance in files])
        found = knock(verifier, probes)
    report(options.far, verifier, enrolled, [probe for probe, _ in found], [answer for _, answer in found])


def report(
    far: float,
    verifier: SpeakerVerifier,
    enrolled: dict[str, list[Utterance]],
    probes: Sequence[Utterance],
    answers: Sequence[Identification],
) -> None:
    """Print the rates of verification, of identification, and what was promised."""
    number = {speaker: row for row, speaker in enumerate(sorted({probe.speaker for probe in probes}))}
    pairs = [
        (speaker, probe, decision.accepted)
        for probe, answer in zip(probes, answers, strict=True)
        for speaker, decision in ((each.name, each.decision) for each in answer.candidates)
    ]
    sides = [
        np.array([number[speaker] for speaker, _, _ in pairs]),
        np.array([number[probe.speaker] for _, probe, _ in pairs]),
    ]
    truth = sides[0] == sides[1]
    accepted = np.array([accepted for _, _, accepted in pairs])
    corpus = {speaker: files[0].extra["corpus"] for speaker, files in enrolled.items()}
    near = np.array([corpus[speaker] == probe.extra["corpus"] for speaker, probe, _ in pairs])
    expected = verifier.rule.threshold
    print(
        f"threshold {answers[0].candidates[0].decision.threshold:.4f}, bundle {verifier.bundle.identity[:8]}"
    )
    if expected.false_alarm is not None and expected.false_alarm_interval is not None:
        low, high = expected.false_alarm_interval
        print(
            f"promised: false alarms {100 * expected.false_alarm:.2f} % [{100 * low:.2f}, {100 * high:.2f}]"
        )
        print(f"          misses {100 * (expected.miss or 0):.2f} %, of one utterance against one")
    print("\nverification, each probe against each of the enrolled speakers")
    print(f"  miss                              {rate(~accepted, truth, sides, truth)}")
    print(f"  false alarm                       {rate(accepted, ~truth, sides, truth)}")
    print(f"  false alarm, of the same corpus   {rate(accepted, ~truth & near, sides, truth)}")
    known = [answer for answer, probe in zip(answers, probes, strict=True) if probe.speaker in enrolled]
    whose = [probe.speaker for probe in probes if probe.speaker in enrolled]
    strangers = [
        answer for answer, probe in zip(answers, probes, strict=True) if probe.speaker not in enrolled
    ]
    right = sum(answer.name == speaker for answer, speaker in zip(known, whose, strict=True))
    nobody = sum(answer.name is None for answer in known)
    alarms = sum(answer.name is not None for answer in strangers)
    print(f"\nidentification among {len(enrolled)}")
    print(
        f"  {len(known)} probes of theirs: {right} right, {nobody} nobody, {len(known) - right - nobody} another"
    )
    share, most = alarms / len(strangers), 1 - (1 - far) ** len(enrolled)
    print(f"  {len(strangers)} of strangers: {alarms} taken for somebody, {share:.1%}")
    print(f"  (expected {most:.1%}, if comparisons were independent)")


if __name__ == "__main__":
    main()
