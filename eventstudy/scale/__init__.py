"""Many events: integer-coded, in fixed blocks, streamed to the disk; on this process, threads or a Dask cluster.

``roster`` (events -> sorted integer columns), ``panel_file`` (returns in files that workers map), ``chunk`` (2,048
events measured), ``tally`` (what groups keep of them), ``tables`` and ``stream`` (rows onto the disk), ``executors``,
``study`` (the recipe).
"""
