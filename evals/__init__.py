"""Quality, measured: data sets in, scores out. `make eval` runs everything here."""
