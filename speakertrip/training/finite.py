"""Numbers that are no numbers: which utterances they come from."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from speakertrip.bundle import SpeakerModel
from speakertrip.errors import DivergedError, SamplesError
from speakertrip.manifests import Utterance
from speakertrip.training.processes import from_each

LARGEST = 1e6  # of a sample: full scale is 1, and squares of far larger ones overflow
FAR = 100.0  # times the median norm of a batch's embeddings
NAMED = 5  # utterances in a message
NOTHING = "No utterance of the batch stands out."


class NotFiniteError(DivergedError):
    """The loss of a batch, or its gradient, is not finite."""


@contextmanager
def finite(
    step: int, waveforms: Tensor, model: SpeakerModel, utterances: Callable[[], Sequence[Utterance]]
) -> Iterator[None]:
    """Refuse crops that are no numbers, and name the utterances that a loss that is not finite comes from.

    Args:
        step: of the batch, counted from 1.
        waveforms: ``(batch, samples)``.
        model: that the step within trains.
        utterances: returns those of the rows; asked when something is wrong.

    Raises:
        SamplesError: a crop holds samples that are not finite, or beyond ``LARGEST``.
        DivergedError: what is within raised ``NotFiniteError``.
    """
    low, high = (float(end) for end in torch.aminmax(waveforms))  # NaN where one is NaN
    if not (low >= -LARGEST and high <= LARGEST):
        wrong = ~(waveforms.abs().amax(dim=1) <= LARGEST)
        raise SamplesError(
            f"At step {step} crops hold samples that are not finite or beyond {LARGEST:g} times full scale, of "
            f"{_names(wrong, utterances())}; mend these files, or what augment does to them."
        )
    try:
        yield
    except NotFiniteError as error:
        found = from_each(_blame(model, waveforms, utterances()))  # each process looked at its share
        blamed = " ".join(dict.fromkeys(sentence for sentence in found if sentence != NOTHING))
        raise DivergedError(f"{error} {blamed or NOTHING}") from None


@torch.no_grad()
def _blame(model: SpeakerModel, waveforms: Tensor, utterances: Sequence[Utterance]) -> str:
    """Say which utterances of a batch are to blame, one by one: in training a bad row spoils all others."""
    model.eval()
    device = next(model.parameters()).device
    norms, spoiled = [], []
    for waveform in waveforms:
        features = model.log_mel(waveform[None].to(device))
        spoiled.append(not features.isfinite().all())
        norms.append(model.encoder(features).float().norm())
    sizes = torch.stack(norms).cpu()
    usual = sizes[sizes.isfinite()].median() if sizes.isfinite().any() else sizes.new_tensor(0.0)
    for what, wrong in (
        ("The features are not finite of", torch.tensor(spoiled)),
        ("The embeddings are not finite of", ~sizes.isfinite()),
        (f"The embeddings are over {FAR:g} times longer than the others of", sizes > FAR * usual),
    ):
        if wrong.all():
            return f"{what} all utterances of the batch: the weights are to blame, not the data."
        if wrong.any():
            return f"{what} {_names(wrong, utterances)}: listen to them."
    return NOTHING


def _names(wrong: Tensor, utterances: Sequence[Utterance]) -> str:
    chosen = dict.fromkeys(
        f"{utterance.id} ({utterance.path})"
        for utterance, bad in zip(utterances, wrong.tolist(), strict=True)
        if bad
    )
    more = f" and {len(chosen) - NAMED} more" if len(chosen) > NAMED else ""
    return ", ".join(list(chosen)[:NAMED]) + more
