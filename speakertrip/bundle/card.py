"""What a model card says of the backend that a bundle was given."""

import re

from speakertrip.backend import Backend
from speakertrip.bundle.calibration import Calibration

# A section that was written here, at whatever level a card holds it now, or by what wrote it before. Up to the next.
OWN = re.compile(
    r"^#{2,6} Backend\n\nScores are (?:made by |normalised and calibrated by ).*?(?=^#{1,6} |\Z)",
    re.MULTILINE | re.DOTALL,
)


def with_backend_section(card: str, backend: Backend, calibration: Calibration) -> str:
    """Return a card that ends with what is known of a backend, and says that of no other.

    Args:
        card: Markdown.
        backend: that makes the scores.
        calibration: their threshold and errors.
    """
    rest = OWN.sub("", card).rstrip()
    tables = calibration.card()
    return f"{rest}\n\n## Backend\n\n{_fitted(backend)}\n\n{_errors(calibration)}\n" + (
        f"\n{tables}" if tables else ""
    )


def _fitted(backend: Backend) -> str:
    """Say which steps make the scores, and what each was fitted to."""
    steps = {"centring": backend.centre, "LDA": backend.lda, "PLDA": backend.plda}
    cohort = [name for name, step in steps.items() if step is not None]
    cohort += [f"{backend.norm}-norm"] if backend.norm else []
    said = [f"Scores are made by {'the cosine' if backend.plda is None else 'PLDA'}."]
    if cohort:
        said.append(f"Fitted to a cohort of other speakers: {', '.join(cohort)}.")
    if backend.calibration is not None:
        trials = backend.fitted_on.name if backend.fitted_on else "the trials below"
        said.append(f"Fitted to {trials}: the calibration.")
    return "\n".join(said)


def _errors(calibration: Calibration) -> str:
    """Say the error rate and threshold, and that others are of other scores."""
    eer = f"{100 * calibration.eer:.2f} %"
    if calibration.eer_interval:
        low, high = (100 * end for end in calibration.eer_interval)
        eer += f" [{low:.2f}, {high:.2f}] (95 % interval over speakers)"
    return (
        f"EER {eer} on the\n{calibration.trials} trials ({calibration.targets} target, {calibration.speakers} "
        f"speakers) that the threshold {calibration.threshold:.4f} was found on: the one at that error rate.\n"
        "Expect somewhat more on others. Error rates and thresholds elsewhere on this card that were measured without "
        "this\nbackend hold no more."
    )
