"""Another modality: the recipe runs, learns a little even in a few steps, and sees no held-out digit in training."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "recipes" / "digits_images" / "train.py"
README = SCRIPT.with_name("README.md").read_text(encoding="utf-8")
RESULT = re.compile(
    r"^(\w[\w ]*?) +EER +([\d.]+)% \[([\d.]+)%, ([\d.]+)%\]  recall@1 ([\d.]+)%$", re.MULTILINE
)
STEPS = 40  # of 400; they lowered the EER by 3 to 9 points with each of five seeds


@pytest.fixture(scope="module")
def recipe():
    spec = importlib.util.spec_from_file_location("digits_images", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run_here(recipe, monkeypatch):
    """Run its main in this process, without a bootstrap, and leave the threads of the other tests alone."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])
        monkeypatch.setattr(recipe, "REPLICATES", 2)
        monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
        recipe.main()

    return run


@pytest.fixture(scope="module")
def output():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--steps", str(STEPS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def results(output):
    """The four percentages of each line of results."""
    return {name: tuple(map(float, numbers)) for name, *numbers in RESULT.findall(output)}


def test_it_reports_the_floor_the_start_and_the_result(results, output):
    assert list(results) == ["pixels", "untrained encoder", "trained encoder"]
    for eer, low, high, recall in results.values():
        assert 0 < low < eer < high < 50
        assert 90 < recall <= 100
    assert re.search(rf"^{STEPS} steps in [\d.]+ s$", output, flags=re.MULTILINE)


def test_even_a_few_steps_beat_the_untrained_encoder(results):
    assert results["trained encoder"][0] < results["untrained encoder"][0]


def test_the_readme_shows_what_the_command_prints(results, output):
    shown = {name: tuple(map(float, numbers)) for name, *numbers in RESULT.findall(README)}
    assert shown.keys() == results.keys()
    assert shown["pixels"] == pytest.approx(results["pixels"], abs=0.02)
    assert output.splitlines()[:2] == [
        line for line in README.splitlines() if line.startswith(("train on", "held out"))
    ]


def test_the_commands_of_the_readme_exist(run_here, recipe, monkeypatch):
    commands = re.findall(r"^(?:\$ | {4})python (\S+)(.*)$", README, flags=re.MULTILINE)
    assert len(commands) == 2
    monkeypatch.setattr(recipe, "train", lambda *everything: None)
    for script, arguments in commands:
        assert ROOT / script == SCRIPT
        run_here(*arguments.split())


@pytest.mark.parametrize("options", [[], ["--train", "9", "1", "0", "--held-out", "3", "8"]])
def test_training_sees_no_held_out_digit(run_here, recipe, monkeypatch, options):
    seen, reported = [], []
    monkeypatch.setattr(recipe, "train", lambda encoder, *everything: seen.extend(everything[:2]))
    monkeypatch.setattr(recipe, "report", lambda name, *everything: reported.append(everything))
    run_here(*options)
    pixels, digits = seen
    truth = {image.tobytes(): digit for image, digit in zip(*load_digits(return_X_y=True), strict=True)}
    assert [truth[(16 * image).astype(float).tobytes()] for image in pixels] == digits.tolist()
    held_out = {8, 3} if options else {7, 8, 9}
    assert set(digits) == ({0, 1, 9} if options else set(range(7)))
    assert len(reported) == 3
    for _, measured in reported:
        assert set(measured) == held_out


@pytest.mark.parametrize(
    "options", [["--held-out", "6", "7"], ["--train", "3"], ["--held-out", "8"], ["--train", "1", "11"]]
)
def test_digits_on_both_sides_or_too_few_are_refused(run_here, capsys, options):
    with pytest.raises(SystemExit) as exit_:
        run_here(*options)
    assert exit_.value.code == 2
    assert capsys.readouterr().out == ""


def test_missing_scikit_learn_is_one_sentence(run_here, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SystemExit, match="scikit-learn, which is missing"):
        run_here()


def test_composed_classes_join_halves_of_two_digits(recipe):
    digits = np.repeat([4, 2, 6], 5)
    pixels = np.repeat(digits[:, None], 64, axis=1).astype(np.float32)  # an image is its digit all over
    images, classes = recipe.with_composed(pixels, digits, seed=0)
    np.testing.assert_array_equal(images[:15], pixels)
    assert classes[:15].tolist() == [1] * 5 + [0] * 5 + [2] * 5
    assert classes.max() + 1 == 3 + 2 * 3 * 2
    corners = {}
    for image, number in zip(images[15:].reshape(-1, 8, 8), classes[15:], strict=True):
        corners.setdefault(number, set()).add((image[0, 0], image[0, 7], image[7, 0], image[7, 7]))
    assert all(len(each) == 1 for each in corners.values())
    every = {each.pop() for each in corners.values()}
    others = [(a, b) for a in (2, 4, 6) for b in (2, 4, 6) if a != b]
    assert every == {(a, a, b, b) for a, b in others} | {(a, b, a, b) for a, b in others}


def test_a_seed_gives_the_same_encoder_again(recipe):
    rng = np.random.default_rng(0)
    pixels, digits = rng.random((40, 64), dtype=np.float32), np.arange(40) % 4
    embeddings = []
    for _ in range(2):
        torch.manual_seed(1)
        encoder = recipe.build_encoder()
        recipe.train(encoder, pixels, digits, steps=2, seed=1)
        embeddings.append(recipe.embed(encoder, pixels))
    np.testing.assert_allclose(*embeddings, atol=1e-5)
