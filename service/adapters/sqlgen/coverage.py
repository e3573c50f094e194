"""What of a question the database knows, and what of a statement the question asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from service.domain.schema_linking import Links, abbreviates, name_parts, stem, words_of
from service.domain.schema_memo import once_per_schema
from service.domain.sql import Schema
from service.domain.sql_guard import GuardedSql
from service.ports import SqlRequest

_MAX_NAMED = 8
_MAX_WORDS = 3
_SAME_START = 5
_LEAST_STEM = 4
_LONGEST_ENDING = 3
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|`([^`]+)`|(?<!\w)'([^']+)'(?!\w)")
# Words that ask, compare, count, place and time: they say what to do with data, not which data.
_ASKING = frozenset(
    stem(word)
    for word in """
    a about above across add after again all along also always among amount an and annual any are as ascending asked
    associated at average averages based be been before being below best between biggest both bottom but by calculate
    came can case cases combined common compare compared compute contain containing contains corresponding could count
    counts current currently data database date dates day days daily decreasing define descending did difference
    different display distinct distribution do does done down during each earliest either else end ending entire equal
    ever every exact exactly exclude excluding exist exists fewer fewest filter final find first following for from
    full get give given greater greatest group grouped had half happen has have having he held her here high higher
    highest his how however identify if ignore in include included including inclusive increasing individual
    information insensitively instead into is it its just kind kinds know large larger largest last late later latest
    least less level like limit list listed located location longest look lot low lower lowest made make making many
    match matching maximum me mean means median minimum month monthly months more most much must my name named names
    need never new newest next no non not note now number numbers occur occurred of old oldest on once one only or
    order ordered other our out over overall own past per percent percentage period place please possible present
    previous prior proportion provide quarter quarterly question quarters rank ranked rate ratio recent recently record
    records refer refers related relative respective result results return rows same second sensitive separate several
    share she should show shortest single small smaller smallest so some sort sorted split start starting starts string
    strings such sum table tables take taken tell than that the their them then there these they this those three time
    times to today together top total totals toward two type types under unique until up upon us use used using value
    values various vary very was we week weekly weeks weekend weekends weekday weekdays well were what when where
    whether which while who whole whose why will wildcard wildcards with within without word would year yearly years
    you your ilike exist assume follow followed way sure represent represents calendar percentage hundred thousand
    million people person exclude lastly firstly least positive negative letter letters sign signs part parts join
    joins joining link links finally see ago id ids true false doing left relation operator operators term terms write
    written getting january february march april may june july august september october november december jan feb mar
    apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday haven hasn isn don
    doesn didn aren wasn weren thing things something anything everything someone anyone everyone big bigger typical
    typically usual usually normal normally common commonly come comes coming go goes going went run runs running bring
    brings brought keep keeps kept hold holds held sell sells sold buy buys bought pay pays paid spend spends spent earn
    earns earned cost costs care cares work works worked live lives lived seconds minutes hours kilobytes megabytes
    gigabytes short long tall fast slow old young good better worst worse bad great far close early late able actually
    already always back call called detail details each enough even few help interested know leave left like little lots
    mostly nearly nothing often order ordering pick plus quite really regarding rest right say set side simply single
    still sure tell think thus toward try turn want wants way whatever whenever wherever yet
    """.split()
)


def unknown_words(request: SqlRequest, links: Links) -> list[str]:
    """Words of the question that no name, comment, stored value or documentation of the database has."""
    known = set(_vocabulary(request.schema)) | {stem(w) for match in links.values for w in words_of(match.value)}
    known |= {stem(word) for match in links.values for word in match.words.split()}
    for item in request.knowledge:
        known |= _stems(f"{item.documentation} {item.ddl} {item.example.question if item.example else ''}")
    return [word for word in dict.fromkeys(words_of(request.question)) if not _is_known(word, known)]


@lru_cache(maxsize=2_000)
def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words_of(text))


@once_per_schema
def _vocabulary(schema: Schema) -> frozenset[str]:
    found: set[str] = set()
    for table in schema.tables:
        found.update(name_parts(table.name), (stem(word) for word in words_of(table.comment)))
        for column in table.columns:
            found.update(name_parts(column.name), (stem(word) for word in words_of(column.comment)))
            found.update(stem(word) for value in column.values[:50] for word in words_of(value))
    return frozenset(found)


def _is_known(word: str, known: set[str]) -> bool:
    low = stem(word.replace("-", ""))
    if len(low) < 3 or low in _ASKING or low in known or word[:1].isdigit():
        return True
    parts = [stem(part) for part in re.split(r"[-.'’]", word) if part]
    if len(parts) > 1 and all(len(part) < 3 or part in _ASKING or part in known for part in parts):
        return True
    if any(abbreviates(code, low) for code in known if 2 <= len(code) <= 3):
        return True
    start = low[:_SAME_START]
    if len(low) >= _SAME_START and any(other.startswith(start) or start in other for other in known):
        return True
    return any(
        len(other) >= _LEAST_STEM and low.startswith(other) and len(low) - len(other) <= _LONGEST_ENDING
        for other in known
    )


def unlinked_tables(guarded: GuardedSql, links: Links) -> list[str]:
    """Tables that a statement reads though the question speaks of nothing in them."""
    linked = set(links.tables) | {name.rpartition(".")[0] for name in links.columns}
    return [name for name in guarded.tables if name not in linked]


def asked_back(reason: str, request: SqlRequest, links: Links) -> str:
    """Why a question cannot be answered, what was understood of it, and a question back."""
    said = reason.strip().rstrip(".")
    words = unknown_words(request, links)
    if words and not said:
        said = f"nothing in the database tells about {quoted(words[:_MAX_WORDS])}"
    said = f"{said[:1].upper()}{said[1:]}." if said else "No table of the database holds this."
    known = {table.name: table for table in request.schema.tables}
    by_column = {name.rpartition(".")[0] for name in links.columns} - links.tables
    understood = [*sorted(links.tables), *sorted(by_column)]
    if not understood:
        return f"{said} The database has {_some([*known])}. Which of these is your question about?"
    columns = (
        [column.name for name in understood[:1] for column in known[name].columns] if understood[0] in known else []
    )
    return (
        f"{said} The question was understood to be about {_some(understood)}. "
        f"Which of what {understood[0]} holds ({_some(columns)}) do you mean?"
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_MAX_NAMED]) + (" and more" if len(names) > _MAX_NAMED else "")


def left_out(question: str, sql: str) -> list[str]:
    """Quoted texts of a question that do not occur in a statement."""
    said = sql.casefold()
    found = [next(part for part in match if part) for match in _QUOTED.findall(question)]
    return [text for text in found if not any(stem(word) in said for word in words_of(text.casefold()))]


def quoted(words: Sequence[str]) -> str:
    """Words for a person."""
    marked = [f"“{word}”" for word in words]
    return marked[0] if len(marked) == 1 else f"{', '.join(marked[:-1])} and {marked[-1]}" if marked else ""
