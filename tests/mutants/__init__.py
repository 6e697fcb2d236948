"""Mutants of the engine, and which of them the tests of the engine and the oracles kill."""
