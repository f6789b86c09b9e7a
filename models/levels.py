"""Level shifts: how much more or less often an operator has blocked of late than the rest of the model says."""

from dataclasses import dataclass

import numpy as np

from blockrisk.models.exact import on_grid

Array = np.ndarray


@dataclass(frozen=True)
class LevelShifts:
    """Hold an addend for each known level of one text column, told by the number that the encoder gives it.

    `column` is its place among the model's columns; `numbers` float64[k] ascend, each distinct, `shifts` float64[k] are log-odds
    added behind the calibration. A row whose number is none of them (another operator, or an unknown one) gets 0.

    >>> shifts = LevelShifts(0, np.array([-1.0, 0.5]), np.array([0.25, -0.5]))
    >>> shifts.margin(np.array([[0.5], [-1.0], [0.0], [np.nan]])).tolist()
    [-0.5, 0.25, 0.0, 0.0]
    """

    column: int
    numbers: Array
    shifts: Array

    def margin(self, values: Array) -> Array:
        """Give each row's addend, float64[n] on the grid, for values float64[n, p]."""
        asked = values[:, self.column]
        if not len(self.numbers):
            return np.zeros(len(values))
        place = np.minimum(np.searchsorted(self.numbers, asked), len(self.numbers) - 1)
        return np.where(self.numbers[place] == asked, on_grid(self.shifts)[place], 0.0)

    def check(self, count: int) -> None:
        """Look at every array; ValueError when they do not fit together or name a column that is not there."""
        if not 0 <= self.column < count or self.numbers.shape != self.shifts.shape or self.numbers.ndim != 1:
            raise ValueError("the level shifts do not fit together")
        if not np.isfinite([*self.numbers, *self.shifts]).all() or (np.diff(self.numbers) <= 0).any():
            raise ValueError("the level shifts must be finite, their numbers ascending")
