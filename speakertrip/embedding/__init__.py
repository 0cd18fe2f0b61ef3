"""Audio to embeddings, batched by length: in memory, and as a folder of a whole manifest."""

from speakertrip.embedding.embedder import Embedder, load_speech, pick_device

__all__ = ["Embedder", "load_speech", "pick_device"]
