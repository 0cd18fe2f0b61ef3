import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from speakertrip.audio import decode
from speakertrip.corpora.interchange import export_utterances, import_utterances
from speakertrip.errors import AudioError, DataError
from speakertrip.manifests import Utterance

HEADER = "ID,duration,wav,start,stop,spk_id"


# In a process of its own: the modules that SpeechBrain loads late fail when hypothesis looks at them.
THEIR_READER = """
import json, sys
from speechbrain.dataio.dataset import DynamicItemDataset
path, root = sys.argv[1:]
keys = ["id", "wav", "start", "stop", "spk_id", "duration", "language", "note"]
data = DynamicItemDataset.from_csv(path, replacements={"data_root": root}, output_keys=keys)
print(json.dumps(list(data)))
"""


def test_speechbrain_reads_the_table(tmp_path, audio):
    rows = [
        Utterance(
            f'{number}, "x"', path, " s", start=0.123456, duration=0.3, language="fa", extra={"note": " a"}
        )
        for number, path in enumerate(audio)
    ]
    export_utterances("speechbrain", rows, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open("a") as file:
        file.write("u,4.16,$data_root/id1/a.wav,0,8000,id1,8000,,\n")
    command = [sys.executable, "-c", THEIR_READER, str(tmp_path / "a.csv"), "/corpus"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    *read, rooted = json.loads(output.splitlines()[-1])
    for row, item in zip(rows, read, strict=True):
        assert (item["id"], item["wav"], item["spk_id"]) == (row.id, str(row.path), " s")
        assert (item["duration"], item["language"], item["note"]) == (0.3, "fa", " a")
        whole = decode(row.path)[0]  # as its recipe loads it: from sample start to sample stop
        heard = whole[int(item["start"]) : int(item["stop"])]
        assert heard.tobytes() == decode(row.path, row.start, row.duration)[0].tobytes()
    ours = import_utterances("speechbrain", tmp_path / "a.csv", "/corpus")[-1]
    assert rooted["wav"] == str(ours.path) == "/corpus/id1/a.wav"


def test_without_start_and_stop_the_duration_counts(tmp_path):
    (tmp_path / "a.csv").write_text("ID,duration,wav,spk_id,wrd\nu,4.16,a.wav,s,hello\n")
    (row,) = import_utterances("speechbrain", tmp_path / "a.csv")
    assert (row.start, row.duration, row.extra) == (0.0, 4.16, {"wrd": "hello"})


def test_a_published_line(tmp_path):
    soundfile.write(tmp_path / "00001.wav", np.zeros(5000), 44_100)
    (tmp_path / "train.csv").write_text(
        f"{HEADER}\nid00012--u1_0.0_3.0,4.16,$data_root/00001.wav,15,4415,id00012\n"
    )
    (row,) = import_utterances("speechbrain", tmp_path / "train.csv", tmp_path)
    assert (row.id, row.path, row.speaker) == ("id00012--u1_0.0_3.0", tmp_path / "00001.wav", "id00012")
    # The rate is that of the file's header; the duration of the file is not that of the utterance.
    assert (row.start, row.duration) == (pytest.approx(15 / 44_100), pytest.approx(4400 / 44_100))
    assert len(decode(row.path, row.start, row.duration)[0]) == 4400


def test_the_sample_rate_of_a_file_that_is_not_there(tmp_path):
    (tmp_path / "a.csv").write_text(f"{HEADER}\nu,4.16,gone.wav,0,16000,s\n")
    with pytest.raises(AudioError, match=r"gone.wav: there is no such file"):
        import_utterances("speechbrain", tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text(f"{HEADER},sample_rate\nu,4.16,gone.wav,0,16000,s,8000\n")
    assert import_utterances("speechbrain", tmp_path / "a.csv")[0].duration == 2.0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("u,1,$data_root/a.wav,,,s", "'.data_root/a.wav' begins at a folder that only --data-root can tell"),
        ("u,1,$corpus/a.wav,,,s", "holds the variable .corpus; only .data_root and .data_folder are known"),
        ("u,1,a.wav,0.5,,s", "'start' must be a whole number, not '0.5'"),
        ("u,long,a.wav,,,s", "'duration' must be a number of seconds, not 'long'"),
        ("u,1e999,a.wav,,,s", "'duration' must be a number of seconds, not '1e999'"),
        ("u,1,a.wav,,,", "the key 'speaker' is missing or empty"),
        ("u,1,a.wav,,", "expected 6 fields .*, found 5"),
        ('u,1,"a.wav,,,s', "not comma-separated values"),
        ("first,1,a.wav,,,s", "'first' is already on line 2"),
    ],
)
def test_bad_lines(tmp_path, line, message):
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
    (tmp_path / "a.csv").write_text(f"{HEADER}\nfirst,1,a.wav,,,s\n{line}\n")
    with pytest.raises(DataError, match=f"a.csv, line 3: .*{message}"):
        import_utterances("speechbrain", tmp_path / "a.csv")


def test_a_sample_rate_of_nothing(tmp_path):
    (tmp_path / "a.csv").write_text(f"{HEADER},sample_rate\nu,1,a.wav,0,16000,s,0\n")
    with pytest.raises(DataError, match="line 2: 'sample_rate' must be a positive number, not 0"):
        import_utterances("speechbrain", tmp_path / "a.csv")


def test_a_header_without_a_column(tmp_path):
    (tmp_path / "a.csv").write_text("ID,wav,speaker\nu,a.wav,s\n")
    with pytest.raises(DataError, match="line 1: the header lacks the column 'spk_id'; found ID,wav,speaker"):
        import_utterances("speechbrain", tmp_path / "a.csv")


def test_a_dollar_would_be_a_variable(tmp_path, audio):
    with pytest.raises(DataError, match=r"'pre.paid' holds a '\$', which SpeechBrain takes for a variable"):
        export_utterances("speechbrain", [Utterance("pre$paid", next(iter(audio)), "s")], tmp_path / "a.csv")
