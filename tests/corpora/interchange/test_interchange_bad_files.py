"""Any file is utterances or an error of ours; malformed lines are named."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.corpora.interchange import FORMATS, import_utterances
from speakertrip.errors import DataError, SpeakertripError

FILES = ("3d-speaker", "lhotse-cuts", "nemo", "speechbrain", "wespeaker")
KALDI = ("wav.scp", "utt2spk", "segments", "utt2dur", "utt2lang", "spk2gender")
HEADERS = {
    "3d-speaker": "ID,dur,path,start,stop,spk,sample_rate",
    "speechbrain": "ID,duration,wav,start,stop,spk_id,sample_rate",
}

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["file", "MonoCut"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


def objects(**keys):
    return st.fixed_dictionaries(
        {}, optional={key: values if kind is None else kind for key, kind in keys.items()}
    )


supervisions = objects(
    id=st.just("s") | values, recording_id=st.just("r") | values, start=None, duration=st.just(1.0) | values,
    channel=st.just(0) | values, speaker=st.just("who") | values, custom=None, gender=None, text=None, language=None,
)  # fmt: skip
sources = objects(
    type=st.just("file") | values, channels=st.just([0]) | values, source=st.just("a.wav") | values
)
recordings = objects(
    id=st.just("r") | values, sources=st.lists(sources, max_size=2) | values,
    sampling_rate=st.just(16_000) | values, transforms=None,
)  # fmt: skip
rows = {
    "nemo": objects(
        audio_filepath=st.just("a.wav") | values, offset=None, duration=None, label=st.just("s") | values, id=None,
        speaker=None, sample_rate=st.just(0) | values, span=None,
    ),
    "wespeaker": objects(
        key=st.just("a") | values, wav=st.just("a.wav") | values, spk=st.just("s") | values, duration=None,
        vad=st.lists(st.lists(st.floats(0, 9) | st.just("1.5") | values, max_size=2)) | values,
        sample_rate=st.just(0) | values,
    ),
    "lhotse-cuts": objects(
        id=st.just("c") | values, type=st.just("MonoCut") | values, start=st.just(0) | values,
        duration=st.just(2.0) | values, channel=st.just(0) | values, recording=recordings | values,
        supervisions=st.lists(supervisions, max_size=2) | values,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@given(content=st.binary() | st.text().map(str.encode))
def test_any_bytes(scratch, name, content):
    path = scratch / "bytes.jsonl"
    path.write_bytes(content)
    with suppress(SpeakertripError):
        import_utterances(name, path)


@pytest.mark.parametrize("name", rows)
@given(data=st.data())
def test_any_json(scratch, name, data):
    path = scratch / "row.jsonl"
    path.write_text(
        "".join(f"{json.dumps(row)}\n" for row in data.draw(st.lists(rows[name], min_size=1, max_size=2)))
    )
    with suppress(SpeakertripError):
        assert import_utterances(name, path)


@given(st.lists(recordings, max_size=2), st.lists(supervisions, max_size=2))
def test_any_recordings_and_supervisions(scratch, recordings, supervisions):
    for name, lines in (("recordings", recordings), ("supervisions", supervisions)):
        (scratch / f"{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with suppress(SpeakertripError):
        assert import_utterances("lhotse-supervisions", scratch)


@pytest.mark.parametrize("name", HEADERS)
@given(
    fields=st.tuples(
        *7 * [st.sampled_from(["1", "0", "a.wav", "0.5", "1e999", "nan", "-1", "", '"']) | st.text()]
    )
)
def test_any_fields(scratch, name, fields):
    path = scratch / "table.csv"
    path.write_text(f"{HEADERS[name]}\n{','.join(fields)}\n")
    with suppress(SpeakertripError):
        assert import_utterances(name, path)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(KALDI, st.text(st.sampled_from("ab 1.-|\n"), max_size=16))
    )
)
def test_any_kaldi_folder(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("kaldi")
    for name, text in files.items():
        (folder / name).write_text(text)
    with suppress(SpeakertripError):
        assert import_utterances("kaldi", folder)


@pytest.mark.parametrize("name", FORMATS)
def test_a_source_that_is_not_there(tmp_path, name):
    with pytest.raises(DataError, match="Cannot read the "):
        import_utterances(name, tmp_path / "absent")


@pytest.mark.parametrize("name", FILES)
def test_a_file_without_utterances(tmp_path, name):
    path = tmp_path / "empty.jsonl"
    path.write_text(HEADERS.get(name, "") + "\n")
    with pytest.raises(DataError, match=r"empty.jsonl holds no utterance"):
        import_utterances(name, path)
