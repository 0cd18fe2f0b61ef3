import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from speakertrip.losses import MultiSampleTripletLoss
from speakertrip.miners import EmbeddingMemory, HardestShare


@given(st.integers(1, 9), st.lists(st.integers(0, 12), max_size=6))
def test_keeps_the_last_rows_as_a_queue_does(size, batches):
    memory, queue, row = EmbeddingMemory(size, dim=1), [], 0
    for batch in batches:
        rows = torch.arange(row, row + batch)
        row += batch
        memory.push(rows[:, None].float(), rows)
        queue = (queue + rows.tolist())[-size:]
        embeddings, labels = memory.join(torch.zeros(0, 1), torch.zeros(0, dtype=torch.long))
        assert len(memory) == len(queue)
        assert sorted(labels.tolist()) == queue
        assert embeddings[:, 0].long().tolist() == labels.tolist()


def test_gradients_reach_the_batch_and_not_the_queue():
    memory = EmbeddingMemory(8, dim=3)
    past = torch.randn(4, 3, requires_grad=True)
    memory.push(past, torch.tensor([5, 5, 6, 6]))
    batch = torch.randn(4, 3, requires_grad=True)
    embeddings, labels = memory.join(batch, torch.tensor([0, 0, 1, 1]))
    sets = HardestShare(1.0)(embeddings, labels, anchors=torch.arange(4))
    assert sets.negatives.mask.sum(dim=1).tolist() == [6] * 4
    MultiSampleTripletLoss(50.0)(embeddings, labels, sets).backward()
    assert batch.grad.abs().sum() > 0
    assert past.grad is None


def test_the_state_is_saved_with_the_model():
    memory, copy = EmbeddingMemory(5, dim=2), EmbeddingMemory(5, dim=2)
    memory.push(torch.randn(7, 2), torch.arange(7))
    copy.load_state_dict(memory.state_dict())
    nothing = torch.zeros(0, 2), torch.zeros(0, dtype=torch.long)
    for one, other in zip(memory.join(*nothing), copy.join(*nothing), strict=True):
        assert torch.equal(one, other)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="size and dim must be at least 1"):
        EmbeddingMemory(0, 3)
    with pytest.raises(ValueError, match=r"embeddings must be \(batch, 3\)"):
        EmbeddingMemory(4, 3).push(torch.zeros(2, 4), torch.zeros(2, dtype=torch.long))
    with pytest.raises(ValueError, match=r"labels \(batch,\), not \(2, 3\) and \(1,\)"):
        EmbeddingMemory(4, 3).push(torch.zeros(2, 3), torch.zeros(1, dtype=torch.long))
