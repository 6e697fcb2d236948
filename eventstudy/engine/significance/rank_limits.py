"""Limits of the tests that rank windows: NumPy functions and compiled kernels read the same."""

from __future__ import annotations

# of the observed sum: sums that are nearer to it count as equal, which rounding would decide otherwise
EQUAL = 1e-9
# windows below which a rank says nothing at 5 %, two-sided
FEWEST = 39
# steps to a bound, which come closer by a factor of twenty each, and halvings where they do not
STEPS, HALVINGS = 40, 60
# first steps after which the exit is sought among few windows: so many more than go farther than the critical one
FEW_STEPS, STEPS_AMONG_FEW, SPARE = 4, 12, 8
# relative distance of two steps at which a bound is found
NEAR = 1e-12
