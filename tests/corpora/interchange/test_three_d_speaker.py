import csv

import pytest

from speakertrip.audio import decode
from speakertrip.corpora.interchange import export_utterances, import_utterances
from speakertrip.errors import DataError
from speakertrip.manifests import Utterance

HEADER = "ID,dur,path,start,stop,spk"


def test_a_line_as_its_preparation_writes_it(tmp_path):
    # The chunk from 4 to 8 s of a file of 8.16 s; the folder's name is part of id and speaker.
    line = "id00012/21Uxsk56VDQ/00001.wav_vox2_dev_4.0_8.0,8.16,/d/00001.wav,4.0,8.0,id00012_vox2_dev"
    (tmp_path / "train.csv").write_text(f"{HEADER}\r\n{line}\r\n")
    (row,) = import_utterances("3d-speaker", tmp_path / "train.csv")
    assert (row.id, row.speaker) == ("id00012/21Uxsk56VDQ/00001.wav_vox2_dev_4.0_8.0", "id00012_vox2_dev")
    assert (str(row.path), row.start, row.duration) == ("/d/00001.wav", 4.0, 4.0)


def test_its_reader_takes_the_table(tmp_path, audio):
    rows = [
        Utterance(f' {number}, "x"'.strip(), path, " s", start=0.1, duration=0.3, session="1")
        for number, path in enumerate(audio)
    ]
    export_utterances("3d-speaker", rows, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:  # as its load_data_csv does
        read = {row["ID"]: row for row in csv.DictReader(file, skipinitialspace=True)}
    assert list(read) == [row.id for row in rows]
    for row, item in zip(rows, read.values(), strict=True):
        assert (item["path"], item["spk"], item["session"]) == (str(row.path), " s", "1")
        assert (float(item["start"]), float(item["dur"])) == (0.1, 0.3)
        rate = audio[row.path]
        heard = decode(row.path)[0][int(float(item["start"]) * rate) : int(float(item["stop"]) * rate)]
        assert heard.tobytes() == decode(row.path, row.start, row.duration)[0].tobytes()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("u,1,a.wav,2,1,s", "'duration' must be a positive number"),
        ("u,1,a.wav,-1,1,s", "'start' must be a non-negative number"),
        ("u,1,a.wav,zero,1,s", "'start' must be a number of seconds, not 'zero'"),
        ("u,1,,0,1,s", "'path' is missing or empty"),
    ],
)
def test_bad_lines(tmp_path, line, message):
    (tmp_path / "a.csv").write_text(f"{HEADER}\n\n{line}\n")
    with pytest.raises(DataError, match=f"a.csv, line 3: .*{message}"):
        import_utterances("3d-speaker", tmp_path / "a.csv")


def test_a_dollar_is_a_dollar(tmp_path, audio):
    row = Utterance("pre$paid", next(iter(audio)), "s")
    export_utterances("3d-speaker", [row], tmp_path / "a.csv")
    assert import_utterances("3d-speaker", tmp_path / "a.csv")[0].id == "pre$paid"
