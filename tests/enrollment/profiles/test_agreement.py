import numpy as np
import pytest

from speakertrip.backend import Backend
from speakertrip.enrollment import Enrollment, Profile
from speakertrip.enrollment.profiles.agreement import odd_ones, warn_of_odd_ones
from speakertrip.errors import SpeakertripWarning


def voices(rng, own, strangers):
    """Utterances of one speaker around a direction, then some around the opposite one."""
    centre = np.zeros(16)
    centre[0] = 3.0
    noise = rng.standard_normal((own + strangers, 16))
    signs = np.repeat([1.0, -1.0], [own, strangers])
    return (signs[:, None] * centre + 0.5 * noise).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("own", "strangers", "odd"), [(1, 0, []), (5, 0, []), (2, 1, [2]), (4, 1, [4]), (6, 2, [6, 7])]
)
def test_strangers_are_found(seed, own, strangers, odd):
    embeddings = voices(np.random.default_rng(seed), own, strangers)
    assert odd_ones(Backend(), 0.3, embeddings, np.ones(len(embeddings))) == odd


def test_of_two_that_disagree_both_are_named():
    assert odd_ones(Backend(), 0.3, np.array([[1, 0], [0, 1]], np.float32), np.ones(2)) == [0, 1]


def test_a_warning_names_the_file_and_only_new_ones():
    rng = np.random.default_rng(0)
    enrollments = [Enrollment(row, f"/{i}.wav", "", 1.0) for i, row in enumerate(voices(rng, 4, 2))]
    profile = Profile("spk1", "m", tuple(enrollments))
    with pytest.warns(SpeakertripWarning) as seen:
        warn_of_odd_ones(profile, 1, Backend(), 0.3)
    assert [str(each.message) for each in seen] == [
        "/5.wav sounds unlike the other recordings of spk1: is it the same speaker?"
    ]
