"""The state of a run between two steps, as one safetensors file: no pickle."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from speakertrip.config import TrainConfig
from speakertrip.errors import ConfigError, StorageError, TrainingError


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        step: steps done.
        best_eer: lowest validation EER so far; infinity before the first validation.
    """

    step: int = 0
    best_eer: float = float("inf")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run was begun with; a run that goes on with anything else would not be one run.

    Attributes:
        config: of the run.
        manifest: hash of the training manifest: another one would hold out other speakers, some of them trained on.
    """

    config: TrainConfig
    manifest: str


def save_checkpoint(
    path: Path, modules: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress, origin: Origin
) -> None:
    """Write weights, buffers, optimiser state and progress; an interrupted write leaves the old file.

    Everything else of a run (batches, crops, masks, learning rate) follows from the seed and the step.

    Raises:
        StorageError: it cannot be written.
    """
    tensors = dict(modules.state_dict())
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
    # One entry: several would be written in an order that changes from process to process.
    run = {
        "progress": asdict(progress),
        "config": origin.config.model_dump(mode="json"),
        "manifest": origin.manifest,
    }
    metadata = {"run": json.dumps(run)}
    fresh = path.with_suffix(".part")
    try:
        save_file(
            {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, fresh, metadata
        )
        fresh.replace(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise StorageError(f"Cannot write {path}: {error}.") from None
    finally:
        with suppress(OSError):  # it is no longer there, or its folder never was
            fresh.unlink()


def load_checkpoint(
    path: Path, modules: nn.Module, optimizer: torch.optim.Optimizer, origin: Origin
) -> Progress:
    """Restore what ``save_checkpoint`` wrote into fresh modules and a fresh optimiser.

    Raises:
        TrainingError: the file is damaged.
        ConfigError: the run was begun with another configuration or manifest.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            run = json.loads(file.metadata()["run"])
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        _require_same(origin, Origin(TrainConfig.model_validate(run["config"]), run["manifest"]))
        modules.load_state_dict(
            {name: tensor for name, tensor in tensors.items() if not name.startswith("optimizer.")}
        )
        optimizer.load_state_dict(
            {"state": _optimizer_state(tensors), "param_groups": optimizer.state_dict()["param_groups"]}
        )
        return Progress(**run["progress"])
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(f"The checkpoint {path} cannot be read ({reason}); start a new run.") from None


def _optimizer_state(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = tensor
    return state


def _require_same(origin: Origin, saved: Origin) -> None:
    now, then = _settings(origin.config), _settings(saved.config)
    changed = [key for key in sorted(now.keys() | then.keys()) if now.get(key) != then.get(key)]
    if origin.manifest != saved.manifest:
        changed.append("training manifest")
    if changed:
        raise ConfigError(f"This run was begun with another {', '.join(changed)}; resume it with the same.")


def _settings(config: TrainConfig) -> dict[str, object]:
    """Flatten what decides a run's result; how often to validate and how to load may change on the way."""
    sections = config.model_dump(
        mode="json", exclude={"validation": {"every"}, "data": {"workers", "prefetch", "memory_gib"}}
    )
    seed = {"seed": sections.pop("seed")}
    return seed | {
        f"{name}.{key}": value for name, section in sections.items() for key, value in section.items()
    }
