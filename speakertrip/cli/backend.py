"""``speakertrip backend``."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from speakertrip.cli.gathering import gathered
from speakertrip.cli.lists import ListOptions, list_options
from speakertrip.cli.models import DeviceOptions, ModelOptions
from speakertrip.cli.notices import say
from speakertrip.cli.numbers import Prior, Seconds
from speakertrip.cli.options import device_options, model_options, progress_bar

if TYPE_CHECKING:
    from speakertrip.backend import NormKind
    from speakertrip.evaluation import BackendRecipe
    from speakertrip.evaluation.calibrating import Method
    from speakertrip.evaluation.fitting import Quality

QUALITY = click.Choice(["seconds", "magnitude", "cohort"])
# Seconds of speech: from the least that is answered to where more says little more.
LENGTHS = (0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class RecipeOptions:
    """What the options of the steps say; ``BackendRecipe`` names them."""

    centre: bool
    lda: int | None
    plda: bool
    norm: "NormKind | None"
    top: int
    quality: "tuple[Quality, ...]"
    method: "Method"
    p_target: float
    utterances: int
    seed: int

    def recipe(self) -> "BackendRecipe":
        """Return the recipe, each measure of quality once."""
        from speakertrip.evaluation import BackendRecipe

        return BackendRecipe(
            self.centre,
            self.lda,
            self.plda,
            self.norm,
            self.top,
            tuple(dict.fromkeys(self.quality)),
            self.method,
            self.p_target,
            self.utterances,
            self.seed,
        )


@click.command()
@model_options
@list_options
@click.option(
    "--cohort", metavar="MANIFEST", help="Utterances of training speakers, for all steps but calibration."
)
@click.option("--centre", is_flag=True, help="Subtract the cohort's mean.")
@click.option("--lda", type=click.IntRange(1), metavar="DIM", help="Project to so many dimensions.")
@click.option("--plda", is_flag=True, help="Score by PLDA instead of the cosine.")
@click.option("--adapt", metavar="MANIFEST", help="Adapt PLDA to these utterances, of unknown speakers.")
@click.option("--norm", type=click.Choice(["z", "t", "s", "as"]), help="Score norm against the cohort.")
@click.option(
    "--top", type=click.IntRange(1), default=300, show_default=True, help="Cohort scores that count in as."
)
@click.option(
    "--quality", type=QUALITY, multiple=True, help="Measure that the calibration takes too; repeatable."
)
@click.option("--method", type=click.Choice(["linear", "isotonic"]), default="linear", show_default=True)
@click.option(
    "--p-target", type=Prior(), default=0.05, show_default=True,
    help="Prior at which a linear calibration shall be best.",
)  # fmt: skip
@click.option("--cohort-utterances", "utterances", type=click.IntRange(1), default=5, show_default=True,
              help="Of each cohort speaker, at most.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the draw of these.")
@click.option(
    "--lengths", type=Seconds(), metavar="SECONDS,...",
    help="Measure the errors on utterances cut to so much speech, too; or none  [default: 0.5,1,2,4]",
)  # fmt: skip
@click.option("--out", required=True, metavar="BUNDLE", help="Bundle to write.")
@device_options
@gathered(RecipeOptions, "steps")
def backend(
    model: ModelOptions,
    listed: ListOptions,
    cohort: str | None,
    adapt: str | None,
    steps: RecipeOptions,
    lengths: tuple[float, ...] | None,
    out: str,
    device: DeviceOptions,
) -> None:
    """Give a bundle score normalisation and calibration, fitted to a trial list that is not reported later.

    Enrolled speakers stay valid: the embeddings are the same. What the bundle had of these steps is replaced, and
    with it its thresholds: the one at the equal error rate, and those that --far of verify and identify looks up.

    The errors with little speech are measured on the same trials, with both utterances cut to their middle of so much
    speech; the model card shows them, and verify and identify say them of a probe as short, where they are more than on
    whole utterances. A length is left out where too few trials of longer utterances are there: target trials of fewer
    than 10 speakers, or no nontarget trials. With --quality seconds, the calibration is fitted
    to the trials of all lengths, and knows what little speech is worth.
    """
    lists = listed.read_for_audio()
    from speakertrip import evaluation, manifests
    from speakertrip.bundle.source import require_not_shipped
    from speakertrip.metrics import cllr

    require_not_shipped(out)
    recipe = steps.recipe()
    others = manifests.read_manifest(cohort) if cohort else []
    domain = manifests.read_manifest(adapt) if adapt else []
    bundle = model.load()
    embedder = device.embedder(bundle)
    with progress_bar("utterances") as advance:
        fitted = evaluation.fit_backend(
            embedder,
            recipe,
            lists.trials,
            lists.utterances,
            lists.models,
            others,
            domain,
            listed.trials,
            advance,
            LENGTHS if lengths is None else lengths,
        )
    calibration = fitted.calibration(lists.trials, lists.speakers, bundle.held_out)
    bundle.with_backend(fitted.backend, calibration).save(out)
    click.echo(
        f"{out}: threshold {calibration.threshold:.4f}; on the trials that it was fitted on, "
        f"EER {calibration.eer:.2%}, Cllr {cllr(fitted.scores, lists.trials.targets):.4f}"
    )
    measured = {row.seconds for row in calibration.lengths.rows} if calibration.lengths else set()
    if missing := [f"{length:g}" for length in lengths or () if length not in measured]:
        say(
            f"No error rates at {', '.join(missing)} s of speech: too few trials of utterances that hold so much "
            "speech."
        )
