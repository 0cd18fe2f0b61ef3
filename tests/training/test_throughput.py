import resource

import pytest
import torch

from speakertrip.training.throughput import peak_memory


def test_peak_memory_is_in_gib_and_never_falls():
    before = peak_memory(torch.device("cpu"))
    held = torch.ones(16 * 2**20)  # 64 MiB
    after = peak_memory(torch.device("cpu"))
    assert 0.05 < before <= after < resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20 + 0.1
    assert held.sum() == 16 * 2**20


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_peak_memory_of_a_gpu_is_what_was_allocated():
    torch.cuda.reset_peak_memory_stats()
    held = torch.ones(2**28, device="cuda")  # 1 GiB
    assert 1 <= peak_memory(torch.device("cuda")) < 1.5
    assert held.numel() == 2**28
