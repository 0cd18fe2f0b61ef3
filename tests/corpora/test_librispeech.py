import pytest

from speakertrip.corpora.librispeech import SPLITS, build_librispeech
from speakertrip.errors import AudioError, DataError, UsageError

SPEAKERS = """\
;ID  |SEX| SUBSET           |MINUTES| NAME
84   | F | dev-clean        | 8.02  | Someone
1998 | M | test-other       | 8.03  | Someone | with a bar, Ü
"""
CLEAN = ["dev-clean/84/121123/84-121123-0000.flac", "dev-clean/84/121550/84-121550-0001.flac"]
OTHER = ["test-other/1998/15444/1998-15444-0000.flac", "test-other/7/1/7-1-0000.flac"]


@pytest.fixture(params=[".", "LibriSpeech"])
def corpus(tmp_path, write_tree, request):
    write_tree(tmp_path / request.param, CLEAN + OTHER)
    (tmp_path / request.param / "SPEAKERS.TXT").write_text(SPEAKERS)
    (tmp_path / request.param / CLEAN[0]).with_name("84-121123.trans.txt").write_text("84-121123-0000 GO\n")
    return tmp_path


def test_rows(corpus):
    first, second = build_librispeech(corpus, ["dev-clean"])
    assert [first.id, second.id] == CLEAN
    assert (first.speaker, first.session, second.session) == ("84", "121123", "121550")
    assert (first.sex, first.language, first.duration, first.sample_rate) == ("f", "en", 0.5, 16_000)
    assert first.path.is_file()


def test_several_splits(corpus):
    rows = build_librispeech(corpus, ["test-other", "dev-clean", "dev-clean"])
    assert [row.id for row in rows] == CLEAN + OTHER
    assert [row.sex for row in rows] == ["f", "f", "m", None]


def test_what_is_not_there(corpus):
    with pytest.raises(
        DataError, match=r"is not LibriSpeech: expected SPEAKERS.TXT and train-clean-100 in it or"
    ):
        build_librispeech(corpus, ["train-clean-100"])
    with pytest.raises(DataError, match="is not LibriSpeech"):
        build_librispeech(corpus / "absent", ["dev-clean"])
    with pytest.raises(UsageError, match="has no split 'clean'; take one of train-clean-100"):
        build_librispeech(corpus, ["clean"])
    assert len(SPLITS) == 7


@pytest.mark.parametrize("line", ["84", "84 | X | dev-clean | 8 | Someone", "84 | | dev-clean"])
def test_a_malformed_table(corpus, line):
    for table in corpus.rglob("SPEAKERS.TXT"):
        table.write_text(f";\n{line}\n")
    with pytest.raises(DataError, match=r"SPEAKERS.TXT, line 2: expected 'speaker \| M or F"):
        build_librispeech(corpus, ["dev-clean"])


def test_the_same_utterance_twice(corpus, write_tree):
    write_tree(next(corpus.rglob("SPEAKERS.TXT")).parent, [CLEAN[0].replace("flac", "wav")])
    with pytest.raises(DataError, match="are the same utterance of LibriSpeech; keep one"):
        build_librispeech(corpus, ["dev-clean"])


def test_a_broken_file(corpus):
    for file in corpus.rglob("84-121550-0001.flac"):
        file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(AudioError, match=r"1 of 2 audio files cannot be used \(dev-clean/84/121550"):
        build_librispeech(corpus, ["dev-clean"])
