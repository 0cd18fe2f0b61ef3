"""Reverberation by computed rooms: the image method of pyroomacoustics, of the extra ``augment``."""

import hashlib
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from speakertrip.audio.augment.effect import Note, Waveform, no_note, noted
from speakertrip.audio.augment.reverberation import reverberate
from speakertrip.audio.waveform import SAMPLE_RATE
from speakertrip.config.augment import RoomConfig
from speakertrip.errors import ConfigError, StorageError
from speakertrip.manifests.lines import replacing

HEIGHT = (2.4, 3.5)  # metres, of a ceiling
WALL = 0.3  # metres that the speaker and the microphone keep from the walls
SABINE = 0.161  # seconds per metre: reverberation = 0.161 volume / (surface x absorption)


def room_responses(config: RoomConfig, seed: int, folder: Path | None = None) -> list[Waveform]:
    """Compute the responses of drawn rooms, or read those of an earlier call.

    Args:
        config: how many rooms, and the ranges that they are drawn from.
        seed: draws them; each room follows from the seed and its number alone.
        folder: keeps them in a file for the next call with the same arguments; None: they are not kept.

    Returns:
        For each room, float32 ``(taps,)`` at 16 kHz.

    Raises:
        ConfigError: pyroomacoustics is not installed.
        StorageError: they cannot be kept in the folder.
    """
    options = config.model_dump_json(exclude={"probability", "cache"})
    name = hashlib.sha256(f"{options} {seed}".encode()).hexdigest()[:16]
    file = folder / f"rooms-{name}.npz" if folder else None
    if file and file.exists():
        # A damaged file is made again.
        with suppress(OSError, ValueError, KeyError, zipfile.BadZipFile), file.open("rb") as stream:
            kept = np.load(stream)
            return [kept[str(index)] for index in range(config.count)]
    responses = _compute(config, seed)
    if file:
        _keep(file, responses)
    return responses


class Room:
    """A drawn room of those computed.

    Args:
        responses: of the rooms.
    """

    def __init__(self, responses: Sequence[Waveform]) -> None:
        self.responses = responses

    def transform(self, waveform: Waveform, rng: np.random.Generator, note: Note = no_note) -> Waveform:
        """See ``Effect``."""
        index = int(rng.integers(len(self.responses)))
        wet = reverberate(waveform, self.responses[index])
        return noted(waveform, wet, note, f"reverberation by computed room {index}")


def _compute(config: RoomConfig, seed: int) -> list[Waveform]:
    try:
        from pyroomacoustics import constants
    except ImportError:
        raise ConfigError(
            'An effect of kind = "room" needs pyroomacoustics: install the augment extra, speakertrip[augment].'
        ) from None
    threads = constants.get("num_threads")
    constants.set("num_threads", 1)  # with more, the last digits depend on how many
    try:
        return [_response(config, np.random.default_rng([seed, index])) for index in range(config.count)]
    finally:
        constants.set("num_threads", threads)


def _response(config: RoomConfig, rng: np.random.Generator) -> Waveform:
    from pyroomacoustics import Material, ShoeBox

    sides = np.append(rng.uniform(*config.size, 2), rng.uniform(*HEIGHT))
    surface = 2 * (sides[0] * sides[1] + sides[1] * sides[2] + sides[0] * sides[2])
    absorption = SABINE * sides.prod() / (surface * rng.uniform(*config.reverberation))
    speaker = rng.uniform(WALL, sides - WALL)
    direction = rng.standard_normal(3)
    away = rng.uniform(*config.distance) * direction / np.linalg.norm(direction)
    microphone = np.clip(speaker + away, WALL, sides - WALL)  # nearer where the room is small
    room = ShoeBox(
        sides,
        fs=SAMPLE_RATE,
        materials=Material(min(absorption, 0.99)),  # a large room cannot be as dry as asked
        max_order=config.reflections,
    )
    room.add_source(speaker)
    room.add_microphone(microphone)
    room.compute_rir()
    return np.asarray(room.rir[0][0], np.float32)


def _keep(file: Path, responses: Sequence[Waveform]) -> None:
    try:
        with replacing(file) as temporary, temporary.open("wb") as target:
            np.savez(target, **{str(index): response for index, response in enumerate(responses)})  # type: ignore[arg-type]
    except StorageError as error:
        raise StorageError(f"Cannot keep the room responses in {file.parent}. {error}") from None
