import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.errors import DataError
from speakertrip.manifests import Utterance, read_manifest, write_manifest
from speakertrip.manifests.lines import is_listable
from speakertrip.manifests.utterances import KEYS

REPOSITORY = Path(__file__).parents[2]
ROW = {"id": "a", "path": "a.wav", "speaker": "s"}

texts = st.text(min_size=1)
names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)
seconds = st.floats(1e-6, 1e6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
utterances = st.builds(
    Utterance,
    id=texts.filter(is_listable),
    path=st.lists(names.filter(lambda name: name not in (".", "..")), min_size=1, max_size=3)
    .map("/".join)
    .map(Path),
    speaker=texts,
    session=st.none() | st.text(),
    start=st.just(0.0) | seconds,
    duration=st.none() | seconds,
    sample_rate=st.none() | st.integers(1, 400_000),
    language=st.none() | st.text(),
    sex=st.none() | st.text(),
    sha256=st.none() | st.text(),
    span=st.none() | st.tuples(st.integers(0, 10**11), st.integers(1, 10**11)),
    extra=st.dictionaries(st.text().filter(lambda key: key not in KEYS), values, max_size=3),
)


def write_rows(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@given(st.lists(utterances, min_size=1, max_size=4, unique_by=lambda utterance: utterance.id))
def test_round_trip(scratch, rows):
    path = scratch / "manifest.jsonl"
    written = [
        Utterance(**{key: getattr(row, key) for key in KEYS} | {"path": scratch / row.path}, extra=row.extra)
        for row in rows
    ]
    write_manifest(path, written)
    assert read_manifest(path) == written


@given(st.text())
def test_any_text_is_a_manifest_or_a_data_error(scratch, text):
    path = scratch / "text.jsonl"
    path.write_text(text)
    with suppress(DataError):
        read_manifest(path)


@given(st.dictionaries(st.sampled_from(KEYS), values) | values)
def test_any_json_is_a_row_or_a_data_error(scratch, row):
    path = write_rows(scratch / "row.jsonl", row | ROW if isinstance(row, dict) else row, ROW)
    with suppress(DataError):
        read_manifest(path)


@given(st.fixed_dictionaries(dict.fromkeys(("id", "path", "speaker"), values)))
def test_any_values_of_the_required_keys(scratch, row):
    path = write_rows(scratch / "required.jsonl", row)
    good = all(isinstance(value, str) and value for value in row.values()) and is_listable(row["id"])
    if good:
        assert read_manifest(path)[0].speaker == row["speaker"]
    else:
        with pytest.raises(DataError, match="line 1"):
            read_manifest(path)


def test_any_bytes_are_a_data_error(tmp_path):
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(DataError):
        read_manifest(path)


def test_paths_are_relative_below_the_manifest_and_absolute_elsewhere(tmp_path):
    manifest = tmp_path / "lists" / "manifest.jsonl"
    below, beside = tmp_path / "lists" / "wav" / "a.wav", tmp_path / "b.wav"
    write_manifest(manifest, [Utterance("a", below, "s"), Utterance("b", beside, "s")])
    assert [json.loads(line)["path"] for line in manifest.read_text().splitlines()] == [
        "wav/a.wav",
        str(beside),
    ]
    assert [utterance.path for utterance in read_manifest(manifest)] == [below, beside]


def test_relative_paths_do_not_depend_on_the_current_folder(tmp_path, monkeypatch):
    write_rows(tmp_path / "manifest.jsonl", ROW)
    monkeypatch.chdir(tmp_path)
    (utterance,) = read_manifest("manifest.jsonl")
    monkeypatch.chdir("/")
    assert utterance.path == tmp_path / "a.wav"


def test_absent_values_are_not_written(tmp_path):
    write_manifest(tmp_path / "manifest.jsonl", [Utterance("a", tmp_path / "a.wav", "s")])
    assert json.loads((tmp_path / "manifest.jsonl").read_text()) == ROW


def test_null_means_absent(tmp_path):
    (utterance,) = read_manifest(write_rows(tmp_path / "m.jsonl", ROW | {"duration": None, "mood": None}))
    assert utterance.duration is None
    assert utterance.extra == {"mood": None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": None}, "'id' is missing or empty"),
        ({"speaker": ""}, "'speaker' is missing or empty"),
        ({"path": 3}, "'path' must be text"),
        ({"session": 1}, "'session' must be text"),
        ({"start": -0.1}, "'start' must be a non-negative number"),
        ({"start": "0"}, "'start' must be a non-negative number"),
        ({"duration": 0}, "'duration' must be a positive number"),
        ({"duration": True}, "'duration' must be a positive number"),
        ({"duration": float("nan")}, "NaN is no value of JSON"),
        ({"duration": float("inf")}, "Infinity is no value of JSON"),
        ({"duration": 1e308}, "'duration' must be a positive number"),
        ({"duration": 10**400}, "'duration' must be a positive number"),
        ({"sample_rate": 16000.0}, "'sample_rate' must be a whole number"),
        ({"sample_rate": 0}, "'sample_rate' must be a positive number"),
        ({"mood": float("nan")}, "NaN is no value of JSON"),
        ({"span": [2**63, 1]}, "'span' must be .first byte, bytes."),
        ({"span": [0, 0]}, "'span' must be .first byte, bytes."),
        ({"span": [-1, 5]}, "'span' must be .first byte, bytes."),
        ({"span": [0, True]}, "'span' must be .first byte, bytes."),
        ({"span": [0, 5, 5]}, "'span' must be .first byte, bytes."),
        ({"span": 5}, "'span' must be .first byte, bytes."),
    ],
)
def test_bad_values_name_the_line(tmp_path, change, message):
    path = write_rows(tmp_path / "m.jsonl", ROW | {"id": "first"}, ROW | change)
    with pytest.raises(DataError, match=f"m.jsonl, line 2: .*{message}"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": "a"', "line 1: not JSON"),
        ("[" * 100_000, "line 1: not JSON"),
        ('{"id": "a", "path": "a", "speaker": "s", "start": ' + "1" * 5000 + "}", "line 1"),
        ("[1, 2]", "line 1: not a JSON object"),
        (
            '{"id": "a", "path": "a", "speaker": "s", "speaker": "t"}',
            "m.jsonl, line 1: the key 'speaker' comes more than once",
        ),
        (
            '{"id": "a", "path": "a", "speaker": "s", "x": [{"y": 1, "y": 1}]}',
            "line 1: the key 'y' comes more than once",
        ),
        ("", "holds no utterance"),
        ("# only\n\n", "holds no utterance"),
    ],
)
def test_bad_lines(tmp_path, text, message):
    path = tmp_path / "m.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_manifest(path)


def test_an_id_comes_once(tmp_path):
    path = write_rows(tmp_path / "m.jsonl", ROW, ROW | {"id": "b"}, ROW)
    with pytest.raises(DataError, match="line 3: the id 'a' is already on line 1"):
        read_manifest(path)


def test_example():
    rows = read_manifest(REPOSITORY / "manifests/example/manifest.jsonl")
    assert [row.speaker for row in rows] == ["s1", "s1", "s2", "s2", "s3 (guest)"]
    assert rows[2].extra == {"microphone": "headset"}
    assert (rows[3].start, rows[3].duration) == (61.5, 5.0)
    assert rows[0].path == REPOSITORY / "manifests/example/wav/s1/morning/1.wav"
