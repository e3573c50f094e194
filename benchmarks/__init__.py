"""Speed and memory, measured next to peers in one run. `make bench` runs every module here named bench_*."""
