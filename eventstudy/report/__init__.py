"""ARRAYS -> PAGES. Nothing here computes a statistic.

Reading order: ``tables`` (the only source of printed numbers), ``words`` (numbers as text), ``prose`` (what may be
said), ``announcement`` (one event in plain words), ``summary_page`` and ``event_page`` (the order of their parts),
``markdown``, ``html``, ``figures``, ``provenance``, ``write``.
"""
