"""A voice from a formula: glottal pulses through the resonances of a vocal tract, recorded over a channel.

The source-filter model (Fant 1960) in the form of Klatt's cascade synthesiser (1980). It makes a test bed for
speaker verification that needs no download: who speaks (``Voice``), on what occasion (``Channel``) and what is
said (the generator) vary apart from each other. It babbles; it does not say words.

    phones ─► plan ─► glottis ─► tract ─► channel
"""

from speakertrip.corpora.voices.channel import Channel, draw_channel
from speakertrip.corpora.voices.synthesis import synthesize
from speakertrip.corpora.voices.voice import Voice, draw_voice

__all__ = ["Channel", "Voice", "draw_channel", "draw_voice", "synthesize"]
