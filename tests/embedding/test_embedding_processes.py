import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import torch

from speakertrip.embedding import (
    EmbeddedFolder,
    Share,
    embed_folder,
    folder,
    launched_share,
    processes,
)
from speakertrip.embedding.chunks import CHUNKS, Chunks
from speakertrip.errors import AudioError, SpeakertripError, SpeakertripWarning, StorageError, UsageError
from speakertrip.manifests import Utterance

MODEL = "a1" * 32
VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
GONE = -1  # the id of no launcher: a process that would wait fails


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(folder, "CHUNK", 2)
    monkeypatch.setattr(processes, "POLL", 0.01)
    monkeypatch.setattr(processes, "PATIENCE", 300.0)  # of a busy machine
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def utterances(scratch, write_speech) -> list[Utterance]:
    """Return five chunks, with an utterance in the second and one in the last that cannot be used."""
    good = [write_speech(scratch / f"{seed}.wav", seed, 0.5 + 0.1 * (seed % 3)) for seed in range(7)]
    paths = [*good[:2], scratch / "absent.wav", *good[2:], scratch / "gone.wav"]
    return [Utterance(f"u{number}", path, "s") for number, path in enumerate(paths)]


@pytest.fixture
def whole(embedder, utterances, tmp_path_factory) -> dict[str, bytes]:
    """Return what one process writes."""
    place = tmp_path_factory.mktemp("whole")
    embed_folder(embedder, MODEL, utterances, place, skip_bad=True)
    return content(place)


@pytest.fixture
def together(monkeypatch, embedder, utterances):
    """Return ``together(place, count)``: the folder by threads in place of processes; what each returned, and told."""
    failed = Event()
    monkeypatch.setattr(processes.os, "getppid", lambda: GONE if failed.is_set() else 1)

    def one(place, share, told):
        try:
            return embed_folder(embedder, MODEL, utterances, place, told.append, True, False, share)
        except BaseException:
            failed.set()  # as a launcher does, it ends the others
            raise

    def call(place, count):
        told = [[] for _ in range(count)]
        with ThreadPoolExecutor(count) as pool:
            found = [pool.submit(one, place, Share(rank, count, 1), told[rank]) for rank in range(count)]
        return [each.result() for each in found], told

    return call


def content(place):
    files = [path for path in place.rglob("*") if path.is_file() and path.name != ".embed.lock"]
    return {str(path.relative_to(place)): path.read_bytes() for path in files}


class KilledError(Exception):
    """As a kill: nothing in the package catches it."""


def killed(utterances: int) -> None:
    if utterances:
        raise KilledError


def begin(embedder, utterances, place):
    """Leave the folder as a killed run of three processes may: the first chunk is done, and the third."""
    with pytest.raises(KilledError):
        embed_folder(embedder, MODEL, utterances, place, killed, True, False, Share(0, 3))
    with pytest.raises(SpeakertripError, match="launcher of this process is gone; run the same again"):
        embed_folder(embedder, MODEL, utterances, place, killed, True, False, Share(2, 3, GONE))
    assert sorted(path.name for path in (place / CHUNKS).iterdir()) == ["0", "2"]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_any_number_of_processes_writes_the_same_bytes(tmp_path, together, whole, count):
    found, told = together(tmp_path, count)
    assert content(tmp_path) == whole
    assert set(whole) == {"embeddings.npy", "ids.txt", "embed.json"}
    assert [(each.rows, list(each.skipped)) for each in found] == [(7, ["u2", "u8"])] * count
    assert sum(told[0]) == 9
    assert told[1:] == [[]] * (count - 1)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_another_number_of_processes_goes_on(tmp_path, embedder, utterances, together, whole, count):
    begin(embedder, utterances, tmp_path)
    _, told = together(tmp_path, count)
    assert told[0][0] >= 4  # what is there, and what others add before it looks
    assert sum(told[0]) == 9
    assert content(tmp_path) == whole


@pytest.mark.parametrize("number", [0, 2])
def test_a_damaged_chunk_of_any_process_is_made_anew(tmp_path, embedder, utterances, together, whole, number):
    begin(embedder, utterances, tmp_path)
    (tmp_path / CHUNKS / str(number)).write_bytes(b"?")
    _, told = together(tmp_path, 3)
    assert told[0][0] >= 2
    assert sum(told[0]) == 9
    assert content(tmp_path) == whole


def test_a_complete_folder_is_left_as_it_is(tmp_path, together, embedder, utterances):
    together(tmp_path, 1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.name != ".embed.lock"}
    together(tmp_path, 3)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    alone = embed_folder(embedder, MODEL, utterances, tmp_path, killed, True, False, Share(1, 2, GONE))
    assert isinstance(alone, EmbeddedFolder)  # it waits for nobody


def test_a_bad_utterance_is_told_by_whose_share_it_is_in(tmp_path, embedder, utterances):
    begin(embedder, utterances, tmp_path)
    with pytest.raises(AudioError, match=r"^Utterance u2: "):
        embed_folder(embedder, MODEL, utterances, tmp_path, share=Share(1, 2, GONE))
    assert not (tmp_path / "embeddings.npy").exists()


@pytest.mark.parametrize(
    ("owner", "name", "rank"),
    [(Chunks, "look", 1), (Chunks, "_read", 2), (folder, "_embed", 1), (Chunks, "add", 1)],
)
def test_a_late_process_returns_when_all_is_done(
    tmp_path, monkeypatch, embedder, utterances, whole, owner, name, rank
):
    """The first process of any run finishes, and removes the chunks, just as this one looks, reads or writes."""
    begin(embedder, utterances, tmp_path)
    real, embed, again = getattr(owner, name), folder._embed, []

    def late(*args):
        patch.undo()
        embed_folder(embedder, MODEL, utterances, tmp_path, skip_bad=True)
        patch.setattr(folder, "_embed", lambda *args: again.append(args) or embed(*args))
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, late)
        found = embed_folder(embedder, MODEL, utterances, tmp_path, skip_bad=True, share=Share(rank, 3, GONE))
    assert (found.rows, again) == (7, [])
    assert content(tmp_path) == whole
    assert not (tmp_path / CHUNKS).exists()


def test_another_process_makes_no_chunks_before_the_first_has_begun(
    tmp_path, monkeypatch, embedder, utterances
):
    with monkeypatch.context() as patch:
        patch.setattr(Chunks, "begin", lambda self: killed(1))
        with pytest.raises(KilledError):
            embed_folder(embedder, MODEL, utterances, tmp_path, skip_bad=True)
    with pytest.raises(SpeakertripError, match="launcher of this process is gone"):
        embed_folder(embedder, MODEL, utterances, tmp_path, skip_bad=True, share=Share(1, 2, GONE))
    assert not (tmp_path / CHUNKS).exists()


def test_a_folder_that_is_removed_meanwhile_is_an_error(tmp_path, monkeypatch, embedder, utterances):
    begin(embedder, utterances, tmp_path / "out")
    add = Chunks.add

    def late(*args):
        shutil.rmtree(tmp_path / "out")
        add(*args)

    monkeypatch.setattr(Chunks, "add", late)
    with pytest.raises(StorageError, match="Cannot write"):
        embed_folder(embedder, MODEL, utterances, tmp_path / "out", skip_bad=True, share=Share(1, 2, GONE))
    assert not (tmp_path / "out").exists()


def test_what_a_late_process_leaves_out_is_refused(tmp_path, monkeypatch, embedder, utterances):
    """A process of a killed run with ``skip_bad`` may go on while another run, without, has begun."""
    real = folder._embed

    def embed(*args):
        monkeypatch.setattr(folder, "_embed", real)
        with pytest.raises(SpeakertripError, match="launcher of this process is gone"):
            embed_folder(embedder, MODEL, utterances[:4], tmp_path, skip_bad=True, share=Share(1, 2, GONE))
        return real(*args)

    monkeypatch.setattr(folder, "_embed", embed)
    with pytest.raises(AudioError, match=r"^Utterance u2: "):
        embed_folder(embedder, MODEL, utterances[:4], tmp_path, share=Share(0, 2))
    assert not (tmp_path / "embeddings.npy").exists()


def test_what_the_first_process_refuses_is_its_to_say(tmp_path, embedder, utterances, whole):
    """Another one waits, to be ended by the launcher; here it finds that there is none."""
    (tmp_path / "model.bin").write_bytes(b"mine")
    for before in ({"model.bin": b"mine"}, whole):
        for name, data in before.items():
            (tmp_path / name).write_bytes(data)
        with pytest.raises(UsageError):
            embed_folder(embedder, "b" * 64, utterances, tmp_path, share=Share(0, 2))
        with pytest.raises(SpeakertripError, match="launcher of this process is gone"):
            embed_folder(embedder, "b" * 64, utterances, tmp_path, share=Share(1, 2, GONE))
    assert content(tmp_path) == whole | {"model.bin": b"mine"}


@pytest.mark.parametrize(("rank", "slept"), [(0, []), (1, [processes.GRACE])])
def test_an_error_of_all_is_told_by_the_first(monkeypatch, rank, slept):
    seen = []
    monkeypatch.setattr(processes.time, "sleep", seen.append)
    with pytest.raises(UsageError), Share(rank, 2).first_to_speak():
        raise UsageError("of all")
    assert seen == slept


@pytest.mark.parametrize(
    ("values", "share"),
    [
        ({}, Share(0, 1)),
        ({"WORLD_SIZE": ""}, Share(0, 1)),
        ({"WORLD_SIZE": "1", "RANK": "0"}, Share(0, 1)),
        ({"WORLD_SIZE": "4", "RANK": "3", "LOCAL_WORLD_SIZE": "4"}, Share(3, 4)),
    ],
)
def test_the_share_of_a_launched_process(monkeypatch, values, share):
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert launched_share() == share
    assert share.launcher == os.getppid()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"RANK": "0"}, "WORLD_SIZE is set but not LOCAL_WORLD_SIZE; start with torchrun"),
        ({}, "WORLD_SIZE is set but not RANK and LOCAL_WORLD_SIZE; start with torchrun"),
        (
            {"RANK": "0", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "two"},
            "WORLD_SIZE='two', .* start with torchrun",
        ),
        ({"RANK": "4", "LOCAL_WORLD_SIZE": "4"}, "RANK='4', WORLD_SIZE='4', .* is no process of so many"),
        ({"RANK": "-1", "LOCAL_WORLD_SIZE": "4"}, "is no process of so many"),
        ({"RANK": "0", "LOCAL_WORLD_SIZE": "0", "WORLD_SIZE": "0"}, "is no process of so many"),
        ({"RANK": "0", "LOCAL_WORLD_SIZE": "2"}, "2 of 4 processes are on this machine.*without --nnodes"),
    ],
)
def test_processes_that_cannot_share_a_manifest(monkeypatch, values, said):
    for name, value in {"WORLD_SIZE": "4", **values}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=said):
        launched_share()


@pytest.mark.parametrize(
    ("rank", "said"), [(0, "waits for what the other processes embed"), (1, "waits for process 0 to finish")]
)
def test_what_is_waited_for_is_said(tmp_path, monkeypatch, embedder, utterances, rank, said):
    """As with variables that are left over, and no launcher."""
    begin(embedder, utterances, tmp_path)
    naps = []
    monkeypatch.setattr(processes, "PATIENCE", 0.0)
    monkeypatch.setattr(processes, "GRACE", 0.0)
    monkeypatch.setattr(processes.os, "getppid", lambda: GONE if len(naps) > 3 else 1)
    monkeypatch.setattr(processes.time, "sleep", naps.append)
    with (
        pytest.warns(SpeakertripWarning) as warned,
        pytest.raises(SpeakertripError, match="launcher of this process is gone"),
    ):
        embed_folder(embedder, MODEL, utterances, tmp_path, skip_bad=True, share=Share(rank, 2, 1))
    (text,) = [str(each.message) for each in warned]
    assert text == (
        f"Process {rank} of 2 (RANK and WORLD_SIZE) {said}; if torchrun did not start it, end it and unset WORLD_SIZE."
    )


def test_each_process_takes_a_gpu(monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    for rank in range(4):
        Share(rank, 4).take_gpu("auto")
    Share(1, 2).take_gpu("cuda")
    Share(1, 2).take_gpu("cpu")
    Share(0, 1).take_gpu("cuda")
    assert taken == [0, 1, 0, 1, 1]
