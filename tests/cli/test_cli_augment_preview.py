"""``speakertrip augment-preview`` as a user runs it."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

from speakertrip.cli import run

CONFIG = """
[data]
speeds = [1.0, 1.1]
[[augment.chain]]
kind = "noise"
manifest = "noise"
snr_db = [10, 10]
[[augment.chain]]
kind = "telephone"
codecs = ["mulaw"]
probability = 0.5
"""


@pytest.fixture
def place(tmp_path, speech_like):
    rng = np.random.default_rng(0)
    (tmp_path / "noise").mkdir()
    soundfile.write(tmp_path / "noise/fän.wav", 0.1 * rng.standard_normal(16_000), 16_000)
    soundfile.write(tmp_path / "voice.wav", speech_like(1.0, 0), 16_000)
    (tmp_path / "config.toml").write_text(CONFIG)
    return tmp_path


def arguments(place, *more, file="voice.wav"):
    return ["augment-preview", f"{place}/config.toml", f"{place}/{file}", "--data", str(place), *more]


def test_writes_copies_and_says_what_was_done(place):
    command = [
        sys.executable,
        "-m",
        "speakertrip",
        *arguments(place, "--out", f"{place}/out", "--count", "6"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert (place / "out/augmentations.txt").read_text(encoding="utf-8") == done.stdout
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [name for name, _ in lines] == [f"voice-00{index}.wav" for index in range(6)]
    for index, (name, said) in enumerate(lines):
        waveform, rate = soundfile.read(place / "out" / name)
        assert rate == 16_000
        assert len(waveform) == pytest.approx(16_000 if index % 2 == 0 else 16_000 / 1.1, abs=1)
        assert ("speed 1.1, " in said) == (index % 2 == 1)
        assert "noise fän.wav at 10.0 dB" in said
        powers = np.abs(np.fft.rfft(waveform)) ** 2
        narrow = powers[int(len(waveform) * 0.26) :].sum() < 1e-4 * powers.sum()  # little above 4.2 kHz
        assert ("telephone line with mulaw" in said) == narrow
    assert 0 < sum("telephone" in said for _, said in lines) < 6
    assert len(list((place / "out").iterdir())) == 7


def test_copies_follow_from_the_seed(place, capsys):
    def copies(name, *more):
        assert run(arguments(place, "--out", f"{place}/{name}", "--count", "2", *more)) == 0
        return [path.read_bytes() for path in sorted((place / name).iterdir())]

    assert copies("a") == copies("b") != copies("c", "--seed", "1")


def test_overrides_and_light_augmentation(place, capsys):
    assert run(arguments(place, "--out", f"{place}/o", "--count", "1", "--set", "augment.chain=[]")) == 0
    assert capsys.readouterr().out.startswith("voice-000.wav\t")
    silent = ["--set", "augment.chain.0.probability=0", "--set", "augment.chain.1.probability=0"]
    assert run(arguments(place, "--out", f"{place}/o", "--count", "1", *silent)) == 0
    assert capsys.readouterr().out == "voice-000.wav\tnothing\n"
    before, after = (soundfile.read(place / name)[0] for name in ("voice.wav", "o/voice-000.wav"))
    np.testing.assert_array_equal(before, after)


def test_what_a_file_would_clip_is_scaled(place, capsys):
    loud = ["--set", 'augment.chain=[{kind = "gain", db = [20, 20]}]']
    assert run(arguments(place, "--out", f"{place}/o", "--count", "1", *loud)) == 0
    assert "gain of +20.0 dB, level -" in capsys.readouterr().out
    assert np.abs(soundfile.read(place / "o/voice-000.wav")[0]).max() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("more", "file", "code", "words"),
    [
        (
            ["--set", "augment.chain.0.snr=1"],
            "voice.wav",
            6,
            "augment.chain.0.snr=1': augment.chain.0.snr: no such option",
        ),
        (["--set", "augment.chain.0.manifest=no"], "voice.wav", 6, "augment.chain.0 (noise): "),
        (["--set", 'augment.chain=[{kind = "babble"}]'], "voice.wav", 6, "manifest.train.jsonl"),
        ([], "none.wav", 3, "none.wav"),
        (["--count", "0"], "voice.wav", 2, "--count"),
    ],
)
def test_errors_are_one_sentence(place, capsys, more, file, code, words):
    assert run(arguments(place, "--out", f"{place}/o", *more, file=file)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert not (place / "o").exists()


def test_a_silent_file_gets_no_noise_and_none_is_claimed(place, capsys):
    soundfile.write(place / "silent.wav", np.zeros(16_000), 16_000)
    chain = [f'{{kind = "{kind}"{more}}}' for kind, more in [
        ("noise", ""), ("noise", ', manifest = "noise"'), ("babble", ', manifest = "noise"'), ("codec", ""),
        ("reverb", ', manifest = "noise"'),
    ]]  # fmt: skip
    light = ["--set", "augment.chain=[]", "--set", "augment.noise_probability=1"]
    for more in (
        ["--set", f"augment.chain=[{', '.join(chain)}]"],
        [*light, "--set", "augment.equalize_probability=0"],
    ):
        assert run(arguments(place, "--out", f"{place}/o", "--count", "1", *more, file="silent.wav")) == 0
        assert capsys.readouterr().out == "silent-000.wav\tnothing\n"
        assert not soundfile.read(place / "o/silent-000.wav")[0].any()


def test_the_copies_of_an_earlier_call_are_replaced(place, capsys):
    assert run(arguments(place, "--out", f"{place}/o", "--count", "5")) == 0
    (place / "voice.wav").rename(place / "other.wav")
    assert run(arguments(place, "--out", f"{place}/o", "--count", "2", file="other.wav")) == 0
    names = ["augmentations.txt", "other-000.wav", "other-001.wav"]
    assert sorted(path.name for path in (place / "o").iterdir()) == names
    listed = (place / "o/augmentations.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[0] for line in listed] == names[1:]


def test_a_call_that_fails_leaves_the_copies_of_the_earlier_one(place, capsys):
    assert run(arguments(place, "--out", f"{place}/o", "--count", "2")) == 0
    before = {path.name: path.read_bytes() for path in (place / "o").iterdir()}
    assert run(arguments(place, "--out", f"{place}/o", file="none.wav")) == 3
    assert {path.name: path.read_bytes() for path in (place / "o").iterdir()} == before


@pytest.mark.parametrize("name", ["voice-000.wav", "diary.txt"])
def test_a_folder_with_other_files_is_refused(place, capsys, name):
    if name == "diary.txt":
        assert run(arguments(place, "--out", f"{place}/o", "--count", "1")) == 0
    (place / "o").mkdir(exist_ok=True)
    (place / "o" / name).write_text("mine")
    before = sorted((place / "o").iterdir())
    capsys.readouterr()
    assert run(arguments(place, "--out", f"{place}/o", "--count", "1")) == 2
    out, err = capsys.readouterr()
    assert (out, f"holds {name}, which is of no earlier preview" in err) == ("", True)
    assert sorted((place / "o").iterdir()) == before
    assert (place / "o" / name).read_text() == "mine"


def test_a_folder_that_is_a_file(place, capsys):
    assert run(arguments(place, "--out", f"{place}/voice.wav")) == 7
    assert capsys.readouterr().err == f"Cannot use the folder {place}/voice.wav: Not a directory.\n"
    assert run(arguments(place, "--out", f"{place}/config.toml/o")) == 7
