import warnings

import numpy as np
import pytest
import soundfile

from speakertrip.audio import (
    AudioBytes,
    find_speech,
    measure_quality,
    read_recording,
    record_utterance,
    resample,
)
from speakertrip.audio.detectors import make_detector
from speakertrip.errors import AudioError, SpeakertripWarning
from speakertrip.manifests import Utterance


@pytest.fixture
def speech(speech_like) -> np.ndarray:
    """Return 3 s of syllables between two pauses of half a second."""
    pause = np.zeros(8_000, np.float32)
    return np.concatenate([pause, speech_like(2.0, 0), pause])


def write(path, waveform):
    soundfile.write(path, waveform, 16_000, subtype="FLOAT")
    return path


def test_a_recording_is_its_waveform_and_its_measures(tmp_path, speech):
    recording = read_recording(write(tmp_path / "a.wav", speech), find_speech)
    assert (recording.source, recording.name) == (tmp_path / "a.wav", str(tmp_path / "a.wav"))
    np.testing.assert_array_equal(recording.waveform, speech)
    assert recording.quality == measure_quality(speech)
    everything = read_recording(tmp_path / "a.wav", make_detector("none")).quality
    assert everything.speech_seconds == everything.seconds == 3.0
    content = AudioBytes((tmp_path / "a.wav").read_bytes(), "Standard input")
    assert read_recording(content, find_speech).name == "Standard input"


def test_an_utterance_is_measured_as_its_stretch(tmp_path, speech):
    path = write(tmp_path / "a.wav", np.concatenate([np.zeros(16_000, np.float32), speech]))
    recording = record_utterance(Utterance("s/1", path, "s", start=1.0, duration=3.0), find_speech)
    np.testing.assert_array_equal(recording.waveform, speech)
    assert (recording.quality, recording.source) == (measure_quality(speech), path)
    with pytest.raises(AudioError, match=r"^Utterance s/2: .*a\.wav is silent"):
        record_utterance(Utterance("s/2", path, "s", duration=1.0), find_speech)


@pytest.mark.parametrize("drive", [4.0, 50.0])
def test_clipping_is_warned_of(tmp_path, speech, drive):
    path = write(tmp_path / "a.wav", np.clip(drive * speech, -1, 1))
    with pytest.warns(SpeakertripWarning, match=r"a\.wav is heavily clipped \(\d+\.\d% of the samples\)"):
        read_recording(path, find_speech)


@pytest.mark.parametrize("snr_db", [3, 6])
def test_noise_is_warned_of(tmp_path, speech, snr_db):
    level = np.sqrt(np.mean(speech[8_000:40_000] ** 2) / 10 ** (snr_db / 10))
    noise = (level * np.random.default_rng(0).standard_normal(len(speech))).astype(np.float32)
    path = write(tmp_path / "a.wav", 0.1 * (speech + noise))
    with pytest.warns(SpeakertripWarning, match=r"a\.wav is very noisy \(speech \d dB above the noise\)"):
        read_recording(path, find_speech)


@pytest.mark.parametrize("drive", [0.01, 1.0, 2.0])
def test_neither_is_warned_of(tmp_path, speech, drive):
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    path = write(tmp_path / "a.wav", drive * (0.98 * speech + noise).clip(-0.5, 0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_recording(path, find_speech)


@pytest.mark.parametrize(
    ("waveform", "message"), [(np.zeros(32_000), "is silent"), (np.ones(3_000), r"lasts 0\.19 s")]
)
def test_what_cannot_be_used(tmp_path, waveform, message):
    with pytest.raises(AudioError, match=rf"a\.wav {message}"):
        read_recording(write(tmp_path / "a.wav", waveform), find_speech)


def test_a_wav_that_was_cut_off_is_warned_of(tmp_path, speech):
    path = write(tmp_path / "a.wav", speech)
    path.write_bytes(path.read_bytes()[:-100_000])
    with pytest.warns(SpeakertripWarning, match=r"a\.wav ends before its header says"):
        assert len(read_recording(path, find_speech).waveform) == len(speech) - 25_000
    flac = tmp_path / "a.flac"
    soundfile.write(flac, speech, 16_000)
    flac.write_bytes(flac.read_bytes()[:-10_000])
    with pytest.raises(AudioError, match=r"a\.flac breaks off"):
        read_recording(flac, find_speech)


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_a_narrow_band_is_warned_of_whatever_the_rate(tmp_path, speech, rate):
    narrow = resample(resample(speech, 16_000, 8_000), 8_000, rate)
    soundfile.write(tmp_path / "a.wav", narrow, rate)
    with pytest.warns(
        SpeakertripWarning, match=r"a\.wav holds nothing above \d\.\d kHz, as from a telephone"
    ):
        read_recording(tmp_path / "a.wav", find_speech)
