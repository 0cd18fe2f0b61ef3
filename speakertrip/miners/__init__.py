"""Miners choose which others each anchor sees. A miner returns sets of indices and knows no loss."""

from speakertrip.miners.hardest_share import HardestShare
from speakertrip.miners.sets import NegativeSets

__all__ = ["HardestShare", "NegativeSets"]
