import pytest
import torch

from speakertrip.bundle import Bundle, Calibration, SpeakerModel
from speakertrip.config import SpeechBrainFbankConfig, TrainConfig
from speakertrip.errors import BundleError, ConfigError, SpeakertripWarning, TrainingError, UsageError
from speakertrip.training.checkpoint import Checkpoints, Origin, Progress
from speakertrip.training.initial import begin_with
from speakertrip.training.trainer import Trainer

CPU = torch.device("cpu")
CALIBRATION = Calibration(threshold=0.0, eer=0.5, trials=8, targets=4, speakers=4, held_out="held")


@pytest.fixture
def other(config):
    return Trainer(config.model_copy(update={"seed": 9}), CPU, 6)


@pytest.fixture(params=["bundle", "checkpoint"])
def source(request, other, tmp_path):
    config = other.config
    if request.param == "bundle":
        Bundle(config.features, config.encoder, other.model, CALIBRATION, "# A model\n").save(
            tmp_path / "bundle"
        )
        return tmp_path / "bundle"
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(other.modules, other.optimizer, Progress(3), Origin(config, "hash", "held"), {})
    return checkpoints.last


def origin(config, held_out="held"):
    return Origin(config, "another hash", held_out)


def weights(trainer):
    return trainer.model.state_dict()


def test_the_weights_of_an_encoder_are_taken_and_the_loss_begins_anew(config, source, other):
    softmax = TrainConfig.model_validate(config.model_dump() | {"loss": {"kind": "aam-softmax"}})
    trainer, fresh = Trainer(softmax, CPU, 6), Trainer(softmax, CPU, 6)
    taken = begin_with(trainer, source, origin(softmax))
    assert all(torch.equal(tensor, weights(other)[name]) for name, tensor in weights(trainer).items())
    assert set(taken.loaded) == set(weights(trainer))
    assert (
        str(taken)
        == f"Began with {len(taken.loaded)} tensors of {source}, none skipped; the loss begins anew."
    )
    for ours, theirs in zip(trainer.objective.parameters(), fresh.objective.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_tensors_that_do_not_fit_are_skipped_and_named(config, source, other):
    wide = config.model_copy(update={"encoder": config.encoder.model_copy(update={"embedding_dim": 20})})
    trainer, fresh = Trainer(wide, CPU, 6), Trainer(wide, CPU, 6)
    taken = begin_with(trainer, source, origin(wide))
    assert taken.skipped
    assert all(weights(other)[name].shape != weights(trainer)[name].shape for name in taken.skipped)
    assert all(torch.equal(weights(trainer)[name], weights(fresh)[name]) for name in taken.skipped)
    assert all(torch.equal(weights(trainer)[name], weights(other)[name]) for name in taken.loaded)
    assert f"{len(taken.skipped)} skipped ({taken.skipped[0]}" in str(taken)


def test_what_cannot_fit_is_refused(config, source):
    narrow = config.model_copy(update={"features": config.features.model_copy(update={"mels": 40})})
    with pytest.raises(ConfigError, match="another front end"):
        begin_with(Trainer(narrow, CPU, 6), source, origin(narrow))
    foreign = SpeechBrainFbankConfig()
    Bundle(foreign, config.encoder, SpeakerModel(foreign, config.encoder), None, "").save(
        source.parent / "foreign"
    )
    with pytest.raises(ConfigError, match="has the front end 'speechbrain-fbank' of another toolkit"):
        begin_with(Trainer(config, CPU, 6), source.parent / "foreign", origin(config))
    xvector = TrainConfig.model_validate(
        config.model_dump()
        | {"encoder": {"kind": "xvector", "channels": 8, "pooling_channels": 8, "embedding_dim": 8}}
    )
    with pytest.raises(ConfigError, match=r"has the encoder 'ecapa' and the configuration 'xvector'"):
        begin_with(Trainer(xvector, CPU, 6), source, origin(xvector))


def test_what_cannot_be_read_is_said(config, tmp_path):
    trainer = Trainer(config, CPU, 6)
    (tmp_path / "a.safetensors").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match=r"Cannot begin with .*a.safetensors: as a checkpoint it "):
        begin_with(trainer, tmp_path / "a.safetensors", origin(config))
    with pytest.raises(BundleError):
        begin_with(trainer, tmp_path / "absent", origin(config))


def test_other_held_out_speakers_are_warned_of(config, source):
    with pytest.warns(
        SpeakertripWarning, match="was trained with other speakers held out: where it was trained on"
    ):
        begin_with(Trainer(config, CPU, 6), source, origin(config, "others"))


def test_a_bundle_that_does_not_say_whom_it_held_out_is_warned_of(config, other, tmp_path):
    unknown = CALIBRATION.model_copy(update={"held_out": ""})
    bundle = Bundle(config.features, config.encoder, other.model, unknown, "# A model\n")
    bundle.save(tmp_path / "run" / "bundle")
    with pytest.warns(SpeakertripWarning, match="does not say which speakers it held out"):
        taken = begin_with(Trainer(config, CPU, 6), tmp_path / "run", origin(config))
    assert not taken.skipped


def test_a_source_of_which_nothing_fits_is_refused(config, source):
    encoder = {"channels": 12, "embedding_dim": 10, "attention_channels": 6, "se_channels": 6}
    other = config.model_copy(update={"encoder": config.encoder.model_copy(update=encoder)})
    with pytest.raises(ConfigError, match=r"No tensor of .* fits the encoder"):
        begin_with(Trainer(other, CPU, 6), source, origin(other))


def test_an_empty_name_is_refused(config):
    with pytest.raises(UsageError, match="has no name"):
        begin_with(Trainer(config, CPU, 6), "", origin(config))
