import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.audio import AudioHeader, decode, read_header
from speakertrip.corpora.interchange.positions import (
    duration_between,
    exact_times,
    keep_time,
    locate,
    read_headers,
    sample_time,
)
from speakertrip.errors import AudioError, DataError
from speakertrip.manifests import Utterance

rates = st.sampled_from([8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000]) | st.integers(
    1, 10**6
)
samples = st.integers(0, 10**10)
seconds = st.floats(0, 1e5)


@given(samples, rates)
def test_a_time_finds_its_sample_by_either_rule(sample, rate):
    time = sample_time(sample, rate)
    assert int(time * rate) == round(time * rate) == sample
    assert abs(Fraction(time) - Fraction(sample, rate)) <= math.ulp(time)


@given(seconds, rates)
def test_a_kept_time_is_at_the_sample_where_decoding_begins(time, rate):
    kept = keep_time(time, rate)
    assert int(kept * rate) == round(kept * rate) == round(time * rate)
    assert kept == time or int(time * rate) != round(time * rate)


@given(samples, st.integers(1, 10**8), rates)
def test_no_sample_is_lost_between_two_times(first, count, rate):
    start, end = sample_time(first, rate), sample_time(first + count, rate)
    assert round(duration_between(start, end, rate) * rate) == count
    assert duration_between(start, end, rate) == count / rate
    if (first + count) / rate < 1e5:
        assert round(duration_between(start, end, None) * rate) == count


@given(st.decimals(0, 1000, places=3), st.decimals(0, 1000, places=3))
def test_decimals_differ_as_decimals(start, length):
    assert duration_between(float(start), float(start + length), None) == float(Decimal(length))


def test_a_stated_duration_is_kept_where_it_fits():
    assert duration_between(0.0, 12_345 / 44_100, 44_100, 0.279932) == 0.279932
    assert duration_between(0.0, 12_345 / 44_100, 44_100, 4.16) == 12_345 / 44_100


@given(data=st.data())
def test_what_is_located_is_what_is_decoded(audio, data):
    path = data.draw(st.sampled_from(list(audio)))
    row = Utterance(
        "a", path, "s", None, data.draw(st.floats(0, 0.6)), data.draw(st.none() | st.floats(1e-3, 9))
    )
    stretch = locate(row, read_header(path))
    whole = decode(path)[0]
    expected = decode(path, row.start, row.duration)[0]
    assert whole[stretch.first : stretch.stop].tobytes() == expected.tobytes()
    assert stretch.whole == (len(whole) == len(expected))
    start, duration = exact_times(row, stretch)
    assert decode(path, start, duration)[0].tobytes() == expected.tobytes()


def test_what_cannot_be_located():
    header = AudioHeader(sample_rate=8000, duration=1.0, channels=1)
    row = Utterance("a", Path("a.wav"), "s", start=1.0)
    with pytest.raises(DataError, match=r"'a' holds no samples of a.wav from 1 s on"):
        locate(row, header)
    with pytest.raises(DataError, match="holds no samples"):
        locate(Utterance("a", Path("a.wav"), "s", duration=1e-5), header)
    with pytest.raises(ValueError, match="must state its duration and sample rate"):
        locate(row)


def test_each_header_is_read_once(audio, monkeypatch):
    from speakertrip.corpora import folder

    read = []
    monkeypatch.setattr(folder, "read_header", lambda path: read.append(path) or path.name)
    assert read_headers([*audio, *audio]) == {path: path.name for path in audio}
    assert sorted(read) == sorted(audio)


def test_a_header_that_cannot_be_read(tmp_path, audio):
    with pytest.raises(AudioError, match="no such file"):
        read_headers([*audio, tmp_path / "absent.wav"])
