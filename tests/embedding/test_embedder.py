import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import soundfile
import torch

from speakertrip.audio.windows import WINDOW, find_windows
from speakertrip.config import XVectorConfig
from speakertrip.embedding import Embedder, load_speech, pick_device
from speakertrip.embedding import embedder as embedder_module
from speakertrip.errors import AudioError, BundleError, UsageError
from speakertrip.manifests import Utterance

SECONDS = (0.5, 1.0, 0.5, 0.7, 1.0, 0.5)
XVECTOR = XVectorConfig(channels=16, pooling_channels=24, embedding_dim=12)


def quiet(seconds: float) -> np.ndarray:
    return 1e-4 * np.random.default_rng(0).standard_normal(round(16_000 * seconds))


@pytest.fixture(scope="module")
def waveforms(speech_like) -> list[np.ndarray]:
    return [speech_like(seconds, seed) for seed, seconds in enumerate(SECONDS)]


@pytest.mark.parametrize("encoder", [None, XVECTOR])
def test_an_embedding_does_not_depend_on_its_neighbours(make_bundle, waveforms, monkeypatch, encoder):
    embedder = Embedder(make_bundle(**({"encoder": encoder} if encoder else {})).model, "cpu")
    alone = np.concatenate([embedder.embed([waveform]) for waveform in waveforms])
    assert alone.dtype == np.float32
    assert alone.shape == (len(waveforms), embedder.model.embedding_dim)
    assert np.linalg.norm(alone[0] - alone[2]) > 1e-3  # those of equal length are not mixed up
    order = [3, 0, 5, 1, 4, 2]
    together = embedder.embed([waveforms[i] for i in order])
    np.testing.assert_allclose(together, alone[order], rtol=1e-5, atol=1e-5)
    monkeypatch.setattr(embedder_module, "BATCH_SAMPLES", 16_000)  # two of half a second fit
    np.testing.assert_allclose(embedder.embed(waveforms), alone, rtol=1e-5, atol=1e-5)


def test_long_audio_is_the_mean_of_its_windows_by_their_speech(embedder, speech_like):
    pause = 1e-3 * np.random.default_rng(0).standard_normal(16_000 * 20)
    long = np.concatenate([speech_like(9.0, 1), pause, speech_like(11.5, 2)]).astype(np.float32)
    found = find_windows(long)
    (alone,) = embedder.embed([long])
    expected = np.zeros(24)
    for start, share in zip(found.starts, found.shares, strict=True):
        expected += share * embedder.embed_whole([long[start : start + WINDOW]], 1)[0]
    assert len(found.starts) > 2
    np.testing.assert_allclose(alone, expected, rtol=1e-5, atol=1e-5)


def test_short_audio_beside_long_audio_is_embedded_as_ever(embedder, waveforms, speech_like, monkeypatch):
    """Bit for bit: those of equal length share the batch that they would share without it."""
    long = [speech_like(seconds, 7) for seconds in (30.1, 45.0)]
    together = embedder.embed(iter([long[0], *waveforms[:3], long[1], *waveforms[3:]]))
    np.testing.assert_array_equal(together[[1, 2, 3, 5, 6, 7]], embedder.embed(waveforms))
    for row, waveform in zip((0, 4), long, strict=True):
        np.testing.assert_array_equal(together[row], embedder.embed([waveform])[0])
    half_a_minute = speech_like(30.0, 7)
    as_one = embedder.model(torch.from_numpy(half_a_minute)[None]).detach().numpy()[0]
    np.testing.assert_array_equal(embedder.embed([half_a_minute])[0], as_one)


def test_long_audio_of_an_iterator_is_not_kept(embedder, speech_like):
    long, made = speech_like(31.0), []

    def load():
        for gain in (0.5, 0.7, 0.9, 1.0):
            waveform = gain * long
            made.append(weakref.ref(waveform))
            yield waveform
            del waveform
            assert sum(each() is not None for each in made) <= 1

    assert embedder.embed(load()).shape == (4, 24)


def test_long_silence_is_refused_as_ever(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000 * 40), 16_000)
    with pytest.raises(AudioError, match="silent"):
        load_speech(Utterance("u1", tmp_path / "a.wav", "s"))


@pytest.mark.parametrize("gain", [0.01, 0.5, 40.0])
def test_gain_does_not_matter(embedder, waveforms, gain):
    louder = embedder.embed([np.float32(gain) * waveform for waveform in waveforms])
    np.testing.assert_allclose(louder, embedder.embed(waveforms), rtol=1e-3, atol=1e-4)


def test_a_model_in_training_is_evaluated_as_it_will_be_used(embedder, waveforms):
    before = embedder.embed(waveforms)
    embedder.model.train()
    np.testing.assert_array_equal(embedder.embed(waveforms), before)


def test_nothing_gives_nothing(embedder):
    assert embedder.embed([]).shape == embedder.embed_utterances([]).shape == (0, 24)


@pytest.mark.parametrize(
    ("threads", "seconds", "pause", "used"),
    [
        (None, 1, 0, 1),
        (None, 2, 8, 1),
        (None, 2, 29, 3),
        (None, 31, 0, 3),
        (2, 1, 0, 2),
        (2, 2, 8, 2),
        (2, 31, 0, 2),
    ],
)
def test_threads(make_bundle, speech_like, monkeypatch, threads, seconds, pause, used):
    """Also where a recording is short, and in windows for its pause."""
    model, seen = make_bundle().model, []
    waveform = np.insert(speech_like(seconds), 8_000 * seconds, quiet(pause))
    embedder = Embedder(model, "cpu", threads)

    def forward(waveforms):
        seen.append(torch.get_num_threads())
        if fail:
            raise RuntimeError("no memory")
        return torch.ones(len(waveforms), 24)

    monkeypatch.setattr(model, "forward", forward)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        fail = False
        embedder.embed([waveform])
        assert torch.get_num_threads() == 3
        fail = True
        with pytest.raises(RuntimeError, match="no memory"):
            embedder.embed([waveform])
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert seen == [used, used]


def test_calls_that_overlap_leave_the_number_of_threads_as_it_was(make_bundle, monkeypatch):
    """The second call begins within the first and ends after it."""
    model, seen = make_bundle().model, []
    first_began, second_began, first_ended = Event(), Event(), Event()
    embedder = Embedder(model, "cpu")

    def forward(waveforms):
        seconds = waveforms.shape[1] // 16_000
        if seconds == 1:
            first_began.set()
            assert second_began.wait(10)
        else:
            second_began.set()
            assert first_ended.wait(10)
        seen.append((seconds, torch.get_num_threads()))
        return torch.ones(len(waveforms), 24)

    def call(seconds, ended):
        embedder.embed([np.ones(16_000 * seconds, np.float32)])
        ended.set()
        return torch.get_num_threads()

    monkeypatch.setattr(model, "forward", forward)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(call, 1, first_ended)
            assert first_began.wait(10)
            second = pool.submit(call, 31, Event())
            assert (first.result(), second.result()) == (3, 3)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 3  # in a thread that begins later
    finally:
        torch.set_num_threads(before)
    assert seen == [(1, 1), (WINDOW // 16_000, 3)]  # the second in windows


def test_embeddings_that_are_not_finite_are_refused(make_bundle, waveforms):
    model = make_bundle().model
    with torch.no_grad():
        next(model.encoder.parameters()).fill_(3e38)  # finite, but not what comes of it
    with pytest.raises(BundleError, match="not finite"):
        Embedder(model, "cpu").embed(waveforms)


def test_utterances(tmp_path, embedder, speech_like, monkeypatch):
    wave = speech_like(2.0, 0)
    soundfile.write(tmp_path / "a.wav", wave, 16_000, subtype="FLOAT")
    rows = [
        Utterance("whole", tmp_path / "a.wav", "s"),
        Utterance("part", tmp_path / "a.wav", "s", start=0.5, duration=1.0),
        Utterance("again", tmp_path / "a.wav", "s"),
    ]
    monkeypatch.setattr(embedder_module, "CHUNK", 2)
    done: list[int] = []
    embeddings = embedder.embed_utterances(rows, done.append)
    assert done == [2, 1]
    np.testing.assert_allclose(
        embeddings, embedder.embed([wave, wave[8000:24000], wave]), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("seconds", [0, 0.39, None])
def test_an_utterance_that_cannot_be_used_is_named(tmp_path, seconds):
    path = tmp_path / "a.wav"
    if seconds is not None:
        soundfile.write(path, np.full(round(16_000 * seconds), 0.5, np.float32), 16_000)
    with pytest.raises(AudioError, match=r"^Utterance u1: .*a\.wav"):
        load_speech(Utterance("u1", Path(path), "s"))


@pytest.mark.parametrize("name", ["tpu", "", "cuda:99", "cpu "])
def test_unknown_devices(make_bundle, name):
    with pytest.raises(UsageError, match=r"not available here; use one of: cpu"):
        pick_device(name)
    with pytest.raises(UsageError):
        Embedder(make_bundle().model, name)


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError, match=name):
        pick_device(name)
    assert pick_device("auto") == torch.device("cpu")


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_are_positive(make_bundle, threads):
    with pytest.raises(UsageError, match="at least 1"):
        Embedder(make_bundle().model, "cpu", threads)
