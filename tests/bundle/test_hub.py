"""Models of the hub, of a local server in its place."""

import errno
import os
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from speakertrip import SpeakerVerifier
from speakertrip.bundle import Bundle
from speakertrip.bundle.files import SUMS, read_folder, write_folder
from speakertrip.bundle.hub import fetch
from speakertrip.bundle.layouts import marker_of, needed
from speakertrip.errors import BundleError, SpeakertripError, SpeakertripWarning, StorageError, UsageError

OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def files(bundle_folder):
    return {path.name: path.read_bytes() for path in bundle_folder.iterdir()}


@pytest.fixture
def model(hub, files):
    return hub.add("org/name", {**files, "optimizer.pt": b"large", "notes.md": b""})


@pytest.fixture
def offline(monkeypatch):
    from huggingface_hub import constants

    return lambda: monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def refusal(*arguments, **options) -> str:
    with pytest.raises(BundleError) as caught:
        Bundle.load(*arguments, **options)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("large", [False, True])
def test_a_bundle_of_the_hub_is_that_bundle(hub, model, files, bundle_folder, large):
    model.large = large
    loaded = Bundle.load("org/name")
    assert loaded.identity == Bundle.load(bundle_folder).identity
    assert (loaded.source.name, loaded.source.commit) == ("org/name", OLD)
    assert sorted(hub.downloads()) == sorted(files)  # each once, and nothing else


def test_what_is_in_the_cache_is_not_fetched_again(hub, model):
    Bundle.load("org/name")
    hub.requests.clear()
    Bundle.load("org/name")
    assert hub.downloads() == []
    hub.requests.clear()
    assert Bundle.load("org/name", OLD).source.commit == OLD  # a commit never changes: nobody is asked
    assert hub.requests == []


def test_a_branch_moves_and_a_commit_does_not(hub, model, tmp_path, make_bundle):
    make_bundle(seed=1).save(tmp_path / "new")
    model.revisions[NEW] = read_folder(tmp_path / "new", ()) | {SUMS: (tmp_path / "new" / SUMS).read_bytes()}
    model.branches["dev"] = NEW
    first = Bundle.load("org/name")
    assert Bundle.load("org/name", "dev").identity == Bundle.load(tmp_path / "new").identity != first.identity
    model.branches["main"] = NEW
    assert Bundle.load("org/name").source.commit == NEW
    assert Bundle.load("org/name", OLD).identity == first.identity


def test_a_file_is_no_model_and_the_hub_is_not_asked(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad").mkdir()
    for name in ("bad/ok.wav", "bad/name"):
        (tmp_path / name).touch()
        assert refusal(name) == f"{name} is a file, not a bundle directory; name the folder of the model."
    for name in ("bad/none.wav", "bad/none.FLAC", "/bad/none", "./none", "../none", "~/none", "~none/x"):
        assert f"There is no bundle at {name}: no such folder" in refusal(name)
    assert hub.requests == []


def test_a_folder_wins(hub, model, bundle_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "org" / "name", read_folder(bundle_folder, ()))
    assert Bundle.load("org/name").source.commit == ""
    with pytest.raises(UsageError, match="org/name is a folder here, which has no revisions"):
        Bundle.load("org/name", "main")
    assert hub.requests == []


@pytest.mark.parametrize(
    "name", ["name", "/org/name", "a/b/c", "org/na me", "./org", "../org", "org/", "org//n"]
)
def test_what_is_no_name_of_the_hub_is_a_folder(hub, name):
    assert "no such folder" in refusal(name)
    assert hub.requests == []


def test_a_path_object_is_a_folder(hub, model):
    assert "There is no bundle at org/name: no such folder" in refusal(Path("org/name"))
    assert hub.requests == []


@pytest.mark.parametrize("name", ["a/" + "b" * 100, "org/na--me", "org/name.git", "org/-x"])
def test_names_that_the_hub_never_gives(hub, name):
    assert "is no name of a model of the hub" in refusal(name)


def test_no_such_model(hub):
    assert "There is no folder org/other, and no model of that name on the hub" in refusal("org/other")


def test_a_private_model_needs_a_token(hub, model, monkeypatch):
    model.token = "hf_secret"
    message = refusal("org/name")
    assert "private, log in with `hf auth login`, or set HF_TOKEN" in message
    assert "hf_wrong" not in refusal("org/name", token="hf_wrong")
    assert Bundle.load("org/name", token="hf_secret").source.commit == OLD
    assert SpeakerVerifier.from_pretrained("org/name", token="hf_secret").bundle.source.commit == OLD
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert Bundle.load("org/name").identity


def test_a_gated_model(hub, model):
    model.gated = True
    assert "is granted on request: accept its terms at its page on the hub, then log in" in refusal(
        "org/name"
    )


@pytest.mark.parametrize("status", [401, 403])
def test_access_refused(hub, model, status):
    hub.failure = status
    assert "log in with `hf auth login`" in refusal("org/name")


@pytest.mark.parametrize("revision", ["v2", "c" * 40, "refs/pr/1", "../main"])
def test_no_such_revision(hub, model, revision):
    assert f"has no revision {revision}; see its branches" in refusal("org/name", revision)


def test_a_file_is_missing(hub, model, files):
    model.missing = {"model.safetensors"}
    assert "that its list names is missing" in refusal("org/name")
    model.revisions[OLD] = {name: files[name] for name in files if name != "calibration.json"}
    assert "lacks calibration.json as of commit aaaa" in refusal("org/name")


def test_a_model_of_another_kind(hub):
    hub.add("org/llm", {"config.json": b"{}", "model.safetensors": b""})
    assert "org/llm of the hub is of no kind that speakertrip reads" in refusal("org/llm")
    assert hub.downloads() == []


def test_a_bundle_with_a_pickle_is_refused_before_it_is_fetched(hub, files):
    listed = files[SUMS] + b"00" * 32 + b"  Extra.PKL\n"
    hub.add("org/pickle", {**files, SUMS: listed, "Extra.PKL": b"\x80\x04."})
    assert "holds Extra.PKL, a pickle" in refusal("org/pickle")
    assert hub.downloads() == [SUMS]


def test_a_file_that_was_changed(hub, model, files):
    model.revisions[OLD]["model.safetensors"] = files["model.safetensors"][:-1] + b"\xff"
    assert "damaged: model.safetensors is not what was written" in refusal("org/name")


def test_offline(hub, model, offline):
    offline()
    message = refusal("org/name")
    assert "is not in the cache of the hub's models, while HF_HUB_OFFLINE forbids to fetch it" in message
    assert hub.requests == []


def test_offline_with_the_cache(hub, model, offline):
    identity = Bundle.load("org/name").identity
    hub.requests.clear()
    offline()
    loaded = Bundle.load("org/name")
    assert (loaded.identity, loaded.source.commit) == (identity, OLD)
    assert Bundle.load("org/name", OLD).identity == identity
    assert "org/name at v2 is not in the cache" in refusal("org/name", "v2")
    assert hub.requests == []


def test_offline_with_half_of_it_in_the_cache(hub, model, offline):
    model.missing = {"model.safetensors"}
    refusal("org/name")
    offline()
    assert "is not in the cache" in refusal("org/name")


@pytest.mark.parametrize("status", [500, 503])
def test_a_hub_that_is_down(hub, model, status):
    hub.failure = status
    assert f"the hub answers with an error ({status})" in refusal("org/name")
    hub.failure = 0
    Bundle.load("org/name")
    hub.failure = status
    with pytest.warns(SpeakertripWarning, match="org/name is taken from the cache, as of commit aaaa"):
        assert Bundle.load("org/name").source.commit == OLD


@pytest.fixture
def newer(model, make_bundle, tmp_path):
    """The files of the commit NEW, which is there beside OLD, on no branch yet."""
    make_bundle(seed=1).save(tmp_path / "new")
    model.revisions[NEW] = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    return model.revisions[NEW]


def test_a_connection_that_drops_amid_an_update(hub, model, newer, offline, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # of huggingface_hub, between its attempts
    identity = Bundle.load("org/name").identity
    model.branches["main"] = NEW
    hub.answers = 4
    with pytest.warns(SpeakertripWarning, match="org/name is taken from the cache, as of commit aaaa"):
        assert Bundle.load("org/name").identity == identity
    assert hub.answers == 0
    offline()
    assert Bundle.load("org/name").identity == identity


def test_wherever_a_connection_drops_the_cache_has_a_whole_model(hub, tmp_path, monkeypatch):
    from huggingface_hub import constants

    small = {}
    for commit in (OLD, NEW):
        write_folder(tmp_path / commit, {"config.json": b"{}", "model.safetensors": commit.encode()})
        small[commit] = {path.name: path.read_bytes() for path in (tmp_path / commit).iterdir()}
    model = hub.add("org/name", small[OLD])
    model.revisions = small
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    commits = []
    for answers in range(50):
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / f"cache {answers}"))
        for hub.answers, model.branches["main"] in ((None, OLD), (answers, NEW), (0, NEW)):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", SpeakertripWarning)
                folder, commit = fetch("org/name", None, None, marker_of, needed)
            assert read_folder(folder, ())["model.safetensors"] == commit.encode()
            commits.append((commit, bool(caught)))
        if commits[-2] == (NEW, False):
            break
    assert commits == [(OLD, False), (OLD, True), (OLD, True)] * answers + [
        (OLD, False), (NEW, False), (NEW, True)]  # fmt: skip


def test_a_branch_that_moves_while_its_files_are_fetched(hub, model, newer, files, offline, monkeypatch):
    from speakertrip.bundle import hub as room

    real = room.hf_hub_download

    def move(name, file, **options):
        if file == "model.safetensors":
            model.branches["main"] = NEW
        return real(name, file, **options)

    monkeypatch.setattr(room, "hf_hub_download", move)
    loaded = Bundle.load("org/name")
    assert loaded.source.commit == NEW
    offline()
    assert Bundle.load("org/name").identity == loaded.identity


def test_no_network(hub, model, monkeypatch):
    from huggingface_hub import constants

    Bundle.load("org/name")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.warns(SpeakertripWarning, match="cannot be reached"):
        assert Bundle.load("org/name").identity
    message = refusal("org/other")
    assert "There is no folder org/other, org/other is not in the cache" in message
    assert re.search(r"the hub cannot be reached \(Connect\w+\); check the network", message)


def test_a_page_in_the_hubs_place(hub, model, monkeypatch):
    import huggingface_hub

    def answer(*arguments, **options):
        raise ValueError("Expecting value: line 1 column 1 (char 0)")  # of json, at a log-in page of a hotel

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", answer)
    assert "the hub cannot be reached (ValueError)" in refusal("org/name")


def test_a_cache_that_cannot_be_written(hub, model, monkeypatch):
    from speakertrip.bundle import hub as room

    def fail(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(room, "hf_hub_download", fail)
    with pytest.raises(
        StorageError, match="cannot be written: No space left on device; free space, or set HF_HUB"
    ):
        Bundle.load("org/name")


def test_a_mistake_of_ours_is_no_network(hub, model, monkeypatch):
    from speakertrip.bundle import hub as room

    monkeypatch.setattr(room, "hf_hub_download", lambda *arguments, **options: None)
    with pytest.raises(TypeError):
        Bundle.load("org/name")


def test_the_command_line(hub, model, write_speech, tmp_path):
    """By the variables that users set, in a process of its own."""
    speech = write_speech(tmp_path / "a.wav")
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.base,
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    words = ["verify", "--model", "org/name", "--revision", OLD, "--against", speech, speech]

    def run(**more):
        done = subprocess.run(
            [sys.executable, "-m", "speakertrip", *map(str, words)],
            env={**environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    code, output, errors = run(HF_HUB_OFFLINE="1")
    assert (code, output) == (5, "")
    assert errors.startswith("There is no folder org/name, and org/name at aaaa")
    code, output, errors = run()
    assert (code, errors) == (0, "")
    assert "accepted" in output


def test_errors_are_ours(hub, model):
    for status in (400, 404, 418, 429):
        hub.failure = status
        with pytest.raises(SpeakertripError):
            Bundle.load("org/name")
