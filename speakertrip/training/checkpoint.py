"""The state of a run between two steps, as one safetensors file: no pickle."""

import json
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


def save_checkpoint(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress, config: TrainConfig
) -> None:
    """Write weights, optimiser state and progress; an interrupted write leaves the old file.

    Everything else of a run (batches, crops, masks, learning rate) follows from the seed and the step.

    Raises:
        StorageError: it cannot be written.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
    # One entry: several would be written in an order that changes from process to process.
    metadata = {"run": json.dumps({"progress": asdict(progress), "config": config.model_dump(mode="json")})}
    fresh = path.with_suffix(".part")
    try:
        save_file(
            {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, fresh, metadata
        )
        fresh.replace(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise StorageError(f"Cannot write {path}: {error}.") from None


def load_checkpoint(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, config: TrainConfig
) -> Progress:
    """Restore what ``save_checkpoint`` wrote into a fresh model and optimiser.

    Raises:
        TrainingError: the file is damaged.
        ConfigError: the run was begun with another configuration.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            run = json.loads(file.metadata()["run"])
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        _require_same(config, TrainConfig.model_validate(run["config"]))
        model.load_state_dict(_below("model.", tensors))
        optimizer.load_state_dict(
            {"state": _optimizer_state(tensors), "param_groups": optimizer.state_dict()["param_groups"]}
        )
        return Progress(**run["progress"])
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(f"The checkpoint {path} cannot be read ({reason}); start a new run.") from None


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _optimizer_state(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _below("optimizer.", tensors).items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    return state


def _require_same(config: TrainConfig, saved: TrainConfig) -> None:
    now, then = _settings(config), _settings(saved)
    changed = [key for key in sorted(now.keys() | then.keys()) if now.get(key) != then.get(key)]
    if changed:
        raise ConfigError(
            f"This run was begun with another {', '.join(changed)}; resume it with the same settings."
        )


def _settings(config: TrainConfig) -> dict[str, object]:
    """Flatten what decides a run's result; how often to validate and how to load may change on the way."""
    sections = config.model_dump(
        mode="json", exclude={"validation": {"every"}, "data": {"workers", "memory_gib"}}
    )
    seed = {"seed": sections.pop("seed")}
    return seed | {
        f"{name}.{key}": value for name, section in sections.items() for key, value in section.items()
    }
