"""Margins and miners from their configuration."""

from speakertrip.config.losses import (
    BatchHardConfig,
    DrawnConfig,
    EverythingConfig,
    HardestShareConfig,
    HardestSpeakersConfig,
    MarginConfig,
    MinerConfig,
    RampMarginConfig,
)
from speakertrip.losses.margins import AdaptiveMargin, ConstantMargin, CosineMargin, LinearMargin, Margin
from speakertrip.miners import (
    BatchHard,
    DistanceWeighted,
    Everything,
    HardestShare,
    HardestSpeakers,
    Miner,
    Random,
    SemiHard,
)


def build_margin(config: MarginConfig) -> Margin:
    """Build a margin schedule; an adaptive one begins at its start."""
    if isinstance(config, RampMarginConfig):
        ramp = LinearMargin if config.kind == "linear" else CosineMargin
        return ramp(config.start, config.end, config.steps)
    if config.kind == "adaptive":
        return AdaptiveMargin(config.start, config.target, config.rate, config.lowest, config.highest)
    return ConstantMargin(config.value)


def build_miner(config: MinerConfig, margin: float, seed: int, step: int, eased: int = 0) -> Miner:
    """Build the miner of a step, so that what it draws is a function of seed and step alone.

    Args:
        config: which miner.
        margin: of the loss at this step, within which semi-hard negatives lie.
        seed: of miners that draw.
        step: counted from 1.
        eased: how many times the difficulty was lowered; beyond the easiest it stays there.
    """
    miner = _build(config, margin, seed, step)
    for _ in range(eased):
        miner = miner.easier() or miner
    return miner


def _build(config: MinerConfig, margin: float, seed: int, step: int) -> Miner:
    if isinstance(config, EverythingConfig):
        return Everything()
    if isinstance(config, HardestShareConfig):
        return HardestShare(config.share)
    if isinstance(config, HardestSpeakersConfig):
        return HardestSpeakers(config.k)
    if isinstance(config, BatchHardConfig):
        return BatchHard()
    if isinstance(config, DrawnConfig):
        draw = Random if config.kind == "random" else DistanceWeighted
        return draw(config.count, seed, start=step)
    return SemiHard(margin)
