"""Vendors of prices: one file each, which asks for a symbol and returns a vintage."""
