"""The model: its devices, its files, and whether it gives the same embedding twice."""

import os
from typing import TYPE_CHECKING

from speakertrip.doctor.check import INTERNAL, Check

if TYPE_CHECKING:  # it needs numpy
    from speakertrip.manifests.lines import FilePath

SECONDS = 2.0  # of the voice that is made
SAME = 1e-4  # relative difference between two embeddings of one waveform, on any device


def check_devices() -> list[Check]:
    """Name the devices that torch sees."""
    import torch

    found = [f"cpu ({os.cpu_count()} cores, {torch.get_num_threads()} threads)"]
    if torch.cuda.is_available():
        found += [f"cuda ({torch.cuda.get_device_name(n)})" for n in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return [Check("devices", "ok", ", ".join(found))]


def check_model(
    path: "FilePath | None", device: str, threads: int | None, revision: str | None = None
) -> tuple[list[Check], str]:
    """Load a bundle, or the model that ships with speakertrip, and embed a voice by it twice; return also its identity.

    Raises:
        BundleError: it is missing or damaged.
        UsageError: the device is not available.
    """
    import numpy as np

    from speakertrip.bundle import Bundle
    from speakertrip.corpora.voices import draw_channel, draw_voice, synthesize
    from speakertrip.embedding import Embedder

    bundle = Bundle.load(path, revision)
    what = f"{bundle.source}: {bundle.encoder.kind}, whole, identity {bundle.identity}"
    embedder = Embedder(bundle.model, device, threads)
    rng = np.random.default_rng(0)
    voice = synthesize(draw_voice(rng), draw_channel(rng), SECONDS, rng)
    first, second = (embedder.embed([voice])[0] for _ in range(2))
    difference = float(np.linalg.norm(first - second) / np.linalg.norm(first))
    words = f"a synthetic voice on {embedder.device}: {len(first)} numbers, twice the same"
    trial = Check("embedding", "ok", words)
    if not difference <= SAME:
        found = f"two embeddings of one voice on {embedder.device} differ by {difference:.1e}"
        trial = Check("embedding", "failed", found, "Try --device cpu; the device may be faulty.", INTERNAL)
    return [Check("model", "ok", what), trial], bundle.identity
