"""`ragsql train`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import DEFAULT_URL, AsJson, ExitCode, Url, complain, console, error_console, print_json
from service.cli.remote import connected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragsql_client import RagsqlError
    from service.cli.knowledge_files import Entry

_FIELD = re.compile(r"knowledge_items\[(\d+)\]\.?(.*)")


def train(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="FILE…", help="YAML, SQL or Markdown.")] = None,
    export: Annotated[Path | None, typer.Option("--export", help="Write all that is taught to this YAML file.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Teach the SQL generator: all entries of the files, or none when any of them is wrong.

    YAML has the lists ddl, documentation and examples; an example has a
    question and sql. A .sql file is one definition, a .md or .txt file one
    piece of documentation a section. What is known already stays as it is.
    Examples are checked against the connected database and never run.
    """
    if bool(paths) == bool(export):
        raise typer.BadParameter("Name files to read, or one to write with --export.", param_hint="FILE…")
    if export:
        _export(export, url, as_json)
    else:
        _import(paths or [], url, as_json)


def _import(paths: list[Path], url: str, as_json: bool) -> None:
    from ragsql_client import RagsqlError
    from service.cli.knowledge_files import KnowledgeFileError, read

    try:
        entries = [entry for path in paths for entry in read(path)]
    except KnowledgeFileError as error:
        complain(str(error))
        raise typer.Exit(ExitCode.FAILED) from None
    if not entries:
        complain("There is nothing in these files to learn.")
        raise typer.Exit(ExitCode.FAILED)
    with connected(url, as_json) as client:
        try:
            with error_console().status(f"Checking and embedding {len(entries)} entries…"):
                done = client.import_knowledge([entry.item for entry in entries])
        except RagsqlError as error:
            _blame(error, entries)
            raise
    if as_json:
        print_json({"createdCount": done.created_count, "knownCount": done.known_count})
    else:
        console().print(f"{done.created_count} learned, {done.known_count} known already.", markup=False)


def _blame(error: RagsqlError, entries: Sequence[Entry]) -> None:
    """Name the entries that the server refuses; nothing was kept."""
    for violation in error.field_violations:
        found = _FIELD.fullmatch(violation.field)
        if found:
            place = entries[int(found[1])].place
            field = f" {found[2].removeprefix('example_query.')}:" if found[2] else ""
            complain(f"{place}:{field} {violation.description}")


def _export(target: Path, url: str, as_json: bool) -> None:
    from service.cli.knowledge_files import write_yaml

    with connected(url, as_json) as client:
        items = client.knowledge_items()
    target.write_text(write_yaml(reversed(items)), "utf-8")
    if as_json:
        print_json({"exportedCount": len(items)})
    else:
        console().print(f"{len(items)} written to {target}.", markup=False)
