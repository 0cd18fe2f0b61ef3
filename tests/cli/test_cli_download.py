import pytest

from speakertrip.cli import run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["voxceleb1", "x"], "The audio of VoxCeleb1 is given on request: fill in the form at https://"),
        (["voxceleb2", "x"], "The audio of VoxCeleb2 is given on request"),
        (
            ["common-voice", "x"],
            "Common Voice is given to who agrees to its terms: choose a language at https://",
        ),
        (["timit", "x"], "There is no download 'timit'; take one of librispeech, "),
        (["librispeech", "x"], "Name one or more splits of librispeech: train-clean-100, "),
        (["vctk", "x", "--split", "mic1"], "vctk has no split 'mic1'; take one of vctk"),
        (["vctk"], "Missing argument 'FOLDER'"),
    ],
)
def test_what_cannot_be_downloaded(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert run(["manifest", "download", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert not list(tmp_path.iterdir())
