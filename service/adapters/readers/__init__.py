"""Adapters of one port, local beside cloud."""
