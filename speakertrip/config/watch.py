"""What a run shows of itself, beside its records; nothing of it changes what is learnt."""

from speakertrip.config.frozen import Frozen


class WatchConfig(Frozen):
    """Both are off by default: each needs an extra."""

    pictures: bool = False  # of each validation, in RUN/pictures: the DET curve, and a map of embeddings
    tensorboard: bool = False  # the records, in RUN/tensorboard
