import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.corpora.common_voice import SHORTEST, build_common_voice, shorten_names
from speakertrip.errors import AudioError, DataError, UsageError

COLUMNS = "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccents\tlocale\tsegment"
ANN, BOB = "a" * 128, "a" * 20 + "b" * 108


def row(client, clip, gender="", age="", locale="de"):
    return f'{client}\t{clip}\t"Unbalanced, ünïcode\t2\t0\t{age}\t{gender}\t\t{locale}\t'


def write_table(folder, split, *rows):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{split}.tsv").write_text("\n".join([COLUMNS, *rows]) + "\n")


@pytest.fixture
def release(tmp_path, write_tree):
    write_tree(tmp_path, ["de/clips/1.mp3", "de/clips/2.mp3", "de/clips/3.mp3", "zh-TW/clips/1.mp3"])
    write_table(
        tmp_path / "de",
        "train",
        row(ANN, "1.mp3", "female", "twenties"),
        row(BOB, "2.mp3", "male_masculine"),
        row(ANN, "3", "do_not_wish_to_say"),
    )
    write_table(tmp_path / "de", "validated", row(ANN, "1.mp3", "female", "twenties"))
    write_table(tmp_path / "zh-TW", "train", row(BOB, "1.mp3", "female_feminine", locale="zh-TW"))
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_several_languages(release):
    rows = build_common_voice(release, ["train"])
    assert [r.id for r in rows] == ["de/clips/1.mp3", "de/clips/2.mp3", "de/clips/3.mp3", "zh-TW/clips/1.mp3"]
    assert [r.speaker for r in rows] == [ANN[:21], BOB[:21], ANN[:21], BOB[:21]]
    assert [r.sex for r in rows] == ["f", "m", None, "f"]
    assert [r.language for r in rows] == ["de", "de", "de", "zh-TW"]
    assert {r.session for r in rows} == {None}
    assert [r.extra for r in rows] == [{"age": "twenties"}, {}, {}, {}]
    assert all(r.path.is_file() and r.duration for r in rows)


def test_one_language_and_splits_that_share_clips(release, monkeypatch):
    rows = build_common_voice(release / "de", ["train", "validated"])
    assert [r.id for r in rows] == ["de/clips/1.mp3", "de/clips/2.mp3", "de/clips/3.mp3"]
    monkeypatch.chdir(release / "de")
    (utterance,) = build_common_voice(".", ["validated"])
    assert (utterance.id, utterance.speaker) == ("de/clips/1.mp3", ANN[:SHORTEST])


def test_what_is_not_there(release):
    with pytest.raises(DataError, match=r"zh-TW has no validated.tsv; name splits that it has"):
        build_common_voice(release, ["validated"])
    with pytest.raises(
        DataError, match=r"is not Common Voice: expected clips and dev.tsv in it, or in a folder"
    ):
        build_common_voice(release / "notes", ["dev"])
    with pytest.raises(DataError, match="is not Common Voice"):
        build_common_voice(release / "absent", ["dev"])
    with pytest.raises(UsageError, match="has no split 'all'"):
        build_common_voice(release, ["all"])
    (release / "de/clips/2.mp3").unlink()
    with pytest.raises(AudioError, match=r"1 of 4 audio files cannot be used \(de/clips/2.mp3\)"):
        build_common_voice(release, ["train"])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["path\tsentence", "1.mp3\tx"], "line 1: expected a column 'client_id'"),
        ([COLUMNS, "a\t1.mp3"], "line 2: expected 10 columns, found 2"),
        ([COLUMNS, row(ANN, "../../1.mp3")], "line 2: expected a client id and a file in clips"),
        ([COLUMNS, "", row("", "1.mp3")], "line 3: expected a client id and a file in clips"),
        ([COLUMNS, row(ANN, "1.mp3"), row(BOB, "1.mp3")], r"the clip 1.mp3 is of two client ids"),
    ],
)
def test_a_malformed_table(release, lines, message):
    (release / "de/train.tsv").write_text("\n".join(lines))
    with pytest.raises(DataError, match=message):
        build_common_voice(release / "de", ["train"])


@given(st.sets(st.text("ab", min_size=1, max_size=40), max_size=20))
def test_short_names_are_distinct_beginnings(names):
    short = shorten_names(names)
    assert short.keys() == names
    assert len(set(short.values())) == len(names)
    assert all(name.startswith(beginning) for name, beginning in short.items())
    longest = max(map(len, short.values()), default=0)
    if longest > SHORTEST:  # one character less would not do
        assert len({name[: longest - 1] for name in names}) < len(names)
