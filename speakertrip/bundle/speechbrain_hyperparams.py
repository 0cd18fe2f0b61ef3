"""What ``hyperparams.yaml`` of a SpeechBrain speaker model says of its front end and encoder."""

import re
from collections.abc import Mapping
from typing import Any

from speakertrip.bundle.inert_yaml import Tagged, read_inert
from speakertrip.config import (
    AnyFeatureConfig,
    EcapaConfig,
    EncoderConfig,
    SpeechBrainFbankConfig,
    XVectorConfig,
)

FBANK = "speechbrain.lobes.features.Fbank"
NORMALIZATION = "speechbrain.processing.features.InputNormalization"
ECAPA, XVECTOR = "speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN", "speechbrain.lobes.models.Xvector.Xvector"

# The arguments of these classes with speechbrain's defaults: those that may be anything, and those that may not.
FBANK_FREE = {"n_mels": 40, "f_min": 0, "f_max": None, "left_frames": 5, "right_frames": 5}
FBANK_FIXED = {
    "deltas": False, "context": False, "requires_grad": False, "sample_rate": 16000, "n_fft": 400,
    "filter_shape": "triangular", "param_change_factor": 1.0, "param_rand_factor": 0.0, "win_length": 25,
    "hop_length": 10,
}  # fmt: skip
NORMALIZATION_FREE = {"avoid_padding_norm": False, "update_until_epoch": 2, "epsilon": 1e-10, "device": "cpu"}
NORMALIZATION_FIXED = {"norm_type": "sentence", "std_norm": False, "mean_norm": True}
ECAPA_FREE = {
    "input_size": None, "lin_neurons": 192, "channels": [512, 512, 512, 512, 1536], "attention_channels": 128,
    "res2net_scale": 8, "se_channels": 128, "dropout": 0.0, "device": "cpu",
}  # fmt: skip
ECAPA_FIXED = {
    "kernel_sizes": [5, 3, 3, 3, 1], "dilations": [1, 2, 3, 4, 1], "groups": [1, 1, 1, 1, 1],
    "global_context": True, "activation": "torch.nn.ReLU",
}  # fmt: skip
XVECTOR_FREE = {
    "in_channels": 40, "lin_neurons": 512, "tdnn_channels": [512, 512, 512, 512, 1500], "device": "cpu",
}  # fmt: skip
XVECTOR_FIXED = {
    "tdnn_blocks": 5, "tdnn_kernel_sizes": [5, 3, 3, 1, 1], "tdnn_dilations": [1, 2, 3, 1, 1],
    "activation": "torch.nn.LeakyReLU",
}  # fmt: skip


def read_hyperparams(content: bytes) -> tuple[AnyFeatureConfig, EncoderConfig]:
    """Return the front end and the encoder that a ``hyperparams.yaml`` describes; nothing in it is run.

    Raises:
        ValueError: it describes anything else than an ECAPA-TDNN or x-vector over the usual front end.
    """
    entries = read_inert(content)
    fbank = _arguments(entries, "compute_features", FBANK, FBANK_FREE, FBANK_FIXED)
    _arguments(
        entries,
        "mean_var_norm",
        NORMALIZATION,
        NORMALIZATION_FREE,
        NORMALIZATION_FIXED,
        needed=("norm_type", "std_norm"),
    )
    features = SpeechBrainFbankConfig(
        mels=fbank["n_mels"], f_min=fbank["f_min"], f_max=8000 if fbank["f_max"] is None else fbank["f_max"]
    )
    if _class_of(entries, "embedding_model") == XVECTOR:
        found = _arguments(entries, "embedding_model", XVECTOR, XVECTOR_FREE, XVECTOR_FIXED)
        width, pooling = _widths("tdnn_channels", found["tdnn_channels"])
        encoder: EncoderConfig = XVectorConfig(
            channels=width, pooling_channels=pooling, embedding_dim=found["lin_neurons"]
        )
        size = found["in_channels"]
    else:
        found = _arguments(entries, "embedding_model", ECAPA, ECAPA_FREE, ECAPA_FIXED)
        width, last = _widths("channels", found["channels"])
        if last != 3 * width:
            raise ValueError(
                f"embedding_model: channels is {found['channels']}, whose last is not 3 times the others"
            )
        encoder = EcapaConfig(
            channels=width,
            embedding_dim=found["lin_neurons"],
            attention_channels=found["attention_channels"],
            se_channels=found["se_channels"],
            res2net_scale=found["res2net_scale"],
        )
        size = found["input_size"]
    if size != features.mels:
        raise ValueError(f"embedding_model takes {size} mels and compute_features gives {features.mels}")
    return features, encoder


def _class_of(entries: Mapping[str, Any], name: str) -> str:
    built = entries.get(name)
    return built.tag.removeprefix("new:") if isinstance(built, Tagged) else ""


def _arguments(
    entries: Mapping[str, Any],
    name: str,
    kind: str,
    free: Mapping[str, Any],
    fixed: Mapping[str, Any],
    needed: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the arguments that a class is given, defaults included; refuse those that would be another model."""
    built = entries.get(name)
    if not isinstance(built, Tagged) or built.tag != f"new:{kind}":
        found = f"is of {_class_of(entries, name)!r}" if isinstance(built, Tagged) else "is missing"
        wanted = f"{ECAPA} or {XVECTOR}" if name == "embedding_model" else kind
        raise ValueError(f"{name} {found}, not of {wanted}")
    given = built.value or {}
    if not isinstance(given, dict):
        raise ValueError(f"{name} has arguments without names")
    plain = {key: _plain(entries, value) for key, value in given.items()}
    if unknown := [key for key in plain if key not in free and key not in fixed]:
        raise ValueError(f"{name} has the argument {unknown[0]!r}, which is not known")
    for key, value in fixed.items():
        if plain.get(key, None if key in needed else value) != value:
            raise ValueError(f"{name}: {key} is {plain.get(key)!r}, where only {value!r} is known")
    return {**free, **plain}


def _plain(entries: Mapping[str, Any], value: Any) -> Any:
    """Return a value, that of the name it refers to, or the name of a class."""
    if not isinstance(value, Tagged):
        return value
    if value.tag.startswith("name:") and not value.value:
        return value.tag.removeprefix("name:")
    reference = re.fullmatch(r"<(\w+)>", str(value.value)) if value.tag == "ref" else None
    if reference is None or isinstance(entries.get(reference[1]), Tagged | None):
        raise ValueError(f"the value !{value.tag} {value.value} is not a plain one")
    return entries[reference[1]]


def _widths(name: str, channels: Any) -> tuple[int, int]:
    """Return the width of the first four layers and that of the fifth."""
    whole = (
        isinstance(channels, list) and len(channels) == 5 and all(type(width) is int for width in channels)
    )
    if not whole or len(set(channels[:4])) != 1:
        raise ValueError(
            f"embedding_model: {name} is {channels!r}, where only five widths, four of them equal, are known"
        )
    return channels[0], channels[4]
