import hashlib
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.enrollment.profiles.origin import Origin
from speakertrip.manifests import Utterance

seconds = st.floats(0, 1e6).map(lambda number: number or 0.0)
names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
origins = st.builds(
    Origin,
    names.map(lambda name: Path("/audio", name.replace("/", "_"), "a.wav")),
    seconds,
    st.none() | st.floats(1e-6, 1e6),
    st.none() | st.tuples(st.integers(0, 2**40), st.integers(1, 2**40)),
)


@given(origins)
def test_what_is_written_is_read_back(origin):
    assert Origin.parse(str(origin)) == origin


@pytest.mark.parametrize(
    "text",
    [
        "/audio/a.wav", "/audio/take#2.wav", "/audio/a.wav#", "/audio/a.wav#start=", "/audio/a.wav#start=1e",
        "Standard input", "/audio/a.wav#duration=1&start=2", "#start=1.0",
    ],
)  # fmt: skip
def test_any_other_text_is_a_path(text):
    origin = Origin.parse(text)
    assert (origin.start, origin.duration, origin.span) == (0.0, None, None)
    assert origin.path == Path(text) or text.endswith("#")


def test_a_file_of_that_very_name_is_meant(tmp_path):
    text = str(tmp_path / "a.wav#start=1.0")
    assert Origin.parse(text).start == 1.0
    Path(text).write_bytes(b"")
    assert Origin.parse(text) == Origin(Path(text))


@pytest.fixture
def file(tmp_path, speech_like) -> Path:
    soundfile.write(tmp_path / "a.wav", speech_like(2.0, 0), 16_000)
    return tmp_path / "a.wav"


@pytest.mark.parametrize(
    ("start", "duration", "whole"),
    [(0.0, None, True), (0.0, 2.0, True), (0.0, 1.995, True), (0.0, 5.0, True), (0.0, 1.9, False),
     (0.5, None, False), (0.5, 1.5, False)],
)  # fmt: skip
def test_the_whole_of_a_file_is_no_stretch(file, start, duration, whole):
    origin = Origin.of(Utterance("a", file, "s", start=start, duration=duration))
    plain = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (str(origin) == str(file)) == (origin.sha256() == plain) == whole
    assert Origin.parse(str(origin)).sha256() == origin.sha256()


def test_stretches_of_one_file_are_different_utterances(file):
    stretches = [(0.0, 1.0), (1.0, 1.0), (1.0, None), (0.5, 1.0)]
    origins = [Origin.of(Utterance("a", file, "s", start=s, duration=d)) for s, d in stretches]
    assert len({origin.sha256() for origin in origins}) == len({str(origin) for origin in origins}) == 4


def test_a_file_in_a_shard_is_that_file(file, tmp_path):
    content = file.read_bytes()
    (tmp_path / "shard.tar").write_bytes(b"x" * 512 + content + b"y" * 99)
    span = Utterance("a", tmp_path / "shard.tar", "s", duration=2.0, span=(512, len(content)))
    origin = Origin.of(span)
    assert origin.sha256() == hashlib.sha256(content).hexdigest()
    assert str(origin).endswith(f"shard.tar#span=512,{len(content)}")
    assert Origin.parse(str(origin)) == origin
