import subprocess
import sys

import pytest

from speakertrip.cli import run
from speakertrip.manifests import read_enrollment_map, read_manifest, read_trials


def test_librispeech_in_a_process(tmp_path, write_tree):
    write_tree(tmp_path / "ü LibriSpeech", ["dev-clean/84/1/84-1-0000.flac", "dev-other/7/2/7-2-0000.flac"])
    (tmp_path / "ü LibriSpeech/SPEAKERS.TXT").write_text("84 | F | dev-clean | 8 | A\n")
    out = tmp_path / "lists" / "m.jsonl"
    command = [
        sys.executable,
        "-m",
        "speakertrip",
        "manifest",
        "librispeech",
        str(tmp_path / "ü LibriSpeech"),
    ]
    options = ["--split", "dev-clean", "--split", "dev-other", "--out", str(out)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{out}: 2 utterances of 2 speakers\n"
    assert [row.speaker for row in read_manifest(out)] == ["84", "7"]
    assert all(row.path.is_file() for row in read_manifest(out))


CORPORA = {  # a bad file, a good one and the tables of each corpus
    "voxceleb1": (["id00001/v/1.wav", "id00002/v/1.wav"], {}, "dev"),
    "voxceleb2": (["dev/aac/id00001/v/1.wav", "dev/aac/id00002/v/1.wav"], {}, "dev"),
    "cnceleb": (["data/id1/a-1-1.flac", "data/id2/a-1-1.flac"], {"spk.lst": "id1\nid2\n"}, "cnceleb2"),
    "librispeech": (["dev-clean/1/1/a.flac", "dev-clean/2/1/b.flac"], {"SPEAKERS.TXT": ""}, "dev-clean"),
    "common-voice": (
        ["clips/a.mp3", "clips/b.mp3"],
        {"dev.tsv": "client_id\tpath\nx\ta.mp3\ny\tb.mp3\n"},
        "dev",
    ),
    "speechocean": (
        ["WAVE/S1/1.WAV", "WAVE/S2/2.WAV"],
        {"test/wav.scp": "1 WAVE/S1/1.WAV\n2 WAVE/S2/2.WAV\n", "test/utt2spk": "1 S1\n2 S2\n"},
        "test",
    ),
    "vctk": (
        ["wav48_silence_trimmed/p1/p1_1_mic1.flac", "wav48_silence_trimmed/p2/p2_1_mic1.flac"],
        {"speaker-info.txt": ""},
        "mic1",
    ),
}


@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_can_leave_out_bad_files(tmp_path, write_tree, capsys, name):
    (bad, good), tables, split = CORPORA[name]
    write_tree(tmp_path, [good])
    for path, text in {bad: "This is no audio.", **tables}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    out = tmp_path / "m.jsonl"
    command = ["manifest", name, str(tmp_path), "--split", split, "--out", str(out)]
    assert run(command) == 3
    assert "1 of 2 audio files cannot be used" in capsys.readouterr().err
    assert run([*command, "--skip-bad"]) == 0
    stdout, stderr = capsys.readouterr()
    assert stdout == f"{out}: 1 utterance of 1 speaker\n"
    assert stderr.startswith(f"{tmp_path / bad} is not audio")
    assert stderr.endswith("\n1 of 2 audio files left out.\n")
    assert [row.path for row in read_manifest(out)] == [tmp_path / good]


def test_cnceleb_trials(tmp_path, write_tree, capsys):
    write_tree(tmp_path, ["data/id00800/singing-01-005.flac", "eval/test/id00800-singing-02-001.flac"])
    (tmp_path / "eval/lists").mkdir()
    (tmp_path / "eval/lists/enroll.map").write_text("id00800-enroll id00800/singing-01-005.wav\n")
    (tmp_path / "eval/lists/trials.lst").write_text("id00800-enroll test/id00800-singing-02-001.wav 1\n")
    names = [str(tmp_path / name) for name in ("trials.txt", "map.txt", "m.jsonl")]
    assert (
        run(["manifest", "cnceleb-trials", str(tmp_path), "--out", names[0], "--enrollments-out", names[1]])
        == 0
    )
    assert capsys.readouterr().out == f"{names[0]}: 1 trial (1 target)\n{names[1]}: 1 model\n"
    assert run(["manifest", "cnceleb", str(tmp_path), "--split", "eval", "--out", names[2]]) == 0
    known = {row.id for row in read_manifest(names[2])}
    assert {id_ for ids in read_enrollment_map(names[1]).values() for id_ in ids} <= known
    assert set(read_trials(names[0]).tests) <= known


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("voxceleb1", [], "holds no audio of VoxCeleb1 dev and test: expected speaker folders"),
        ("voxceleb2", [], "holds no audio of VoxCeleb2 dev: expected speaker folders"),
        ("cnceleb", ["--split", "dev"], "is not CN-Celeb1: expected data and dev/dev.lst"),
        ("librispeech", ["--split", "dev-clean"], "is not LibriSpeech: expected SPEAKERS.TXT and dev-clean"),
        ("common-voice", ["--split", "train"], "is not Common Voice: expected clips and train.tsv"),
        ("speechocean", [], "is not speechocean762: expected WAVE and train and test"),
        ("vctk", [], "is not VCTK 0.92: expected wav48_silence_trimmed and speaker-info.txt"),
    ],
)
def test_a_wrong_folder_is_one_sentence(tmp_path, capsys, name, options, message):
    out = tmp_path / "m.jsonl"
    assert run(["manifest", name, str(tmp_path), "--out", str(out), *options]) == 6
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert message in stderr
    assert len(stderr.splitlines()) == 1
    assert not out.exists()
    assert run(["manifest", name, str(tmp_path), "--out", str(out), "--split", "bogus"]) == 2
    assert "has no split 'bogus'; take one of" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["voxceleb1", "voxceleb2", "cnceleb", "librispeech", "common-voice", "speechocean", "vctk"]
)
def test_help_says_what_is_expected_and_where_the_terms_are(capsys, name):
    assert run(["manifest", name, "--help"]) == 0
    text = capsys.readouterr().out
    assert "ROOT holds" in text
    assert "https://" in text
    assert "erms" in text
