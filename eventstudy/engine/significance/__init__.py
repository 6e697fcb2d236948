"""Test statistics: one null hypothesis per function.

``distributions`` (reference distributions), ``single`` (one firm, one event), ``placebo`` (the firm's own history),
``cluster`` (several firms on one session), ``multiple`` (several hypotheses at once), ``cross_section`` (many events).

"""
