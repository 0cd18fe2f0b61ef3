import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.manifests.objects import parse_object

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)


@given(st.dictionaries(st.text(), VALUES))
def test_what_python_writes_is_read(row):
    assert parse_object(json.dumps(row)) == row


@given(st.lists(st.sampled_from("abcde"), min_size=2))
def test_a_key_that_comes_twice_is_named(keys):
    text = "{" + ", ".join(f'"{key}": 1' for key in keys) + "}"
    repeated = {key for key in keys if keys.count(key) > 1}
    if not repeated:
        assert parse_object(text) == dict.fromkeys(keys, 1)
        return
    with pytest.raises(ValueError, match=r"^the key '.' comes more than once$") as caught:
        parse_object(text)
    assert str(caught.value).split("'")[1] in repeated


@given(st.text())
def test_any_other_text_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"^not (JSON \(.*\)|a JSON object)$"):
        parse_object(text)
