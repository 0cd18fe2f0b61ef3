"""Miners choose which others each anchor sees. A miner returns sets of indices and knows no loss."""

from speakertrip.miners.drawn import DistanceWeighted, Random
from speakertrip.miners.everything import Everything
from speakertrip.miners.hardest import BatchHard, HardestShare, HardestSpeakers
from speakertrip.miners.memory import EmbeddingMemory
from speakertrip.miners.semi_hard import SemiHard
from speakertrip.miners.sets import BandSets, Miner, RowSets, SpeakerSets, TripletSets

__all__ = [
    "BandSets",
    "BatchHard",
    "DistanceWeighted",
    "EmbeddingMemory",
    "Everything",
    "HardestShare",
    "HardestSpeakers",
    "Miner",
    "Random",
    "RowSets",
    "SemiHard",
    "SpeakerSets",
    "TripletSets",
]
