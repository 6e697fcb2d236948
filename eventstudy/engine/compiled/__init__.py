"""The compiled twin of the NumPy kernel, for least squares with exact variances; imported where it was chosen."""

from eventstudy.libraries import import_numba

import_numba()
