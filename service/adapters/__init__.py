"""Adapters: one folder a port, one file a backend. An SDK is imported only in its file, on first use."""
