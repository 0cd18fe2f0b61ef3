"""What an ONNX file says of the bundle that it was made of."""

from speakertrip.audio import SAMPLE_RATE
from speakertrip.audio.windows import LONGEST
from speakertrip.backend import Backend, LinearCalibration
from speakertrip.bundle import Bundle


def properties_of(bundle: Bundle) -> dict[str, str]:
    """Return the properties of the ONNX file of a bundle, by name.

    ``threshold`` is one of cosines, and there if one is known: accept at or above it. Where the scores of the bundle
    are calibrated, ``llr_scale`` times the cosine plus ``llr_offset`` is its natural-log likelihood ratio. Of more than
    ``longest_seconds`` of audio, or of what is mostly pauses, the bundle makes the mean of windows, and it leaves out
    silence at the ends; the file does not.
    """
    name = str(bundle.source).encode("utf-8", "backslashreplace").decode()  # a file's name may be no text
    linear = on_cosines(bundle.backend)
    found = {
        "sample_rate": str(SAMPLE_RATE),
        "longest_seconds": f"{LONGEST / SAMPLE_RATE:g}",
        "identity": bundle.identity,
        "embedding_dim": str(bundle.model.embedding_dim),
        "encoder": bundle.encoder.kind,
        "card": f"the description of this file, and README.md of {name}",
    }
    if linear is None:
        return {**found, "scores": "the bundle's own need its backend, which is not in this file"}
    if bundle.backend.calibration is not None:
        found |= {"llr_scale": repr(linear[0]), "llr_offset": repr(linear[1])}
    if bundle.calibration is not None:
        found["threshold"] = repr((bundle.calibration.threshold - linear[1]) / linear[0])
    return found


def on_cosines(backend: Backend) -> tuple[float, float] | None:
    """Return what the cosine of raw embeddings is multiplied by, and what is added, to be the score of a backend.

    None: the backend does more than that.

    >>> import numpy as np
    >>> on_cosines(Backend()), on_cosines(Backend(centre=np.zeros(2, np.float32)))
    ((1.0, 0.0), None)
    """
    steps = (backend.centre, backend.lda, backend.plda, backend.norm)
    if any(step is not None for step in steps):
        return None
    calibration = backend.calibration
    if calibration is None:
        return 1.0, 0.0
    if not isinstance(calibration, LinearCalibration) or len(calibration.names) > 1:
        return None
    scale = float(calibration.weights[0])
    return (scale, float(calibration.bias)) if scale > 0 else None
