"""Cosine scoring."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BLOCK = 1024  # pairs scored at a time: what is gathered stays in the cache


def unit_rows(embeddings: FloatArray) -> FloatArray:
    """Scale each row of ``(n, dim)`` to unit length; a row of zeros stays zero.

    >>> unit_rows(np.array([[3.0, 4.0]], np.float32))
    array([[0.6, 0.8]], dtype=float32)
    """
    norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return np.asarray(embeddings / np.maximum(norms, np.finfo(np.float32).tiny), dtype=np.float32)


def pair_scores(
    enrollments: FloatArray,
    tests: FloatArray,
    first: npt.NDArray[np.integer],
    second: npt.NDArray[np.integer],
) -> FloatArray:
    """Score pairs of rows by the cosine of their angle.

    Args:
        enrollments: ``(n, dim)``, of any length.
        tests: ``(m, dim)``.
        first: ``(trials,)``, rows of ``enrollments``.
        second: ``(trials,)``, rows of ``tests``.

    Returns:
        float32 ``(trials,)`` in [-1, 1]; higher for the same speaker.
    """
    scores = inner_products(unit_rows(enrollments), unit_rows(tests), first, second)
    return np.clip(scores, -1, 1, out=scores)


def inner_products(
    left: FloatArray, right: FloatArray, first: npt.NDArray[np.integer], second: npt.NDArray[np.integer]
) -> FloatArray:
    """Return the inner products of pairs of rows, float32 ``(trials,)``, in blocks."""
    products = np.empty(len(first), dtype=np.float32)
    for begin in range(0, len(first), BLOCK):
        block = slice(begin, begin + BLOCK)
        pairs = left.take(first[block], axis=0), right.take(second[block], axis=0)
        np.einsum("td,td->t", *pairs, out=products[block])
    return products
