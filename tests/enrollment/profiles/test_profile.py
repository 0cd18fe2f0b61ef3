import unicodedata
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.enrollment import Enrollment, Profile, check_name
from speakertrip.enrollment.profiles.profile import known_name
from speakertrip.errors import UsageError


@pytest.mark.parametrize(
    "name",
    [
        "spk1",
        "Zo\u00eb",
        "\u58f0 \u4e00",
        "'; DROP TABLE speakers;--",
        "../../x",
        "-rf",
        "a" * 200,
        "\U0001f399",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with a joiner
        "\u0915\u094d\u200d\u0937",  # Hindi
        "\U0001f469\u200d\U0001f52c\ufe0f\u200d\U0001f308",
    ],
)
def test_names_are_kept_as_they_are(name):
    assert check_name(name) == name


def test_equal_names_are_equal_text():
    assert check_name("Zoe\u0308") == check_name(" Zo\u00eb ") == "Zo\u00eb"
    assert check_name("\u212b") == check_name("A\u030a") == "\u00c5"


def test_the_length_is_that_of_the_composed_name():
    assert check_name("e\u0308" * 200) == "\u00eb" * 200


@pytest.mark.parametrize("name", ["", "   ", "\t", "a" * 201])
def test_names_of_no_or_too_great_length(name):
    with pytest.raises(UsageError, match="has 1 to 200 characters"):
        check_name(name)


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "a\x1bb", "a\x7fb", "a\x85b"])
def test_control_characters(name):
    with pytest.raises(UsageError, match="no control characters"):
        check_name(name)


@pytest.mark.parametrize("check", [check_name, known_name])
def test_names_that_are_not_utf8(check):
    with pytest.raises(UsageError, match=r"is UTF-8 text, and this is not: 'a.udce9'"):
        check("a\udce9")


@pytest.mark.parametrize(
    "name",
    [
        "ab\u202ecd",
        "ab\u200bcd",
        "\ufeffab",
        "a\u2066b",
        "a\u2028b",
        "a\ufffeb",
        "a\ufdd0",
        "\U0010ffff",
        "\u200da",
        "a\u200c",
        "a\u200d\u200db",
        "\u200d",
    ],
)
def test_names_that_cannot_be_seen_are_not_enrolled(name):
    with pytest.raises(UsageError, match=r"holds no characters that cannot be seen: '[ -~]*'"):
        check_name(name)
    assert known_name(name) == name


@given(st.text())
def test_any_text_is_a_name_or_a_usage_error(name):
    with suppress(UsageError):
        checked = check_name(name)
        assert checked == check_name(checked) == check_name(unicodedata.normalize("NFD", name))
        checked.encode("utf-8")


def test_embeddings_of_a_profile():
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    profile = Profile("spk1", "m", tuple(Enrollment(row, "/a.wav", "00", 1.0) for row in rows))
    np.testing.assert_array_equal(profile.embeddings, rows)
