"""ARRAYS -> ARRAYS. The arithmetic of an event study on NumPy arrays, and nothing else.

Reading order: ``panel`` (what comes in), ``windows`` (event time), ``models`` (expected returns), ``abnormal``
(abnormal returns and their exact covariance), ``significance`` (what can be concluded), ``moments`` (sums over
events). No pandas, no files, no printing here; a test walks the imports.
"""
