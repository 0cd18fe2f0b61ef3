import sys

import numpy as np
import pytest

from speakertrip.audio.augment.rooms import room_responses
from speakertrip.config.augment import RoomConfig
from speakertrip.errors import ConfigError, StorageError

SMALL = RoomConfig(kind="room", count=3, reflections=4)


def same(first, second):
    return len(first) == len(second) and all(map(np.array_equal, first, second))


def test_rooms_follow_from_the_seed():
    once = room_responses(SMALL, 1)
    assert len(once) == 3
    assert all(response.dtype == np.float32 for response in once)
    assert same(once, room_responses(SMALL, 1))
    assert not same(once, room_responses(SMALL, 2))
    assert same(once[:2], room_responses(SMALL.model_copy(update={"count": 2}), 1))


def test_rooms_do_not_follow_from_the_number_of_threads():
    from pyroomacoustics import constants

    before = constants.get("num_threads")
    once = room_responses(SMALL, 1)
    assert constants.get("num_threads") == before
    constants.set("num_threads", before + 1)
    try:
        assert same(once, room_responses(SMALL, 1))
    finally:
        constants.set("num_threads", before)


def test_the_direct_path_arrives_as_late_as_the_distance_says():
    config = RoomConfig(kind="room", count=4, reflections=2, size=(7, 8), distance=(1.0, 1.0))
    arrivals = [np.abs(response).argmax() for response in room_responses(config, 0)]
    # pyroomacoustics puts time 0 at the middle of its sinc of 81 taps; walls may have cut the distance.
    latest = 1.0 / 343 * 16_000 + 40
    assert max(arrivals) == pytest.approx(latest, abs=1)
    assert min(arrivals) > 40 + 0.2 * (latest - 40)


def test_a_longer_reverberation_decays_more_slowly():
    def late_share(seconds):
        config = RoomConfig(
            kind="room", count=3, reflections=15, reverberation=(seconds, seconds), size=(4, 5)
        )
        responses = room_responses(config, 3)
        return np.mean([np.sum(r[800:] ** 2) / np.sum(r**2) for r in responses])

    assert late_share(0.6) > 3 * late_share(0.15)


def test_a_folder_keeps_them(tmp_path, monkeypatch):
    made = room_responses(SMALL, 1, tmp_path / "rooms")
    [file] = (tmp_path / "rooms").iterdir()
    monkeypatch.setitem(sys.modules, "pyroomacoustics", None)  # what is kept needs no library
    assert same(made, room_responses(SMALL, 1, tmp_path / "rooms"))
    for other, seed in ((SMALL, 2), (SMALL.model_copy(update={"reflections": 5}), 1)):
        with pytest.raises(ConfigError, match=r"needs pyroomacoustics: .*speakertrip\[augment\]"):
            room_responses(other, seed, tmp_path / "rooms")
    monkeypatch.undo()
    file.write_bytes(file.read_bytes()[:200])
    assert same(made, room_responses(SMALL, 1, tmp_path / "rooms"))


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"Cannot keep the room responses in .*file"):
        room_responses(SMALL, 1, tmp_path / "file")
