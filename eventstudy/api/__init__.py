"""The public API behind the names of the package: what people write becomes a study, and a study what people read.

The command line uses nothing else but this, the report and what is said of errors.
"""
