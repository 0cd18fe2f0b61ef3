import pytest

from speakertrip.corpora.speechocean import build_speechocean
from speakertrip.errors import AudioError, DataError

TRAIN = ["WAVE/SPEAKER0001/000010011.WAV", "WAVE/SPEAKER0001/000010035.WAV"]
TEST = ["WAVE/SPEAKER0003/000030012.WAV"]


@pytest.fixture
def corpus(tmp_path, write_tree):
    root = tmp_path / "speechocean762"
    write_tree(root, TRAIN + TEST)
    for split, files in (("train", TRAIN), ("test", TEST)):
        (root / split).mkdir()
        names = [file[-13:-4] for file in files]
        pairs = zip(names, files, strict=True)
        (root / split / "wav.scp").write_text("".join(f"{name}\t{file}\n" for name, file in pairs))
        (root / split / "utt2spk").write_text("".join(f"{name} {name[:4]}\n" for name in names))
    (root / "train" / "spk2gender").write_text("0000\tm\n")
    (root / "train" / "spk2age").write_text("0000 6\n")
    return tmp_path


def test_rows(corpus):
    rows = build_speechocean(corpus)
    assert [row.id for row in rows] == TRAIN + TEST
    assert [row.speaker for row in rows] == ["0000", "0000", "0000"]
    assert (rows[0].sex, rows[0].session, rows[0].language, rows[0].extra) == ("m", None, "en", {"age": 6})
    assert (rows[2].sex, rows[2].extra) == (None, {})
    assert rows[0].path == corpus / "speechocean762" / TRAIN[0]
    assert [row.id for row in build_speechocean(corpus / "speechocean762", ["test"])] == TEST


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("utt2spk", "000010011 0001\n", "the utterance 000010035 of wav.scp has no speaker here"),
        ("utt2spk", "000010011\n", "line 1: expected 'key value'"),
        (
            "wav.scp",
            "\n000010011 ../../etc/passwd\n",
            "line 2: '../../etc/passwd' is no file below the corpus's folder",
        ),
        ("wav.scp", "000010011 /etc/passwd\n", "is no file below the corpus's folder"),
    ],
)
def test_a_malformed_table(corpus, file, text, message):
    (corpus / "speechocean762/train" / file).write_text(text)
    with pytest.raises(DataError, match=message):
        build_speechocean(corpus, ["train"])


def test_a_missing_file(corpus):
    (corpus / "speechocean762" / TRAIN[1]).unlink()
    with pytest.raises(AudioError, match="1 of 2 audio files cannot be used"):
        build_speechocean(corpus, ["train"])


def test_another_folder(tmp_path):
    with pytest.raises(
        DataError, match="is not speechocean762: expected WAVE and train and test in it or in its"
    ):
        build_speechocean(tmp_path)
