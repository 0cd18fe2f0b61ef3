import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from speakertrip.manifests import read_manifest

REPOSITORY = Path(__file__).parents[2]
TEST = ["id10270/x6uYqmx31kE/00001.wav", "id10270/8jEAjG6SegY/00008.wav", "id10300/ize_eiCFEg0/00003.wav"]
DEV = ["id10001/1zcIwhmdeo4/00001.wav", "id11251/5-6lI5JQtb8/00001.wav"]
VOXCELEB2 = ["id00012/21Uxsk56VDQ/00001.wav", "id00015/0fijmz4vTVU/00001.wav"]
O_LIST = f"1 {TEST[0]} {TEST[1]}\n0 {TEST[0]} {TEST[2]}\n"
E_LIST = f"0 {DEV[0]} {DEV[1]}\n1 {TEST[0]} {TEST[1]}\n"


SCRIPT = str(REPOSITORY / "recipes" / "voxceleb" / "prepare.py")


def prepare(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def prepare_here(monkeypatch, capsys):
    """Run the script in this process: the same, without a second of imports."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", [SCRIPT, *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            runpy.run_path(SCRIPT, run_name="__main__")
        assert isinstance(exit_.value.code, int)
        return subprocess.CompletedProcess(sys.argv, exit_.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def corpora(tmp_path, write_tree):
    write_tree(tmp_path / "vox1" / "wav", TEST + DEV)
    write_tree(tmp_path / "vox2" / "dev" / "aac", VOXCELEB2)
    (tmp_path / "veri_test2.txt").write_text(O_LIST)
    (tmp_path / "list_test_all2.txt").write_text(E_LIST)
    return tmp_path


def ids(path: Path) -> list[str]:
    return [utterance.id for utterance in read_manifest(path)]


def test_both_corpora(corpora):
    out = corpora / "out"
    lists = [corpora / "veri_test2.txt", corpora / "list_test_all2.txt"]
    done = prepare(
        "--voxceleb1", corpora / "vox1", "--voxceleb2", corpora / "vox2", "--out", out, "--trials", *lists
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ids(out / "manifest.train.jsonl") == VOXCELEB2
    assert ids(out / "manifest.test.jsonl") == sorted(TEST)
    assert ids(out / "manifest.vox1.jsonl") == sorted(TEST + DEV)
    assert all(utterance.path.is_file() for utterance in read_manifest(out / "manifest.vox1.jsonl"))
    assert [(out / path.name).read_bytes() for path in lists] == [path.read_bytes() for path in lists]
    assert f"{out}/manifest.test.jsonl: 3 utterances of 2 speakers\n" in done.stdout
    assert f"{out}/veri_test2.txt: 2 trials, 1 of them target trials\n" in done.stdout


def test_voxceleb1_alone_trains_on_its_dev_speakers(corpora, prepare_here):
    out = corpora / "out"
    done = prepare_here("--voxceleb1", corpora / "vox1", "--out", out, "--trials", corpora / "veri_test2.txt")
    assert (done.returncode, done.stderr) == (0, "")
    assert ids(out / "manifest.train.jsonl") == DEV
    assert ids(out / "manifest.test.jsonl") == sorted(TEST)


def test_a_list_may_not_judge_training_speakers(corpora):
    done = prepare(
        "--voxceleb1", corpora / "vox1", "--out", corpora / "out", "--trials", corpora / "list_test_all2.txt"
    )
    assert done.returncode == 6
    assert "list_test_all2.txt judges id10001, a speaker of manifest.train.jsonl" in done.stderr
    assert not (corpora / "out").exists()


def test_a_list_that_names_what_is_not_there(corpora, prepare_here):
    (corpora / "veri_test2.txt").write_text(O_LIST + f"0 {TEST[0]} id10299/x/00001.wav\n")
    done = prepare_here(
        "--voxceleb1", corpora / "vox1", "--out", corpora / "out", "--trials", corpora / "veri_test2.txt"
    )
    assert done.returncode == 6
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "names id10299/x/00001.wav, which is in none of the corpora given" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "error: Name the folder of --voxceleb1"),
        (["--voxceleb1", "vox2"], 6, "error: vox2 holds no audio of VoxCeleb1"),
        (
            ["--voxceleb1", "vox1/wav", "--trials", "absent.txt"],
            6,
            "error: Cannot read the trial list absent.txt",
        ),
        (["--voxceleb2", "bad"], 3, "error: 1 of 1 audio file cannot be used"),
        (["--voxceleb1", "dev"], 6, "error: manifest.test.jsonl would be empty: dev holds none"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(
    corpora, write_tree, monkeypatch, prepare_here, arguments, code, message
):
    write_tree(corpora / "dev", DEV)
    (corpora / "bad" / "id00012").mkdir(parents=True)
    (corpora / "bad" / "id00012" / "00001.wav").write_text("no audio")
    monkeypatch.chdir(corpora)
    done = prepare_here(*arguments, "--out", "out")
    assert done.returncode == code
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not (corpora / "out").exists()
