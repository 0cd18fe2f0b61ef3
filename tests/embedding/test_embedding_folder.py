import json
import weakref
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from speakertrip.audio.windows import WINDOWING
from speakertrip.embedding import EmbeddedFolder, embed_folder, folder
from speakertrip.embedding.chunks import CHUNKS, Chunks
from speakertrip.errors import AudioError, StorageError, UsageError
from speakertrip.manifests import Utterance

MODEL = "a1" * 32
SECONDS = (0.5, 0.6, 0.5, 0.7, 0.6, 0.5, 0.8)


@pytest.fixture(autouse=True)
def chunks(monkeypatch):
    monkeypatch.setattr(folder, "CHUNK", 2)


@pytest.fixture(scope="module")
def utterances(scratch, write_speech) -> list[Utterance]:
    return [
        Utterance(f"s/{seed} x.wav", write_speech(scratch / f"{seed}.wav", seed, seconds), "s")
        for seed, seconds in enumerate(SECONDS)
    ]


@pytest.fixture(scope="module")
def bad(utterances, scratch) -> list[Utterance]:
    """Return the utterances with two among them that cannot be used, both of one chunk."""
    (scratch / "text.wav").write_text("This is no audio.\n")
    rest = [Utterance(f"bad/{name}", scratch / name, "s") for name in ("text.wav", "absent.wav")]
    return [*utterances[:2], *rest, *utterances[2:]]


def content(place: Path) -> dict[str, bytes]:
    files = [path for path in place.rglob("*") if path.is_file() and path.name != ".embed.lock"]
    return {str(path.relative_to(place)): path.read_bytes() for path in files}


class KilledError(Exception):
    """As a kill: nothing in the package catches it."""


def killed_after(count: int):
    done = []

    def progress(utterances: int) -> None:
        done.append(utterances)
        if len(done) > count:
            raise KilledError

    return progress


def test_rows_and_ids(tmp_path, embedder, utterances):
    done = []
    found = embed_folder(embedder, MODEL, utterances, tmp_path / "out", done.append)
    assert found == EmbeddedFolder(7, 24, {})
    assert done == [0, 2, 2, 2, 1]
    rows = np.load(tmp_path / "out" / "embeddings.npy")
    assert (rows.dtype, rows.shape) == (np.dtype("<f4"), (7, 24))
    raw = embedder.embed_utterances(utterances).astype(np.float64)
    np.testing.assert_allclose(rows, raw / np.linalg.norm(raw, axis=1, keepdims=True), atol=1e-6)
    assert (tmp_path / "out" / "ids.txt").read_text() == "".join(f"{each.id}\n" for each in utterances)
    assert set(content(tmp_path / "out")) == {"embeddings.npy", "ids.txt", "embed.json"}


@pytest.mark.parametrize("harm", ["", "half written", "last cut", "all changed", "renamed"])
@pytest.mark.parametrize("chunks_done", range(5))
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, embedder, bad, chunks_done, harm):
    embed_folder(embedder, MODEL, bad, tmp_path / "whole", skip_bad=True)
    place = tmp_path / "killed"
    with pytest.raises(KilledError):
        embed_folder(embedder, MODEL, bad, place, killed_after(chunks_done), skip_bad=True)
    assert not (place / "embeddings.npy").exists()
    (place / CHUNKS).mkdir(exist_ok=True)
    kept = files = sorted((place / CHUNKS).iterdir())
    assert [path.name for path in files] == [str(number) for number in range(chunks_done)]
    if harm == "half written":
        (place / CHUNKS / f".{chunks_done}.99").write_bytes(b"\x01" * 97)
    if harm == "last cut" and files:
        files[-1].write_bytes(files[-1].read_bytes()[:-5])
        kept = files[:-1]
    if harm == "all changed":
        for path in files:
            path.write_bytes(path.read_bytes()[:-1] + b"\x01")
        kept = []
    if harm == "renamed" and files:
        (place / CHUNKS / "4").write_bytes(files[0].read_bytes())
    done = []
    embed_folder(embedder, MODEL, bad, place, done.append, skip_bad=True)
    assert content(place) == content(tmp_path / "whole")
    assert done[0] == min(2 * len(kept), len(bad))
    assert sum(done) == len(bad)


def test_long_waveforms_are_not_kept(tmp_path, monkeypatch, embedder, write_speech):
    long = write_speech(tmp_path / "long.wav", 0, 31.0)
    monkeypatch.setattr(folder, "CHUNK", 8)
    made, alive, load, embed = [], [], folder.load_speech, embedder.embed_whole

    def loaded(utterance):
        waveform = load(utterance)
        made.append(weakref.ref(waveform))
        return waveform

    def embedded(*args):
        alive.append(sum(waveform() is not None for waveform in made))
        return embed(*args)

    monkeypatch.setattr(folder, "load_speech", loaded)
    monkeypatch.setattr(embedder, "embed_whole", embedded)
    rows = [Utterance(f"u{number}", long, "s") for number in range(6)]
    absent = Utterance("absent", tmp_path / "absent.wav", "s")
    found = embed_folder(embedder, MODEL, [*rows, absent], tmp_path / "out", skip_bad=True)
    assert (found.rows, list(found.skipped)) == (6, ["absent"])
    assert max(alive) == 1


def test_chunks_of_something_else_do_not_count(tmp_path, embedder, utterances):
    for place, model in (("other", "b" * 64), ("own", MODEL)):
        with pytest.raises(KilledError):
            embed_folder(embedder, model, utterances, tmp_path / place, killed_after(2))
    for number in "01":
        (tmp_path / "other" / CHUNKS / number).replace(tmp_path / "own" / CHUNKS / number)
    done = []
    embed_folder(embedder, MODEL, utterances, tmp_path / "own", done.append)
    assert done[0] == 0


def test_a_chunk_that_is_damaged_in_the_end_is_made_anew_by_the_next_run(tmp_path, embedder, utterances):
    def damage(utterances: int) -> None:
        if utterances == 1:  # the last one
            (tmp_path / CHUNKS / "0").write_bytes(b"?")

    with pytest.raises(StorageError, match=r"0 is no longer what was found there; run the same again"):
        embed_folder(embedder, MODEL, utterances, tmp_path, damage)
    assert not (tmp_path / "embeddings.npy").exists()
    done = []
    assert embed_folder(embedder, MODEL, utterances, tmp_path, done.append).rows == 7
    assert done == [5, 2]


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_chunk_that_another_process_replaces_is_not_taken_for_the_one_seen(tmp_path, rows):
    (tmp_path / CHUNKS).mkdir()
    own, other = Chunks(tmp_path, "key", 4), Chunks(tmp_path, "key", 4)
    own.add(0, np.ones((2, 4), np.float32), {})
    other.add(0, np.ones((rows, 4), np.float32), {} if rows > 1 else {"u1": "gone"})
    if rows == 2:  # the same once more
        own.write_array(tmp_path / "embeddings.npy")
        assert np.load(tmp_path / "embeddings.npy").shape == (2, 4)
        return
    with pytest.raises(StorageError, match="0 is no longer what was found there"):
        own.write_array(tmp_path / "embeddings.npy")
    assert not (tmp_path / "embeddings.npy").exists()


@pytest.mark.parametrize("name", ["embeddings.npy", "ids.txt", "embed.json"])
def test_a_kill_while_files_get_their_names(tmp_path, monkeypatch, embedder, utterances, name):
    embed_folder(embedder, MODEL, utterances, tmp_path / "whole")
    place, replace, seen = tmp_path / "killed", Path.replace, []

    def killed(path: Path, target: Path) -> Path:
        seen.append(target.name)
        if target.name == name and len(seen) > 1:  # not when the state is written first
            raise KilledError
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KilledError):
            embed_folder(embedder, MODEL, utterances, place)
    done = []
    embed_folder(embedder, MODEL, utterances, place, done.append)
    assert done == [7]
    assert content(place) == content(tmp_path / "whole")


def test_a_complete_folder_is_left_as_it_is(tmp_path, embedder, utterances, bad):
    embed_folder(embedder, MODEL, utterances, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    found = embed_folder(embedder, MODEL, utterances, tmp_path, killed_after(-1))
    assert found == EmbeddedFolder(7, 24, {})
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.name != ".embed.lock"} == {
        path: time for path, time in before.items() if path.name != ".embed.lock"
    }
    (tmp_path / "ids.txt").unlink()
    assert embed_folder(embedder, MODEL, utterances, tmp_path).rows == 7
    assert (tmp_path / "ids.txt").exists()


def test_models_and_manifests_are_not_mixed(tmp_path, embedder, utterances):
    for place, progress in (("whole", lambda done: None), ("begun", killed_after(1))):
        with suppress(KilledError):
            embed_folder(embedder, MODEL, utterances, tmp_path / place, progress)
        before = content(tmp_path / place)
        with pytest.raises(
            UsageError, match=r"holds embeddings of another model \(a1a1a1a1a1a1\); name another"
        ):
            embed_folder(embedder, "b" * 64, utterances, tmp_path / place)
        for others in (
            utterances[:-1],
            utterances[::-1],
            [*utterances[:-1], Utterance(utterances[-1].id, utterances[-1].path, "s", start=0.1)],
        ):
            with pytest.raises(UsageError, match="holds embeddings of another manifest; name another"):
                embed_folder(embedder, MODEL, others, tmp_path / place)
        assert content(tmp_path / place) == before
    state = json.loads((tmp_path / "begun" / "embed.json").read_text())
    (tmp_path / "begun" / "embed.json").write_text(json.dumps(state | {"device": "cuda"}))
    with pytest.raises(UsageError, match=r"begun on another device \(cuda\)"):
        embed_folder(embedder, MODEL, utterances, tmp_path / "begun")
    (tmp_path / "begun" / "embed.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be read as a state"):
        embed_folder(embedder, MODEL, utterances, tmp_path / "begun")


@pytest.mark.parametrize("older", [{"windowing": WINDOWING - 1}, {}])
@pytest.mark.parametrize("whole", [True, False])
def test_versions_that_embed_other_parts_of_a_recording_are_not_mixed(
    tmp_path, embedder, utterances, whole, older
):
    with suppress(KilledError):
        embed_folder(embedder, MODEL, utterances, tmp_path, killed_after(7 if whole else 1))
    state = json.loads((tmp_path / "embed.json").read_text())
    assert (state["done"], state.pop("windowing")) == (whole, WINDOWING)
    (tmp_path / "embed.json").write_text(json.dumps(state | older))
    before = content(tmp_path)
    with pytest.raises(UsageError, match="by another version of speakertrip, which may"):
        embed_folder(embedder, MODEL, utterances, tmp_path)
    assert content(tmp_path) == before


def test_files_from_elsewhere_are_not_replaced(tmp_path, embedder, utterances):
    (tmp_path / "embeddings.npy").write_bytes(b"mine")
    with pytest.raises(UsageError, match="is there already"):
        embed_folder(embedder, MODEL, utterances, tmp_path)
    assert (tmp_path / "embeddings.npy").read_bytes() == b"mine"
    with pytest.raises(StorageError, match="Cannot write"):
        embed_folder(embedder, MODEL, utterances, tmp_path / "embeddings.npy")


def test_one_process_at_a_time(tmp_path, embedder, utterances):
    with FileLock(tmp_path / ".embed.lock"), pytest.raises(UsageError, match="Another process embeds"):
        embed_folder(embedder, MODEL, utterances, tmp_path)
    assert embed_folder(embedder, MODEL, utterances, tmp_path).rows == 7


def test_audio_that_cannot_be_used(tmp_path, embedder, bad, utterances):
    with pytest.raises(AudioError, match=r"^Utterance bad/text\.wav: .* is not audio"):
        embed_folder(embedder, MODEL, bad, tmp_path / "a")
    # What was done before it is not done again.
    done = []
    found = embed_folder(embedder, MODEL, bad, tmp_path / "a", done.append, skip_bad=True)
    assert done[0] == 2
    assert list(found.skipped) == ["bad/text.wav", "bad/absent.wav"]
    assert (tmp_path / "a" / "ids.txt").read_text() == "".join(f"{each.id}\n" for each in utterances)
    assert len(np.load(tmp_path / "a" / "embeddings.npy")) == found.rows == 7
    with pytest.raises(AudioError, match=r"^Utterance bad/text\.wav"):
        embed_folder(embedder, MODEL, bad, tmp_path / "a")
    with pytest.raises(KilledError):
        embed_folder(embedder, MODEL, bad, tmp_path / "b", killed_after(3), skip_bad=True)
    with pytest.raises(AudioError, match=r"^Utterance bad/text\.wav"):
        embed_folder(embedder, MODEL, bad, tmp_path / "b")
    with pytest.raises(AudioError, match=r"None of 2 utterances can be used\. The first: Utterance bad/text"):
        embed_folder(embedder, MODEL, bad[2:4], tmp_path / "c", skip_bad=True)
    assert not (tmp_path / "c" / "embeddings.npy").exists()
