"""Margins and miners from their configuration."""

from dataclasses import dataclass

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
from speakertrip.training.schedules import on_the_way


def build_margin(config: MarginConfig) -> Margin:
    """Build a margin schedule; an adaptive one begins at its start."""
    if isinstance(config, RampMarginConfig):
        ramp = LinearMargin if config.kind == "linear" else CosineMargin
        return ramp(config.start, config.end, config.steps)
    if config.kind == "adaptive":
        return AdaptiveMargin(config.start, config.target, config.rate, config.lowest, config.highest)
    return ConstantMargin(config.value)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a miner has to know of the run.

    Attributes:
        step: counted from 1.
        last_step: of the run.
        margin: of the loss at this step, within which semi-hard negatives lie.
        seed: of miners that draw.
    """

    step: int
    last_step: int
    margin: float
    seed: int


def build_miner(config: MinerConfig, moment: Moment, eased: int = 0) -> Miner:
    """Build the miner of a step, so that what it draws is a function of seed and step alone.

    Args:
        config: which miner.
        moment: of the run.
        eased: how many times the difficulty was lowered; beyond the easiest it stays there.
    """
    miner = _build(config, moment)
    for _ in range(eased):
        miner = miner.easier() or miner
    return miner


def _build(config: MinerConfig, moment: Moment) -> Miner:
    if isinstance(config, EverythingConfig):
        return Everything()
    if isinstance(config, HardestShareConfig):
        return HardestShare(on_the_way(config.share, config.final_share, moment.step, moment.last_step))
    if isinstance(config, HardestSpeakersConfig):
        return HardestSpeakers(config.k)
    if isinstance(config, BatchHardConfig):
        return BatchHard()
    if isinstance(config, DrawnConfig):
        draw = Random if config.kind == "random" else DistanceWeighted
        return draw(config.count, moment.seed, start=moment.step)
    return SemiHard(moment.margin)
