"""The synthetic corpus: drawn voices that babble over drawn channels, with manifests and a trial list."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from speakertrip.audio import SAMPLE_RATE, encode
from speakertrip.corpora.pairing import draw_trials
from speakertrip.corpora.voices import draw_channel, draw_voice, synthesize
from speakertrip.errors import StorageError, UsageError
from speakertrip.manifests import Utterance, write_manifest, write_trials
from speakertrip.manifests.lines import FilePath

SPLITS = ("train", "test")
LENGTH_SPREAD = 0.3  # utterances last between 0.7 and 1.3 times the mean
MIN_SECONDS, MAX_SECONDS = 0.6, 600.0  # of the mean; less leaves utterances too short to embed


def write_synthetic_corpus(
    folder: FilePath,
    train_speakers: int = 48,
    test_speakers: int = 16,
    sessions: int = 2,
    utterances: int = 4,
    seconds: float = 3.0,
    seed: int = 0,
) -> None:
    """Write audio, two manifests with no speaker in common, and a trial list.

    The folder gets ``wav/<split>/<speaker>/<session>/<utterance>.wav``, ``manifest.train.jsonl``,
    ``manifest.test.jsonl`` and ``trials.test.txt``. Every file depends on the seed and its own place alone: a
    second call writes the same bytes, and a call for more speakers keeps those there were. The lists are taken
    away first and written last, so that where they stand the audio is complete.

    Args:
        folder: where to write; it is created. Files of an earlier call are overwritten, others left.
        train_speakers: speakers to train on, 1 or more.
        test_speakers: speakers to test on, 2 or more.
        sessions: occasions per speaker, 1 or more, each with a channel of its own.
        utterances: per session; every speaker needs 2 or more in all.
        seconds: their mean length, 0.6 to 600; each lasts between 0.7 and 1.3 times as long.
        seed: of everything that is drawn, 0 or more.

    Raises:
        UsageError: an argument is out of its range.
        StorageError: something cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_synthetic_corpus(folder, train_speakers=1, test_speakers=2, utterances=1, seconds=0.6)
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['manifest.test.jsonl', 'manifest.train.jsonl', 'trials.test.txt', 'wav']
    """
    _check_arguments(train_speakers, test_speakers, sessions, utterances, seconds, seed)
    root = Path(folder)
    trial_list = root / "trials.test.txt"
    manifests = {split: root / f"manifest.{split}.jsonl" for split in SPLITS}
    _remove([trial_list, *manifests.values()])
    written = {
        split: list(_write_split(root, split, speakers, sessions, utterances, seconds, seed))
        for split, speakers in zip(SPLITS, (train_speakers, test_speakers), strict=True)
    }
    for split, rows in written.items():
        write_manifest(manifests[split], rows)
    write_trials(trial_list, draw_trials(written["test"], seed))


def _write_split(
    root: Path, split: str, speakers: int, sessions: int, utterances: int, seconds: float, seed: int
) -> Iterator[Utterance]:
    place = SPLITS.index(split)
    for speaker in range(speakers):
        voice = draw_voice(_generator(seed, place, speaker))
        for session in range(sessions):
            channel = draw_channel(_generator(seed, place, speaker, session))
            for utterance in range(utterances):
                rng = _generator(seed, place, speaker, session, utterance)
                length = seconds * rng.uniform(1 - LENGTH_SPREAD, 1 + LENGTH_SPREAD)
                waveform = synthesize(voice, channel, length, rng)
                name = f"{split}-{speaker:03d}", f"session-{session}", f"utterance-{utterance}.wav"
                path = root.joinpath("wav", split, *name)
                encode(path, waveform, SAMPLE_RATE)
                yield Utterance(
                    id=path.relative_to(root).as_posix(),
                    path=path,
                    speaker=name[0],
                    session=name[1],
                    duration=len(waveform) / SAMPLE_RATE,
                    sample_rate=SAMPLE_RATE,
                )


def _generator(seed: int, *place: int) -> np.random.Generator:
    """Return the generator of one place in the corpus: a split's speaker, session or utterance."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=place))


def _remove(paths: list[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"Cannot replace {path}: {error.strerror}.") from None


def _check_arguments(
    train_speakers: int, test_speakers: int, sessions: int, utterances: int, seconds: float, seed: int
) -> None:
    least = {
        "train_speakers": (train_speakers, 1),
        "test_speakers": (test_speakers, 2),
        "sessions": (sessions, 1),
        "utterances": (utterances, 1),
        "seed": (seed, 0),
    }
    for name, (value, minimum) in least.items():
        if value < minimum:
            raise UsageError(f"The synthetic corpus needs {name} of {minimum} or more, not {value}.")
    if sessions * utterances < 2:
        raise UsageError(
            "A trial needs two utterances of a speaker: ask for 2 or more sessions or utterances."
        )
    if not (math.isfinite(seconds) and MIN_SECONDS <= seconds <= MAX_SECONDS):
        raise UsageError(
            f"Utterances last {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds in the mean, not {seconds:g}."
        )
