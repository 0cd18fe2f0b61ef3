import pytest
import torch
from torch.nn import functional

from speakertrip.config import TrainConfig
from speakertrip.errors import DivergedError
from speakertrip.losses import GE2E, AAMSoftmax, AngularPrototypical, MultiSampleTripletLoss
from speakertrip.miners import HardestShare
from speakertrip.training.objective import build_objective

LABELS = torch.arange(12) // 2


def objective(**loss):
    config = TrainConfig.model_validate({"encoder": {"kind": "ecapa", "embedding_dim": 8}, "loss": loss})
    torch.manual_seed(0)
    return build_objective(config, speakers=6)


def batch(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(12, 8, generator=generator), dim=1)


@pytest.mark.parametrize(
    "miner",
    [
        {"kind": "everything"},
        {"kind": "hardest-share", "share": 0.2},
        {"kind": "hardest-speakers", "k": 2},
        {"kind": "batch-hard"},
        {"kind": "semi-hard"},
        {"kind": "random", "count": 3},
        {"kind": "distance-weighted", "count": 3},
    ],
    ids=lambda miner: miner["kind"],
)
def test_every_miner_trains(miner):
    outcome = objective(miner=miner)(1, batch().requires_grad_(), LABELS)
    outcome.loss.backward()
    assert outcome.loss.isfinite()
    assert 0 <= outcome.health.active <= 1
    assert outcome.margin == 0.4


def test_the_triplet_objective_is_its_parts():
    embeddings = batch()
    outcome = objective(margin=0.7, miner={"share": 0.2}, softplus_scale=5.0, reduction="active")(
        1, embeddings, LABELS
    )
    loss = MultiSampleTripletLoss(0.7, 5.0, "active")
    assert outcome.loss == loss(embeddings, LABELS, HardestShare(0.2)(embeddings, LABELS))


def test_margins_follow_their_schedule():
    ramp = objective(margin={"kind": "linear", "start": 0.2, "end": 0.6, "steps": 3})
    assert [round(ramp(step, batch(), LABELS).margin, 6) for step in (1, 2, 3, 4)] == [0.2, 0.4, 0.6, 0.6]
    adaptive = objective(margin={"kind": "adaptive", "start": 0.5, "target": 0.01, "rate": 0.1})
    seen = [adaptive(step, batch(), LABELS).margin for step in (1, 2, 3)]
    assert seen[0] > seen[1] > seen[2]  # random embeddings: everybody is active


def test_the_memory_gives_negatives_of_earlier_batches():
    remembering = objective(memory={"size": 24}, miner={"share": 1.0})
    remembering(1, batch(1), LABELS + 100)
    assert len(remembering.memory) == 12
    alone = objective(miner={"share": 1.0})
    assert remembering(2, batch(2), LABELS).loss != alone(2, batch(2), LABELS).loss


def test_the_averaged_encoder_fills_the_memory_where_there_is_one():
    remembering = objective(memory={"size": 24, "momentum": 0.9})
    slow = batch(5)
    remembering(1, batch(1), LABELS, slow)
    assert torch.equal(remembering.memory.embeddings[:12], slow)


def test_state_survives_in_the_state_dict():
    loss = {"margin": {"kind": "adaptive", "rate": 0.1}, "memory": {"size": 24}}
    first, second = objective(**loss), objective(**loss)
    for step in (1, 2):
        first(step, batch(step), LABELS)
    second.load_state_dict(first.state_dict())
    assert first(3, batch(3), LABELS).loss == second(3, batch(3), LABELS).loss
    assert first.state.tolist() == second.state.tolist()


def collapsed():
    return functional.normalize(torch.ones(12, 8) + 1e-4 * batch(), dim=1)


def test_a_collapse_is_said_in_a_sentence():
    guarded = objective(guard={"patience": 2})
    guarded(1, collapsed(), LABELS)
    with pytest.raises(
        DivergedError, match=r"At step 2: The embeddings have collapsed: for 2 steps .*--init"
    ):
        guarded(2, collapsed(), LABELS)


def test_a_collapse_may_lower_the_difficulty_instead():
    guarded = objective(guard={"patience": 2, "action": "ease"}, miner={"share": 0.1})
    outcomes = [guarded(step, collapsed(), LABELS) for step in (1, 2, 3, 4, 5)]
    assert [outcome.notice is not None for outcome in outcomes] == [False, True, False, True, False]
    assert outcomes[1].notice.endswith("; going on with easier negatives.")
    embeddings = batch()
    easier = HardestShare(0.4)(embeddings, LABELS)  # twice the share, twice
    assert guarded(6, embeddings, LABELS).loss == MultiSampleTripletLoss(0.4)(embeddings, LABELS, easier)


def test_where_nothing_is_easier_a_collapse_ends_the_training():
    guarded = objective(guard={"patience": 1, "action": "ease"}, miner={"share": 0.6})
    assert guarded(1, collapsed(), LABELS).notice
    with pytest.raises(DivergedError, match="At step 2: The embeddings have collapsed"):
        guarded(2, collapsed(), LABELS)


def test_the_guard_may_be_off():
    unguarded = objective(guard={"patience": 1, "action": "off"})
    assert unguarded(1, collapsed(), LABELS).notice is None


@pytest.mark.parametrize(
    ("kind", "loss"),
    [("aam-softmax", AAMSoftmax), ("angular-prototypical", AngularPrototypical), ("ge2e", GE2E)],
)
def test_the_baselines_train(kind, loss):
    baseline = objective(kind=kind, scale=20.0)
    assert isinstance(baseline.loss, loss)
    outcome = baseline(1, batch().requires_grad_(), LABELS)
    outcome.loss.backward()
    assert outcome.health is None
    assert all(parameter.grad is not None for parameter in baseline.parameters())


def test_the_margin_of_softmax_may_rise_from_zero():
    rising = objective(kind="aam-softmax", margin=0.2, margin_warmup_steps=3)
    assert [rising(step, batch(), LABELS).margin for step in (1, 2, 3, 4)] == [0.0, 0.1, 0.2, 0.2]
    assert objective(kind="aam-softmax", margin=0.2)(1, batch(), LABELS).margin == 0.2


@pytest.mark.parametrize("kind", ["aam-softmax", "ge2e", "angular-prototypical"])
def test_a_joint_loss_is_the_weighted_sum_of_its_parts(kind):
    triplet = {"margin": 0.7, "miner": {"kind": "hardest-share", "share": 0.2}}
    joint = objective(kind="joint", softmax={"kind": kind}, triplet=triplet, weight=0.3)
    outcome = joint(1, batch().requires_grad_(), LABELS)
    expected = joint.softmax(1, batch(), LABELS).loss + 0.3 * objective(**triplet)(1, batch(), LABELS).loss
    torch.testing.assert_close(outcome.loss, expected)
    assert outcome.margin == 0.7
    assert outcome.health.active >= 0
    outcome.loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in joint.parameters())


def test_the_hardest_share_goes_to_its_end_by_the_last_step():
    ramp = objective(miner={"kind": "hardest-share", "share": 0.8, "final_share": 0.1})
    seen = [float(ramp(step, batch(), LABELS).loss) for step in (1, ramp.last_step)]
    fixed = [float(objective(miner={"share": share})(1, batch(), LABELS).loss) for share in (0.8, 0.1)]
    assert seen == pytest.approx(fixed)
