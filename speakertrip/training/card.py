"""The model card that a bundle carries."""

from collections import Counter
from collections.abc import Sequence

from speakertrip import __version__
from speakertrip.bundle import Calibration
from speakertrip.config import JointConfig, TrainConfig, TripletConfig
from speakertrip.errors import counted
from speakertrip.manifests import Utterance


def model_card(
    config: TrainConfig,
    utterances: Sequence[Utterance],
    step: int,
    calibration: Calibration,
    made_by: str = f"speakertrip {__version__}",
    init: str = "",
) -> str:
    """Describe a model in Markdown: what made it, from what, and how well it does on held-out speakers.

    Args:
        config: of the run.
        utterances: that it was trained on.
        step: at which the weights were taken.
        calibration: of the validation at that step.
        made_by: the package and its version, and its commit where that is known.
        init: what its first weights were taken from.
    """
    corpora = Counter(str(utterance.extra.get("corpus", "unnamed")) for utterance in utterances)
    sources = "\n".join(
        f"- {name}: {counted(count, 'utterance')}, licence: {config.data.licences.get(name, 'not stated')}"
        for name, count in sorted(corpora.items())
    )
    began = (
        f"\nIts encoder began with that of {init}, which was trained before, on data and under licences of its own.\n"
        if init
        else ""
    )
    table = calibration.card()
    others = f"{table}\n" if table else ""
    interval = "[{:.2f}, {:.2f}]".format(*(100 * end for end in calibration.eer_interval or (0.0, 1.0)))
    return f"""# Speaker encoder ({config.encoder.kind})

Trained by {made_by} with {_loss(config)}, {step} of {config.optimizer.steps} steps of
{config.batch.speakers} speakers x {config.batch.utterances} utterances, seed {config.seed}.
{began}
## Data

{len(utterances)} utterances of {len({u.speaker for u in utterances})} speakers.

{sources}

## Error rate

EER {100 * calibration.eer:.2f} % {interval} (95 % interval over speakers) on
{calibration.trials} trials ({calibration.targets} target) among {calibration.speakers} speakers held out of training.
The threshold {calibration.threshold:.4f} is the one at that error rate.

{others}These trials were also used to choose the step and to calibrate the scores, so expect somewhat more on new
speakers, and other rates on other channels: measure yours with `speakertrip evaluate`, and fit a backend to your own
recordings with `speakertrip backend`.

There is no detection of replayed or synthetic speech.
"""


def _loss(config: TrainConfig) -> str:
    loss = config.loss
    if isinstance(loss, JointConfig):
        return f"the loss {loss.softmax.kind} and {loss.weight:g} x {_triplet(loss.triplet)}"
    return _triplet(loss) if isinstance(loss, TripletConfig) else f"the loss {loss.kind}"


def _triplet(loss: TripletConfig) -> str:
    margin, miner = (
        ", ".join(
            f"{key} {value}" for key, value in part.model_dump(exclude_none=True).items() if key != "kind"
        )
        for part in (loss.margin, loss.miner)
    )
    return (
        f"the multi-sample triplet loss (margin: {loss.margin.kind}, {margin}; "
        f"negatives: {loss.miner.kind}{', ' * bool(miner)}{miner})"
    )
