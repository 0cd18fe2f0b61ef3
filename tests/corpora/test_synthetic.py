import hashlib
from itertools import pairwise

import numpy as np
import pytest

from speakertrip.audio import decode, require_speech
from speakertrip.corpora.synthetic import write_synthetic_corpus
from speakertrip.errors import StorageError, UsageError
from speakertrip.manifests import read_manifest, read_trials

SMALL = {"train_speakers": 3, "test_speakers": 2, "sessions": 2, "utterances": 2, "seconds": 0.8}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    write_synthetic_corpus(folder, **SMALL)
    return folder


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_manifests_describe_the_files(corpus):
    listed = set()
    for split, speakers in (("train", 3), ("test", 2)):
        rows = read_manifest(corpus / f"manifest.{split}.jsonl")
        assert len(rows) == speakers * 4
        for row in rows:
            assert row.path == corpus / row.id
            assert row.id.split("/")[:4] == ["wav", split, row.speaker, row.session]
            waveform, rate = decode(row.path)
            require_speech(waveform, row.id)
            assert (rate, len(waveform) / rate) == (row.sample_rate, row.duration) == (16_000, row.duration)
            assert 0.7 * 0.8 - 1e-4 <= row.duration <= 1.3 * 0.8 + 1e-4
            assert 0.29 < np.abs(waveform).max() < 0.91
            listed.add(row.path)
        assert len({row.duration for row in rows}) > len(rows) / 2
    assert listed == set(corpus.rglob("*.wav"))


def test_no_speaker_stands_on_both_sides(corpus):
    train, test = (read_manifest(corpus / f"manifest.{split}.jsonl") for split in ("train", "test"))
    assert len({u.speaker for u in train}) == 3
    assert len({u.speaker for u in test}) == 2
    assert not {u.speaker for u in train} & {u.speaker for u in test}


def test_trials_are_all_cross_session_targets_and_all_nontargets(corpus):
    trials = read_trials(corpus / "trials.test.txt")
    rows = {u.id: u for u in read_manifest(corpus / "manifest.test.jsonl")}
    assert trials.targets.sum() == 2 * (2 * 2)  # speakers, utterances of one session with those of the other
    assert (~trials.targets).sum() == 4 * 4
    for enrollment, test, target in zip(trials.enrollments, trials.tests, trials.targets, strict=True):
        assert (rows[enrollment].speaker == rows[test].speaker) == target
        assert not target or rows[enrollment].session != rows[test].session


def test_a_second_call_writes_the_same_bytes_after_an_interruption(corpus, tmp_path, monkeypatch):
    from speakertrip.corpora import synthetic

    calls = []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 15:
            raise KeyboardInterrupt
        return encode(*args)

    encode = synthetic.encode
    monkeypatch.setattr(synthetic, "encode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_synthetic_corpus(tmp_path, **SMALL)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["wav"]  # no list of a corpus that is not there
    write_synthetic_corpus(tmp_path, **SMALL)
    assert digests(tmp_path) == digests(corpus)


def test_an_interrupted_call_takes_the_old_lists_away(tmp_path, monkeypatch):
    from speakertrip.corpora import synthetic

    write_synthetic_corpus(tmp_path, **SMALL)

    def fail(*args):
        raise StorageError("The disk is full.")

    monkeypatch.setattr(synthetic, "encode", fail)
    with pytest.raises(StorageError):
        write_synthetic_corpus(tmp_path, **SMALL | {"seed": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["wav"]


def test_a_larger_corpus_contains_the_smaller_and_another_seed_shares_nothing(corpus, tmp_path):
    write_synthetic_corpus(tmp_path / "larger", **SMALL | {"train_speakers": 4})
    write_synthetic_corpus(tmp_path / "other", **SMALL | {"seed": 1})
    small, larger, other = (
        digests(folder / "wav") for folder in (corpus, tmp_path / "larger", tmp_path / "other")
    )
    assert small.items() < larger.items()
    assert not set(small.values()) & set(other.values())
    assert len(set(small.values())) == len(small)  # no two utterances alike, within a split or across


def test_sessions_of_a_speaker_sound_different_and_share_their_channel(corpus):
    """The long-term spectra of one session agree better than those of two, the voice being the same."""
    bands = np.geomspace(4, 256, 13).astype(int)

    def envelope(row):
        power = np.abs(np.fft.rfft(decode(row.path)[0], 16_384)) ** 2
        decibels = 10 * np.log10([power[32 * a : 32 * b].mean() for a, b in pairwise(bands)])
        return decibels - decibels.mean()

    rows = [u for s in ("train", "test") for u in read_manifest(corpus / f"manifest.{s}.jsonl")]
    within, across = [], []
    for a in rows:
        for b in rows:
            if a.speaker == b.speaker and a.id < b.id:
                distance = np.linalg.norm(envelope(a) - envelope(b))
                (within if a.session == b.session else across).append(distance)
    assert np.mean(within) < np.mean(across)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"train_speakers": 0}, "train_speakers of 1 or more, not 0"),
        ({"test_speakers": 1}, "test_speakers of 2 or more, not 1"),
        ({"sessions": 0}, "sessions of 1 or more"),
        ({"utterances": 0}, "utterances of 1 or more"),
        ({"sessions": 1, "utterances": 1}, "two utterances"),
        ({"seed": -1}, "seed of 0 or more"),
        ({"seconds": 0.1}, "0.6 to 600 seconds"),
        ({"seconds": 3600.0}, "0.6 to 600 seconds"),
        ({"seconds": float("nan")}, "0.6 to 600 seconds"),
    ],
)
def test_arguments_out_of_range_are_refused_before_anything_is_written(wrong, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        write_synthetic_corpus(tmp_path / "new", **SMALL | wrong)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_synthetic_corpus(tmp_path / "file", **SMALL)
