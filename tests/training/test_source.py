from dataclasses import replace

import numpy as np
import pytest
import soundfile

from speakertrip.audio import load_waveform
from speakertrip.corpora.shards import write_shards
from speakertrip.errors import AudioError
from speakertrip.manifests import Utterance
from speakertrip.training.source import FileSource, MemorySource, open_source


def test_memory_and_files_serve_the_same_samples(utterances):
    counted = []
    memory = open_source(utterances, memory_gib=1, progress=counted.append)
    files = open_source(utterances, memory_gib=0)
    assert isinstance(memory, MemorySource)
    assert isinstance(files, FileSource)
    assert sum(counted) == len(utterances)
    assert list(memory.lengths) == list(files.lengths)
    for index in (0, 7):
        whole = load_waveform(utterances[index].path)
        for first, count in ((0, 5_000), (3_000, 4_000), (memory.lengths[index] - 10, 500)):
            expected = whole[first : first + count]
            np.testing.assert_allclose(memory.read(index, first, count), expected, atol=1e-4)
            np.testing.assert_allclose(files.read(index, first, count), expected, atol=1e-4)


def test_a_stretch_of_a_file_is_an_utterance(utterances):
    whole = utterances[0]
    part = Utterance("part", whole.path, whole.speaker, start=0.25, duration=0.5)
    for memory_gib in (1, 0):
        source = open_source([part], memory_gib)
        assert source.lengths[0] == 8_000
        np.testing.assert_allclose(source.read(0, 100, 50), load_waveform(whole.path)[4_100:4_150], atol=1e-4)


def test_a_stretch_ends_where_it_ends(utterances):
    part = Utterance("part", utterances[0].path, "spk1", start=0.25, duration=0.5)
    for memory_gib in (1, 0):
        assert len(open_source([part], memory_gib).read(0, 7_900, 500)) == 100


def test_rounded_durations_give_memory_and_files_the_same_lengths(utterances):
    seconds = len(load_waveform(utterances[0].path)) / 16_000
    rounded = Utterance("rounded", utterances[0].path, "spk1", duration=round(seconds - 0.004, 2))
    sources = [open_source([rounded], memory_gib) for memory_gib in (1, 0)]
    assert [source.lengths[0] for source in sources] == [round(rounded.duration * 16_000)] * 2


def test_shards_state_their_lengths_or_have_their_headers_read(utterances, tmp_path):
    packed = write_shards(utterances[:3], tmp_path / "shards")
    bare = [replace(utterance, duration=None) for utterance in packed]
    for rows in (packed, bare):
        for memory_gib in (1, 0):
            source = open_source(rows, memory_gib)
            for index in range(3):
                whole = load_waveform(utterances[index].path)
                assert source.lengths[index] == len(whole)
                np.testing.assert_allclose(source.read(index, 100, 500), whole[100:600], atol=1e-4)


@pytest.mark.parametrize("peak", [1e-4, 0.5, 30_000.0])
def test_memory_keeps_the_level_of_float_files(tmp_path, peak):
    waveform = (peak * np.sin(np.arange(8_000) / 5)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", waveform, 16_000, subtype="FLOAT")
    source = open_source([Utterance("a", tmp_path / "a.wav", "spk1")], memory_gib=1)
    np.testing.assert_allclose(source.read(0, 0, 8_000), waveform, atol=2e-4 * peak)


def test_lengths_are_read_from_the_headers_where_the_manifest_is_silent(utterances):
    whole = utterances[0]
    bare = Utterance(whole.id, whole.path, whole.speaker)
    assert open_source([bare], memory_gib=0).lengths[0] == len(load_waveform(whole.path))


def test_missing_audio_is_named(tmp_path):
    lost = Utterance("lost", tmp_path / "lost.wav", "spk1", duration=1.0)
    with pytest.raises(AudioError, match=r"lost\.wav"):
        open_source([lost], memory_gib=1)
