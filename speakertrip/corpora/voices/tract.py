"""The filter: resonances of the vocal tract, and turbulence where it narrows."""

import math

import numpy as np
from scipy.signal import lfilter

from speakertrip.audio import SAMPLE_RATE
from speakertrip.corpora.voices.frames import FRAME, Floats
from speakertrip.corpora.voices.phones import FRICATIVES
from speakertrip.corpora.voices.plan import Plan
from speakertrip.corpora.voices.voice import Voice


def cascade(source: Floats, formants: Floats, bandwidths: Floats) -> Floats:
    """Klatt's resonators in series, a new set for each frame, their state carried from frame to frame.

    Each is y[n] = A x[n] + B y[n-1] + C y[n-2] with C = -exp(-2πb/r), B = 2 exp(-πb/r) cos(2πf/r) and
    A = 1 - B - C. Their product, a filter with poles alone, is run as one: its state is its last outputs, and
    one call a frame takes a fifth of the time of scipy's ``sosfilt``. (The state that ``sosfilt`` carries is
    scaled by the coefficients of the frame before, and clicks where they change.)

    Args:
        source: ``(frames * FRAME,)``.
        formants: ``(frames, formants)``, hertz.
        bandwidths: ``(formants,)``, hertz.
    """
    radius = np.exp(-np.pi * bandwidths / SAMPLE_RATE)
    middle = -2 * radius * np.cos(2 * np.pi * formants / SAMPLE_RATE)
    order = 2 * len(bandwidths)
    # The zeros beyond the order serve the Hankel matrix below.
    poles = np.zeros((len(formants), 2 * order + 1))
    poles[:, 0] = 1.0
    for index in range(len(bandwidths)):
        once, twice = poles[:, :-1].copy(), poles[:, :-2].copy()
        poles[:, 1:] += middle[:, index, None] * once
        poles[:, 2:] += radius[index] ** 2 * twice
    gains = poles.sum(axis=1)  # 1 at 0 Hz
    lags = np.arange(order)
    from_past = -poles[:, lags[:, None] + lags + 1]  # last outputs, newest first, to the state of lfilter
    past = np.zeros(order)
    output = np.empty_like(source)
    for frame, (gain, pole, to_state) in enumerate(zip(gains, poles[:, : order + 1], from_past, strict=True)):
        stretch = slice(frame * FRAME, (frame + 1) * FRAME)
        output[stretch], _ = lfilter([gain], pole, source[stretch], zi=to_state @ past)
        past = output[stretch][: -order - 1 : -1]
    return output


def frication(voice: Voice, plan: Plan, rng: np.random.Generator) -> Floats:
    """Turbulence at a constriction: noise through one resonance, its level against speech of power 1."""
    output = np.zeros(len(plan.voicing) * FRAME)
    for first, last, row in plan.noises:
        center, bandwidth, level = FRICATIVES[row]
        radius = math.exp(-math.pi * bandwidth / SAMPLE_RATE)
        angle = 2 * math.pi * min(center * voice.tract_factor, 0.47 * SAMPLE_RATE) / SAMPLE_RATE
        noise = rng.normal(size=(last - first) * FRAME) * np.hanning((last - first) * FRAME) ** 0.5
        # A zero at 0 Hz: the constriction radiates no low frequencies.
        noise = np.asarray(lfilter([1, -1], [1, -2 * radius * math.cos(angle), radius**2], noise))
        noise *= 10 ** (level / 20) / (math.sqrt(np.mean(noise**2)) + 1e-12)
        output[first * FRAME : last * FRAME] += noise
    return output
