"""Frozen dataclasses and pure functions. Nothing here does I/O or imports a vendor."""
