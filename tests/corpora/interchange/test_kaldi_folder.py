from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakertrip.audio import decode
from speakertrip.corpora.interchange import export_utterances, import_utterances
from speakertrip.errors import DataError, StorageError
from speakertrip.manifests import Utterance

GOOD = {
    "wav.scp": "call-1 /a/call 1.wav\ncall-2 b.wav\n",
    "segments": "s1-u1 call-1 0.8 1.1\ns2-u2 call-2 2 -1\n",
    "utt2spk": "s1-u1 s1\ns2-u2 s2\n",
    "spk2gender": "s1 f\ns2 m\n",
    "utt2lang": "s1-u1 fa\ns2-u2 zh\n",
}
speakers = st.sampled_from(["id1", "id2", "語"])


def write_folder(folder, files):
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def table(path):
    return dict(line.split(" ", 1) for line in path.read_text().splitlines())


def test_a_folder_with_segments(tmp_path):
    assert import_utterances("kaldi", write_folder(tmp_path, GOOD), "/corpus") == [
        Utterance("s1-u1", Path("/a/call 1.wav"), "s1", start=0.8, duration=0.3, language="fa", sex="f"),
        Utterance("s2-u2", Path("/corpus/b.wav"), "s2", start=2.0, language="zh", sex="m"),
    ]


@pytest.mark.parametrize(
    ("lengths", "duration"), [({}, None), ({"utt2dur": 4.16}, 4.16), ({"reco2dur": 5}, 5.0)]
)
def test_whole_files(tmp_path, lengths, duration):
    files = {"wav.scp": "s1-u1 a.wav\n", "utt2spk": "s1-u1 s1\n"}
    files |= {name: f"s1-u1 {seconds}\n" for name, seconds in lengths.items()}
    assert import_utterances("kaldi", write_folder(tmp_path, files)) == [
        Utterance("s1-u1", tmp_path / "a.wav", "s1", duration=duration)
    ]


@given(data=st.data())
@settings(max_examples=40)
def test_round_trip(tmp_path_factory, audio, samples, data):
    rows = [
        Utterance(
            id=f"{speaker}/{number}",
            path=data.draw(st.sampled_from(list(audio))),
            speaker=speaker,
            start=data.draw(st.just(0.0) | st.floats(0, 0.4)),
            duration=data.draw(st.none() | st.floats(0.001, 0.1)),
            language="fa",
            sex="m" if speaker == "id1" else "f",
        )
        for number, speaker in enumerate(data.draw(st.lists(speakers, min_size=1, max_size=4)))
    ]
    folder = tmp_path_factory.mktemp("data")
    assert export_utterances("kaldi", rows, folder) == []
    back = import_utterances("kaldi", folder)
    rows.sort(key=lambda row: row.id)
    for mine, row in zip(back, rows, strict=True):
        assert (mine.id, mine.path, mine.speaker) == (row.id, row.path, row.speaker)
        assert (mine.language, mine.sex) == (row.language, row.sex)
        assert samples(mine) == samples(row)
    for name in ("wav.scp", "utt2spk", "spk2utt", "utt2dur", "reco2dur", "utt2lang", "spk2gender"):
        keys = [line.split()[0].encode() for line in (folder / name).read_text().splitlines()]
        assert keys == sorted(set(keys))
    by_speaker = [line.split()[1].encode() for line in (folder / "utt2spk").read_text().splitlines()]
    assert by_speaker == sorted(by_speaker)


@given(st.integers(0, 10**9), st.sampled_from([8000, 11_025, 16_000, 22_050, 44_100, 48_000]))
def test_kaldi_cuts_segments_off_at_the_same_samples(tmp_path_factory, sample, rate):
    from speakertrip.corpora.interchange.positions import sample_time

    assert int(float(repr(sample_time(sample, rate))) * rate) == sample  # as extract-segments has it


def test_lhotse_reads_whole_files(tmp_path, audio):
    kaldi = pytest.importorskip("lhotse.kaldi")
    path = next(iter(audio))
    rows = [Utterance(f"{speaker}-u", path, speaker, sex="m", language="fa") for speaker in ("s1", "s2")]
    export_utterances("kaldi", rows, tmp_path)
    assert not (tmp_path / "segments").exists()
    (tmp_path / "text").write_text("s1-u no\ns2-u words\n")  # lhotse asks for it
    recordings, supervisions, _ = kaldi.load_kaldi_data_dir(tmp_path, 16_000)
    assert {each.id: each.sources[0].source for each in recordings} == {"s1-u": str(path), "s2-u": str(path)}
    assert {(each.id, each.speaker, each.gender, each.language) for each in supervisions} == {
        ("s1-u", "s1", "m", "fa"),
        ("s2-u", "s2", "m", "fa"),
    }
    assert all(np.array_equal(each.load_audio()[0], decode(path)[0]) for each in recordings)


def test_lhotse_reads_segments(tmp_path, audio):
    kaldi = pytest.importorskip("lhotse.kaldi")
    lhotse = pytest.importorskip("lhotse")
    path, rate = list(audio.items())[1]
    rows = [
        Utterance("s1-15", path, "s1", start=15 / rate, duration=4661 / rate, sex="m", language="fa"),
        Utterance("s2-.1", path, "s2", start=0.1, duration=0.3, sex="f", language="fa"),
    ]
    export_utterances("kaldi", rows, tmp_path)
    (tmp_path / "text").write_text("s1-15 no\ns2-.1 words\n")  # lhotse asks for it
    recordings, supervisions, _ = kaldi.load_kaldi_data_dir(tmp_path, rate)
    cuts = lhotse.CutSet.from_manifests(
        recordings=recordings, supervisions=supervisions
    ).trim_to_supervisions(keep_overlapping=False)
    heard = {cut.supervisions[0].id: cut.load_audio()[0] for cut in cuts}
    for row in rows:
        assert np.array_equal(heard[row.id], decode(path, row.start, row.duration)[0])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_lhotse_writes(tmp_path, audio):
    lhotse = pytest.importorskip("lhotse")
    kaldi = pytest.importorskip("lhotse.kaldi")
    path = next(iter(audio))
    recording = lhotse.Recording.from_file(path, recording_id="call")
    supervision = lhotse.SupervisionSegment(
        "anna-1", "call", 0.1, 0.2, speaker="anna", text="hello", gender="F", language="fa"
    )
    kaldi.export_to_kaldi(
        lhotse.RecordingSet.from_recordings([recording]),
        lhotse.SupervisionSet.from_segments([supervision]),
        tmp_path,
    )
    assert import_utterances("kaldi", tmp_path) == [
        Utterance("anna-1", path, "anna", start=0.1, duration=0.2, language="fa")
    ]


def test_ids_get_their_speaker_as_a_prefix(tmp_path, audio):
    path = next(iter(audio))
    rows = [Utterance("clip9", path, "anna"), Utterance("anna/1", path, "anna", session="2", sha256="0" * 64)]
    assert export_utterances("kaldi", rows, tmp_path) == [
        "Ids that got their speaker as a prefix, as Kaldi asks: 1.",
        "Kaldi has no place for session, sha256.",
    ]
    assert (tmp_path / "utt2spk").read_text() == "anna-clip9 anna\nanna/1 anna\n"
    assert (tmp_path / "spk2utt").read_text() == "anna anna-clip9 anna/1\n"


def test_what_not_all_have_is_left_out(tmp_path, audio):
    path = next(iter(audio))
    rows = [Utterance("a", path, "a", sex="m", language="fa"), Utterance("b", path, "b", sex="male")]
    assert export_utterances("kaldi", rows, tmp_path) == [
        "The languages are left out: utt2lang needs one, without white space, for every utterance.",
        "The sexes are left out: spk2gender needs one, m or f, for every speaker.",
    ]
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "reco2dur",
        "spk2utt",
        "utt2dur",
        "utt2spk",
        "wav.scp",
    ]


def test_an_older_file_does_not_stay_behind(tmp_path, audio):
    path = next(iter(audio))
    export_utterances("kaldi", [Utterance("s", path, "s", start=0.1, language="fa", sex="m")], tmp_path)
    assert (tmp_path / "segments").exists()
    export_utterances("kaldi", [Utterance("s", path, "s")], tmp_path)
    assert not any((tmp_path / name).exists() for name in ("segments", "utt2lang", "spk2gender"))
    assert import_utterances("kaldi", tmp_path)[0].start == 0.0


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("s/a 1", "s")], "The id 's/a 1' holds white space"),
        ([("s/1", "s\u3000t")], "The speaker .* holds white space"),
        ([("s-1", "s"), ("1", "s")], "The ids 's-1' and '1' would both be 's-1' in Kaldi"),
        ([("s/1", "s"), ("s-t/1", "s-t")], "'s/1' of 's' comes after those of 's-t'"),
    ],
)
def test_ids_that_kaldi_cannot_have(tmp_path, audio, pairs, message):
    rows = [Utterance(id_, next(iter(audio)), speaker) for id_, speaker in pairs]
    with pytest.raises(DataError, match=message):
        export_utterances("kaldi", rows, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.wav|", "a.wav:12", "a\n.wav", "a.wav "])
def test_paths_that_mean_something_else_to_kaldi(tmp_path, audio, name):
    (tmp_path / name).write_bytes(next(iter(audio)).read_bytes())
    with pytest.raises(DataError, match="ends like a command or an archive, or breaks a line"):
        export_utterances("kaldi", [Utterance("s", tmp_path / name, "s")], tmp_path / "data")


def test_a_target_that_is_a_file(tmp_path, audio):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot "):
        export_utterances("kaldi", [Utterance("s", next(iter(audio)), "s")], tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        (
            "wav.scp",
            "call-2 sox b.mp3 -t wav - |",
            "'sox b.mp3 -t wav - [|]' is a command, and commands are never run",
        ),
        ("wav.scp", "call-2 sph2pipe -f wav b.sph |", "'sph2pipe .*' is a command"),
        ("wav.scp", "call-2 -", "'-' is standard input"),
        ("wav.scp", "call-2 raw.ark:129", "'raw.ark:129' lies within an archive"),
        ("wav.scp", "call-2", "expected a key and a value, found 'call-2'"),
        ("wav.scp", "call-1 b.wav", "'call-1' is already on line 1"),
        ("segments", "s2-u2 call-2 2", "expected 'utterance recording start end', found 's2-u2 call-2 2'"),
        ("segments", "s2-u2 call-3 2 3", "the recording 'call-3' is not in wav.scp"),
        ("segments", "s2-u2 call-2 3 2", "must end after it starts, not go from 3 to 2 s"),
        ("segments", "s2-u2 call-2 0 nan", "'nan' is no number of seconds"),
        ("segments", "s2-u3 call-2 0 1", "'s2-u3' is not in utt2spk; see Kaldi's utils/fix_data_dir.sh"),
        ("utt2spk", "s2-u3 s2", "'s2-u2' is not in utt2spk"),
    ],
)
def test_bad_lines(tmp_path, name, line, message):
    first = GOOD[name].splitlines()[0]
    write_folder(tmp_path, GOOD | {name: f"{first}\n{line}\n"})
    where = "segments" if name == "utt2spk" else name
    with pytest.raises(DataError, match=f"{where}, line 2: .*{message}"):
        import_utterances("kaldi", tmp_path)


def test_a_speaker_is_one_field(tmp_path):
    write_folder(tmp_path, GOOD | {"utt2spk": "s1-u1 s1\ns2-u2 s2 m\n"})
    with pytest.raises(DataError, match="utt2spk, line 2: expected 'utterance speaker', found 's2-u2 s2 m'"):
        import_utterances("kaldi", tmp_path)


def test_nothing_in_wav_scp_is_ever_run(tmp_path):
    write_folder(tmp_path, {"wav.scp": f"s1 touch {tmp_path}/run |\n", "utt2spk": "s1 s1\n"})
    with pytest.raises(DataError, match="never run"):
        import_utterances("kaldi", tmp_path)
    assert not (tmp_path / "run").exists()
