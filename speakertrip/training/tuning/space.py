"""What a trial is: a point of the search, and the configuration that it stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from speakertrip.config import TrainConfig, TripletConfig, TuneSpace
from speakertrip.config.losses import ConstantMarginConfig, HardestShareConfig
from speakertrip.errors import ConfigError

DIGITS = 3  # of a value: more could not be told apart


@dataclass(frozen=True, slots=True)
class Point:
    """Values of the options that are searched.

    Attributes:
        margin: of the triplet loss, constant.
        hard_share: of the nearest negatives.
        speakers: in a batch, P.
        utterances: of each, K.
        lr: learning rate.
    """

    margin: float
    hard_share: float
    speakers: int
    utterances: int
    lr: float

    def drawn(self) -> dict[str, Any]:
        """Return what is drawn of it, by name: P follows from K."""
        return {
            "margin": self.margin,
            "hard_share": self.hard_share,
            "utterances": self.utterances,
            "lr": self.lr,
        }


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """The points that may be tried with a recipe.

    Attributes:
        margin: lowest and highest.
        hard_share: likewise.
        lr: likewise.
        speakers: P for each K that may be tried.
    """

    margin: tuple[float, float]
    hard_share: tuple[float, float]
    lr: tuple[float, float]
    speakers: dict[int, int]

    @classmethod
    def of(cls, recipe: TrainConfig, ranges: TuneSpace, available: int) -> "SearchSpace":
        """Take ranges for a recipe; batches keep its size as nearly as P x K can, so that trials cost alike.

        Args:
            recipe: whose batch size and learning rate the ranges are relative to.
            ranges: what may be tried.
            available: speakers to fill a batch from, each speed factor counted.

        Raises:
            ConfigError: the recipe has another loss than the triplet loss, or a batch cannot be filled.

        Examples:
            >>> SearchSpace.of(TrainConfig(), TuneSpace(lr=(0.5, 2)), available=300)
            SearchSpace(margin=(0.05, 1.5), hard_share=(0.01, 0.5), lr=(0.0005, 0.002), speakers={2: 80, 4: 40, 8: 20})
        """
        if not isinstance(recipe.loss, TripletConfig):
            raise ConfigError(
                f"loss.kind is {recipe.loss.kind!r}: a tune searches margin and hard share of the triplet loss; "
                'begin with kind = "triplet".'
            )
        size = recipe.batch.speakers * recipe.batch.utterances
        speakers = {k: round(size / k) for k in sorted(set(ranges.utterances))}
        for k, p in speakers.items():
            if not 2 <= p <= available:
                raise ConfigError(
                    f"A batch of {size} with {k} utterances of each speaker needs {p} speakers, but a batch has from "
                    f"2 to {available} here; give other utterances by --space, or another size by --set batch.speakers."
                )
        low, high = (recipe.optimizer.lr * end for end in ranges.lr)
        return cls(ranges.margin, ranges.hard_share, (low, high), speakers)

    def point(self, drawn: Mapping[str, Any]) -> Point:
        """Return the point of what was drawn, in ``DIGITS`` digits."""
        margin, share, lr = (float(f"{drawn[name]:.{DIGITS}g}") for name in ("margin", "hard_share", "lr"))
        return Point(margin, share, self.speakers[drawn["utterances"]], drawn["utterances"], lr)

    def recipe_point(self, recipe: TrainConfig) -> Point | None:
        """Return the point that the recipe itself is; None where it is none of this space."""
        loss, batch, lr = recipe.loss, recipe.batch, recipe.optimizer.lr
        if not isinstance(loss, TripletConfig) or not isinstance(loss.miner, HardestShareConfig):
            return None
        if not isinstance(loss.margin, ConstantMarginConfig):
            return None
        point = Point(loss.margin.value, loss.miner.share, batch.speakers, batch.utterances, lr)
        inside = (
            self.margin[0] <= point.margin <= self.margin[1]
            and self.hard_share[0] <= point.hard_share <= self.hard_share[1]
            and self.lr[0] <= lr <= self.lr[1]
            and self.speakers.get(point.utterances) == point.speakers
        )
        return point if inside and place(recipe, point) == recipe else None  # a schedule is no point


def place(recipe: TrainConfig, point: Point) -> TrainConfig:
    """Return the recipe with the values of a point; a margin schedule and another miner give way to them.

    Raises:
        ConfigError: the recipe has another loss than the triplet loss.
    """
    if not isinstance(recipe.loss, TripletConfig):
        raise ConfigError(
            f"loss.kind is {recipe.loss.kind!r}, which has no point; it must be the triplet loss."
        )
    values = {
        "margin": ConstantMarginConfig(kind="constant", value=point.margin),
        "miner": HardestShareConfig(kind="hardest-share", share=point.hard_share),
    }
    batch = {"speakers": point.speakers, "utterances": point.utterances}
    placed = recipe.model_copy(
        update={
            "loss": recipe.loss.model_copy(update=values),
            "batch": recipe.batch.model_copy(update=batch),
            "optimizer": recipe.optimizer.model_copy(update={"lr": point.lr}),
        }
    )
    TrainConfig.model_validate(placed.model_dump())  # a copy checks nothing
    return placed


def shorten(recipe: TrainConfig, steps: int) -> TrainConfig:
    """Return the recipe for fewer (or more) steps, with warm-up, validations and averages in proportion.

    Examples:
        >>> recipe = TrainConfig.model_validate({"optimizer": {"steps": 1000, "warmup_steps": 100}})
        >>> short = shorten(recipe, 60)
        >>> short.optimizer.steps, short.optimizer.warmup_steps, short.validation.every
        (60, 6, 30)
    """
    if steps == recipe.optimizer.steps:
        return recipe
    share = steps / recipe.optimizer.steps
    warmup = min(round(recipe.optimizer.warmup_steps * share), steps - 1)
    optimizer = {"steps": steps, "warmup_steps": warmup}
    validation = {"every": max(1, round(recipe.validation.every * share))}
    average = recipe.average
    if average.kind == "last":
        average = average.model_copy(update={"every": max(1, round(average.every * share))})
    return recipe.model_copy(
        update={
            "optimizer": recipe.optimizer.model_copy(update=optimizer),
            "validation": recipe.validation.model_copy(update=validation),
            "average": average,
        }
    )
