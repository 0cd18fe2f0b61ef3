"""How it is said: phones laid end to end, their formants, pitch and voicing frame by frame."""

from dataclasses import dataclass

import numpy as np

from speakertrip.audio import SAMPLE_RATE
from speakertrip.corpora.voices.frames import FRAMES_PER_SECOND, Floats, smooth
from speakertrip.corpora.voices.phones import babble
from speakertrip.corpora.voices.voice import Voice

UPPER_FORMANTS = (3500.0, 4500.0, 5500.0, 6500.0)  # hertz: a uniform tube of 17.5 cm, open at one end
COARTICULATION = 0.08  # seconds over which the articulators move
ONSET = 0.03  # seconds over which voice and noise rise and fall
INTONATION = 0.25  # seconds over which the pitch moves
PHRASE = 1.6  # seconds between two resets of the falling pitch
PITCH_DRIFT = 0.5  # semitones: how much one speaker varies from utterance to utterance
MIN_F0, MAX_F0 = 60.0, 500.0  # hertz


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be articulated, frame by frame."""

    formants: Floats  # (frames, 7), hertz
    f0: Floats  # (frames,), hertz
    voicing: Floats  # (frames,), 0 to 1
    noises: list[tuple[int, int, int]]  # first frame, frame after the last, row of FRICATIVES


def compose(voice: Voice, frames: int, rng: np.random.Generator) -> Plan:
    """Lay phones end to end, and smooth their targets as the articulators would."""
    targets = np.empty((frames, 3))
    voicing, accents = np.zeros(frames), np.zeros(frames)
    noises: list[tuple[int, int, int]] = []
    first = 0
    for phone in babble(voice.rate, rng):
        last = min(first + max(1, round(phone.seconds * FRAMES_PER_SECOND)), frames)
        targets[first:last], voicing[first:last] = phone.target, phone.voicing
        accents[first:last] = phone.accent
        if phone.fricative >= 0:
            noises.append((first, last, phone.fricative))
        first = last
        if first == frames:
            break
    upper = np.broadcast_to(UPPER_FORMANTS, (frames, len(UPPER_FORMANTS)))
    formants = np.hstack([smooth(targets, COARTICULATION), upper])
    formants *= voice.tract_factor * np.array(voice.formant_offsets)
    return Plan(
        formants=np.clip(formants, 150, 0.49 * SAMPLE_RATE),
        f0=_intonation(voice, accents, voicing, rng),
        voicing=smooth(voicing, ONSET),
        noises=noises,
    )


def _intonation(voice: Voice, accents: Floats, voicing: Floats, rng: np.random.Generator) -> Floats:
    """Pitch in hertz: it falls through each phrase (declination) and rises and falls with the accents."""
    time = np.arange(len(accents)) / FRAMES_PER_SECOND + rng.uniform(0, PHRASE)
    contour = smooth(accents - 2.0 * (time / PHRASE % 1.0), INTONATION)
    voiced = contour[voicing > 0] if voicing.any() else contour
    contour = (contour - voiced.mean()) / (voiced.std() + 1e-3)
    semitones = voice.f0_spread * contour + PITCH_DRIFT * np.clip(rng.normal(), -2, 2)
    return np.asarray(np.clip(voice.f0 * 2 ** (semitones / 12), MIN_F0, MAX_F0))
