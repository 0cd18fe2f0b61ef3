"""What a bundle is, in few words."""

from typing import Any

from speakertrip.backend import pack
from speakertrip.bundle.bundle import Bundle


def summarize(bundle: Bundle) -> dict[str, Any]:
    """Return what a loaded bundle is, as JSON.

    ``threshold`` and ``calibration`` are null where none is known, ``commit`` where it is not from the hub, and
    ``tensors`` where its weights are an ONNX file; ``parameters`` counts the numbers in the tensors, those of batch
    norms included. Of the backend's LDA, so many dimensions are kept.
    """
    onnx = bundle.encoder.kind == "onnx"
    tensors = bundle.model.encoder.state_dict()
    backend = bundle.backend
    options, _ = pack(backend)
    fitted = options.model_dump(mode="json", include={"norm", "calibration"})
    return {
        "model": bundle.source.name if bundle.source else None,
        "commit": (bundle.source and bundle.source.commit) or None,
        "identity": bundle.identity,
        "features": bundle.features.model_dump(mode="json"),
        "encoder": bundle.encoder.model_dump(mode="json"),
        "tensors": None if onnx else len(tensors),
        "parameters": None if onnx else sum(tensor.numel() for tensor in tensors.values()),
        "threshold": bundle.calibration.threshold if bundle.calibration else None,
        "calibration": bundle.calibration.model_dump(mode="json") if bundle.calibration else None,
        "backend": {
            "centre": backend.centre is not None,
            "lda": backend.lda and backend.lda.projection.shape[1],
            "plda": backend.plda is not None,
            **fitted,
            "fitted_on": options.fitted_on.name if options.fitted_on else None,
        },
    }
