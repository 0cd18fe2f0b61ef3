"""Kill a training run by SIGKILL before its n-th operation on a file of its own, resume it, and compare: for many n.

At last it is killed within the bytes of a checkpoint, which no operation that Python sees comes between.

Run as ``python kill_points.py FOLDER COUNT``; prints a line of JSON for each n. Children that are forked before
anything was computed spare the seconds that each start of a process takes.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import torch
import torch._dynamo  # the first optimiser takes seconds to import it: here once, for all children
from safetensors.torch import save_file

from benchmarks.kill import differences
from speakertrip.config import TrainConfig
from speakertrip.corpora.synthetic import write_synthetic_corpus
from speakertrip.encoders import build_encoder
from speakertrip.training import checksummed, train

CONFIG = TrainConfig.model_validate(
    {
        "encoder": {"kind": "xvector", "channels": 8, "pooling_channels": 8, "embedding_dim": 8},
        "data": {"crop_seconds": 0.5, "speeds": [1.0]},
        "batch": {"speakers": 4, "utterances": 2, "hard_share": 0.5},
        "optimizer": {"steps": 4, "warmup_steps": 1},
        "validation": {"speakers": 3, "every": 2, "nontargets": 50},
        "checkpoint": {"every": 1},
    }
)
WITHIN = -1
OPERATIONS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}


def main(folder: Path, count: int) -> None:
    write_synthetic_corpus(folder / "data", train_speakers=8, test_speakers=2, utterances=2, seconds=1.0)
    total = folder / "total"
    assert fork(folder, folder / "whole", None, total) == 0
    operations = total.read_text().splitlines()
    count = min(count, len(operations))
    points = sorted({(2 * i + 1) * len(operations) // (2 * count) for i in range(count)})
    for n in [*points, WITHIN]:
        run = folder / "killed"
        shutil.rmtree(run, ignore_errors=True)
        died = fork(folder, run, n, None) == signal.SIGKILL
        resumed = fork(folder, run, None, None) == 0
        wrong = differences(folder / "whole", run) if resumed else ["all"]
        before = "the second half of a checkpoint" if n == WITHIN else operations[n]
        print(json.dumps({"n": n, "of": len(operations), "before": before, "died": died, "wrong": wrong}))


def fork(folder: Path, run: Path, kill_at: int | None, log: Path | None) -> int:
    """Train in a child process; return the status that ``os.wait`` gives of it."""
    child = os.fork()
    if not child:
        if kill_at == WITHIN:
            checksummed.save_file = save_half_of_the_third
        else:
            watch(run, kill_at, log)
        os._exit(not train(CONFIG, folder / "data", run, resume=True, device="cpu"))
    return os.waitpid(child, 0)[1]


def save_half_of_the_third(tensors: dict[str, torch.Tensor], path: Path, seal: dict[str, str]) -> None:
    """Write checkpoints, and die within the third: there are two to go on from then."""
    save_file(tensors, path, seal)
    if path.with_name("checkpoint.previous.safetensors").exists():
        os.truncate(path, path.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)


def watch(run: Path, kill_at: int | None, log: Path | None) -> None:
    """Count this process's operations on files of a run, and kill it before one of them."""
    seen: list[str] = []

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in OPERATIONS and str(arguments[0]).startswith(str(run)):
            if len(seen) == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            seen.append(f"{event} {Path(str(arguments[0])).name}")
            if log:
                log.write_text("\n".join(seen))

    sys.addaudithook(hook)


if __name__ == "__main__":
    torch.set_num_threads(1)
    build_encoder(80, CONFIG.encoder)
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
