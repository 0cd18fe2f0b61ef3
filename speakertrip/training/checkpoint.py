"""The state of a run between two steps, and the files that keep it."""

import json
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import safetensors
import torch
from torch import Tensor, nn

from speakertrip.config import TrainConfig
from speakertrip.errors import ConfigError, SpeakertripWarning, StorageError, TrainingError
from speakertrip.training.checksummed import read_checksummed, reason_of, sync_folder, write_checksummed

OPTIMIZER, BUNDLE = "optimizer.", "bundle."  # what the names of tensors begin with that are of no module
MODEL = "model."  # and those of the model in training


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        step: steps done.
        best_eer: lowest validation EER so far; infinity before the first validation.
        init: what its first weights were taken from; empty where they were drawn.
    """

    step: int = 0
    best_eer: float = float("inf")
    init: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run was begun with; a run that goes on with anything else would not be one run.

    Attributes:
        config: of the run.
        manifest: hash of the training manifest: another one would hold out other speakers, some of them trained on.
        held_out: hash of the speakers held out of training; empty where that is not known.
    """

    config: TrainConfig
    manifest: str
    held_out: str = ""


class Checkpoints:
    """The last checkpoint of a run and the one before it.

    A checkpoint takes the place of the last only when it has been read back from the disk. It holds all that a run
    has become: weights, buffers, the optimiser's state, progress, and the files of the best bundle, so that the
    bundle beside it can always be made to fit. Everything else (batches, crops, masks, learning rate, whatever is
    drawn at random) follows from the seed and the step.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.last = folder / "checkpoint.safetensors"
        self.previous = folder / "checkpoint.previous.safetensors"
        self.last_is_whole = False

    def exist(self) -> bool:
        """Return whether there is one."""
        return self.last.exists() or self.previous.exists()

    def save(
        self,
        modules: nn.Module,
        optimizer: torch.optim.Optimizer,
        progress: Progress,
        origin: Origin,
        bundle: Mapping[str, bytes],
    ) -> None:
        """Write a checkpoint; whatever interrupts it, the last one, or the one before, is left.

        Args:
            modules: everything with weights or buffers.
            optimizer: of their parameters.
            progress: of the run.
            origin: of the run.
            bundle: the files of the best bundle so far, by name.

        Raises:
            StorageError: it cannot be written, or reads back as something else.
        """
        tensors = dict(modules.state_dict())
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"{OPTIMIZER}{index}.{name}": tensor for name, tensor in state.items()}
        tensors |= {f"{BUNDLE}{name}": _as_tensor(content) for name, content in bundle.items()}
        run = {
            "progress": asdict(progress),
            "config": origin.config.model_dump(mode="json"),
            "manifest": origin.manifest,
            "held_out": origin.held_out,
            "bundle": list(bundle),
        }
        fresh = self.last.with_suffix(".part")
        try:
            fresh.parent.mkdir(parents=True, exist_ok=True)
            write_checksummed(fresh, tensors, json.dumps(run))
            if self.last_is_whole and self.last.exists():
                self.last.replace(self.previous)
            fresh.replace(self.last)
            sync_folder(self.last.parent)
            self.last_is_whole = True
        except (OSError, ValueError, safetensors.SafetensorError) as error:
            kept = (
                "the one before is kept: go on from it with --resume" if self.exist() else "there is none yet"
            )
            raise StorageError(
                f"Cannot write the checkpoint {self.last}: {reason_of(error)}; {kept}."
            ) from None
        finally:
            with suppress(OSError):  # it is no longer there, or its folder never was
                fresh.unlink()

    def load(
        self, modules: nn.Module, optimizer: torch.optim.Optimizer, origin: Origin
    ) -> tuple[Progress, dict[str, bytes]]:
        """Restore what ``save`` wrote into fresh modules and a fresh optimiser, and return the rest of it.

        Where the last checkpoint is damaged, a warning says so and the one before it is taken.

        Raises:
            TrainingError: both are damaged, or of another version of this package.
            ConfigError: the run was begun with another configuration or manifest.
        """
        (tensors, text), problem = self._read()
        try:
            run = json.loads(text)
            progress = Progress(**run["progress"])
            bundle = {name: tensors[f"{BUNDLE}{name}"].numpy().tobytes() for name in run["bundle"]}
            _require_same(origin, Origin(TrainConfig.model_validate(run["config"]), run["manifest"]))
            modules.load_state_dict(
                {name: tensor for name, tensor in tensors.items() if not name.startswith((OPTIMIZER, BUNDLE))}
            )
            optimizer.load_state_dict(
                {"state": _optimizer_state(tensors), "param_groups": optimizer.state_dict()["param_groups"]}
            )
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise TrainingError(
                f"The checkpoint {self.last} is of another version ({reason_of(error)}); start a new run."
            ) from None
        if problem:
            text = f"{problem}; going on from the one before it, of step {progress.step}."
            warnings.warn(text, SpeakertripWarning, stacklevel=2)
        return progress, bundle

    def _read(self) -> tuple[tuple[dict[str, Tensor], str], str | None]:
        """Return the content of the last one that is whole, and what is wrong with the one after it."""
        try:
            content = read_checksummed(self.last)
            self.last_is_whole = True
            return content, None
        except ValueError as error:
            problem = f"The checkpoint {self.last} {error}"
        try:
            return read_checksummed(self.previous), problem
        except ValueError as error:
            raise TrainingError(f"{problem}, and {self.previous.name} {error}; start a new run.") from None


def read_model(path: Path) -> tuple[Origin, dict[str, Tensor]]:
    """Return what the run that a checkpoint is of was begun with, and the weights of its model in training.

    Raises:
        TrainingError: it is damaged, or of another version of this package.
    """
    try:
        tensors, text = read_checksummed(path)
        run = json.loads(text)
        origin = Origin(TrainConfig.model_validate(run["config"]), run["manifest"], run.get("held_out", ""))
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"Cannot begin with {path}: as a checkpoint it {reason_of(error)}.") from None
    return origin, {name.removeprefix(MODEL): tensors[name] for name in tensors if name.startswith(MODEL)}


def _as_tensor(content: bytes) -> Tensor:
    return torch.from_numpy(np.frombuffer(content, np.uint8).copy())


def _optimizer_state(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(OPTIMIZER):
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
    """Flatten what decides a run's result; how often to validate or save and how to load may change on the way."""
    sections = config.model_dump(
        mode="json",
        exclude={
            "watch": True,
            "validation": {"every"},
            "checkpoint": True,
            "data": {"workers", "prefetch", "memory_gib"},
        },
    )
    seed = {"seed": sections.pop("seed")}
    return seed | {
        f"{name}.{key}": value for name, section in sections.items() for key, value in section.items()
    }
