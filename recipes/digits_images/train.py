"""Another modality: the loss, miner, sampler and metrics that train voices, on images of handwritten digits.

Digit classes play the part of speakers, and images that of utterances. Some digits are held out of training, and
the error rates are on those alone: does an encoder tell apart classes that it has never seen?
"""

import argparse
import sys
import time
from itertools import permutations, product

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from speakertrip.backend import pair_scores, unit_rows
from speakertrip.losses import MultiSampleTripletLoss
from speakertrip.metrics import det_curve, equal_error_rate
from speakertrip.miners import HardestShare
from speakertrip.samplers import PKSampler

TRAIN, HELD_OUT = [0, 1, 2, 3, 4, 5, 6], [7, 8, 9]
# Chosen on splits of the digits 0 to 6 alone; see README.md.
STEPS, CLASSES, IMAGES = 400, 32, 8  # a batch has so many images of each of so many classes
MARGIN, SHARE, LEARNING_RATE, DIM = 0.4, 0.3, 3e-3, 32
COMPOSED = 100  # images of each class that is put together from two digits
REPLICATES = 200
UPPER, LEFT = np.arange(64) < 32, np.arange(64) % 8 < 4  # pixels of an 8 x 8 image, row after row

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


def build_encoder() -> nn.Sequential:
    """Build a small convolutional net: ``(batch, 64)`` pixels in [0, 1] to embeddings ``(batch, DIM)``."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        *(nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3, padding=1, stride=2), nn.BatchNorm2d(64), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(64 * 4 * 4, DIM)),
    )


def with_composed(pixels: FloatArray, digits: IntArray, seed: int) -> tuple[FloatArray, IntArray]:
    """Add a class for the upper half of each digit over the lower half of each other, and for left and right.

    An encoder of seven classes learns what tells those seven apart, and drops the rest, which others would need.

    Returns:
        ``(images + more, 64)`` pixels, and their classes numbered from 0: S digits make ``S + 2 S (S - 1)``.
    """
    rng = np.random.default_rng(seed)
    names, labels = np.unique(digits, return_inverse=True)
    images, classes = [pixels], [labels]
    pairs = permutations([pixels[digits == name] for name in names], 2)
    for number, ((one, other), half) in enumerate(product(pairs, (UPPER, LEFT)), start=len(names)):
        images.append(np.where(half, rng.choice(one, COMPOSED), rng.choice(other, COMPOSED)))
        classes.append(np.full(COMPOSED, number))
    return np.concatenate(images), np.concatenate(classes)


def jitter(images: Tensor) -> Tensor:
    """Turn by up to 15 degrees, scale by up to 10 % and shift by up to a pixel each of ``(batch, 64)``."""
    turn, scale, right, down = torch.empty(4, len(images)).uniform_(-1, 1)
    turn, scale = turn * torch.pi / 12, 1 + 0.1 * scale
    cos, sin = torch.cos(turn) * scale, torch.sin(turn) * scale
    shift = 2 / 8  # an image spans [-1, 1]
    maps = torch.stack([cos, -sin, shift * right, sin, cos, shift * down], dim=1).view(-1, 2, 3)
    grid = functional.affine_grid(maps, [len(images), 1, 8, 8], align_corners=False)
    return functional.grid_sample(images.view(-1, 1, 8, 8), grid, align_corners=False).view(-1, 64)


def train(encoder: nn.Module, pixels: FloatArray, digits: IntArray, steps: int, seed: int) -> None:
    """Train in place on pixels ``(images, 64)`` and digits ``(images,)``; the last step is the result."""
    images, labels = map(torch.from_numpy, with_composed(pixels, digits, seed))
    p = min(CLASSES, int(labels.max()) + 1)
    batches = PKSampler(labels.tolist(), None, p=p, k=IMAGES, seed=seed)
    miner, loss_of = HardestShare(SHARE), MultiSampleTripletLoss(MARGIN)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    encoder.train()
    for step, batch in zip(range(1, steps + 1), batches, strict=False):
        rows = torch.tensor([row for row, _ in batch])
        embeddings = functional.normalize(encoder(jitter(images[rows])), dim=1)
        loss = loss_of(embeddings, labels[rows], miner(embeddings, labels[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.4f}", file=sys.stderr)


@torch.no_grad()
def embed(encoder: nn.Module, pixels: FloatArray) -> FloatArray:
    """Return the embeddings ``(images, dim)`` of pixels ``(images, 64)``."""
    embeddings: FloatArray = encoder.eval()(torch.from_numpy(pixels)).numpy()
    return embeddings


def report(name: str, embeddings: FloatArray, digits: IntArray) -> None:
    """Print the EER over all pairs by cosine, its 95 % interval, and recall@1: is the nearest of the same digit?

    The interval is that of other images of the same digits: a pair weighs how often its two images are drawn.
    ``eer_interval`` draws speakers, and three classes are far too few for that.
    """
    first, second = np.triu_indices(len(digits), k=1)
    scores, same = pair_scores(embeddings, embeddings, first, second), digits[first] == digits[second]
    eer = equal_error_rate(det_curve(scores, same))
    rng, rates = np.random.default_rng(0), []
    for _ in range(REPLICATES):
        drawn = np.bincount(rng.integers(0, len(digits), len(digits)), minlength=len(digits))
        weights = drawn[first] * drawn[second]
        some = weights > 0  # of no weight are more than half of the pairs, and they cost as much
        rates.append(equal_error_rate(det_curve(scores[some], same[some], weights[some])))
    low, high = np.quantile(rates, [0.025, 0.975])
    cosines = unit_rows(embeddings) @ unit_rows(embeddings).T
    np.fill_diagonal(cosines, -np.inf)
    recall = np.mean(digits[cosines.argmax(axis=1)] == digits)
    print(f"{name:<18} EER {eer:6.2%} [{low:.2%}, {high:.2%}]  recall@1 {recall:.2%}", flush=True)


def main() -> None:
    """Read the options, train, and report the floor, the start and the result."""
    parser = argparse.ArgumentParser(description="Train on some digits, and measure on others.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    for option, default in (("--train", TRAIN), ("--held-out", HELD_OUT)):
        parser.add_argument(option, type=int, nargs="+", choices=range(10), default=default, metavar="DIGIT")
    args = parser.parse_args()
    if {*args.train} & {*args.held_out} or min(len({*args.train}), len({*args.held_out})) < 2:
        parser.error("name two or more digits to train on, and two or more others to hold out")
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        sys.exit("The images come with scikit-learn, which is missing; pip install scikit-learn.")

    torch.set_num_threads(1)  # sums of several threads differ from run to run
    torch.manual_seed(args.seed)
    data = load_digits()
    pixels, digits = (data.data / 16).astype(np.float32), data.target.astype(np.int64)
    trained, held_out = np.isin(digits, args.train), np.isin(digits, args.held_out)
    for name, chosen in (("train on", trained), ("held out", held_out)):
        print(f"{name:<18} digits {' '.join(map(str, np.unique(digits[chosen])))} ({chosen.sum()} images)")
    report("pixels", pixels[held_out], digits[held_out])
    encoder = build_encoder()
    report("untrained encoder", embed(encoder, pixels[held_out]), digits[held_out])
    began = time.perf_counter()
    train(encoder, pixels[trained], digits[trained], args.steps, args.seed)
    seconds = time.perf_counter() - began
    report("trained encoder", embed(encoder, pixels[held_out]), digits[held_out])
    print(f"{args.steps} steps in {seconds:.1f} s")


if __name__ == "__main__":
    main()
