"""What a training step costs beside SpeechBrain's, and what encoding in parts saves and costs.

Speed: utterances per second of ECAPA-TDNN (C = 512, 80 mels, 32 crops of 2 s, AAM-softmax over 1,000 speakers, with the
optimiser's step), ours in fp32 and bf16, and with the triplet loss, against the step of SpeechBrain's recipe for
VoxCeleb (its Fbank, InputNormalization, ECAPA_TDNN, Classifier and LogSoftmaxWrapper, Adam). Methods are measured in
turns, several times over, and the median of the ratios counts: whatever else the machine does then slows all alike.
Target: bf16 at least 1.5 times SpeechBrain's speed on two cores that have bf16.

Memory: a batch of 1,024 x 4 crops of half a second through ECAPA-TDNN (C = 32) with the multi-sample triplet loss,
whole and in parts of 64: peak memory above what the process holds before, time, and the largest difference of a
gradient with the statistics of batch normalisation held fixed (target: 1e-4 of the largest).

    python benchmarks/training.py                      both
    python benchmarks/training.py --converge FOLDER    the synthetic demo in fp32 and bf16: error rates of three seeds
"""

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from speakertrip.config import TrainConfig, read_config
from speakertrip.training.trainer import Trainer

CPU = torch.device("cpu")
SPEAKERS, BATCH, SAMPLES = 1_000, 32, 32_000
ROUNDS, STEPS = 5, 2
LARGE, PART, SHORT_SAMPLES = 4_096, 64, 8_000
RECIPE = Path(__file__).parents[1] / "recipes" / "synthetic" / "ecapa-tiny.toml"
Step = Callable[[], None]
Answer = tuple[float, float, list[npt.NDArray[np.float32]]]


def batch(rows: int, samples: int) -> tuple[Tensor, Tensor]:
    """Return noise and labels, two crops of each speaker."""
    return torch.randn(rows, samples, generator=torch.Generator().manual_seed(0)), torch.arange(rows) // 2


def ours(precision: str, loss: str) -> Step:
    """Return a step of this package."""
    options = {"kind": "aam-softmax"} if loss == "aam" else {"kind": "triplet"}
    config = TrainConfig.model_validate({"loss": options, "compute": {"precision": precision}})
    trainer, data = Trainer(config, CPU, SPEAKERS), batch(BATCH, SAMPLES)
    numbers = iter(range(1, 10**9))

    def step() -> None:
        trainer.step(next(numbers), *data)

    return step


def speechbrain() -> Step:
    """Return a step of SpeechBrain's recipe for VoxCeleb."""
    from speechbrain.lobes.features import Fbank
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN, Classifier
    from speechbrain.nnet.losses import AdditiveAngularMargin, LogSoftmaxWrapper
    from speechbrain.processing.features import InputNormalization

    features, normalize = Fbank(n_mels=80), InputNormalization(norm_type="sentence", std_norm=False)
    model = ECAPA_TDNN(80, lin_neurons=192, channels=[512, 512, 512, 512, 1536])
    head = Classifier(192, out_neurons=SPEAKERS)
    loss = LogSoftmaxWrapper(AdditiveAngularMargin(margin=0.2, scale=30))
    optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=1e-3, weight_decay=2e-6)
    waveforms, labels = batch(BATCH, SAMPLES)
    lengths = torch.ones(BATCH)

    def step() -> None:
        embeddings = model(normalize(features(waveforms), lengths), lengths)
        value = loss(head(embeddings), labels[:, None], lengths)
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()

    return step


def speed() -> None:
    """Print utterances per second, in turns with the peer."""
    # Where a CPU only imitates bf16, a step takes minutes.
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    precisions = ("fp32", "bf16") if native else ("fp32",)
    methods = {
        f"ours, {each}, {loss}": ours(each, loss) for each in precisions for loss in ("aam", "triplet")
    }
    print(f"This CPU has {'' if native else 'no '}bf16.", flush=True)
    peer = speechbrain()
    for step in (peer, *methods.values()):
        step()
    rates: dict[str, list[float]] = {name: [] for name in ("speechbrain", *methods)}
    for _ in range(ROUNDS):
        for name, step in {"speechbrain": peer, **methods}.items():
            rates[name].append(utterances_per_second(step))
    print(f"{'ECAPA-512, ' + str(BATCH) + ' crops of 2 s':<32}{'utterances/s':>14}{'ratio':>8}")
    for name, found in rates.items():
        ratio = statistics.median(ours / peer for ours, peer in zip(found, rates["speechbrain"], strict=True))
        print(f"{name:<32}{statistics.median(found):>14.1f}{ratio:>8.2f}")


def utterances_per_second(step: Step) -> float:
    """Return the speed of a few steps."""
    began = time.perf_counter()
    for _ in range(STEPS):
        step()
    return STEPS * BATCH / (time.perf_counter() - began)


def parts(size: int, answers: "SimpleQueue[Answer]") -> None:
    """Put on the queue the MiB and seconds of a step in parts of a size, and its gradients; in a process of its own."""
    torch.set_num_threads(1)
    config = TrainConfig.model_validate(
        {"encoder": {"kind": "ecapa", "channels": 32, "embedding_dim": 96}, "compute": {"micro_batch": size}}
    )
    trainer = Trainer(config, CPU, SPEAKERS)
    waveforms, labels = batch(LARGE, SHORT_SAMPLES)
    features, trainer.model = trainer.model.log_mel(waveforms), trainer.model.eval()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew: that of the parent was inherited
    before = peak_memory()
    began = time.perf_counter()
    trainer.objective(1, trainer.encode(features), labels // 2).loss.backward()
    seconds = time.perf_counter() - began
    peak = peak_memory() - before
    gradients = [each.grad.numpy() for each in trainer.model.parameters() if each.grad is not None]
    answers.put((peak, seconds, gradients))


def peak_memory() -> float:
    """Return the most memory that this process has held, in MiB (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def memory() -> None:
    """Print what a large batch takes, whole and in parts."""
    context = multiprocessing.get_context("spawn")
    found: dict[int, Answer] = {}
    for size in (0, PART):
        answers: SimpleQueue[Answer] = context.SimpleQueue()
        process = context.Process(target=parts, args=(size, answers))
        process.start()
        found[size] = answers.get()
        process.join()
    print(f"\n{f'{LARGE:,} crops of 0.5 s, ECAPA-32':<32}{'MiB':>14}{'seconds':>10}")
    for size, (peak, seconds, _) in found.items():
        print(f"{f'in parts of {size}' if size else 'whole':<32}{peak:>14,.0f}{seconds:>10.1f}")
    (whole_peak, whole_seconds, whole), (peak, seconds, ours) = found.values()
    largest = max(abs(gradient).max() for gradient in whole)
    difference = max(abs(a - b).max() for a, b in zip(whole, ours, strict=True)) / largest
    print(f"parts / whole: memory {peak / whole_peak:.2f}, time {seconds / whole_seconds:.2f}")
    print(f"gradients differ by {difference:.1e} of the largest (1e-4)")


def converge(folder: Path) -> None:
    """Print the error rate of the synthetic demo on its test list by precision and seed."""
    from speakertrip.bundle import Bundle
    from speakertrip.corpora.synthetic import write_synthetic_corpus
    from speakertrip.embedding import Embedder
    from speakertrip.evaluation import evaluate
    from speakertrip.manifests import read_manifest, read_trials
    from speakertrip.training import train

    if not (folder / "corpus").exists():
        write_synthetic_corpus(folder / "corpus")
    corpus = folder / "corpus"
    for seed in range(3):
        for precision in ("fp32", "bf16"):
            run = folder / f"{precision}-{seed}"
            config = read_config(RECIPE, [f"compute.precision={precision}", f"seed={seed}"])
            train(config, corpus, run, resume=(run / "checkpoint.safetensors").exists(), device="cpu")
            trials = read_trials(corpus / "trials.test.txt")
            report = evaluate(
                Embedder(Bundle.load(run / "bundle").model, "cpu"),
                trials,
                read_manifest(corpus / "manifest.test.jsonl"),
            ).to_json()
            low, high = report["eer_interval"]
            print(
                f"seed {seed}, {precision}: EER {report['eer']:.2%} [{100 * low:.2f}, {100 * high:.2f}]",
                flush=True,
            )


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--converge", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    if options.converge:
        converge(options.converge)
    else:
        speed()
        memory()


if __name__ == "__main__":
    main()
