import numpy as np
import pytest

from speakertrip.audio.augment import Light, build_augmentation
from speakertrip.audio.augment.clips import Clips, list_clips
from speakertrip.config import AugmentConfig
from speakertrip.errors import AudioError, ConfigError, DataError


def test_without_a_chain_it_is_light():
    assert isinstance(build_augmentation(AugmentConfig(), ".", 0, lambda: None), Light)


def test_every_kind_is_built_in_order(build, tables):
    chain = build(*(table | {"probability": 0.25} for table in tables.values()))
    names = [type(effect).__name__ for effect in chain.effects]
    assert names == [
        *("RecordedNoise", "ColouredNoise", "Babble", "Reverb", "Room", "FileCodec", "FileCodec"),
        *("Telephone", "Telephone", "Telephone", "Band", "Equalize", "Gain"),
    ]
    assert chain.probabilities == [0.25] * len(tables)


def test_babble_without_a_manifest_is_made_of_the_given_voices(build, clip_folder):
    voices = Clips(list_clips(clip_folder / "musan/speech"), 0)
    assert build({"kind": "babble"}, voices=voices).effects[0].voices is voices


@pytest.mark.parametrize(
    ("table", "error", "words"),
    [
        (
            {"kind": "noise", "manifest": "none.jsonl"},
            DataError,
            r"augment\.chain\.1 \(noise\): .*none\.jsonl",
        ),
        ({"kind": "babble", "manifest": "none"}, DataError, r"augment\.chain\.1 \(babble\): .*none"),
        (
            {"kind": "reverb", "manifest": "musan/noise/ANNOTATIONS"},
            AudioError,
            r"chain\.1 \(reverb\): .*audio",
        ),
    ],
)
def test_errors_name_the_effect_and_the_file(build, table, error, words):
    with pytest.raises(error, match=words):
        build({"kind": "gain"}, table)


def test_a_missing_extra_is_named(build, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyroomacoustics", None)
    with pytest.raises(ConfigError, match=r"augment\.chain\.0 \(room\): .*pyroomacoustics"):
        build({"kind": "room"})


def test_the_bound_on_memory_is_shared(build):
    noise = {"kind": "noise", "manifest": "musan/noise"}
    first, second = build(noise, noise, memory_mib=4 * 101_000 / 2**20).effects
    assert first.clips.kept_bytes == 4 * 81_000  # all three
    assert second.clips.kept_bytes == 4 * 20_000  # the one that still fits


def test_relative_paths_start_from_the_folder(build, clip_folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    table = {"kind": "room", "count": 1, "reflections": 1, "cache": "rooms"}
    build(table, folder=tmp_path / "data")
    assert len(list((tmp_path / "data/rooms").iterdir())) == 1
    absolute = {"kind": "noise", "manifest": str(clip_folder / "musan/noise")}
    effect = build(absolute, folder=tmp_path)
    assert effect.transform(np.ones(99, np.float32), np.random.default_rng(0)).shape == (99,)
