"""A bundle as one ONNX file from waveforms to embeddings, which runs without speakertrip and torch."""

from speakertrip.export.check import Agreement
from speakertrip.export.file import Export, export_onnx

__all__ = ["Agreement", "Export", "export_onnx"]
