"""The embeddings of a manifest as a folder: it may be killed and run again, and never mixes models or manifests."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout
from pydantic import Field, ValidationError

from speakertrip.backend import unit_rows
from speakertrip.config import Frozen
from speakertrip.embedding.embedder import CHUNK, Embedder, load_speech
from speakertrip.embedding.journal import Chunk, Journal
from speakertrip.errors import AudioError, StorageError, UsageError, counted
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath, write_lines

EMBEDDINGS, IDS, STATE = "embeddings.npy", "ids.txt", "embed.json"
LOCK = ".embed.lock"  # stays: were it removed, one process could lock it and another the one made after it
SHORT = 12  # digits of a hash that is shown
FloatArray = npt.NDArray[np.float32]


class State(Frozen):
    """What ``embed.json`` says of a folder.

    Attributes:
        model: identity of the bundle.
        ids: hash of the ids, in order, and of the stretches of the files that they stand for.
        dim: of an embedding.
        device: which kind of device makes them.
        utterances: of the manifest.
        skipped: why an utterance has no row, by its id; known when all are done.
        done: whether all are.
    """

    format: Literal[1] = 1
    model: str
    ids: str
    dim: int = Field(ge=1)
    device: str
    utterances: int = Field(ge=1)
    skipped: dict[str, str] = Field(default_factory=dict)
    done: bool = False


@dataclass(frozen=True, slots=True)
class EmbeddedFolder:
    """What a folder of embeddings holds.

    Attributes:
        rows: how many embeddings.
        dim: of each.
        skipped: why an utterance has none, by its id.
    """

    rows: int
    dim: int
    skipped: dict[str, str]


def embed_folder(
    embedder: Embedder,
    model: str,
    utterances: Sequence[Utterance],
    folder: FilePath,
    progress: Callable[[int], None] = lambda done: None,
    skip_bad: bool = False,
) -> EmbeddedFolder:
    """Write the embeddings of a manifest: ``embeddings.npy`` and, for each of its rows, a line of ``ids.txt``.

    Both get their names when they are whole. Until then what is done is kept beside them, so that a run that was
    killed goes on where it was: with the same number of threads, to the same bytes as if it had not been. A folder
    that is complete is left as it is.

    Args:
        embedder: the model.
        model: its identity.
        utterances: rows of the manifest, at least one.
        folder: made if need be.
        progress: called with the number of utterances done since the last call.
        skip_bad: leave out utterances that cannot be used; otherwise the first of them is an error.

    Returns:
        What the folder now holds. ``embeddings.npy`` is float32 ``(rows, dim)``, each row of unit length, in the order
        of the manifest.

    Raises:
        AudioError: an utterance cannot be used, or with ``skip_bad`` none of them; the message names it.
        UsageError: the folder holds embeddings of another model or manifest, or files from elsewhere, or another
            process is at work there.
        StorageError: it cannot be written.
    """
    place = Path(folder)
    wanted = State(
        model=model,
        ids=_hash(utterances),
        dim=embedder.model.embedding_dim,
        device=embedder.device.type,
        utterances=len(utterances),
    )
    _refuse_others(place)
    with _held(place):
        state = _claim(place, wanted)
        if not state.done:
            with Journal(place, wanted.dim) as journal:
                _refuse_bad(journal.chunks, skip_bad)
                progress(sum(chunk.utterances for chunk in journal.chunks))
                for begin in range(len(journal.chunks) * CHUNK, len(utterances), CHUNK):
                    chunk = utterances[begin : begin + CHUNK]
                    journal.add(*_embed(embedder, chunk, skip_bad))
                    progress(len(chunk))
                state = _finish(place, journal, utterances, wanted)
        elif state.skipped and not skip_bad:
            raise AudioError(next(iter(state.skipped.values())))
        Journal.remove(place)
    return EmbeddedFolder(len(utterances) - len(state.skipped), state.dim, dict(state.skipped))


def _embed(
    embedder: Embedder, utterances: Sequence[Utterance], skip_bad: bool
) -> tuple[FloatArray, dict[str, str], int]:
    """Return unit rows, why an utterance has none, and how many utterances there were."""
    waveforms, bad = [], {}
    for utterance in utterances:
        try:
            waveforms.append(load_speech(utterance))
        except AudioError as error:
            if not skip_bad:
                raise
            bad[utterance.id] = str(error)
    return unit_rows(embedder.embed(waveforms)), bad, len(utterances)


def _refuse_bad(chunks: Sequence[Chunk], skip_bad: bool) -> None:
    """Refuse to go on without ``skip_bad`` where something was left out before."""
    bad = [text for chunk in chunks for text in chunk.bad.values()]
    if bad and not skip_bad:
        raise AudioError(bad[0])


def _finish(place: Path, journal: Journal, utterances: Sequence[Utterance], state: State) -> State:
    skipped = {id_: text for chunk in journal.chunks for id_, text in chunk.bad.items()}
    if len(skipped) == len(utterances):
        raise AudioError(
            f"None of {counted(len(utterances), 'utterance')} can be used. The first: {next(iter(skipped.values()))}"
        )
    journal.write_array(place / EMBEDDINGS)
    write_lines(place / IDS, (utterance.id for utterance in utterances if utterance.id not in skipped))
    done = state.model_copy(update={"skipped": skipped, "done": True})
    write_lines(place / STATE, [done.model_dump_json(indent=2)])
    return done


def _refuse_others(place: Path) -> None:
    """Refuse a folder that holds what embed did not write, such as a bundle, before anything is written there."""
    try:
        names = {path.name for path in place.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"Cannot write {place}: {error.strerror}.") from None
    others = sorted(
        name for name in names if not name.startswith(".")
    )  # where a run begins, its own are hidden
    if others and not (place / STATE).exists():
        raise UsageError(f"{place / others[0]} is there already, from elsewhere; name another folder.")


def _claim(place: Path, wanted: State) -> State:
    """Return the state of the folder, which is begun if it was not.

    Raises:
        UsageError: what it holds is of something else.
    """
    if not (place / STATE).exists():
        write_lines(place / STATE, [wanted.model_dump_json(indent=2)])
        return wanted
    try:
        found = State.model_validate_json((place / STATE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        raise UsageError(
            f"{place / STATE} cannot be read as a state of embed; name another folder."
        ) from None
    other = None
    if found.model != wanted.model:
        other = f"of another model ({found.model[:SHORT]})"
    elif (found.ids, found.dim) != (wanted.ids, wanted.dim):
        other = "of another manifest"
    elif found.device != wanted.device and not found.done:
        other = f"begun on another device ({found.device})"
    if other:
        raise UsageError(f"{place} holds embeddings {other}; name another folder, or remove it first.")
    whole = (place / EMBEDDINGS).exists() and (place / IDS).exists()
    return found if whole else found.model_copy(update={"skipped": {}, "done": False})


def _hash(utterances: Sequence[Utterance]) -> str:
    sum_ = hashlib.sha256()
    for each in utterances:
        sum_.update(json.dumps([each.id, each.start, each.duration, each.span]).encode() + b"\n")
    return sum_.hexdigest()


@contextmanager
def _held(place: Path) -> Iterator[None]:
    """Hold the folder, which is made, against other processes; where the file system has no locks, trust."""
    lock = FileLock(place / LOCK)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with suppress(NotImplementedError):
            lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(
            f"Another process embeds into {place}; wait for its end, or name another folder."
        ) from None
    except OSError as error:
        raise StorageError(f"Cannot write {place}: {error.strerror}.") from None
    try:
        yield
    finally:
        lock.release()
