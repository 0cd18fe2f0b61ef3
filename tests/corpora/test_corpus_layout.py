"""What the corpora share; and that no text in any of their tables is more than a refusal."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakertrip.corpora.cnceleb import build_cnceleb, read_cnceleb_trials
from speakertrip.corpora.common_voice import build_common_voice
from speakertrip.corpora.layout import find_root, index_by_stem, require_listable
from speakertrip.corpora.librispeech import build_librispeech
from speakertrip.corpora.speechocean import build_speechocean
from speakertrip.corpora.vctk import build_vctk
from speakertrip.corpora.voxceleb import build_voxceleb1
from speakertrip.errors import DataError, SpeakertripError

AUDIO = [
    "LibriSpeech/dev-clean/84/1/84-1-0000.flac",
    "VCTK-Corpus-0.92/wav48_silence_trimmed/p225/p225_001_mic1.flac",
    "speechocean762/WAVE/SPEAKER0001/000010011.WAV",
    "clips/1.mp3",
    "wav/id10270/a/1.wav",
    "CN-Celeb_flac/data/id00800/singing-01-001.flac",
    "CN-Celeb_flac/eval/test/id00800-singing-02-001.flac",
]
TABLES = {
    "LibriSpeech/SPEAKERS.TXT": (
        "84 | F | dev-clean | 8 | A\n",
        lambda r: build_librispeech(r, ["dev-clean"]),
    ),
    "VCTK-Corpus-0.92/speaker-info.txt": ("p225 23 F English England\n", build_vctk),
    "speechocean762/train/utt2spk": ("000010011 0001\n", build_speechocean),
    "speechocean762/train/wav.scp": ("000010011\tWAVE/SPEAKER0001/000010011.WAV\n", build_speechocean),
    "speechocean762/train/spk2gender": ("0001 m\n", build_speechocean),
    "speechocean762/train/spk2age": ("0001 6\n", build_speechocean),
    "train.tsv": ("client_id\tpath\tgender\na\t1.mp3\tmale\n", lambda r: build_common_voice(r, ["train"])),
    "vox1_meta.csv": ("VoxCeleb1 ID\tGender\nid10270\tm\n", build_voxceleb1),
    "CN-Celeb_flac/dev/dev.lst": ("id00800\n", lambda r: build_cnceleb(r, ["dev"])),
    "CN-Celeb_flac/eval/lists/enroll.map": ("m id00800/singing-01-001.wav\n", read_cnceleb_trials),
    "CN-Celeb_flac/eval/lists/trials.lst": ("m test/id00800-singing-02-001.wav 1\n", read_cnceleb_trials),
}
WORDS = [
    "0001",
    "m",
    "F",
    "|",
    "\t",
    " ",
    "\n",
    ";",
    "#",
    "(",
    ",",
    "/",
    "..",
    "\0",
    "²",
    "ü",
    "p225",
    "id00800",
    "ID",
]


@pytest.fixture(scope="module")
def corpora(scratch, write_tree):
    write_tree(scratch, AUDIO)
    for name, (text, _) in TABLES.items():
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).write_text(text)
    (scratch / "speechocean762/test").mkdir()
    for name in ("wav.scp", "utt2spk"):
        (scratch / "speechocean762/test" / name).write_text("")
    return scratch


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_right(corpora, name):
    assert TABLES[name][1](corpora)


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=30)
@given(data=st.data())
def test_any_text_in_a_table_is_read_or_refused(corpora, name, data):
    text, build = TABLES[name]
    rubbish = st.text(max_size=40) | st.lists(st.sampled_from(WORDS), max_size=12).map("".join)
    before, after = data.draw(rubbish), data.draw(rubbish)
    content = data.draw(st.sampled_from([before, text + after, before + text, before + "\n" + text + after]))
    try:
        (corpora / name).write_bytes(content.encode(errors="surrogatepass"))
        with suppress(SpeakertripError):
            build(corpora)
    finally:
        (corpora / name).write_text(text)


def test_find_root(tmp_path):
    (tmp_path / "inner" / "data").mkdir(parents=True)
    assert find_root("X", tmp_path, ["data"], ["other", "inner"]) == tmp_path / "inner"
    assert find_root("X", tmp_path / "inner", ["data"], ["inner"]) == tmp_path / "inner"
    with pytest.raises(DataError, match="is not X: expected data and list in it or in its other or inner"):
        find_root("X", tmp_path, ["data", "list"], ["other", "inner"])
    with pytest.raises(DataError, match=r"is not X: expected list in it\.$"):
        find_root("X", tmp_path, ["list"])


def test_index_by_stem():
    assert index_by_stem({"a/1.flac": Path("x"), "a/1.5.wav": Path("y")}, "X") == {
        "a/1": "a/1.flac",
        "a/1.5": "a/1.5.wav",
    }
    with pytest.raises(DataError, match=r"^x and y are the same utterance of X"):
        index_by_stem({"a/1.flac": Path("x"), "a/1.wav": Path("y")}, "X")


@pytest.mark.parametrize("id_", ["/a", "../a", "a/../../b", "#a", "a\tb", ""])
def test_ids_that_lead_elsewhere(id_):
    assert require_listable("a/..b/c.wav", "f", 1) == "a/..b/c.wav"
    with pytest.raises(DataError, match=r"^f, line 3: .* is no file below the corpus's folder"):
        require_listable(id_, "f", 3)
