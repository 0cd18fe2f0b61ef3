"""The model that ships with speakertrip: it is whole, small, says what it is, and works where nothing is fetched."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speakertrip.backend import FittedOn
from speakertrip.bundle import Bundle
from speakertrip.bundle.files import listed
from speakertrip.bundle.source import DEFAULT, locate
from speakertrip.config import read_config
from speakertrip.corpora.voices import draw_channel, draw_voice, synthesize
from speakertrip.embedding import Embedder
from speakertrip.errors import BundleError, UsageError
from speakertrip.evaluation import score_trials
from speakertrip.manifests import Trials, read_manifest, read_trials
from speakertrip.metrics import cllr, det_curve, equal_error_rate
from speakertrip.training.validation import speakers_hash
from speakertrip.verifier import SpeakerVerifier

ROOT = Path(__file__).parents[2]
OPENSPEECH = ROOT.parent / "shared" / "openspeech"
RECIPE = ROOT / "recipes" / "openspeech" / "default.toml"
BACKEND = ("backend.json", "backend.safetensors", "calibration.json")
IDS = ROOT / "manifests" / "openspeech"
NO_NETWORK = """
import socket, sys
def refuse(*arguments, **options):
    raise AssertionError("the network was asked for something")
socket.socket.connect = socket.getaddrinfo = refuse
from speakertrip.__main__ import main
sys.argv[0] = "speakertrip"
main()
"""


@pytest.fixture(scope="module")
def shipped():
    return Bundle.load()


@pytest.fixture(scope="module")
def record():
    return json.loads((IDS / "model.json").read_text())


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Two utterances of one synthetic voice, and one of another."""
    folder, rng = tmp_path_factory.mktemp("voices"), np.random.default_rng(4)
    one, other = (draw_voice(rng), draw_channel(rng)), (draw_voice(rng), draw_channel(rng))
    for name, (voice, channel) in (("a1.wav", one), ("a2.wav", one), ("b.wav", other)):
        soundfile.write(folder / name, synthesize(voice, channel, 4.0, rng), 16_000)
    return folder


def test_it_is_small_and_listed_whole(shipped):
    files = {file.name: file.stat().st_size for file in DEFAULT.iterdir()}
    assert set(files) == {*listed(DEFAULT), "SHA256SUMS"}
    assert sum(files.values()) <= 6_000_000
    assert str(shipped.source) == "speakertrip's own model"


def test_it_is_what_its_recipe_trains(shipped):
    recipe = read_config(RECIPE)
    assert (shipped.encoder, shipped.features) == (recipe.encoder, recipe.features)
    card = " ".join(shipped.card.split())
    assert f" of {recipe.optimizer.steps} steps of {recipe.batch.speakers} speakers" in card
    assert f"seed {recipe.seed}." in card
    assert f"the multi-sample triplet loss (margin: constant, value {recipe.loss.margin.value:g}; " in card
    assert f"negatives: hardest-share, share {recipe.loss.miner.share:g})" in card
    assert set(re.findall(r"licence: ([\w. -]+)\n", shipped.card)) == set(recipe.data.licences.values())


def test_it_is_that_of_its_record(shipped, record):
    backend = b"".join((DEFAULT / name).read_bytes() for name in BACKEND)
    assert record["identity"] == shipped.identity
    assert record["backend"] == hashlib.sha256(backend).hexdigest()
    assert record["recipe"] == hashlib.sha256(RECIPE.read_bytes()).hexdigest()
    for name, file in (("train", "train.txt"), ("held_out", "held-out.txt")):
        assert record[name] == hashlib.sha256((IDS / file).read_bytes()).hexdigest()


def test_its_card_tells_the_errors_of_its_record(shipped, record):
    assert set(record["errors"]) == {"librispeech", "librispeech-2s", "commonvoice", "speechocean"}
    for name, found in record["errors"].items():
        low, high = found["eer_interval"]
        eer = re.escape(f"{100 * found['eer']:.2f} [{100 * low:.2f}, {100 * high:.2f}]")
        miss, false_alarm = (f"{100 * found[kind]:.1f} " for kind in ("miss", "false_alarm"))
        row = rf"^\| {name} \| [\d,]+ \([\d,]+\) \| {eer} \| {miss}.*? \| {false_alarm}.* {found['cllr']:.3f} \["
        assert re.search(row, shipped.card, re.MULTILINE)


def test_its_card_says_what_makes_the_scores(shipped):
    assert shipped.backend.plda is not None
    kept = shipped.backend.lda.projection.shape[1]
    assert f"scored by PLDA of the {kept} that LDA keeps" in " ".join(shipped.card.split())
    assert "cosine" not in shipped.card


def test_its_card_tells_of_the_misses_across_sessions(shipped, record):
    promised, misses = shipped.calibration.eer, record["errors"]["commonvoice"]["miss"]
    words = " ".join(shipped.card.split())
    assert f"{100 * promised:.1f} % each on these, it misses {100 * misses:.1f} [" in words


def test_it_is_calibrated_on_none_of_the_lists_of_its_card(shipped):
    held_out = (IDS / "held-out.txt").read_text().splitlines()
    every = Trials.of(held_out[:-1], held_out[1:], [True, *[False] * (len(held_out) - 2)])
    assert set(shipped.backend.fitted_on.ids) <= set(FittedOn.of(every, "all that was held out").ids)


@pytest.mark.skipif(not OPENSPEECH.exists(), reason="needs ../shared/openspeech")
def test_its_errors_are_those_of_its_record(shipped, record):
    trials = read_trials(OPENSPEECH / "trials.librispeech.txt")
    dev = read_manifest(OPENSPEECH / "manifest.dev.jsonl")
    scores = score_trials(Embedder(shipped.model, "cpu"), trials, dev, backend=shipped.backend)
    errors, threshold = record["errors"]["librispeech"], shipped.calibration.threshold
    # One of 450 target trials that falls on the other side on another processor is 0.0022.
    eer, miss = (
        equal_error_rate(det_curve(scores, trials.targets)),
        (scores[trials.targets] < threshold).mean(),
    )
    assert (eer, miss) == pytest.approx((errors["eer"], errors["miss"]), abs=0.0025)
    assert cllr(scores, trials.targets) == pytest.approx(errors["cllr"], rel=0.02)


def test_it_is_calibrated_with_a_cohort(shipped):
    backend, calibration = shipped.backend, shipped.calibration
    assert (backend.norm, backend.calibration.names) == ("as", ("score",))
    assert len(backend.cohort) > 2_000
    thresholds = {point.rate: point.threshold for point in calibration.false_alarms.points}
    assert {0.1, 0.01, 0.001} <= set(thresholds)
    assert thresholds[0.5] < calibration.threshold < thresholds[0.001]
    assert (
        abs(calibration.threshold) < 2
    )  # of a log-likelihood ratio, where misses and false alarms are as many
    assert [row.seconds for row in calibration.lengths.rows][:3] == [0.5, 1, 2]


def test_it_names_what_it_was_trained_and_calibrated_on(shipped):
    train, held_out = ((IDS / f"{name}.txt").read_text().splitlines() for name in ("train", "held-out"))
    assert f"{len(train)} utterances of {len(shipped.backend.cohort)} speakers" in shipped.card
    assert len(train) == len(set(train))
    speakers = [{id_.rpartition("/")[0].replace("/", "-") for id_ in ids} for ids in (train, held_out)]
    assert not speakers[0] & speakers[1]
    assert speakers_hash(speakers[1]) == shipped.held_out
    assert shipped.calibration.speakers <= len(speakers[1])


@pytest.mark.parametrize(
    "words",
    [
        "Must not be used for",
        "Known weaknesses",
        "commonvoice",
        "speechocean",
        "librispeech-2s",
        "seed",
        "synthetic",
    ],
)
def test_its_card_says(shipped, words):
    assert words in shipped.card


def test_nothing_in_it_tells_of_the_machine_that_made_it():
    text = "".join((DEFAULT / name).read_text() for name in ("README.md", "backend.json", "calibration.json"))
    assert not re.search(r"(^|[\s\"(])/\w+/", text)  # an absolute path


def test_it_tells_voices_apart(recordings):
    verifier = SpeakerVerifier.from_pretrained(store=recordings / "s.sqlite", device="cpu")
    verifier.enroll("a", recordings / "a1.wav")
    assert (
        verifier.verify("a", recordings / "a2.wav").score > verifier.verify("a", recordings / "b.wav").score
    )


def test_none_here(monkeypatch, tmp_path):
    monkeypatch.setattr("speakertrip.bundle.source.DEFAULT", tmp_path / "none")
    with pytest.raises(BundleError, match="has no model of its own"):
        locate()
    with pytest.raises(UsageError, match="name the model too"):
        locate(None, "main")


def test_the_wheel_answers_without_a_network(tmp_path, recordings):
    build = ("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("SPEAKERTRIP", "PYTHON"))}
    sources = tmp_path / "sources"  # setuptools builds within the tree
    shutil.copytree(
        ROOT / "speakertrip", sources / "speakertrip", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    subprocess.run([sys.executable, *build, "--wheel-dir", tmp_path, sources], check=True, env=env)
    (wheel,) = tmp_path.glob("*.whl")
    into = ("-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", tmp_path / "installed")
    subprocess.run([sys.executable, *into, wheel], check=True, env=env)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            NO_NETWORK,
            "verify",
            "--against",
            recordings / "a1.wav",
            recordings / "a2.wav",
        ],
        cwd=tmp_path,
        env={**env, "PYTHONPATH": str(tmp_path / "installed"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert re.search(r"(accepted|rejected) \(LLR", done.stdout)
