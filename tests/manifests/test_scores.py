from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.errors import DataError, StorageError
from speakertrip.manifests import Trials, read_scores, write_scores
from speakertrip.manifests.lines import is_listable

ids = st.text(min_size=1).filter(is_listable)
floats32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def trials_of(*pairs: tuple[str, str]) -> Trials:
    return Trials.of([a for a, _ in pairs], [b for _, b in pairs], np.zeros(len(pairs), np.bool_))


THREE = trials_of(("a", "b"), ("a", "c"), ("b", "a"))


@given(st.dictionaries(st.tuples(ids, ids), floats32, min_size=1, max_size=8))
def test_float32_round_trip_is_exact(scratch, rows):
    trials = trials_of(*rows)
    scores = np.array(list(rows.values()), np.float32)
    write_scores(scratch / "scores.txt", trials, scores)
    read = read_scores(scratch / "scores.txt", trials)
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read.astype(np.float32), scores)


@given(st.text() | st.lists(st.sampled_from(["a", "b", "1", "nan", "1e999", " ", "\t", "\n"])).map("".join))
def test_any_text_is_a_score_file_or_a_data_error(scratch, text):
    path = scratch / "text.txt"
    path.write_text(text)
    with suppress(DataError):
        read_scores(path, trials_of(("a", "b")))


def test_order_and_separator_do_not_matter(tmp_path):
    path = tmp_path / "scores.txt"
    path.write_text("b a -3\na\tc\t2.5e0\n# comment\na   b  1\n")
    assert read_scores(path, THREE).tolist() == [1, 2.5, -3]


def test_a_pair_that_comes_twice_in_the_list(tmp_path):
    trials = trials_of(("a", "b"), ("a", "c"), ("a", "b"))
    write_scores(tmp_path / "scores.txt", trials, np.array([0.1, 0.2, 0.1], np.float32))
    np.testing.assert_allclose(read_scores(tmp_path / "scores.txt", trials), [0.1, 0.2, 0.1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b 1\na c\n", "line 2: expected 'enrollment test score'"),
        ("a b 1 2\n", "line 1: expected 'enrollment test score'"),
        ("a b high\n", "line 1: expected 'enrollment test score'"),
        ("a b nan\n", "line 1: the score nan is not finite"),
        ("a b -inf\n", "line 1: the score -inf is not finite"),
        ("a b 1\nb c 1\n", "line 2: b and c are not a trial of the list"),
        ("a b 1\na b 2\n", "line 2: a and b have another score above"),
        ("a b 1\na c 1\n", "no score for the trial b and a"),
        ("", "no score for the trial a and b"),
    ],
)
def test_bad_files(tmp_path, text, message):
    path = tmp_path / "scores.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_scores(path, THREE)


def test_ids_that_would_not_be_read_back_are_not_written(tmp_path):
    with pytest.raises(DataError, match="cannot stand in a list"):
        write_scores(tmp_path / "scores.txt", trials_of(("#1/a.wav", "b")), np.zeros(1, np.float32))


def test_unwritable(tmp_path):
    with pytest.raises(StorageError, match="Cannot write"):
        write_scores(tmp_path, THREE, np.zeros(3, np.float32))


def test_as_many_scores_as_trials(tmp_path):
    with pytest.raises(ValueError, match="zip"):
        write_scores(tmp_path / "scores.txt", THREE, np.zeros(2, np.float32))
    assert list(tmp_path.iterdir()) == []
