"""OUTSIDE -> ARRAYS: files and calendars become tables, sessions and returns here, and pandas stays here.

Reading order. Events: ``tabular`` and ``dates`` (reading text), ``events``, ``event_columns``, ``calendar`` (day 0),
``event_index`` (events on calendars). Prices: ``layouts`` (headings), ``raw_reader``, ``price_dates``, ``intake`` (one
basis or a refusal), ``prices``, ``sources``, ``returns``, ``quality``, ``market`` (what the engine gets), ``panel``
(all series, in memory or mapped). Also ``claims``, ``confounders``, ``snapshot``.
"""
