"""What the card of a bundle says of its backend."""

from dataclasses import replace

import numpy as np
import pytest

from speakertrip.backend import LDA, Backend, FittedOn, LinearCalibration
from speakertrip.bundle import Calibration
from speakertrip.manifests import Trials

COHORT = np.eye(24, dtype=np.float32)
CALIBRATION = Calibration(threshold=0.25, eer=0.0703, trials=40, targets=8, speakers=6)
LINEAR = LinearCalibration(("score",), np.array([2.0]), -1.0)
ON = FittedOn.of(Trials.of(["a", "b"], ["b", "c"], [True, False]), "list.txt")
BEFORE = (
    "Scores are normalised and calibrated by what was fitted to old.txt (8 trials, 4 target, 4 speakers). What the "
    "card says above of thresholds holds no more; the one at the equal error rate is 0.5000.\n\n"
    "| false alarms |\n|---|\n"
)


@pytest.fixture(scope="module")
def plain(make_bundle):
    return replace(make_bundle(), card="# Speaker encoder\n\nIt is small.\n")


def section(bundle, backend, calibration=CALIBRATION) -> str:
    return bundle.with_backend(backend, calibration).card.split("## Backend\n\n")[1]


def test_it_tells_the_cohort_from_the_list(plain):
    backend = Backend(
        centre=np.zeros(24, np.float32),
        lda=LDA(np.zeros(24, np.float32), COHORT),
        cohort=COHORT,
        norm="as",
        calibration=LINEAR,
        fitted_on=ON,
    )
    assert section(plain, backend).startswith(
        "Scores are made by the cosine.\nFitted to a cohort of other speakers: centring, LDA, as-norm.\n"
        "Fitted to list.txt: the calibration.\n\n"
    )
    said = section(plain, Backend(calibration=LINEAR, fitted_on=ON))
    assert said.startswith("Scores are made by the cosine.\nFitted to list.txt: the calibration.\n\n")


def test_it_says_what_the_bundle_now_errs_by(plain):
    found = CALIBRATION.model_copy(update={"eer_interval": (0.054, 0.0842)})
    said = " ".join(section(plain, Backend(), found).split())
    assert (
        "EER 7.03 % [5.40, 8.42] (95 % interval over speakers) on the 40 trials (8 target, 6 speakers)"
        in said
    )
    assert "threshold 0.2500" in said
    assert (
        "Error rates and thresholds elsewhere on this card that were measured without this backend hold"
        in said
    )
    assert "EER 7.03 % on the" in section(plain, Backend())


def test_it_is_replaced(plain):
    once = plain.with_backend(Backend(), CALIBRATION)
    other = once.with_backend(Backend(calibration=LINEAR), CALIBRATION.model_copy(update={"threshold": 7.0}))
    assert other.card.count("Backend") == 1
    assert other.card.startswith(f"{plain.card}\n## Backend\n\n")
    assert ("0.2500" in other.card, "7.0000" in other.card) == (False, True)
    assert other.with_backend(Backend(), CALIBRATION).card == once.card


def test_one_of_before_is_too_wherever_it_stands(plain):
    kept = "# A model\n\n## Encoder\n\n### Error rate\n\nLow.\n\n", "### Made\n\nBy a recipe.\n"
    old = replace(plain, card=f"{kept[0]}### Backend\n\n{BEFORE}\n{kept[1]}")
    assert old.with_backend(Backend(), CALIBRATION).card.split("\n## Backend")[0] == "".join(kept)


def test_a_section_of_somebody_else_stays(plain):
    own = replace(plain, card="# A model\n\n## Backend\n\nWe used PLDA.\n")
    assert own.with_backend(Backend(), CALIBRATION).card.startswith(own.card)
