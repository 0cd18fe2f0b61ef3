"""SpeechBrain's speaker models: the same embeddings, and nothing of what they hold is run."""

import numpy as np
import pytest
import torch
from speechbrain_folder import CARD, ECAPA, REST, XVECTOR, make_folder, their_embeddings

from speakertrip import SpeakerVerifier
from speakertrip.backend import GivenThreshold
from speakertrip.bundle import Bundle
from speakertrip.embedding import Embedder
from speakertrip.errors import BundleError

LAYOUTS = {"ecapa": ECAPA, "xvector": XVECTOR}


@pytest.fixture(scope="module", params=LAYOUTS)
def folder(request, tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("models") / request.param, LAYOUTS[request.param])


@pytest.fixture
def ecapa(tmp_path):
    return make_folder(tmp_path / "ecapa", ECAPA)


def test_the_embeddings_are_those_of_speechbrain(folder, speech_like, tmp_path):
    for seconds in (0.5, 1.3):
        waveforms = torch.from_numpy(np.stack([speech_like(seconds, seed) for seed in range(3)]))
        waveforms[1] *= 0.01
        theirs = their_embeddings(folder, waveforms, tmp_path / str(seconds))
        ours = torch.from_numpy(Embedder(Bundle.load(folder).model, "cpu").embed(list(waveforms.numpy())))
        apart = (ours - theirs).norm(dim=1) / theirs.norm(dim=1)
        assert apart.max() < 1e-5
        assert (theirs[0] - theirs[1]).norm() > 0.01 * theirs[0].norm()


def test_it_is_a_bundle_like_any_other(folder, tmp_path, files_of):
    loaded = Bundle.load(str(folder))
    assert loaded.calibration is None
    assert loaded.source.name == str(folder)
    assert len(loaded.identity) == 64
    assert "| licence | apache-2.0 |" in loaded.card
    assert loaded.card.endswith("## The model card it came with\n\n# Speaker Verification\n")
    assert "No threshold is known" in loaded.card
    loaded.save(tmp_path / "bundle")
    again = Bundle.load(tmp_path / "bundle")
    assert (again.identity, again.card) == (loaded.identity, loaded.card)
    assert not any(path.suffix in (".ckpt", ".yaml") for path in (tmp_path / "bundle").iterdir())


@pytest.fixture
def files_of():
    return lambda folder: {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("large", [False, True])
def test_from_the_hub(hub, ecapa, files_of, large):
    hub.add("speechbrain/spkrec-ecapa-voxceleb", files_of(ecapa), "c" * 40, large=large)
    loaded = Bundle.load("speechbrain/spkrec-ecapa-voxceleb")
    assert sorted(hub.downloads()) == ["README.md", "embedding_model.ckpt", "hyperparams.yaml"]
    assert loaded.identity == Bundle.load(ecapa).identity
    assert f"| revision | {'c' * 40} |" in loaded.card
    assert "| from | speechbrain/spkrec-ecapa-voxceleb, a SpeechBrain checkpoint |" in loaded.card


def test_from_the_hub_without_its_weights(hub, ecapa, files_of):
    files = files_of(ecapa)
    hub.add("org/half", {name: files[name] for name in files if name != "embedding_model.ckpt"})
    with pytest.raises(
        BundleError, match=r"org/half of the hub lacks embedding_model\.ckpt as of commit aaaa"
    ):
        Bundle.load("org/half")


def test_speakers_enrolled_before_and_after_the_import_are_of_one_model(ecapa, tmp_path, write_speech):
    speech = [write_speech(tmp_path / f"{seed}.wav", seed, 1.5) for seed in range(2)]
    Bundle.load(ecapa).save(tmp_path / "bundle")
    SpeakerVerifier.from_pretrained(ecapa, tmp_path / "s.sqlite", "cpu").enroll("spk1", speech[:1])
    verifier = SpeakerVerifier.from_pretrained(
        tmp_path / "bundle", tmp_path / "s.sqlite", "cpu", operating_point=GivenThreshold(0.99)
    )
    assert verifier.verify("spk1", speech[0]).accepted


def test_half_precision_is_read_as_single(ecapa):
    identity = Bundle.load(ecapa).identity
    weights = torch.load(ecapa / "embedding_model.ckpt", weights_only=True)
    torch.save({name: tensor.half() for name, tensor in weights.items()}, ecapa / "embedding_model.ckpt")
    half = Bundle.load(ecapa)
    assert half.identity != identity
    assert {tensor.dtype for tensor in half.model.state_dict().values()} <= {torch.float32, torch.int64}


def refusal(folder) -> str:
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


class Evil:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('a checkpoint was run')",)


def test_a_checkpoint_that_would_run_code(ecapa):
    torch.save({"blocks.0.conv.conv.weight": Evil()}, ecapa / "embedding_model.ckpt")
    assert "is no checkpoint of tensors alone" in refusal(ecapa)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02}q\x00.", b"text"])
def test_a_checkpoint_that_is_none(ecapa, content):
    (ecapa / "embedding_model.ckpt").write_bytes(content)
    assert "embedding_model.ckpt of" in refusal(ecapa)


def test_missing_weights(ecapa):
    (ecapa / "embedding_model.ckpt").unlink()
    assert "embedding_model.ckpt of" in refusal(ecapa)


def test_weights_that_do_not_fit(ecapa):
    weights = torch.load(ecapa / "embedding_model.ckpt", weights_only=True)
    torch.save(dict(list(weights.items())[:-1]), ecapa / "embedding_model.ckpt")
    assert "do not fit its hyperparams.yaml: " in refusal(ecapa)


def test_weights_that_are_not_finite(ecapa):
    weights = torch.load(ecapa / "embedding_model.ckpt", weights_only=True)
    next(iter(weights.values())).view(-1)[0] = float("nan")
    torch.save(weights, ecapa / "embedding_model.ckpt")
    assert "weights that are not finite numbers" in refusal(ecapa)


@pytest.mark.parametrize("base", [ECAPA, XVECTOR])
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lobes.features.Fbank", "lobes.features.MFCC", "compute_features is of 'speechbrain.lobes.features.MFCC'"),
        ("    n_mels: !ref <n_mels>", "    n_mels: 40", "mels and compute_features gives 40"),
        ("    n_mels: !ref <n_mels>", "    n_mels: !ref <n_mels> * 2", "the value !ref <n_mels> * 2 is not a plain"),
        ("    n_mels: !ref <n_mels>", "    n_mels: !ref <none>", "is not a plain one"),
        ("    n_mels: !ref <n_mels>", "    n_mels: !apply:os.getpid []", "is not a plain one"),
        ("    n_mels: !ref <n_mels>", "    deltas: True", "compute_features: deltas is True"),
        ("    n_mels: !ref <n_mels>", "    window: hann", "has the argument 'window', which is not known"),
        ("n_mels: ", "n_mels: 8000 #", "mels: Input should be less than or equal to 256"),
        ("norm_type: sentence", "norm_type: global", "norm_type is 'global', where only 'sentence' is known"),
        ("    std_norm: False\n", "", "std_norm is None"),
        ("mean_var_norm:", "other:", "mean_var_norm is missing"),
        ("Model: ", "Model:\n\x07", "is no YAML that can be read"),
        ("embedding_model: !new:speechbrain", "embedding_model: !new:os", "not of speechbrain.lobes.models.ECAPA"),
        ("[1, 2, 3", "[1, 2, 4", "dilations is [1, 2, 4"),
    ],
)  # fmt: skip
def test_another_model_is_refused(tmp_path, base, old, new, message):
    assert old in base
    (tmp_path / "hyperparams.yaml").write_text(base.replace(old, new, 1) + REST)
    found = refusal(tmp_path)
    assert message in found
    assert found.startswith(f"hyperparams.yaml of {tmp_path} is of another model: ")


def test_other_widths_are_refused(tmp_path):
    for channels in ("[32, 32, 32, 16, 96]", "[32, 32, 32, 32, 64]", "[32]", "wide", "[32, 32, 32, 32, 1.5]"):
        (tmp_path / "hyperparams.yaml").write_text(ECAPA.replace("[32, 32, 32, 32, 96]", channels) + REST)
        assert "channels is" in refusal(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "x: !apply:sys.exit [3]",
        "x: !new:subprocess.Popen [['false']]",
        "x: !name:os.system",
        "!apply:sys.exit [3]: x",
    ],
)
def test_nothing_in_it_is_run(ecapa, line, monkeypatch):
    import subprocess

    monkeypatch.setattr(subprocess, "Popen", None)
    text = (ecapa / "hyperparams.yaml").read_text()
    (ecapa / "hyperparams.yaml").write_text(f"{text}\n{line}\n")
    if line.startswith("x"):
        assert Bundle.load(ecapa).identity
    else:
        assert "another model" in refusal(ecapa)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"1: 2", b"\xff\xfe", b"x: !!python/object/apply:sys.exit [3]", b"[" * 3000, b"a: &x [*x]",
        b"a: &x !new:q\n  k: *x", b"a: 1\n---\nb: 2", b"? [1]\n: 2", b"- " * 9000, b"a: 2020-99-99", b"#" * (1 << 19),
    ],
)  # fmt: skip
def test_what_is_no_description(tmp_path, content):
    (tmp_path / "hyperparams.yaml").write_bytes(content)
    assert "is of another model: " in refusal(tmp_path)


def test_lists_of_lists_of_the_same_list(tmp_path):
    lists = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 5)]
    text = ECAPA.replace("[32, 32, 32, 32, 96]", "!ref <a4>") + REST
    (tmp_path / "hyperparams.yaml").write_text("\n".join([*lists, text]))
    found = refusal(tmp_path)
    assert "aliases are not known" in found
    assert len(found) < 500


def test_a_licence_that_is_not_stated(ecapa):
    for card in (
        CARD.replace("license", "licensed"),
        CARD.replace('"apache-2.0"', "[a, b]"),
        "---\n[\n---\n",
    ):
        (ecapa / "README.md").write_text(card)
        assert "| licence | not stated |" in Bundle.load(ecapa).card
    (ecapa / "README.md").unlink()
    assert "model card it came with" not in Bundle.load(ecapa).card
