from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.errors import DataError, StorageError
from speakertrip.manifests import Trials, read_scores, read_trials, write_scores
from speakertrip.manifests import lines as lines_module
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


def test_the_order_of_voxsrc(tmp_path):
    path = tmp_path / "scores.txt"
    path.write_text("0.503 b a\n\n-1\ta\tb\n2 a c\n")
    assert read_scores(path, THREE).tolist() == [-1, 2, 0.503]


@pytest.mark.parametrize(("text", "score"), [("1 2 3", 3), ("3 1 2", 3), ("2 1 2", 2)])
def test_ids_that_are_numbers(tmp_path, text, score):
    (tmp_path / "scores.txt").write_text(f"{text}\n")
    assert read_scores(tmp_path / "scores.txt", trials_of(("1", "2"))).tolist() == [score]


def test_ids_that_are_numbers_and_fit_both_ways(tmp_path):
    (tmp_path / "scores.txt").write_text("1 2 3\n2 3 0\n")
    assert read_scores(tmp_path / "scores.txt", trials_of(("1", "2"), ("2", "3"))).tolist() == [3, 0]


def test_ids_with_spaces_and_dots_do_not_collide(tmp_path):
    trials = trials_of(("a.b.wav", "a b"), ("a.c.wav", "a b"), ("a.b.wav", "a  b"), ("a", "ä b"))
    write_scores(tmp_path / "scores.txt", trials, np.array([1.0, 2, 3, 4]))
    lines = (tmp_path / "scores.txt").read_text().splitlines()
    (tmp_path / "scores.txt").write_text("\n".join(reversed(lines)))
    assert read_scores(tmp_path / "scores.txt", trials).tolist() == [1, 2, 3, 4]


numbers = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.sampled_from(
    ["1", "+1", "-.5e-3", "1.", "١", "0" * 70 + "1", "1e-400"]
)
names = st.sampled_from(["a", "b.wav", "b.v", "ä", "1", "x y"])


@given(
    st.dictionaries(st.tuples(names, names), numbers, min_size=1, max_size=12),
    st.randoms(use_true_random=False),
    st.booleans(),
    st.integers(1, 60),
    st.integers(0, 3),
)
def test_any_order_in_any_blocks(scratch, rows, random, score_first, block, repeats):
    trials = trials_of(*rows, *list(rows)[:repeats])
    lines = [
        "\t".join((text, *pair) if score_first else (*pair, text))
        for pair, text in zip(
            zip(trials.enrollments, trials.tests, strict=True), [*rows.values()] * 2, strict=False
        )
    ]
    random.shuffle(lines)
    first, last = ("0.5", "z", "z") if score_first else ("z", "z", "0.5"), ("z", "z")
    trials = trials_of(last, *zip(trials.enrollments, trials.tests, strict=True))
    path = scratch / "order.txt"
    path.write_text("\n\n".join(["\t".join(first), *lines]), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "BLOCK", block)
        read = read_scores(path, trials)
    pairs = zip(trials.enrollments[1:], trials.tests[1:], strict=True)
    assert read.tolist() == [0.5, *(float(rows[pair]) for pair in pairs)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b 1\na c\n", "line 2: a score line is 'enrollment test score' or .*, this line has 2: 'a c'"),
        ("a b 1 2\n", "line 1: a score line is .*, this line has 4"),
        ("a b high\n", "line 1: a score line is .*; neither end of this line is a number"),
        ("a b 1\na c high\n", "line 2: 'high' is no number"),
        ("a b 1\n1 a c\n", "line 2: 'c' is no number"),
        ("1 a b\na c 1\n", "line 2: 'a' is no number"),
        ("a b 1\na c 1_0\n", "line 2: '1_0' is no number"),
        ("a b 1\na\tc\t1 2\n", "line 2: '1 2' is no number"),
        ("a b nan\n", "line 1: the score nan is not finite"),
        ("a b -inf\n", "line 1: the score -inf is not finite"),
        ("a b 1\n#\na c 1e999\n", "line 3: the score 1e999 is not finite"),
        ("a b 1\nb c 1\n", "line 2: b and c are not a trial of the list"),
        ("a b 1\n\nb c 1\nc c 1\n", r"line 3: b and c are not a trial of the list \(2 such lines\)"),
        ("a b 1\na d 1\n", "line 2: no trial of the list has the id d"),
        ("a b 1\nb a 1\nc a 1\n", "line 3: c and a are swapped; the list has them the other way round"),
        (
            "a b 1\na c 1\na b 1\nb a 1\n",
            "line 3: a and b stand already on line 1, and the list has them once",
        ),
        ("a b 1\na b 2\n", "line 2: a and b stand already on line 1"),
        ("a b 1\na c 1\n", "scores.txt: no score for the trial b and a.$"),
        ("a b 1\n", r"no score for the trial a and c \(2 trials have none\)"),
        ("", "no score for the trial a and b"),
    ],
)
def test_bad_files(tmp_path, text, message):
    path = tmp_path / "scores.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_scores(path, THREE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b 1\na c 3\na b 2\n", "line 3: a and b have another score on line 1"),
        (
            "a b 1\na b 1\na c 3\na b 1\n",
            "line 4: a and b stand already on line 1, and the list has them 2 times",
        ),
        ("a b 1\na b 1\n", r"no score for the trial a and c \(.*trials.txt, line 3\)"),
    ],
)
def test_bad_files_for_a_list_with_a_pair_twice(tmp_path, text, message):
    (tmp_path / "trials.txt").write_text("# list\n1 a b\n0 a c\n1 a b\n")
    (tmp_path / "scores.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        read_scores(tmp_path / "scores.txt", read_trials(tmp_path / "trials.txt"))


def test_one_line_serves_a_pair_that_the_list_has_twice(tmp_path):
    (tmp_path / "scores.txt").write_text("a c 2\na b 1\n")
    trials = trials_of(("a", "b"), ("a", "c"), ("a", "b"))
    assert read_scores(tmp_path / "scores.txt", trials).tolist() == [1, 2, 1]


def test_ids_that_would_not_be_read_back_are_not_written(tmp_path):
    with pytest.raises(DataError, match="cannot stand in a list"):
        write_scores(tmp_path / "scores.txt", trials_of(("#1/a.wav", "b")), np.zeros(1, np.float32))


def test_unwritable(tmp_path):
    with pytest.raises(StorageError, match="Cannot write"):
        write_scores(tmp_path, THREE, np.zeros(3, np.float32))


def test_as_many_scores_as_trials(tmp_path):
    with pytest.raises(ValueError, match="2 scores do not fit 3 trials"):
        write_scores(tmp_path / "scores.txt", THREE, np.zeros(2, np.float32))
    assert list(tmp_path.iterdir()) == []
