"""A forest as decision tables: few questions about a row make a number, and a table holds what the trees add for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from blockrisk.models.forest import Forest

Array = np.ndarray
Path = tuple[tuple[int, bool], ...]
"""Questions by number, each with the answer that leads on."""

JOINED = 8
"""Trees share a table while they ask no more questions than this: their code is then one byte, their table two kilobytes."""

MOST = 11
"""Most questions of a table; a tree that asks more is cut into its subtrees."""

_CELLS = 1 << 24  # (question, row) pairs at once: memory stays bounded
_TABLES = 32  # tables looked up at once: the working arrays stay in the processor's cache
_FEW = 16  # rows for which one gathered comparison is cheaper than one comparison a column


@dataclass(frozen=True)
class DecisionTables:
    """Hold questions, and tables of sums of leaves by the answers to at most MOST of them.

    Question k < len(threshold) asks whether the value of `column[k]` is <= `threshold[k]` (the first `below` of them) or above it
    (the others); a missing value answers no to both. Further questions join earlier ones: question len(threshold) + g is answered
    yes where each answer to `gates[g]` differs from `gate_flips[g]`. The last row of answers, which is always no, pads.

    Table t has the questions `asked[t]`, of which the j-th counts 2^j; what it adds for the answers' code stands in `sums` at
    `offset[t]` + code. Following the trees node by node gives the same sums to the bit, since leaves lie on the grid of
    `models.exact`; it takes about twenty times as long.
    """

    column: Array
    threshold: Array
    below: int
    gates: Array
    gate_flips: Array
    asked: Array
    offset: Array
    sums: Array

    def margin(self, values: Array) -> Array:
        """Add up the tables for rows float64[n, p]: float64[n]."""
        total = np.zeros(len(values))
        step = max(1, min(4096, _CELLS // (len(self.threshold) + len(self.gates) + 1)))
        for start in range(0, len(values), step):
            total[start : start + step] = self._add_up(self._answers(values[start : start + step]))
        return total

    def _answers(self, values: Array) -> Array:
        """Answer all questions, uint8[questions + gates + 1, n]."""
        plain, by_column = len(self.threshold), np.ascontiguousarray(values.T)
        answers = np.zeros((plain + len(self.gates) + 1, len(values)), dtype=bool)
        kinds = ((np.less_equal, 0, self.below), (np.greater, self.below, plain))
        for compare, first, last in kinds:
            edges = self.threshold[first:last, None]
            if len(values) <= _FEW:
                compare(by_column[self.column[first:last]], edges, out=answers[first:last])
                continue
            starts = np.flatnonzero(np.diff(self.column[first:last], prepend=-1)).tolist()
            for begin, end in pairwise([*starts, last - first]):
                seen = by_column[self.column[first + begin]]
                compare(seen, edges[begin:end], out=answers[first + begin : first + end])
        joined = answers[plain:-1]
        joined[:] = True
        for place in range(self.gates.shape[1]):
            joined &= answers[self.gates[:, place]] ^ self.gate_flips[:, place, None]
        return answers.view(np.uint8)

    def _add_up(self, answers: Array) -> Array:
        total = np.zeros(answers.shape[1])
        tables = len(self.asked) if answers.shape[1] <= _FEW else _TABLES
        for start in range(0, len(self.asked), tables):
            asked = self.asked[start : start + tables]
            code = self.offset[start : start + tables, None] + _codes(answers, asked)
            total += self.sums.take(code).sum(axis=0)
        return total


def _codes(answers: Array, asked: Array) -> Array:
    """Join the answers to each table's questions into a number, a byte at a time: unsigned[tables, n]."""
    used = asked[:, : int((asked < len(answers) - 1).sum(axis=1).max(initial=1))]
    whole = None
    for first in reversed(range(0, used.shape[1], 8)):
        byte = answers.take(used[:, min(first + 8, used.shape[1]) - 1], axis=0)
        for place in reversed(range(first, min(first + 8, used.shape[1]) - 1)):
            byte += byte
            byte |= answers.take(used[:, place], axis=0)
        whole = byte if whole is None else whole.astype(np.uint16) * np.uint16(256) + byte
    return np.zeros((len(asked), answers.shape[1]), dtype=np.uint8) if whole is None else whole


def tabulate(forest: "Forest") -> DecisionTables:
    """Turn a forest, whose arrays have been checked, into tables.

    >>> from blockrisk.models.forest import Forest
    >>> stump = Forest(np.array([0, 0, 0]), np.array([5.0, np.inf, np.inf]), np.array([True, True, True]), np.array([1, 1, 2]),
    ...     np.array([2, 1, 2]), np.array([0.0, -1.0, 1.0]), np.array([8.0, 6.0, 2.0]), np.array([0]), depth=1, bags=1)
    >>> tabulate(stump).sums.tolist()
    [-1.0, 1.0]
    """
    inner = np.flatnonzero(forest.left != np.arange(len(forest.left)))
    kind = zip(forest.missing_left[inner].tolist(), forest.feature[inner].tolist(), forest.threshold[inner].tolist(), strict=True)
    found = list(kind)
    order = sorted(set(found))
    number = {question: place for place, question in enumerate(order)}
    question = dict(zip(inner.tolist(), (number[one] for one in found), strict=True))
    gates: dict[Path, int] = {}
    pieces = [piece for root in forest.roots.tolist() for piece in _Tree(forest, question, gates, len(order)).pieces(root)]
    groups = list(_join(sorted(pieces, key=lambda piece: piece[0])))
    unanswered = len(order) + len(gates)
    asked = np.full((len(groups), max((len(asked) for asked, _ in groups), default=0)), unanswered, dtype=np.intp)
    for row, (questions, _) in zip(asked, groups, strict=True):
        row[: len(questions)] = questions
    sizes = [1 << len(questions) for questions, _ in groups]
    sums = [_table(questions, leaves) for questions, leaves in groups]
    joined = np.full((len(gates), max(map(len, gates), default=0)), unanswered, dtype=np.intp)
    flips = np.ones(joined.shape, dtype=bool)
    for path, place in gates.items():
        joined[place, : len(path)] = [one for one, _ in path]
        flips[place, : len(path)] = [not answer for _, answer in path]
    return DecisionTables(
        column=np.array([column for _, column, _ in order], dtype=np.intp),
        threshold=np.array([threshold for _, _, threshold in order], dtype=np.float64),
        below=sum(not left for left, _, _ in order),
        gates=joined,
        gate_flips=flips,
        asked=asked,
        offset=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp) if sizes else np.zeros(0, dtype=np.intp),
        sums=np.concatenate(sums) if sums else np.zeros(0),
    )


Piece = tuple[tuple[int, ...], list[tuple[Path, float]]]
"""Questions, ascending, and leaves: the path to each and its value."""


@dataclass(frozen=True)
class _Tree:
    """Cut trees into pieces of at most MOST questions; `gates` collects the paths to those pieces that are no whole tree."""

    forest: "Forest"
    question: dict[int, int]
    gates: dict[Path, int]
    plain: int

    def pieces(self, root: int) -> Iterator[Piece]:
        waiting: list[tuple[int, Path]] = [(root, ())]
        while waiting:
            node, path = waiting.pop()
            leaves = list(self._leaves(node))
            questions = {one for way, _ in leaves for one, _ in way}
            if len(questions) + bool(path) <= MOST:
                if path:
                    gate = self.plain + self.gates.setdefault(path, len(self.gates))
                    leaves = [((*way, (gate, True)), value) for way, value in leaves]
                    questions.add(gate)
                yield tuple(sorted(questions)), leaves
            else:
                waiting.extend((child, (*path, *answer)) for child, answer in self._children(node))

    def _leaves(self, root: int) -> Iterator[tuple[Path, float]]:
        waiting: list[tuple[int, Path]] = [(root, ())]
        while waiting:
            node, path = waiting.pop()
            if int(self.forest.left[node]) == node:
                yield path, float(self.forest.value[node])
            else:
                waiting.extend((child, (*path, *answer)) for child, answer in self._children(node))

    def _children(self, node: int) -> tuple[tuple[int, Path], tuple[int, Path]]:
        """Give both children with the answer that leads there: to the left is yes to "below", or no to "above"."""
        asked, above = self.question[node], bool(self.forest.missing_left[node])
        return (int(self.forest.left[node]), ((asked, not above),)), (int(self.forest.right[node]), ((asked, above),))


def _join(pieces: list[Piece]) -> Iterator[Piece]:
    """Put neighbours into one table while they ask at most JOINED questions together."""
    questions: set[int] = set()
    leaves: list[tuple[Path, float]] = []
    for asked, more in pieces:
        if leaves and len(questions | set(asked)) > JOINED:
            yield tuple(sorted(questions)), leaves
            questions, leaves = set(), []
        questions |= set(asked)
        leaves = leaves + more
    if leaves:
        yield tuple(sorted(questions)), leaves


def _table(questions: tuple[int, ...], leaves: list[tuple[Path, float]]) -> Array:
    """Sum the leaves for each code of answers, float64[2^questions]; a path that contradicts itself is never gone."""
    axis = {question: len(questions) - 1 - place for place, question in enumerate(questions)}
    cube = np.zeros((2,) * len(questions))
    for path, value in leaves:
        wanted = dict(path)
        if all(wanted[question] == answer for question, answer in path):
            place: list[int | slice] = [slice(None)] * len(questions)
            for question, answer in path:
                place[axis[question]] = int(answer)
            cube[tuple(place)] += value
    return cube.ravel()
