"""The stretch of a file that one utterance is: its place in the file, and what it sounds like."""

import hashlib

import numpy as np

from speakertrip.audio import SAMPLE_RATE, AudioHeader, load_waveform
from speakertrip.audio.limits import MAX_SECONDS
from speakertrip.audio.quality import measure_quality
from speakertrip.audio.speech import MIN_SECONDS, SILENCE_PEAK, SpeechNeeds
from speakertrip.audio.utterance import ROUNDING, audio_of
from speakertrip.corpora.check.findings import Kind, Row
from speakertrip.errors import AudioError, SamplesError, TruncatedError

TOLERANCE = 0.2  # seconds; manifests round, and AAC pads by two frames, 0.128 s at 16 kHz
LEAST_SPEECH = SpeechNeeds().comparison_seconds  # what is needed to verify a speaker
MOST_CLIPPED = 0.001  # share of the samples
BLOCK = 600.0  # seconds decoded at a time
DIGEST_BYTES = 16

Problem = tuple[Kind, str]


def measure(row: Row, header: AudioHeader, *, alone: bool) -> tuple[list[Problem], float]:
    """Compare a row with the header of its file.

    Args:
        row: of the manifest.
        header: of its file.
        alone: whether no other row names the file.

    Returns:
        What is wrong, and how many seconds there are to listen to; 0 where it is no use.
    """
    utterance, name = row.utterance, row.name
    problems = []
    if utterance.sample_rate not in (None, header.sample_rate):
        problems.append(
            (Kind.SAMPLE_RATE, f"{name} has {header.sample_rate} Hz, not {utterance.sample_rate} Hz.")
        )
    left = header.duration - utterance.start
    if left * header.sample_rate < 1:
        text = f"{name} ends at {header.duration:.2f} s; the stretch begins at {utterance.start:g} s."
        return [*problems, (Kind.BEYOND_END, text)], 0.0
    seconds = left if utterance.duration is None else min(left, utterance.duration)
    if utterance.duration is not None and utterance.duration > left + TOLERANCE:
        if utterance.start:
            end = utterance.start + utterance.duration
            text = f"{name} ends at {header.duration:.2f} s; the stretch ends at {end:.2f} s."
            problems.append((Kind.BEYOND_END, text))
        else:
            text = f"{name} lasts {header.duration:.2f} s, not {utterance.duration:g} s."
            problems.append((Kind.DURATION, text))
    elif not utterance.start and alone and left > seconds + TOLERANCE:
        text = f"Of {name}, only the first {seconds:g} s of {header.duration:.2f} s are named."
        problems.append((Kind.PART, text))
    if seconds < MIN_SECONDS:
        problems.append((Kind.SHORT, f"{name}: {seconds:.2f} s; at least {MIN_SECONDS} s are needed."))
    if seconds > MAX_SECONDS:
        text = f"{name}: {seconds / 60:.1f} minutes; an utterance may have {MAX_SECONDS / 60:.0f}."
        return [*problems, (Kind.LONG, text)], 0.0
    return problems, seconds


def hear(row: Row, seconds: float) -> tuple[list[Problem], bytes | None]:
    """Decode a stretch, a block at a time, and listen to it.

    Args:
        row: of the manifest.
        seconds: how much there should be.

    Returns:
        What is wrong, and a hash of the samples; None where they cannot be decoded or hold no sound.
    """
    name = row.name
    source = audio_of(row.utterance)
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    samples, clipped, speech, silent = 0, 0.0, 0.0, True
    blocks = max(1, round(seconds / BLOCK))  # the last one takes what is left
    try:
        for block in range(blocks):
            length = BLOCK if block < blocks - 1 else seconds - block * BLOCK
            waveform = load_waveform(source, row.utterance.start + block * BLOCK, length, slack=ROUNDING)
            digest.update(waveform.tobytes())
            quality = measure_quality(waveform)
            samples += len(waveform)
            clipped += quality.clipped * len(waveform)
            speech += quality.speech_seconds
            silent &= bool(np.abs(waveform - waveform.mean()).max() < SILENCE_PEAK)
    except SamplesError as error:
        return [(Kind.NOT_FINITE, reason(error, row))], None
    except TruncatedError as error:
        return [(Kind.TRUNCATED, reason(error, row))], None
    except AudioError as error:
        return [(Kind.UNREADABLE, reason(error, row))], None
    if samples / SAMPLE_RATE < seconds - TOLERANCE:
        text = f"{name} breaks off: {samples / SAMPLE_RATE:.2f} s of {seconds:.2f} s can be decoded."
        return [(Kind.TRUNCATED, text)], None
    if silent:
        return [(Kind.SILENT, f"{name} is silent: its peak lies below -60 dB of full scale.")], None
    problems = []
    if clipped > MOST_CLIPPED * samples:
        problems.append((Kind.CLIPPED, f"{name}: {clipped / samples:.2%} of the samples are clipped."))
    if speech < LEAST_SPEECH <= seconds:
        problems.append((Kind.LITTLE_SPEECH, f"{name} holds {speech:.2f} s of speech in {seconds:.2f} s."))
    return problems, digest.digest()


def reason(error: AudioError, row: Row) -> str:
    """Return the sentence of an error, with the path as the manifest has it."""
    return str(error).replace(str(row.utterance.path), row.path)
