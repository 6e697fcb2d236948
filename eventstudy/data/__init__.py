"""OUTSIDE -> ARRAYS: files and calendars become tables, sessions and returns here, and pandas stays here.

Reading order: ``tabular`` and ``dates`` (reading text), ``claims``, ``events``, ``confounders``, ``calendar`` (day 0),
``catalogue`` (events on calendars), ``prices``, ``sources``, ``snapshot``, ``files``, ``returns``, ``quality``, and
``market`` (what the engine gets).
"""
