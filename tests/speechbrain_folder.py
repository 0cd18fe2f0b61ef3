"""SpeechBrain's speaker models with random weights, in the layout in which they are published."""

import contextlib
import warnings
from pathlib import Path

import torch

ECAPA = """\
# Model: ECAPA big for Speaker verification
n_mels: 80
pretrained_path: speechbrain/spkrec-ecapa-voxceleb
out_n_neurons: 7205

compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>

mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False

embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: !ref <n_mels>
    channels: [32, 32, 32, 32, 96]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 16
    lin_neurons: 24

classifier: !new:speechbrain.lobes.models.ECAPA_TDNN.Classifier
    input_size: 24
    out_neurons: !ref <out_n_neurons>
"""
XVECTOR = """\
# Model: x-vector for Speaker verification
n_mels: 24
pretrained_path: speechbrain/spkrec-xvect-voxceleb
out_n_neurons: 7205
emb_dim: 32

compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>

mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False

embedding_model: !new:speechbrain.lobes.models.Xvector.Xvector
    in_channels: !ref <n_mels>
    activation: !name:torch.nn.LeakyReLU
    tdnn_blocks: 5
    tdnn_channels: [16, 16, 16, 16, 48]
    tdnn_kernel_sizes: [5, 3, 3, 1, 1]
    tdnn_dilations: [1, 2, 3, 1, 1]
    lin_neurons: !ref <emb_dim>

classifier: !new:speechbrain.lobes.models.Xvector.Classifier
    input_shape: [null, null, !ref <emb_dim>]
    activation: !name:torch.nn.LeakyReLU
    lin_blocks: 1
    lin_neurons: !ref <emb_dim>
    out_neurons: !ref <out_n_neurons>
"""
REST = """
mean_var_norm_emb: !new:speechbrain.processing.features.InputNormalization
    norm_type: global
    std_norm: False

modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    mean_var_norm_emb: !ref <mean_var_norm_emb>
    classifier: !ref <classifier>

label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder

pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        embedding_model: !ref <embedding_model>
        mean_var_norm_emb: !ref <mean_var_norm_emb>
        classifier: !ref <classifier>
        label_encoder: !ref <label_encoder>
    paths:
        embedding_model: !ref <pretrained_path>/embedding_model.ckpt
        mean_var_norm_emb: !ref <pretrained_path>/mean_var_norm_emb.ckpt
        classifier: !ref <pretrained_path>/classifier.ckpt
        label_encoder: !ref <pretrained_path>/label_encoder.txt
"""
CARD = """\
---
language: "en"
license: "apache-2.0"
tags:
- embeddings
---

# Speaker Verification
"""


def make_folder(folder: Path, hyperparams: str, seed: int = 0) -> Path:
    """Make what the hub holds of such a model; each layer's weights and statistics are random."""
    from hyperpyyaml import load_hyperpyyaml

    torch.manual_seed(seed)
    folder.mkdir(parents=True)
    (folder / "hyperparams.yaml").write_text(hyperparams + REST)
    (folder / "README.md").write_text(CARD)
    with _calm():
        made = load_hyperpyyaml(hyperparams + REST)
    for name, tensor in made["embedding_model"].state_dict().items():
        if name.endswith("running_mean"):
            tensor.add_(0.2 * torch.randn_like(tensor))
        elif tensor.is_floating_point():
            tensor.mul_(1 + torch.rand_like(tensor))
    torch.save(made["embedding_model"].state_dict(), folder / "embedding_model.ckpt")
    torch.save(made["classifier"].state_dict(), folder / "classifier.ckpt")
    norm = {"count": 1, "glob_mean": torch.randn(24), "glob_std": torch.ones(24), "spk_dict_mean": {}}
    torch.save(norm, folder / "mean_var_norm_emb.ckpt")
    labels = "'id1' => 0\n================\n'starting_index' => 0\n"
    (folder / "label_encoder.txt").write_text(labels)
    return folder


def their_embeddings(folder: Path, waveforms: torch.Tensor, work: Path) -> torch.Tensor:
    """Embed as SpeechBrain does, but for the noise that its x-vector adds to the mean over time."""
    with _calm():
        from speechbrain.inference.speaker import EncoderClassifier
        from speechbrain.nnet.pooling import StatisticsPooling

        model = EncoderClassifier.from_hparams(
            source=str(folder), savedir=str(work), overrides={"pretrained_path": str(folder)}
        )
        for module in model.mods.embedding_model.modules():
            if isinstance(module, StatisticsPooling):
                module._get_gauss_noise = lambda shape, device="cpu": torch.zeros(shape, device=device)
        with torch.inference_mode():
            return model.encode_batch(waveforms).squeeze(1)


@contextlib.contextmanager
def _calm():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
