import os
import sys
import time

import pytest

from speakertrip.corpora.folder import build_manifest
from speakertrip.errors import AudioError, DataError
from speakertrip.manifests import read_manifest, write_manifest


def by_id(utterances):
    return {utterance.id: utterance for utterance in utterances}


def test_speakers_sessions_and_headers(tmp_path, write_tree):
    names = ["s2/b.WAV", "s1/evening/long/a.flac", "s1/evening/a.wav", "s1/morning/a b.ogg", "ü/声.wav"]
    write_tree(tmp_path, names)
    (tmp_path / "s1" / "notes.txt").write_text("no audio")
    (tmp_path / "README.md").write_text("no audio")
    (tmp_path / "empty").mkdir()
    utterances = build_manifest(tmp_path)
    assert [utterance.id for utterance in utterances] == sorted(names)
    found = by_id(utterances)
    assert [found[name].speaker for name in names] == ["s2", "s1", "s1", "s1", "ü"]
    assert [found[name].session for name in names] == [None, "evening/long", "evening", "morning", None]
    assert {(utterance.duration, utterance.sample_rate) for utterance in utterances} == {(0.5, 16_000)}
    assert all(utterance.path == tmp_path / utterance.id for utterance in utterances)
    write_manifest(tmp_path / "manifest.jsonl", utterances)
    assert read_manifest(tmp_path / "manifest.jsonl") == utterances


def test_the_root_may_be_relative(tmp_path, write_tree, monkeypatch):
    write_tree(tmp_path, ["corpus/s1/a.wav"])
    monkeypatch.chdir(tmp_path)
    (utterance,) = build_manifest("corpus")
    assert utterance.id == "s1/a.wav"
    write_manifest("lists/manifest.jsonl", [utterance])
    assert read_manifest("lists/manifest.jsonl")[0].path == tmp_path / "corpus/s1/a.wav"


def test_m4a(tmp_path, speech_like, write_m4a):
    (tmp_path / "s1").mkdir()
    write_m4a(tmp_path / "s1" / "a.m4a", speech_like(1.0, 0)[None], 16_000)
    (utterance,) = build_manifest(tmp_path)
    assert utterance.duration == pytest.approx(1.0, abs=0.2)


def test_hidden_files_and_folders_are_left_out(tmp_path, write_tree):
    write_tree(tmp_path, ["s1/a.wav", ".git/a.wav", "s1/.trash/a.wav", "._x.wav"])
    (tmp_path / "s1" / "._a.wav").write_bytes(b"\0\5\26\7")  # what macOS leaves on foreign disks
    assert [utterance.id for utterance in build_manifest(tmp_path)] == ["s1/a.wav"]


def test_links_are_followed_and_loops_cut(tmp_path, write_tree):
    write_tree(tmp_path, ["corpus/s2/x/a.wav", "elsewhere/b.wav", "elsewhere/deep/c.wav"])
    corpus = tmp_path / "corpus"
    (corpus / "s3").symlink_to(tmp_path / "elsewhere")
    (corpus / "s1").symlink_to(corpus / "s2")  # another name for the same speaker
    (corpus / "s2" / "up").symlink_to(corpus)
    (corpus / "s2" / "x" / "here").symlink_to(".")
    (corpus / "s2" / "self").symlink_to("self")
    (corpus / "s2" / "d.wav").symlink_to(tmp_path / "elsewhere" / "b.wav")
    ids = [utterance.id for utterance in build_manifest(corpus)]
    assert ids == ["s2/d.wav", "s2/x/a.wav", "s3/b.wav", "s3/deep/c.wav"]


def test_many_links_between_folders_do_not_multiply(tmp_path, write_tree):
    names = [f"s{number}" for number in range(12)]
    write_tree(tmp_path, [f"{name}/a.wav" for name in names])
    for name in names:
        for other in names:
            (tmp_path / name / f"to {other}").symlink_to(tmp_path / other)
    assert len(build_manifest(tmp_path)) == 12


def test_bad_files_are_counted_and_named_together(tmp_path, write_tree):
    write_tree(tmp_path, ["s1/good.wav"])
    for number in range(4):
        (tmp_path / "s1" / f"bad{number}.wav").write_text("no audio")
    (tmp_path / "s1" / "broken link.wav").symlink_to("absent.wav")
    with pytest.raises(
        AudioError, match=r"5 of 6 .*s1/bad0\.wav, s1/bad1\.wav, s1/bad2\.wav, \.\.\."
    ) as caught:
        build_manifest(tmp_path)
    assert "; repair or remove them, or leave them out by --skip-bad. The first: " in str(caught.value)
    assert "bad0.wav is not audio" in str(caught.value)


def test_bad_files_can_be_skipped(tmp_path, write_tree):
    write_tree(tmp_path, ["s1/good.wav", "s2/good.wav"])
    (tmp_path / "s1" / "bad.wav").write_text("no audio")
    (tmp_path / "s3").mkdir()
    (tmp_path / "s3" / "broken link.wav").symlink_to("absent.wav")
    skipped: list[AudioError] = []
    assert [row.id for row in build_manifest(tmp_path, skip=skipped.append)] == ["s1/good.wav", "s2/good.wav"]
    first, second = map(str, skipped)
    assert first.startswith(f"{tmp_path}/s1/bad.wav is not audio")
    assert second == f"Cannot read {tmp_path}/s3/broken link.wav: there is no such file."


def test_a_folder_of_bad_files_only_is_an_error(tmp_path):
    (tmp_path / "s1").mkdir()
    for name in ("a.wav", "b.wav"):
        (tmp_path / "s1" / name).write_text("no audio")
    skipped: list[AudioError] = []
    with pytest.raises(AudioError, match=r"^2 of 2 .*\); repair or remove them\. The first: "):
        build_manifest(tmp_path, skip=skipped.append)
    assert not skipped


def test_a_file_without_samples_is_bad(tmp_path, write_tree):
    write_tree(tmp_path, ["s1/a.wav"])
    path = tmp_path / "s1" / "a.wav"
    path.write_bytes(path.read_bytes()[:40] + bytes(4))
    with pytest.raises(AudioError, match=r"1 of 1 .*\(s1/a\.wav\).* holds no samples"):
        build_manifest(tmp_path)


def test_audio_in_no_speaker_folder(tmp_path, write_tree):
    write_tree(tmp_path, ["s1/a.wav", "loose.wav"])
    with pytest.raises(DataError, match=r"loose\.wav lies in no speaker folder"):
        build_manifest(tmp_path)


def test_no_audio(tmp_path):
    (tmp_path / "s1").mkdir()
    with pytest.raises(DataError, match="holds no audio"):
        build_manifest(tmp_path)


@pytest.mark.parametrize(("name", "problem"), [("absent", "No such file"), ("file", "Not a directory")])
def test_no_folder(tmp_path, name, problem):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=f"Cannot read the folder .*{name}: {problem}"):
        build_manifest(tmp_path / name)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("name", ["#1", " 1", "a\tb", "a\nb", os.fsdecode(b"caf\xe9")])
def test_names_that_no_list_can_hold(tmp_path, write_tree, name):
    write_tree(tmp_path, ["s1/a.wav"])
    (tmp_path / "s1").rename(tmp_path / name)
    with pytest.raises(DataError, match="cannot stand in a trial list"):
        build_manifest(tmp_path)


def test_progress(tmp_path, write_tree):
    write_tree(tmp_path, [f"s1/{number}.wav" for number in range(5)])
    seen: list[tuple[int, int]] = []
    build_manifest(tmp_path, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_a_thousand_files_take_a_moment(tmp_path, write_tree):
    write_tree(tmp_path, ["s0/0.wav"])
    content = (tmp_path / "s0" / "0.wav").read_bytes()
    for number in range(1, 1500):  # more than one batch
        folder = tmp_path / f"s{number % 50}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.wav").write_bytes(content)
    begin = time.perf_counter()
    assert len(build_manifest(tmp_path)) == 1500
    assert time.perf_counter() - begin < 5  # seconds; 0.4 on an idle core
