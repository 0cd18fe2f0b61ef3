import json

import pytest

from speakertrip.audio import decode
from speakertrip.corpora.interchange import export_utterances, import_utterances
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance

LINE = {"audio_filepath": "/d/id00179/00086.wav", "offset": 0, "duration": 4.16, "label": "id00179"}


def write_lines(path, *rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_a_published_line(tmp_path):
    (row,) = import_utterances("nemo", write_lines(tmp_path / "m.json", LINE | {"text": "hi"}))
    assert (row.id, str(row.path), row.speaker) == ("/d/id00179/00086.wav", "/d/id00179/00086.wav", "id00179")
    assert (row.start, row.duration, row.extra) == (0, 4.16, {"text": "hi"})


def test_what_its_file_lists_have_before_they_know_durations(tmp_path):
    (row,) = import_utterances("nemo", write_lines(tmp_path / "m.json", LINE | {"duration": None}))
    assert row.duration is None


def test_utterances_of_one_file_go_by_their_times(tmp_path):
    rows = [LINE | {"offset": 1.5, "duration": 3}, LINE | {"offset": 4.5}, LINE | {"audio_filepath": "b.wav"}]
    read = import_utterances("nemo", write_lines(tmp_path / "m.json", *rows))
    assert [row.id for row in read] == [
        "/d/id00179/00086.wav_1.5_4.5",
        "/d/id00179/00086.wav_4.5_8.66",
        "b.wav",
    ]


def test_a_speaker_beside_a_label_is_no_speaker(tmp_path):
    rows = [LINE | {"speaker": 7}, {**LINE, "label": None, "speaker": "anna", "audio_filepath": "b.wav"}]
    read = import_utterances("nemo", write_lines(tmp_path / "m.json", *rows))
    assert [row.speaker for row in read] == ["id00179", "anna"]
    assert read[0].extra == {}


def test_keys_that_would_be_mistaken_are_not_taken(tmp_path):
    line = LINE | {"span": [0, 9], "path": "b.wav", "start": 3, "mood": "good"}
    (row,) = import_utterances("nemo", write_lines(tmp_path / "m.json", line))
    assert (str(row.path), row.start, row.span, row.extra) == (
        LINE["audio_filepath"],
        0,
        None,
        {"mood": "good"},
    )


def test_nemo_cuts_off_at_the_same_samples(tmp_path, audio):
    rows = [
        Utterance(f"{number}/{rate}", path, "s", start=number / rate, duration=(4000 + number) / rate)
        for path, rate in audio.items()
        for number in range(15, 60, 3)
    ]
    rows += [
        Utterance(f"{rate}", path, "s", start=0.1234999, duration=0.0999999) for path, rate in audio.items()
    ]
    export_utterances("nemo", rows, tmp_path / "m.json")
    for row, line in zip(rows, (tmp_path / "m.json").read_text().splitlines(), strict=True):
        item = json.loads(line)
        rate = audio[row.path]
        first, count = int(item["offset"] * rate), int(item["duration"] * rate)  # as its AudioSegment has it
        heard = decode(row.path)[0][first : first + count]
        assert heard.tobytes() == decode(row.path, row.start, row.duration)[0].tobytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"audio_filepath": None}, "'audio_filepath' is missing, empty, or not text"),
        ({"label": 3}, "'label' is missing, empty, or not text"),
        ({"label": None}, "'speaker' is missing, empty, or not text"),
        ({"offset": "0"}, "'offset' must be a number, not '0'"),
        ({"offset": -1}, "'start' must be a non-negative number"),
        ({"duration": 0}, "'duration' must be a positive number"),
        ({"language": 3}, "'language' must be text"),
        ({"id": "/d/first.wav"}, "'/d/first.wav' is already on line 1"),
    ],
)
def test_bad_lines(tmp_path, change, message):
    path = write_lines(tmp_path / "m.json", LINE | {"audio_filepath": "/d/first.wav"}, LINE | change)
    with pytest.raises(DataError, match=f"m.json, line 2: .*{message}"):
        import_utterances("nemo", path)
