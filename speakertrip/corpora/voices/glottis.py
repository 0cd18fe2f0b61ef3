"""The source: glottal pulses and the breath that comes with them."""

import math

import numpy as np
from scipy.signal import lfilter

from speakertrip.audio import SAMPLE_RATE
from speakertrip.corpora.voices.frames import FRAME, Floats, to_samples
from speakertrip.corpora.voices.plan import Plan
from speakertrip.corpora.voices.voice import Voice

TILT_HZ = 3000.0  # where Klatt's tilt parameter is measured
TILT_DRIFT = 1.0  # dB: how much one speaker varies from utterance to utterance


def excitation(voice: Voice, plan: Plan, rng: np.random.Generator) -> Floats:
    """Derivative of the glottal flow (the lips radiate it) with aspiration noise, ``(frames * FRAME,)``."""
    samples = len(plan.f0) * FRAME
    marks, periods = _glottal_cycles(voice.jitter, plan.f0, rng)
    cycle = np.searchsorted(marks, np.arange(samples), side="right") - 1
    flow = _rosenberg((np.arange(samples) - marks[cycle]) / periods[cycle], voice.open_quotient)
    loudness = 1 + voice.shimmer * np.clip(rng.normal(size=len(marks)), -3, 3)
    # The difference is taken of samples of the flow, which is continuous, so that little of it folds back.
    pulses = np.diff(flow * loudness[cycle], prepend=0.0)
    pulses = _tilt(pulses, max(0.5, voice.tilt + TILT_DRIFT * float(np.clip(rng.normal(), -2, 2))))
    pulses /= math.sqrt(np.mean(pulses**2)) + 1e-12
    aspiration = 10 ** (voice.breathiness / 20) * rng.normal(size=samples) * (0.3 + 0.7 * flow)
    return (pulses + aspiration) * to_samples(plan.voicing)


def _glottal_cycles(jitter: float, f0: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Where each cycle starts and how long it lasts, both in samples and not whole."""
    marks: list[float] = []
    periods: list[float] = []
    at = -float(rng.uniform(0, SAMPLE_RATE / f0[0]))
    while at < len(f0) * FRAME:
        period = SAMPLE_RATE / float(f0[max(0, int(at)) // FRAME]) * (1 + jitter * float(rng.normal()))
        marks.append(at)
        periods.append(period)
        at += period
    return np.array(marks), np.array(periods)


def _rosenberg(phase: Floats, open_quotient: float) -> Floats:
    """Rosenberg's pulse B: flow at a phase of the cycle in 0 to 1, opening twice as long as closing."""
    opening, closing = open_quotient * 2 / 3, open_quotient / 3
    rise = np.minimum(phase / opening, 1)
    fall = np.clip((phase - opening) / closing, 0, 1)
    flow: Floats = 3 * rise**2 - 2 * rise**3 - fall**2
    return flow


def _tilt(source: Floats, loss: float) -> Floats:
    """One-pole low-pass with unit gain at 0 Hz and a loss in dB, above 0, at 3 kHz."""
    gain = 10 ** (-loss / 10)
    q = (1 - gain * math.cos(2 * math.pi * TILT_HZ / SAMPLE_RATE)) / (1 - gain)
    pole = q - math.sqrt(q * q - 1)
    return np.asarray(lfilter([1 - pole], [1, -pole], source))
