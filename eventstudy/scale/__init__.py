"""A study in fixed blocks, of one event or of millions; on this process, threads or a Dask cluster.

``budget`` (what is computed unasked, by predicted cost), ``first_pass`` (every block measured once), ``chunk`` and
``measured`` (2,048 events), ``passes`` (pairs and the second pass), ``shown`` (events with pages), ``spool`` (numbers
of every event), ``curves``, ``executors``.
"""
