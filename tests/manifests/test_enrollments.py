from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.errors import DataError
from speakertrip.manifests import read_enrollment_map, write_enrollment_map
from speakertrip.manifests.lines import is_listable

ids = st.text(min_size=1).filter(is_listable)


@given(st.dictionaries(ids, st.lists(ids, min_size=1, max_size=4, unique=True), min_size=1, max_size=4))
def test_round_trip(scratch, models):
    write_enrollment_map(scratch / "map.txt", models)
    assert read_enrollment_map(scratch / "map.txt") == models


@given(st.text() | st.lists(st.sampled_from(["a", "b", "#", " ", "\t", "\n"])).map("".join))
def test_any_text_is_a_map_or_a_data_error(scratch, text):
    path = scratch / "text.txt"
    path.write_text(text)
    with suppress(DataError):
        read_enrollment_map(path)


def test_enrollment_map(tmp_path):
    path = tmp_path / "map.txt"
    path.write_text("m1 a b c\n# comment\nm 2\ta b\tc\n")
    assert read_enrollment_map(path) == {"m1": ["a", "b", "c"], "m 2": ["a b", "c"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m1 a\nm2\n", "line 2: expected 'model utterance"),
        ("m1\ta\t\n", "line 1: expected 'model utterance"),
        ("# one\nm1 a b a\n", "line 2: the model 'm1' names 'a' twice"),
        ("# one\n", "holds no model"),
        ("m1 a\nm1 b\n", "line 2: the model 'm1' is already on line 1"),
    ],
)
def test_bad_maps(tmp_path, text, message):
    path = tmp_path / "map.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_enrollment_map(path)
