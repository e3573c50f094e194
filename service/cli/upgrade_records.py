"""`ragsql upgrade-records`."""

from __future__ import annotations

from service.cli.output import AsJson, console, print_json


def upgrade_records(as_json: AsJson = False) -> None:
    """Bring the tables of records to this version, as a release does before new processes start.

    Every process does so itself on first use, within seconds; many records may need longer. Older ragsql versions
    go on with tables that were only added to, and refuse others afterwards.
    """
    from service.backends import upgrade_records as upgrade
    from service.settings import load

    before, after = upgrade(load())
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        console().print(f"The records are at revision {after} already.")
    else:
        console().print(f"The records are at revision {after} now" + (f"; it was {before}." if before else "; new."))
