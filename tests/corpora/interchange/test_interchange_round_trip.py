"""What goes out to each format and comes back: ids, speakers, paths, every sample, and what else there is room for."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speakertrip.corpora.interchange import FORMATS, export_utterances, import_utterances
from speakertrip.errors import DataError, UsageError
from speakertrip.manifests import Utterance, read_manifest, write_manifest
from speakertrip.manifests.lines import is_listable

OPENSPEECH = Path(__file__).parents[4] / "shared" / "openspeech"
TARGETS = {"lhotse-cuts": "cuts.jsonl.gz", "kaldi": "kaldi", "lhotse-supervisions": "lhotse"}
LHOTSE, JSON, CSV = (
    ("lhotse-cuts", "lhotse-supervisions"),
    ("nemo", "wespeaker"),
    ("speechbrain", "3d-speaker"),
)
plain = st.text(st.characters(exclude_categories=["C"], exclude_characters="$"), min_size=1, max_size=8)
# What no format loses: text of a line. White space within is Kaldi's matter alone, and has a test there.
words = plain.map(str.strip).filter(lambda text: text and is_listable(text))
times = st.floats(0, 0.4) | st.integers(0, 4000).map(lambda thousandth: thousandth / 10_000)
lengths = st.floats(0.001, 0.1) | st.integers(1, 1000).map(lambda thousandth: thousandth / 10_000)


@st.composite
def manifests(draw, paths):
    """Draw rows of a manifest on the files."""
    rows = []
    for id_ in draw(st.lists(words, min_size=1, max_size=3, unique=True)):
        rows.append(
            Utterance(
                id=id_,
                path=draw(st.sampled_from(paths)),
                speaker=draw(words),
                session=draw(st.none() | words),
                start=draw(st.just(0.0) | times),
                duration=draw(st.none() | lengths),
                sample_rate=None,
                language=draw(st.none() | words),
                sex=draw(st.none() | st.sampled_from(["m", "f"])),
                sha256=draw(st.none() | words),
                extra=draw(st.dictionaries(st.sampled_from(["corpus", "text", "mood"]), words, max_size=2)),
            )
        )
    return rows


def there_and_back(name: str, rows: list[Utterance], folder: Path) -> list[Utterance]:
    target = folder / TARGETS.get(name, f"{name}.txt")
    export_utterances(name, rows, target)
    return import_utterances(name, target)


def what_it_says(row: Utterance) -> Utterance:
    """Return an utterance without its times and rate, which have tests of their own."""
    return replace(row, start=0.0, duration=None, sample_rate=None)


@pytest.mark.parametrize("name", [*JSON, *CSV, *LHOTSE])
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(data=st.data())
def test_nothing_changes_that_the_format_can_hold(scratch, audio, samples, name, data):
    rows = data.draw(manifests(list(audio)))
    back = there_and_back(name, rows, scratch)
    assert [what_it_says(row) for row in back] == [what_it_says(row) for row in rows]
    assert [samples(row) for row in back] == [samples(row) for row in rows]
    assert all(row.sample_rate in (None, audio[row.path]) for row in back)


@pytest.mark.parametrize("name", [*JSON, *CSV, *LHOTSE])
@given(data=st.data())
def test_times_in_decimals_come_back_as_they_were(scratch, audio, name, data):
    path, rate = data.draw(st.sampled_from(list(audio.items())))
    first, count = data.draw(st.integers(0, 12_000)), data.draw(st.integers(1, 12_000))
    # As a manifest of a folder has them: rounded to a millionth of a second, less than a sample.
    row = Utterance(
        "a", path, "s", start=round(first / rate, 6), duration=round(count / rate, 6), sample_rate=rate
    )
    (back,) = there_and_back(name, [row], scratch)
    assert back.start == pytest.approx(row.start, abs=1e-6)
    assert (round(back.start * rate), round(back.duration * rate)) == (first, count)
    if (row.start * 1e4, row.duration * 1e4) == (
        round(row.start * 1e4),
        round(row.duration * 1e4),
    ) and rate != 44_100:
        # Such as 2.5 s, where samples and decimals agree: but for the last bit, where NeMo would cut off a sample.
        assert back.start == pytest.approx(row.start, rel=1e-15)
        assert back.duration == pytest.approx(row.duration, rel=1e-15)


@pytest.mark.parametrize("name", [*JSON, *LHOTSE])
def test_any_json_may_stand_in_free_fields(tmp_path, audio, name):
    extra = {"tags": ["a", {"b": None}], "loud": True, "level": -3.5, "note": "two\nlines"}
    row = Utterance("a", next(iter(audio)), "s", extra=extra)
    assert there_and_back(name, [row], tmp_path)[0].extra == extra


@pytest.mark.parametrize("name", CSV)
def test_a_table_holds_text_and_says_what_else_there_was(tmp_path, audio, name):
    row = Utterance("a", next(iter(audio)), "s", session="1", extra={"level": -3.5, "corpus": "c"})
    (sentence,) = export_utterances(name, [row], tmp_path / "a.csv")
    assert sentence.endswith("has no place for level.")
    assert import_utterances(name, tmp_path / "a.csv")[0].extra == {"corpus": "c"}
    other = Utterance("b", next(iter(audio)), "s", extra={"level": "loud"})
    (sentence,) = export_utterances(name, [row, other], tmp_path / "a.csv")
    assert sentence.endswith("has no place for level.")  # for all of it


@pytest.mark.parametrize("name", [*JSON, *LHOTSE])
def test_nothing_is_left_out_where_all_has_a_place(tmp_path, audio, name):
    rows = [Utterance("a", next(iter(audio)), "s", session="1", sex="f", extra={"corpus": "c"})]
    assert export_utterances(name, rows, tmp_path / TARGETS.get(name, "x")) == []


@pytest.mark.parametrize("name", FORMATS)
def test_relative_paths_begin_at_the_source_or_at_the_data_root(tmp_path, audio, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wav").mkdir()
    (tmp_path / "wav/a.wav").write_bytes(next(iter(audio)).read_bytes())
    target = tmp_path / "lists" / TARGETS.get(name, "x")
    export_utterances(name, [Utterance("s/a", tmp_path / "wav/a.wav", "s", sample_rate=16_000)], target)
    files = [file for file in target.parent.rglob("*") if file.is_file()]
    for file in files:
        make_relative(file, str(tmp_path / "wav") + "/")
    folder = target if target.is_dir() else target.parent
    assert import_utterances(name, target, "wav")[0].path == tmp_path / "wav/a.wav"
    (folder / "a.wav").write_bytes(next(iter(audio)).read_bytes())
    assert import_utterances(name, target)[0].path == folder / "a.wav"


def make_relative(file: Path, prefix: str) -> None:
    import gzip

    packed = file.suffix == ".gz"
    text = gzip.decompress(file.read_bytes()) if packed else file.read_bytes()
    text = text.replace(prefix.encode(), b"")
    file.write_bytes(gzip.compress(text) if packed else text)


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_writes_absolute_paths(tmp_path, audio, name):
    here = next(iter(audio))
    write_manifest(here.parent / "m.jsonl", [Utterance("s/a", here, "s", duration=0.1)])
    rows = read_manifest(here.parent / "m.jsonl")
    target = tmp_path / "elsewhere" / TARGETS.get(name, "x")
    export_utterances(name, rows, target)
    assert import_utterances(name, target)[0].path == here


@pytest.mark.parametrize("name", FORMATS)
def test_an_utterance_of_a_shard_is_refused(tmp_path, name):
    with pytest.raises(DataError, match="'a' lies in a shard"):
        export_utterances(name, [Utterance("a", tmp_path / "1.tar", "s", span=(512, 99))], tmp_path / "x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FORMATS)
def test_an_utterance_past_the_end_of_its_file_is_refused(tmp_path, audio, name):
    row = Utterance("s/a", next(iter(audio)), "s", start=60.0)
    with pytest.raises(DataError, match=r"'s/a' holds no samples of .*a.wav from 60 s on"):
        export_utterances(name, [row], tmp_path / TARGETS.get(name, "x"))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not OPENSPEECH.exists(), reason="needs ../shared/openspeech")
@pytest.mark.parametrize("name", FORMATS)
def test_stretches_of_real_speech(tmp_path, samples, name):
    rows = read_manifest(OPENSPEECH / "manifest.dev-2s.jsonl")[::10]
    back = there_and_back(name, rows, tmp_path)
    assert sorted(map(samples, back)) == sorted(map(samples, rows))
    if name != "kaldi":  # which has the speaker before every id, and no place for the corpus
        assert [replace(row, sample_rate=None) for row in back] == rows


def test_no_such_format(tmp_path):
    with pytest.raises(UsageError, match="no format 'espnet'; take one of 3d-speaker, kaldi"):
        import_utterances("espnet", tmp_path)
