"""Audio to embeddings, batched by length: in memory, and as a folder of a whole manifest."""

from speakertrip.embedding.embedder import Embedder, load_speech, pick_device
from speakertrip.embedding.folder import EmbeddedFolder, embed_folder
from speakertrip.embedding.processes import Share, launched_share

__all__ = [
    "EmbeddedFolder",
    "Embedder",
    "Share",
    "embed_folder",
    "launched_share",
    "load_speech",
    "pick_device",
]
