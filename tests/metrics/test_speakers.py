import numpy as np
import pytest

from speakertrip.manifests import Trials
from speakertrip.metrics import speaker_groups


def test_by_manifest():
    trials = Trials.of(["a", "b"], ["c", "a"], np.array([True, False]))
    first, second, count = speaker_groups(trials, {"a": "s1", "b": "s2", "c": "s1"})
    assert count == 2
    assert (first == second).tolist() == [True, False]


def test_without_a_manifest_target_trials_join_ids_in_chains():
    trials = Trials.of(["a", "b", "d", "a"], ["b", "c", "e", "d"], np.array([True, True, True, False]))
    first, second, count = speaker_groups(trials)
    assert count == 2
    assert (first == second).tolist() == [True, True, True, False]


def test_an_unknown_id_is_refused():
    with pytest.raises(KeyError):
        speaker_groups(Trials.of(["a"], ["b"], np.array([True])), {"a": "s1"})


def test_numbers_do_not_depend_on_the_order_of_the_lines():
    pairs = [("d", "e", True), ("a", "b", True), ("b", "c", True), ("a", "d", False), ("f", "a", False)]
    names = {"a": "z", "b": "z", "c": "z", "d": "y", "e": "y", "f": "x"}
    for speakers in (None, names):
        found = []
        for rows in (pairs, pairs[::-1]):
            first, second, targets = zip(*rows, strict=True)
            one, other, count = speaker_groups(Trials.of(first, second, targets), speakers)
            assert count == 3
            found.append(
                dict(zip(zip(first, second, strict=True), zip(one, other, strict=True), strict=True))
            )
        assert found[0] == found[1]
