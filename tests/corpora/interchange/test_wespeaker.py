import json

import pytest

from speakertrip.audio import decode
from speakertrip.corpora.interchange import export_utterances, import_utterances
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance

LINE = {"key": "id00012/21Uxsk56VDQ/00001.wav", "spk": "id00012", "wav": "/d/00001.wav"}


def write_lines(path, *rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def read_as_wespeaker(line, rate):
    """Return key, speaker and samples of a line as WeSpeaker's ``parse_raw`` takes them."""
    item = json.loads(line)
    wave = decode(item["wav"])[0]
    if "vad" in item:
        (bounds,) = item["vad"]
        wave = wave[int(float(bounds[0]) * rate) : int(float(bounds[1]) * rate)]
    return item["key"], item["spk"], wave.tobytes()


def test_a_published_line(tmp_path):
    (row,) = import_utterances("wespeaker", write_lines(tmp_path / "raw.list", LINE))
    assert row == Utterance(LINE["key"], row.path, "id00012")
    assert str(row.path) == "/d/00001.wav"


def test_wespeaker_hears_the_same_samples(tmp_path, audio):
    rows = []
    for path, rate in audio.items():
        rows.append(Utterance(f"{rate}/whole", path, "s"))
        rows.append(
            Utterance(f"{rate}/stated", path, "s", duration=round(30_011 / rate, 6), sample_rate=rate)
        )
        rows.append(Utterance(f"{rate}/15", path, "t", start=15 / rate, duration=4661 / rate))
        rows.append(Utterance(f"{rate}/.1", path, "t", start=0.1234999, duration=0.0999999))
    export_utterances("wespeaker", rows, tmp_path / "raw.list")
    lines = (tmp_path / "raw.list").read_text().splitlines()
    for row, line in zip(rows, lines, strict=True):
        expected = decode(row.path, row.start, row.duration)[0].tobytes()
        assert read_as_wespeaker(line, audio[row.path]) == (row.id, row.speaker, expected)
        assert ("vad" in json.loads(line)) == (row.id.endswith(("15", ".1")))


def test_stretches_of_speech_reach_from_the_first_to_the_last(tmp_path, audio):
    path = next(iter(audio))
    line = LINE | {"wav": str(path), "vad": [[0.1, "0.3"], [0.5, 1.1]]}
    (row,) = import_utterances("wespeaker", write_lines(tmp_path / "raw.list", line))
    assert (row.start, row.duration, row.extra) == (0.1, 1.0, {"vad": line["vad"]})
    assert export_utterances("wespeaker", [row], tmp_path / "again.list") == []
    again = json.loads((tmp_path / "again.list").read_text())
    assert again["vad"] == line["vad"]
    assert import_utterances("wespeaker", tmp_path / "again.list")[0].extra == row.extra


def test_stretches_of_another_utterance_are_not_written(tmp_path, audio):
    row = Utterance(
        "a", next(iter(audio)), "s", start=0.2, duration=0.5, extra={"vad": [[0.1, 0.3], [0.5, 1.1]]}
    )
    export_utterances("wespeaker", [row], tmp_path / "raw.list")
    assert json.loads((tmp_path / "raw.list").read_text())["vad"] == [[0.2, 0.7]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": ""}, "'key' is missing, empty, or not text"),
        ({"spk": 12}, "'spk' is missing, empty, or not text"),
        ({"vad": []}, "'vad' must hold stretches of seconds in ascending order"),
        ({"vad": [[1, 0.5]]}, "'vad' must hold stretches of seconds in ascending order"),
        ({"vad": [[0, 1, 2]]}, r"'vad' must hold pairs of seconds, not \[0, 1, 2\]"),
        ({"vad": [[0, None]]}, "'vad' must be a number"),
        ({"vad": [[0, 1]], "sample_rate": 0}, "'sample_rate' must be a positive number"),
        ({"vad": [[0, "one"]]}, "could not convert string to float: 'one'"),
    ],
)
def test_bad_lines(tmp_path, change, message):
    path = write_lines(tmp_path / "raw.list", LINE | {"key": "first"}, LINE | change)
    with pytest.raises(DataError, match=f"raw.list, line 2: .*{message}"):
        import_utterances("wespeaker", path)
