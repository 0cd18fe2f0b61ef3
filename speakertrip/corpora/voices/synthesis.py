"""From a voice, a channel and a generator to an utterance."""

import math

import numpy as np
import numpy.typing as npt

from speakertrip.audio import SAMPLE_RATE
from speakertrip.corpora.voices.channel import Channel, record
from speakertrip.corpora.voices.frames import FRAME
from speakertrip.corpora.voices.glottis import excitation
from speakertrip.corpora.voices.plan import compose
from speakertrip.corpora.voices.tract import cascade, frication
from speakertrip.corpora.voices.voice import BANDWIDTHS, Voice
from speakertrip.errors import UsageError

MIN_SECONDS = 0.3  # of an utterance: enough that the first syllable has begun


def synthesize(
    voice: Voice, channel: Channel, seconds: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Babble: a random sequence of syllables in a voice, recorded over a channel.

    Args:
        voice: who speaks.
        channel: the session.
        seconds: how long, 0.3 or more.
        rng: decides what is said and how; the same state gives the same samples.

    Returns:
        float32 ``(samples,)`` at 16 kHz, its peak at ``channel.level``.

    Raises:
        UsageError: ``seconds`` is less, or not finite.

    References:
        Fant (1960), Acoustic Theory of Speech Production. Rosenberg (1971), Effect of glottal pulse shape on the
        quality of natural vowels, JASA 49. Klatt (1980), Software for a cascade/parallel formant synthesizer,
        JASA 67. Peterson & Barney (1952), Control methods used in a study of the vowels, JASA 24.

    >>> from speakertrip.corpora.voices import draw_channel, draw_voice
    >>> rng = np.random.default_rng(0)
    >>> synthesize(draw_voice(rng), draw_channel(rng), 0.5, rng).shape
    (8000,)
    """
    if not (math.isfinite(seconds) and seconds >= MIN_SECONDS):
        raise UsageError(f"An utterance must last {MIN_SECONDS:g} seconds or more, not {seconds:g}.")
    samples = round(seconds * SAMPLE_RATE)
    plan = compose(voice, math.ceil(samples / FRAME), rng)
    speech = cascade(excitation(voice, plan, rng), plan.formants, BANDWIDTHS * voice.bandwidth_factor)
    speech /= math.sqrt(np.mean(speech**2)) + 1e-12
    speech += frication(voice, plan, rng)
    return record(speech[:samples], channel, rng)
