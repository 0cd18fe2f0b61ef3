import pytest

from speakertrip.corpora.vctk import build_vctk
from speakertrip.errors import DataError, UsageError

INFO = """\
ID  AGE  GENDER  ACCENTS  REGION COMMENTS
p225  23  F    English    Southern  England
p280  25  F    Unknown    France (mic2 files unavailable)
s5  22  M
"""
FILES = [
    "p225/p225_001_mic1.flac",
    "p225/p225_001_mic2.flac",
    "p280/p280_001_mic1.flac",
    "s5/s5_002_mic1.flac",
]


@pytest.fixture(params=[".", "VCTK-Corpus-0.92"])
def corpus(tmp_path, write_tree, request):
    root = tmp_path / request.param
    write_tree(root / "wav48_silence_trimmed", FILES)
    (root / "wav48_silence_trimmed" / "log.txt").write_text("no audio")
    (root / "speaker-info.txt").write_text(INFO)
    return tmp_path


def test_one_microphone(corpus):
    rows = build_vctk(corpus)
    assert [row.id for row in rows] == [FILES[0], FILES[2], FILES[3]]
    assert [row.speaker for row in rows] == ["p225", "p280", "s5"]
    assert [row.sex for row in rows] == ["f", "f", "m"]
    assert rows[0].extra == {"age": 23, "accent": "English", "region": "Southern  England"}
    assert rows[1].extra == {"age": 25, "accent": "Unknown", "region": "France"}
    assert rows[2].extra == {"age": 22}
    assert {row.session for row in rows} == {"mic1"}
    assert [row.id for row in build_vctk(corpus, ["mic2"])] == [FILES[1]]  # p280 has none


def test_both(corpus):
    assert [row.id for row in build_vctk(corpus, ["mic1", "mic2"])] == FILES


def test_where_it_is_not(corpus):
    for file in corpus.rglob("*mic2.flac"):
        file.unlink()
    with pytest.raises(DataError, match=r"holds no file p225/p225_001_mic2.flac"):
        build_vctk(corpus, ["mic2"])
    with pytest.raises(UsageError, match="VCTK has no split 'mic3'; take one of mic1, mic2"):
        build_vctk(corpus, ["mic3"])
    for file in corpus.rglob("speaker-info.txt"):
        file.write_text("ID AGE\np225 young F\n")
    with pytest.raises(DataError, match=r"speaker-info.txt, line 2: expected 'speaker age M or F"):
        build_vctk(corpus)
    with pytest.raises(
        DataError, match=r"is not VCTK 0.92: expected wav48_silence_trimmed and speaker-info.txt"
    ):
        build_vctk(corpus / "absent")
