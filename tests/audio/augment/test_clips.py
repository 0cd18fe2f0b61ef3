import numpy as np
import pytest
import soundfile

from speakertrip.audio.augment.clips import Clips, draw_stretch, list_clips
from speakertrip.errors import AudioError, DataError
from speakertrip.manifests import Utterance, write_manifest


def ids(path):
    return [clip.id for clip in list_clips(path)]


def test_folders_manifests_and_lists_name_clips(clip_folder, tmp_path):
    assert ids(clip_folder / "musan/noise") == [f"free-sound/noise-{index}.wav" for index in range(3)]
    responses = list_clips(clip_folder / "RIRS_NOISES/real_rirs_isotropic_noises/rir_list")
    assert [clip.path.name for clip in responses] == ["room-0.wav", "room-1.wav"]
    assert all(clip.path.is_file() for clip in responses)
    write_manifest(tmp_path / "m.jsonl", list_clips(clip_folder / "musan/music"))
    assert ids(tmp_path / "m.jsonl") == ["jamendo/music-0.wav"]
    soundfile.write(tmp_path / "ein Geräusch.wav", np.zeros(5_000), 16_000)
    (tmp_path / "list").write_text("# by hand\n\nx\tein Geräusch.wav\n", encoding="utf-8")
    assert list_clips(tmp_path / "list")[0].path == tmp_path / "ein Geräusch.wav"


def test_what_names_no_clip(tmp_path):
    with pytest.raises(DataError, match="holds no audio"):
        list_clips(tmp_path)
    with pytest.raises(DataError, match="nothing"):
        list_clips(tmp_path / "nothing")
    with pytest.raises(DataError, match=r"nothing\.jsonl"):
        list_clips(tmp_path / "nothing.jsonl")


def damaged(path):
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


@pytest.mark.parametrize(
    ("harm", "suffix"),
    [
        (lambda path: path.unlink(), "wav"),
        (lambda path: path.write_bytes(b""), "wav"),
        (lambda path: path.write_text("no audio"), "wav"),
        (damaged, "flac"),
        (damaged, "wav"),
    ],
    ids=["missing", "empty", "text", "half a FLAC", "half a WAV"],
)
def test_a_bad_clip_is_named_before_anything_is_drawn(tmp_path, harm, suffix):
    good, bad = tmp_path / f"good.{suffix}", tmp_path / f"bad.{suffix}"
    for path in (good, bad):
        soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 40_000), 16_000)
    duration = None if bad.suffix == ".flac" else 2.5  # a WAV's header is mended while it is read
    harm(bad)
    with pytest.raises(AudioError, match=f"bad.{suffix}"):
        Clips([Utterance("g", good, "s"), Utterance("b", bad, "s", duration=duration)], 0)


def test_an_utterance_beyond_the_end_of_its_file_is_named(clip_folder):
    path = clip_folder / "musan/noise/free-sound/noise-0.wav"
    with pytest.raises(AudioError, match=r"noise-0\.wav"):
        Clips([Utterance("late", path, "s", start=9.0)], 0)


def test_the_shortest_clips_are_kept_within_the_bound(clip_folder):
    utterances = list_clips(clip_folder / "musan/noise")[::-1]  # the longest first: 34,000, 27,000, 20,000
    clips = Clips(utterances, 4 * 47_000)
    assert clips.lengths == [34_000, 27_000, 20_000]
    assert clips.kept_bytes == 4 * 47_000
    for index in range(3):
        clips.read(index, 10, 100)
    assert sorted(clips._kept) == [1, 2]
    assert sum(kept.nbytes for kept in clips._kept.values()) == clips.kept_bytes
    assert Clips(utterances, 4 * 47_000 - 1).kept_bytes == 4 * 20_000
    assert Clips(utterances, 0).kept_bytes == 0


@pytest.mark.parametrize("part", ["noise", "speech"])
def test_what_is_kept_and_what_is_read_by_offset_are_the_same(clip_folder, part):
    utterances = list_clips(clip_folder / "musan" / part)
    kept, read = Clips(utterances, 1e9), Clips(utterances, 0)
    rng = np.random.default_rng(0)
    for _ in range(30):
        index = int(rng.integers(3))
        first, count = int(rng.integers(kept.lengths[index])), int(rng.integers(1, 30_000))
        np.testing.assert_array_equal(kept.read(index, first, count), read.read(index, first, count))
    index, first = 1, kept.lengths[1] - 5
    assert len(read.read(index, first, 100)) == len(kept.read(index, first, 100)) == 5


def test_an_utterance_is_read_from_its_start_to_its_end(clip_folder):
    path = clip_folder / "musan/noise/free-sound/noise-0.wav"
    whole, _ = soundfile.read(path, dtype="float32")
    for memory in (0, 1e9):
        clips = Clips([Utterance("part", path, "s", start=0.25, duration=0.5)], memory)
        assert clips.lengths == [8_000]
        np.testing.assert_array_equal(clips.read(0, 0, 99_999), whole[4_000:12_000])
        np.testing.assert_array_equal(clips.read(0, 7_000, 99_999), whole[11_000:12_000])


def test_other_rates_are_resampled(clip_folder):
    clips = Clips(list_clips(clip_folder / "musan/music"), 0)
    assert clips.lengths == [32_000]
    index, stretch = draw_stretch(clips, 16_000, np.random.default_rng(0))
    assert (index, stretch.shape, stretch.dtype) == (0, (16_000,), np.float32)
    hertz = np.abs(np.fft.rfft(stretch)).argmax()
    assert hertz == pytest.approx(44_100 / 8 / (2 * np.pi), abs=1)


def test_a_channel_or_the_mean_of_all(tmp_path):
    both = np.stack([np.linspace(-0.5, 0.5, 5_000), np.full(5_000, 0.25)], axis=1)
    soundfile.write(tmp_path / "a.wav", both, 16_000, subtype="FLOAT")
    for channel, expected in ((0, both[:, 0]), (1, both[:, 1]), (None, both.mean(axis=1))):
        for memory in (0, 1e9):
            read = Clips(list_clips(tmp_path), memory, channel).read(0, 10, 100)
            np.testing.assert_allclose(read, expected[10:110], atol=1e-7)


def test_a_clip_may_lie_in_a_shard(tmp_path, clip_folder):
    file = clip_folder / "musan/noise/free-sound/noise-0.wav"
    (tmp_path / "shard.tar").write_bytes(b"x" * 512 + file.read_bytes() + b"x" * 99)
    inside = Utterance("n", tmp_path / "shard.tar", "s", span=(512, file.stat().st_size))
    np.testing.assert_array_equal(
        Clips([inside], 0).read(0, 50, 100), Clips([Utterance("n", file, "s")], 0).read(0, 50, 100)
    )


def test_a_short_clip_repeats(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.arange(100) / 200, 16_000)
    clips = Clips(list_clips(tmp_path), 0)
    _, stretch = draw_stretch(clips, 250, np.random.default_rng(0))
    np.testing.assert_array_equal(stretch[:100], stretch[100:200])
    np.testing.assert_array_equal(stretch[:50], stretch[200:])
