"""REPORTS -> ANSWERS: report folders read back, to hold a gate against them or one against another.

Reads files alone: no prices, no models, no pandas. What is not in a folder is said to be unknown.
"""
