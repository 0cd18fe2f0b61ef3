"""The embeddings of a manifest as a folder: it may be killed and run again, and never mixes models or manifests."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from speakertrip.audio.windows import WINDOWING
from speakertrip.backend import unit_rows
from speakertrip.embedding.chunks import Chunk, Chunks
from speakertrip.embedding.embedder import CHUNK, Embedder, load_speech
from speakertrip.embedding.kaldi import remove_kaldi, require_kaldi_names, write_kaldi
from speakertrip.embedding.processes import ALONE, Share
from speakertrip.embedding.state import EMBEDDINGS, IDS, State, claim, found_state, hash_of, refuse_others
from speakertrip.errors import AudioError, StorageError, UsageError, counted
from speakertrip.manifests import Utterance
from speakertrip.manifests.lines import FilePath, write_lines

LOCK = ".embed.lock"  # stays: were it removed, one process could lock it and another the one made after it
FloatArray = npt.NDArray[np.float32]


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
    kaldi: bool = False,
    share: Share = ALONE,
) -> EmbeddedFolder:
    """Write the embeddings of a manifest: ``embeddings.npy`` and, for each of its rows, a line of ``ids.txt``.

    Both get their names when they are whole. Until then what is done is kept beside them, so that a run that was
    killed goes on where it was: with the same number of threads, to the same bytes as if it had not been. A folder
    that is complete is left as it is.

    Several processes may call this at once with a ``share`` each. The bytes are those of one process; what is done
    counts for any number of them. Each returns when all is done: one that waits for another which failed is to be ended
    by whoever started it, as torchrun does.

    Args:
        embedder: the model.
        model: its identity.
        utterances: rows of the manifest, at least one.
        folder: made if need be.
        progress: called with the number of utterances done since the last call, by all processes; in the first only.
        skip_bad: leave out utterances that cannot be used; otherwise the first of them is an error.
        kaldi: write ``xvector.ark`` and ``xvector.scp`` too, also of a folder that is complete.
        share: which of the chunks are for this process.

    Returns:
        What the folder now holds. ``embeddings.npy`` is float32 ``(rows, dim)``, each row of unit length, in the order
        of the manifest.

    Raises:
        AudioError: an utterance cannot be used, or with ``skip_bad`` none of them; the message names it.
        DataError: Kaldi could not name an utterance; in the first process only.
        UsageError: the folder holds embeddings of another model or manifest, or by a version that embeds other parts of
            a recording, or files from elsewhere, or another process is at work there; in the first process only.
        StorageError: it cannot be written.
        SpeakertripError: whoever started this process is gone while it waits for another one.

    Warns:
        SpeakertripWarning: this process has long waited for another one.
    """
    place = Path(folder)
    wanted = State(
        model=model,
        ids=hash_of(utterances),
        dim=embedder.model.embedding_dim,
        device=embedder.device.type,
        windowing=WINDOWING,
        utterances=len(utterances),
    )
    parts = [utterances[begin : begin + CHUNK] for begin in range(0, len(utterances), CHUNK)]
    chunks = Chunks(place, wanted.model_dump_json(), wanted.dim)
    todo = _Todo(embedder, parts, chunks, share, skip_bad)
    if share.leads:
        if kaldi:
            require_kaldi_names(utterances, place)
        state = _lead(place, wanted, todo, progress, kaldi)
    else:
        state = _assist(place, wanted, todo)
    return EmbeddedFolder(len(utterances) - len(state.skipped), state.dim, dict(state.skipped))


@dataclass(frozen=True, slots=True)
class _Todo:
    """What is to be embedded: the utterances by chunks, those that are done, and which are for this process."""

    embedder: Embedder
    parts: Sequence[Sequence[Utterance]]
    chunks: Chunks
    share: Share
    skip_bad: bool

    def embed(self) -> Iterator[int]:
        """Embed chunk after chunk of the share; yields how many utterances were in each."""
        for number in self.share.of(len(self.parts)):
            if number not in self.chunks.done:
                self.chunks.add(number, *_embed(self.embedder, self.parts[number], self.skip_bad))
                yield len(self.parts[number])

    def look(self) -> int:
        """Look for chunks of any process; returns how many utterances were in those that are new."""
        return sum(len(self.parts[number]) for number in self.chunks.look(range(len(self.parts))))


def _lead(place: Path, wanted: State, todo: _Todo, progress: Callable[[int], None], kaldi: bool) -> State:
    """Embed the share of the first process, wait for the others, and write the result."""

    def all_done() -> bool:
        if found := todo.look():
            progress(found)
        return len(todo.chunks.done) == len(todo.parts)

    refuse_others(place)
    with _held(place):
        state = claim(place, wanted)
        if not state.done:
            todo.chunks.begin()
            found = todo.look()
            _refuse_bad(todo.chunks.done.values(), todo.skip_bad)
            progress(found)
            for utterances in todo.embed():
                progress(utterances + todo.look())
            todo.share.wait_for(all_done, "what the other processes embed")
            _refuse_bad(
                todo.chunks.done.values(), todo.skip_bad
            )  # a process of a run before may not have ended
            state = _finish(place, todo, wanted)
        elif state.skipped and not todo.skip_bad:
            raise AudioError(next(iter(state.skipped.values())))
        Chunks.remove(place)
        if kaldi:
            write_kaldi(place)
    return state


def _assist(place: Path, wanted: State, todo: _Todo) -> State:
    """Embed the share of another process, once the first has claimed the folder; what it refuses is its to say."""

    def found() -> State | None:
        try:
            return found_state(place, wanted)
        except UsageError:
            return None

    def begun() -> bool:
        return (state := found()) is not None and (state.done or todo.chunks.begun)

    def finished() -> State | None:
        return state if (state := found()) and state.done else None

    todo.share.wait_for(begun, "process 0 to begin")
    todo.chunks.look(todo.share.of(len(todo.parts)))
    try:
        embedding = todo.embed()
        while not finished() and next(embedding, None):  # another run may finish, and remove the chunks
            pass
    except StorageError:
        if not finished():
            raise
    return todo.share.wait_for(finished, "process 0 to finish")


def _embed(
    embedder: Embedder, utterances: Sequence[Utterance], skip_bad: bool
) -> tuple[FloatArray, dict[str, str]]:
    """Return unit rows, and why an utterance has none."""
    bad: dict[str, str] = {}

    def waveforms() -> Iterator[FloatArray]:
        for utterance in utterances:
            try:
                yield load_speech(utterance)
            except AudioError as error:
                if not skip_bad:
                    raise
                bad[utterance.id] = str(error)

    return unit_rows(embedder.embed(waveforms())), bad  # an iterator: long waveforms are not kept


def _refuse_bad(chunks: Iterable[Chunk], skip_bad: bool) -> None:
    """Refuse to go on without ``skip_bad`` where something was left out before."""
    bad = [text for chunk in chunks for text in chunk.bad.values()]
    if bad and not skip_bad:
        raise AudioError(bad[0])


def _finish(place: Path, todo: _Todo, state: State) -> State:
    chunks, ids = todo.chunks, [utterance.id for part in todo.parts for utterance in part]
    skipped = {id_: text for _, chunk in sorted(chunks.done.items()) for id_, text in chunk.bad.items()}
    if len(skipped) == len(ids):
        raise AudioError(
            f"None of {counted(len(ids), 'utterance')} can be used. The first: {next(iter(skipped.values()))}"
        )
    remove_kaldi(place)
    chunks.write_array(place / EMBEDDINGS)
    write_lines(place / IDS, (id_ for id_ in ids if id_ not in skipped))
    done = state.model_copy(update={"skipped": skipped, "done": True})
    done.write(place)
    return done


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
