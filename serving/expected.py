"""How many blocks are to be expected: the distribution of a sum of independent events of unequal probability."""

import numpy as np

_TINY = 1e-12


def block_counts(probability: np.ndarray) -> np.ndarray:
    """Give the chance of 0, 1, 2, ... blocks among these cards: float64[n + 1], a Poisson-binomial distribution.

    The distributions of single cards are joined two and two by fast Fourier transform until one is left, so a million cards
    take seconds. Cards are taken as independent of each other: a sweep of an operator's makes the truth wider.

    >>> block_counts(np.array([0.5, 0.5])).round(3).tolist()
    [0.25, 0.5, 0.25]
    >>> block_counts(np.array([])).tolist()
    [1.0]
    """
    p = np.asarray(probability, dtype=np.float64)
    size = 1 << max(0, int(np.ceil(np.log2(max(1, len(p))))))
    padded = np.concatenate([p, np.zeros(size - len(p))])
    parts = np.column_stack([1.0 - padded, padded])
    while len(parts) > 1:
        parts = _joined(parts[0::2], parts[1::2])
    counts = np.clip(parts[0][: len(p) + 1], 0.0, None)
    return np.asarray(counts / counts.sum(), dtype=np.float64)


def expected_blocks(probability: np.ndarray, level: float = 0.9) -> tuple[float, int, int]:
    """Give the expected number of blocks and the least and most of the central interval that holds at least `level`.

    >>> expected_blocks(np.full(128, 0.03125))
    (4.0, 1, 7)
    """
    below = np.cumsum(block_counts(probability))
    tail = (1.0 - level) / 2.0
    low = int(np.searchsorted(below, tail + _TINY))
    high = int(np.searchsorted(below, 1.0 - tail - _TINY))
    return float(np.sum(probability)), low, high


def _joined(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Convolve each row of one with the same row of the other, and drop the counts at the end that never happen."""
    width = left.shape[1] + right.shape[1] - 1
    both = np.fft.irfft(np.fft.rfft(left, width) * np.fft.rfft(right, width), width)
    used = np.flatnonzero(both.max(axis=0) > _TINY * _TINY)
    return np.asarray(both[:, : int(used[-1]) + 1])
