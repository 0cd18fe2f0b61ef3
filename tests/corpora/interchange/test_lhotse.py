import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from speakertrip.audio import decode
from speakertrip.corpora.interchange import export_utterances, import_utterances
from speakertrip.errors import DataError, UsageError
from speakertrip.manifests import Utterance

lhotse = pytest.importorskip("lhotse")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def rows(audio):
    """Return utterances of every file: its whole, and stretches whose ends no decimal hits."""
    made = []
    for path, rate in audio.items():
        known = {"path": path, "session": "7", "language": "fa", "sex": "f", "extra": {"corpus": "c"}}
        made.append(Utterance(f"{path.name}/whole", speaker="s 1", sample_rate=rate, **known))
        made.append(
            Utterance(f"{path.name}/15", speaker="s2", start=15 / rate, duration=4661 / rate, **known)
        )
        made.append(Utterance(f"{path.name}/.1", speaker="s2", start=0.123456, duration=0.3, **known))
    return made


def test_lhotse_reads_the_cuts(tmp_path, rows):
    export_utterances("lhotse-cuts", rows, tmp_path / "cuts.jsonl.gz")
    cuts = list(lhotse.CutSet.from_file(tmp_path / "cuts.jsonl.gz"))
    lhotse.validate(lhotse.CutSet.from_cuts(cuts), read_data=True)
    assert [cut.id for cut in cuts] == [row.id for row in rows]
    for row, cut in zip(rows, cuts, strict=True):
        (supervision,) = cut.supervisions
        assert (supervision.speaker, supervision.gender, supervision.language) == (row.speaker, "f", "fa")
        assert supervision.custom == {"session": "7", "corpus": "c"}
        assert np.array_equal(cut.load_audio()[0], decode(row.path, row.start, row.duration)[0])


def test_what_lhotse_wrote_itself(tmp_path, rows):
    export_utterances("lhotse-cuts", rows, tmp_path / "cuts.jsonl.gz")
    lhotse.CutSet.from_file(tmp_path / "cuts.jsonl.gz").to_eager().to_file(tmp_path / "again.jsonl")
    assert import_utterances("lhotse-cuts", tmp_path / "again.jsonl") == import_utterances(
        "lhotse-cuts", tmp_path / "cuts.jsonl.gz"
    )


def test_lhotse_reads_recordings_and_supervisions(tmp_path, rows):
    export_utterances("lhotse-supervisions", rows, tmp_path)
    recordings = lhotse.RecordingSet.from_file(tmp_path / "recordings.jsonl.gz")
    supervisions = lhotse.SupervisionSet.from_file(tmp_path / "supervisions.jsonl.gz")
    lhotse.qa.validate_recordings_and_supervisions(recordings, supervisions, read_data=True)
    assert len(list(recordings)) == 4  # one for each file
    cuts = lhotse.CutSet.from_manifests(
        recordings=recordings, supervisions=supervisions
    ).trim_to_supervisions(keep_overlapping=False)
    heard = {cut.supervisions[0].id: cut.load_audio()[0] for cut in cuts}
    for row in rows:
        assert np.array_equal(heard[row.id], decode(row.path, row.start, row.duration)[0])


def test_a_corpus_that_lhotse_made(tmp_path, audio):
    path, rate = list(audio.items())[1]
    recording = lhotse.Recording.from_file(path, recording_id="call")
    supervisions = [
        lhotse.SupervisionSegment("u1", "call", 0.1, 0.2, speaker="anna", gender="female", text="hello"),
        lhotse.SupervisionSegment("u2", "call", 0.25, 0.25, speaker="ben", custom={"session": "2"}),
    ]
    lhotse.RecordingSet.from_recordings([recording]).to_file(tmp_path / "x_recordings_dev.jsonl")
    lhotse.SupervisionSet.from_segments(supervisions).to_file(tmp_path / "x_supervisions_dev.jsonl.gz")
    expected = [
        Utterance("u1", path, "anna", None, 0.1, 0.2, rate, sex="female", extra={"text": "hello"}),
        Utterance("u2", path, "ben", "2", 0.25, 0.25, rate),
    ]
    assert import_utterances("lhotse-supervisions", tmp_path) == expected
    cut = recording.to_cut()
    cut.supervisions = supervisions
    lhotse.CutSet.from_cuts([cut]).to_file(tmp_path / "one.jsonl")  # a cut of two utterances
    assert import_utterances("lhotse-cuts", tmp_path / "one.jsonl") == expected
    cuts = lhotse.CutSet.from_cuts([cut]).trim_to_supervisions(keep_overlapping=False)
    cuts.to_file(tmp_path / "two.jsonl")
    two = import_utterances("lhotse-cuts", tmp_path / "two.jsonl")
    assert [replace(each, id="") for each in two] == [replace(each, id="") for each in expected]


def test_the_stretch_that_a_cut_and_its_supervision_share(tmp_path, audio):
    path = next(iter(audio))
    recording = lhotse.Recording.from_file(path, recording_id="r")
    supervision = lhotse.SupervisionSegment("u", "r", 0.5, 1.0, speaker="s")
    cut = recording.to_cut()
    cut.supervisions = [supervision]
    early, late = cut.truncate(offset=0.25, duration=0.5), cut.truncate(offset=1.0)
    lhotse.CutSet.from_cuts([early.with_id("early"), late.with_id("late")]).to_file(tmp_path / "c.jsonl")
    first, second = import_utterances("lhotse-cuts", tmp_path / "c.jsonl")
    assert (first.start, first.duration, second.start, second.duration) == (0.5, 0.25, 1.0, 0.5)


def test_two_channels_are_one_multi_cut(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (8000, 2))
    soundfile.write(tmp_path / "a.wav", noise, 8000)
    rows = [Utterance("a", tmp_path / "a.wav", "s", start=0.25, duration=0.5)]
    export_utterances("lhotse-cuts", rows, tmp_path / "c.jsonl")
    (cut,) = lhotse.CutSet.from_file(tmp_path / "c.jsonl")
    lhotse.validate(cut, read_data=True)
    heard = cut.load_audio().mean(axis=0)
    assert np.allclose(heard, decode(rows[0].path, 0.25, 0.5)[0], atol=1e-7)
    assert import_utterances("lhotse-cuts", tmp_path / "c.jsonl")[0].duration == 0.5


CUT = {
    "id": "c1",
    "start": 0.0,
    "duration": 10.0,
    "channel": 0,
    "supervisions": [
        {"id": "s1", "recording_id": "r1", "start": 0, "duration": 10.0, "channel": 0, "speaker": "spk1"}
    ],
    "recording": {
        "id": "r1",
        "sources": [{"type": "file", "channels": [0], "source": "a.wav"}],
        "sampling_rate": 16000,
        "num_samples": 256640,
        "duration": 16.04,
    },
    "type": "MonoCut",
}


def write_cut(path, *changes):
    """Write the cut after changes, each a way of keys and a value, on line 2."""
    cut = json.loads(json.dumps(CUT))
    for *way, key, value in changes:
        place = cut
        for step in way:
            place = place[step]
        place[key] = value
    path.write_text(f"{json.dumps(CUT | {'id': 'c0'})}\n{json.dumps(cut)}\n")
    return path


def test_a_published_line(tmp_path):
    expected = Utterance("c1", tmp_path / "a.wav", "spk1", duration=10.0, sample_rate=16_000)
    assert import_utterances("lhotse-cuts", write_cut(tmp_path / "c.jsonl"))[1] == expected


def test_what_is_custom_to_a_cut_is_so_to_its_utterances(tmp_path):
    cut = write_cut(
        tmp_path / "c.jsonl", ("custom", {"room": "2"}), ("supervisions", 0, "custom", {"session": "7"})
    )
    row = import_utterances("lhotse-cuts", cut)[1]
    assert (row.session, row.extra) == ("7", {"room": "2"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("custom", 3), "'custom' must be an object, not 3"),
        (("type", "MixedCut"), "a 'MixedCut' is no stretch of one file"),
        (("recording", None), "there is no recording"),
        (("recording", "sources", []), "does not name one source"),
        (
            ("recording", "sources", 0, "type", "command"),
            "the recording is a 'command', and only a 'file' is read",
        ),
        (("recording", "transforms", [{"name": "Speed"}]), "transformed on reading"),
        (("recording", "sampling_rate", "16k"), "'sampling_rate' must be a whole number"),
        (
            ("recording", "sources", 0, "channels", [0, 1]),
            r"takes channel 0 of \[0, 1\], and the mean of all",
        ),
        (("channel", 1), r"takes channel 1 of \[0\]"),
        (("supervisions", []), "no supervision, and so no speaker"),
        (("supervisions", 0, "speaker", None), "the supervision 's1' names no speaker"),
        (("supervisions", 0, "start", 11), "'s1' lies outside of its cut"),
        (("supervisions", 0, "custom", [1]), "'custom' must be an object"),
        (("start", "zero"), "'start' must be a number"),
        (("id", "c0"), "'c0' is already on line 1"),
    ],
)
def test_what_is_refused_by_line(tmp_path, change, message):
    path = write_cut(tmp_path / "c.jsonl", change)
    with pytest.raises(DataError, match=f"c.jsonl, line 2: .*{message}"):
        import_utterances("lhotse-cuts", path)


@pytest.mark.parametrize(
    ("recordings", "supervisions", "message"),
    [
        (
            [CUT["recording"]],
            [CUT["supervisions"][0] | {"recording_id": "r2"}],
            "the recording 'r2' is not in rec",
        ),
        (
            [CUT["recording"]] * 2,
            CUT["supervisions"],
            "recordings.jsonl, line 2: the recording 'r1' is there already",
        ),
        (
            [{"id": "r1"}],
            CUT["supervisions"],
            "recordings.jsonl, line 1: the recording does not name one source",
        ),
        ([CUT["recording"]], None, "holds no file with 'supervisions' in the name"),
    ],
)
def test_sets_that_do_not_fit(tmp_path, recordings, supervisions, message):
    for name, rows in (("recordings", recordings), ("supervisions", supervisions)):
        if rows is not None:
            (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with pytest.raises(DataError, match=message):
        import_utterances("lhotse-supervisions", tmp_path)


def test_lhotse_goes_by_the_name_of_a_file(tmp_path, rows):
    with pytest.raises(UsageError, match=r"Lhotse reads .jsonl and .jsonl.gz by their names"):
        export_utterances("lhotse-cuts", rows, tmp_path / "cuts.txt")
