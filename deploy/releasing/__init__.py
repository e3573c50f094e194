"""What deploy/release.py is made of."""
