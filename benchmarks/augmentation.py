"""How many 2 s crops each effect changes per second on one core, beside a plain version of the same in the same run.

The plain versions are what one would write first: scipy.signal for filters and reverberation, a whole file read for
each stretch of noise, librosa's defaults for the pitch; of codecs there is no other way, so theirs is libsndfile
alone. The last lines are whole chains, each effect at its probability in this file.

Seconds are those of this process on its core, so that a busy machine does no harm. Set OMP_NUM_THREADS=1.

    python benchmarks/augmentation.py
"""

import io
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.signal
import soundfile
import soxr
from librosa.effects import pitch_shift

from speakertrip.audio.augment import ClipSource, Effect, build_augmentation, shift_pitch
from speakertrip.config import AugmentConfig

RATE, SAMPLES = 16_000, 32_000
SECONDS, ROUNDS = 0.25, 7  # of a round of each version; rounds of both in turn
Waveform = npt.NDArray[np.float32]
Change = Callable[[Waveform, np.random.Generator], Waveform]

CHAIN: tuple[tuple[str, dict[str, object]], ...] = (
    ("recorded noise", {"kind": "noise", "manifest": "noise", "probability": 0.4}),
    ("babble", {"kind": "babble", "manifest": "speech", "probability": 0.2}),
    ("reverb", {"kind": "reverb", "manifest": "rirs", "probability": 0.3}),
    ("opus", {"kind": "codec", "codecs": ["opus"], "probability": 0.02}),
    ("mp3", {"kind": "codec", "codecs": ["mp3"], "probability": 0.02}),
    ("telephone, mulaw", {"kind": "telephone", "codecs": ["mulaw"], "probability": 0.05}),
    ("telephone, gsm", {"kind": "telephone", "codecs": ["gsm"], "probability": 0.05}),
    ("coloured noise", {"kind": "noise", "probability": 0.2}),
    ("band", {"kind": "band", "probability": 0.2}),
    ("equalize", {"kind": "equalize", "probability": 0.3}),
    ("gain", {"kind": "gain", "probability": 1.0}),
)


def write_clips(folder: Path) -> None:
    """Write clips as MUSAN and RIRS_NOISES have them: 16-bit WAV; minutes of noise and speech, responses of 0.5 s."""
    rng = np.random.default_rng(0)
    decay = np.exp(-np.arange(RATE // 2) / 1_500)
    for name, count, shape in (
        ("noise", 20, np.ones(60 * RATE)),
        ("speech", 10, np.ones(240 * RATE)),
        ("rirs", 50, decay),
    ):
        (folder / name).mkdir()
        for index in range(count):
            waveform = 0.1 * rng.standard_normal(len(shape), dtype=np.float32) * shape
            waveform[0] = 0.9 if name == "rirs" else 0.0
            soundfile.write(folder / name / f"{index}.wav", waveform, RATE)


def plain_versions(folder: Path) -> dict[str, Change]:
    """Return the plain version of each effect by its name."""
    noises, voices = (sorted((folder / name).iterdir()) for name in ("noise", "speech"))
    responses = [soundfile.read(path, dtype="float32")[0] for path in sorted((folder / "rirs").iterdir())]

    def stretch(paths: list[Path], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        clip, _ = soundfile.read(paths[rng.integers(len(paths))])
        first = rng.integers(len(clip) - SAMPLES)
        return np.asarray(clip[first : first + SAMPLES])

    def add(x: Waveform, noise: npt.NDArray[np.float64], rng: np.random.Generator) -> Waveform:
        gain = np.sqrt(np.mean(x**2) / np.mean(noise**2)) * 10 ** (-rng.uniform(5, 25) / 20)
        return np.asarray(x + gain * noise, np.float32)

    def babble(x: Waveform, rng: np.random.Generator) -> Waveform:
        chosen = [stretch(voices, rng) for _ in range(rng.integers(3, 8))]
        return add(x, np.sum([voice / voice.std() for voice in chosen], axis=0), rng)

    def reverberate(x: Waveform, rng: np.random.Generator) -> Waveform:
        wet = scipy.signal.fftconvolve(x, responses[rng.integers(len(responses))])[: len(x)]
        return np.asarray(wet * np.sqrt(np.sum(x**2) / np.sum(wet**2)), np.float32)

    def coloured(x: Waveform, rng: np.random.Generator) -> Waveform:
        spectrum = np.fft.rfft(rng.standard_normal(len(x)))
        spectrum *= np.maximum(np.fft.rfftfreq(len(x)), 60 / RATE) ** -rng.uniform(0, 1)
        return add(x, np.fft.irfft(spectrum, len(x)), rng)

    def telephone(container: str, subtype: str) -> Change:
        sections = scipy.signal.butter(6, (300, 3400), "bandpass", fs=RATE, output="sos")

        def change(x: Waveform, rng: np.random.Generator) -> Waveform:
            narrow = soxr.resample(scipy.signal.sosfiltfilt(sections, x), RATE, 8_000)
            return np.asarray(
                soxr.resample(through(narrow, 8_000, container, subtype), 8_000, RATE), np.float32
            )

        return change

    def band(x: Waveform, rng: np.random.Generator) -> Waveform:
        ends = (rng.uniform(20, 300), rng.uniform(3400, 7900))
        sections = scipy.signal.butter(6, ends, "bandpass", fs=RATE, output="sos")
        return np.asarray(scipy.signal.sosfiltfilt(sections, x), np.float32)

    def equalize(x: Waveform, rng: np.random.Generator) -> Waveform:
        places = np.concatenate([[0], np.geomspace(60, 8_000, 8)])
        gains = 10 ** (rng.uniform(-10, 10, 9) / 20)
        taps = scipy.signal.firwin2(1_025, places, gains, fs=RATE)
        return np.asarray(scipy.signal.fftconvolve(x, taps, "same"), np.float32)

    return {
        "recorded noise": lambda x, rng: add(x, stretch(noises, rng), rng),
        "babble": babble,
        "reverb": reverberate,
        "opus": lambda x, rng: through(x, RATE, "OGG", "OPUS", rng.uniform(0.5, 1)),
        "mp3": lambda x, rng: through(x, RATE, "MP3", "MPEG_LAYER_III", rng.uniform(0.5, 1)),
        "telephone, mulaw": telephone("WAV", "ULAW"),
        "telephone, gsm": telephone("WAV", "GSM610"),
        "coloured noise": coloured,
        "band": band,
        "equalize": equalize,
        "gain": lambda x, rng: x * np.float32(10 ** (rng.uniform(-15, 5) / 20)),
    }


def through(x: Waveform, rate: int, container: str, subtype: str, level: float | None = None) -> Waveform:
    """Encode and decode with libsndfile."""
    content = io.BytesIO()
    soundfile.write(content, x, rate, format=container, subtype=subtype, compression_level=level)
    content.seek(0)
    return np.asarray(soundfile.read(content, dtype="float32")[0])


def shift_by_librosa(x: Waveform, rng: np.random.Generator) -> Waveform:
    """Shift the pitch by two semitones, as librosa does by its defaults."""
    return np.asarray(pitch_shift(x, sr=RATE, n_steps=2))


def no_voices() -> ClipSource:
    """Babble names its manifest here."""
    raise NotImplementedError


def crops() -> Iterator[Waveform]:
    """Return crops without end: noise in syllables."""
    rng = np.random.default_rng(1)
    shape = np.abs(np.sin(np.arange(SAMPLES) / 2_000))
    made = [(0.1 * rng.standard_normal(SAMPLES) * shape).astype(np.float32) for _ in range(16)]
    return (made[index % 16] for index in iter(int, 1) for index in range(16))


def rates(versions: list[Change]) -> list[float]:
    """Return the median crops per second of each version, measured in turn."""
    source, rng = crops(), np.random.default_rng(0)
    for version in versions:
        for _ in range(3):
            version(next(source), rng)
    found: list[list[float]] = [[] for _ in versions]
    for _ in range(ROUNDS):
        for version, rate in zip(versions, found, strict=True):
            done, began = 0, time.process_time()
            while (spent := time.process_time() - began) < SECONDS:
                version(next(source), rng)
                done += 1
            rate.append(done / spent)
    return [statistics.median(rate) for rate in found]


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clips(folder)
        plain = plain_versions(folder)

        def build(tables: list[dict[str, object]], memory_mib: float = 512) -> Effect:
            config = AugmentConfig.model_validate({"chain": tables, "memory_mib": memory_mib})
            return build_augmentation(config, folder, 0, no_voices)

        print(f"{'crops of 2 s per second of a core':<36}{'ours':>10}{'plain':>10}{'ratio':>8}")
        for effect, table in CHAIN:
            show(effect, rates([build([table | {"probability": 1.0}]).transform, plain[effect]]))
        for effect, table in CHAIN[:3]:  # as of a corpus of noise that is larger than the bound on memory
            read = build([table | {"probability": 1.0}], memory_mib=0)
            show(f"{effect}, not kept in memory", rates([read.transform, plain[effect]]))
        show("pitch", rates([lambda x, rng: shift_pitch(x, 2.0), shift_by_librosa]))
        light = build_augmentation(AugmentConfig(), folder, 0, no_voices)
        plain_light = (plain["equalize"], 0.5), (plain["coloured noise"], 0.6)
        show("light, by its defaults", rates([light.transform, by_chance(plain_light)]))

        whole = build([dict(table) for _, table in CHAIN])
        plain_chain = [(plain[effect], probability_of(table)) for effect, table in CHAIN]
        show("the chain", rates([whole.transform, by_chance(plain_chain)]))
        cheap = [(effect, table) for effect, table in CHAIN if table["kind"] != "codec"]
        show(
            "the chain without Opus and MP3",
            rates(
                [
                    build([dict(table) for _, table in cheap]).transform,
                    by_chance([(plain[effect], probability_of(table)) for effect, table in cheap]),
                ]
            ),
        )


def probability_of(table: dict[str, object]) -> float:
    """Return the probability in a table."""
    return float(str(table["probability"]))


def by_chance(changes: Sequence[tuple[Change, float]]) -> Change:
    """Return a change that makes each of several with its probability."""

    def change(x: Waveform, rng: np.random.Generator) -> Waveform:
        for each, probability in changes:
            if rng.random() < probability:
                x = each(x, rng)
        return x

    return change


def show(name: str, found: list[float]) -> None:
    """Print a line of the table."""
    ratio = f"{found[0] / found[1]:>8.1f}" if len(found) > 1 else ""
    print(f"{name:<36}" + "".join(f"{rate:>10,.0f}" for rate in found) + ratio, flush=True)


if __name__ == "__main__":
    main()
