import numpy as np
import pytest
import soundfile

from speakertrip.audio import audio_of, load_utterance, load_waveform, streams
from speakertrip.errors import AudioError
from speakertrip.manifests import Utterance


@pytest.fixture
def shard(tmp_path, speech_like):
    """A file of three audio files in a row, and where each lies."""
    spans, content = [], b"\0" * 512
    for seed in range(3):
        soundfile.write(tmp_path / f"{seed}.flac", speech_like(1.0, seed), 16_000)
        audio = (tmp_path / f"{seed}.flac").read_bytes()
        spans.append((len(content), len(audio)))
        content += audio + b"\0" * 100
    (tmp_path / "0.tar").write_bytes(content)
    return tmp_path / "0.tar", spans


def test_a_span_is_the_file_that_was_put_there(tmp_path, shard):
    path, spans = shard
    for seed, span in enumerate(spans):
        whole = load_waveform(tmp_path / f"{seed}.flac")
        np.testing.assert_array_equal(load_utterance(Utterance("a", path, "s", span=span)), whole)
        part = Utterance("a", path, "s", start=0.25, duration=0.5, span=span)
        np.testing.assert_array_equal(load_utterance(part), whole[4_000:12_000])
        np.testing.assert_array_equal(load_utterance(part, 0.1, 0.2), whole[5_600:8_800])
        np.testing.assert_array_equal(load_utterance(part, 0.1), whole[5_600:12_000])


def test_without_a_span_it_is_the_file(tmp_path, shard):
    utterance = Utterance("a", tmp_path / "0.flac", "s")
    assert audio_of(utterance) == utterance.path
    np.testing.assert_array_equal(load_utterance(utterance), load_waveform(utterance.path))


def test_only_what_a_crop_needs_is_read(tmp_path, monkeypatch):
    """A minute of PCM in a shard: a second of it is found by its offset, to the bit."""
    whole = np.random.default_rng(0).uniform(-0.5, 0.5, 960_000).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", whole, 16_000, subtype="FLOAT")
    audio = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "0.tar").write_bytes(bytes(512) + audio + bytes(512))
    utterance = Utterance("a", tmp_path / "0.tar", "s", span=(512, len(audio)))
    read = []
    plain = streams.GuardedStream.read
    monkeypatch.setattr(
        streams.GuardedStream, "read", lambda self, size=-1: read.append(plain(self, size)) or read[-1]
    )
    np.testing.assert_array_equal(load_utterance(utterance, 30.0, 1.0), whole[480_000:496_000])
    assert sum(map(len, read)) < 200_000


def test_what_is_wrong_with_a_shard_is_said(tmp_path, shard):
    path, spans = shard
    size = path.stat().st_size
    for span in ((size - 10, 11), (0, 2**40)):
        with pytest.raises(
            AudioError, match=r"0\.tar ends before a in .*0\.tar does; write the shards again"
        ):
            load_utterance(Utterance("a", path, "s", span=span))
    with pytest.raises(AudioError, match=r"Cannot read .*lost\.tar: there is no such file"):
        load_utterance(Utterance("a", tmp_path / "lost.tar", "s", span=spans[0]))
    with pytest.raises(AudioError, match=r"^a in .*0\.tar is not audio"):
        load_utterance(Utterance("a", path, "s", span=(spans[1][0] + 50, spans[1][1])))


@pytest.mark.parametrize("seconds", [0.99, 0.995, 1.0, 1.004])
def test_a_rounded_duration_goes_to_the_end_of_the_file(tmp_path, seconds):
    whole = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", whole, 16_000, subtype="FLOAT")
    utterance = Utterance("a", tmp_path / "a.wav", "s", duration=seconds)
    np.testing.assert_array_equal(load_utterance(utterance), load_waveform(utterance.path))
    part = Utterance("a", tmp_path / "a.wav", "s", start=0.5, duration=seconds - 0.5)
    np.testing.assert_array_equal(load_utterance(part), whole[8_000:])
    assert len(load_utterance(utterance, 0.25, 0.745)) == 11_920  # a stretch that is asked for stays as it is


def test_a_duration_that_is_meant_is_kept(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(16_000, 0.5, np.float32), 16_000)
    assert len(load_utterance(Utterance("a", tmp_path / "a.wav", "s", duration=0.989))) == 15_824
