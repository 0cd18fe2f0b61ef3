from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.errors import DataError
from speakertrip.manifests import Trials, read_enrollment_map, read_manifest, read_trials, write_trials
from speakertrip.manifests.lines import is_listable
from speakertrip.manifests.trials import separator

EXAMPLE = Path(__file__).parents[2] / "manifests" / "example"

# A last field "target" is taken for the label of the Kaldi form.
ids = st.text(min_size=1).filter(is_listable).filter(lambda id_: id_ not in ("target", "nontarget"))
pairs = st.dictionaries(st.tuples(ids, ids), st.booleans(), min_size=1, max_size=6)


def columns(rows: dict[tuple[str, str], bool]) -> Trials:
    return Trials.of([a for a, _ in rows], [b for _, b in rows], np.array(list(rows.values())))


def assert_same(first: Trials, second: Trials) -> None:
    assert first.enrollments == second.enrollments
    assert first.tests == second.tests
    np.testing.assert_array_equal(first.targets, second.targets)
    assert first.targets.dtype == np.bool_


@given(pairs)
def test_round_trip_in_the_voxceleb_form(scratch, rows):
    write_trials(scratch / "trials.txt", columns(rows))
    assert_same(read_trials(scratch / "trials.txt"), columns(rows))


@given(pairs)
def test_the_kaldi_form(scratch, rows):
    sep = separator(*zip(*rows, strict=True))
    lines = [f"{a}{sep}{b}{sep}{'target' if same else 'nontarget'}\n" for (a, b), same in rows.items()]
    (scratch / "kaldi.txt").write_text("".join(lines), newline="\n")
    assert_same(read_trials(scratch / "kaldi.txt"), columns(rows))


@given(
    st.text()
    | st.lists(st.sampled_from(["1", "0", "a", "target", "nontarget", " ", "\t", "\n"])).map("".join)
)
def test_any_text_is_a_trial_list_or_a_data_error(scratch, text):
    path = scratch / "text.txt"
    path.write_text(text)
    for read in (read_trials, read_enrollment_map):
        with suppress(DataError):
            read(path)


def test_voxceleb_line(tmp_path):
    path = tmp_path / "veri_test.txt"
    path.write_text("1 id10270/x6uYqmx31kE/00001.wav id10270/8jEAjG6SegY/00008.wav\n")
    trials = read_trials(path)
    assert trials.enrollments == ["id10270/x6uYqmx31kE/00001.wav"]
    assert trials.tests == ["id10270/8jEAjG6SegY/00008.wav"]
    assert trials.targets.tolist() == [True]
    assert len(trials) == 1
    write_trials(tmp_path / "copy.txt", trials)
    assert (tmp_path / "copy.txt").read_bytes() == path.read_bytes()


def test_a_pair_may_come_twice(tmp_path):
    path = tmp_path / "trials.txt"
    path.write_text("1 a b\n0 b a\n1 a b\n")
    assert read_trials(path).targets.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 a b\n1 a\n", "line 2: a trial has 3 fields, this line has 2"),
        ("1 a b c\n", "line 1: a trial has 3 fields, this line has 4"),
        ("1 my file.wav b\n", "line 1: a trial has 3 fields, this line has 4"),
        ("1\ta\t\n", "line 1: a trial has 3 fields"),
        ("1 a b\na b target\n", "line 2: 'a' is no label"),
        ("a b target\n1 a b\n", "line 2: 'b' is no label"),
        ("2 a b\n", "line 1: '2' is no label"),
        ("true a b\n", "line 1: 'true' is no label"),
        ("1 a b\n0 a b\n", "line 2: a and b stood above with the other label"),
        ("# nothing\n", "holds no trial"),
    ],
)
def test_bad_lists(tmp_path, text, message):
    path = tmp_path / "trials.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_trials(path)


@pytest.mark.parametrize("id_", ["", "a\tb", "a\nb", " a", "#a"])
def test_ids_that_would_not_be_read_back_are_not_written(tmp_path, id_):
    with pytest.raises(DataError, match="cannot stand in a list"):
        write_trials(tmp_path / "trials.txt", Trials.of(["a"], [id_], np.array([True])))
    assert list(tmp_path.iterdir()) == []


def test_tabs_stand_only_where_an_id_holds_white_space():
    assert separator(["a", "b"], ["c"]) == " "
    assert separator(["a", "b"], ["c d"]) == "\t"
    assert separator(["a\u3000b"]) == "\t"


def test_enrollment_map(tmp_path):
    path = tmp_path / "map.txt"
    path.write_text("m1 a b c\n# comment\nm 2\ta b\tc\n")
    assert read_enrollment_map(path) == {"m1": ["a", "b", "c"], "m 2": ["a b", "c"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m1 a\nm2\n", "line 2: expected 'model utterance"),
        ("m1\ta\t\n", "line 1: expected 'model utterance"),
        ("m1 a\nm1 b\n", "line 2: the model 'm1' stands on an earlier line"),
    ],
)
def test_bad_maps(tmp_path, text, message):
    path = tmp_path / "map.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_enrollment_map(path)


def test_example():
    trials = read_trials(EXAMPLE / "trials.txt")
    speakers = {row.id: row.speaker for row in read_manifest(EXAMPLE / "manifest.jsonl")}
    same = [speakers[a] == speakers[b] for a, b in zip(trials.enrollments, trials.tests, strict=True)]
    assert trials.targets.tolist() == same == [True, True, False, False]
