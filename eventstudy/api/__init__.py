"""The public API behind the names of the package: what people write becomes a study, and a study what people read.

The command line uses only this, the report and the errors.
"""
