"""`python -m benchmarks [NAME…]`: run all benchmarks, or those named, and exit with 1 when a limit is passed.

Those that take minutes (ONLY_BY_NAME) run only when they are named.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks
from benchmarks.figures import Figure, show

PREFIX = "bench_"


def main() -> None:
    """Print one table."""
    names = [name.removeprefix(PREFIX) for _, name, _ in pkgutil.iter_modules(benchmarks.__path__) if PREFIX in name]
    unknown = set(sys.argv[1:]) - set(names)
    if unknown:
        raise SystemExit(f"There is no benchmark {', '.join(sorted(unknown))}. There are {', '.join(names)}.")
    figures: list[Figure] = []
    for name in sys.argv[1:] or names:
        module = importlib.import_module(f"benchmarks.{PREFIX}{name}")
        if getattr(module, "ONLY_BY_NAME", False) and name not in sys.argv:
            continue
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        figures += module.run()
    print(show(figures))
    raise SystemExit(not all(figure.good for figure in figures))


if __name__ == "__main__":
    main()
