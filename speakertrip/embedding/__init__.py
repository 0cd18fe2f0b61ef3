"""Audio to embeddings, batched by length: in memory, and as a folder of a whole manifest."""

from speakertrip.embedding.embedder import Embedder, load_speech, pick_device
from speakertrip.embedding.folder import EmbeddedFolder, embed_folder

__all__ = ["EmbeddedFolder", "Embedder", "embed_folder", "load_speech", "pick_device"]
