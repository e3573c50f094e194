"""What small models get wrong in PostgreSQL is corrected in the tree, where only one reading is left."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from service.adapters.sqlgen.mend import mend
from service.adapters.sqlgen.mend_totals import mend_totals
from service.adapters.sqlgen.shape import complete
from service.adapters.sqlgen.short_names import restore, shorten, shortened
from service.domain.inferred_keys import with_inferred_keys
from service.domain.sql import Schema, SchemaColumn, SchemaTable


def _table(name: str, *columns: str) -> SchemaTable:
    parts = [column.partition(" ") for column in columns]
    return SchemaTable(name, tuple(SchemaColumn(column, kind or "text") for column, _, kind in parts))


# A library that declares no keys at all.
SCHEMA = Schema(
    "postgresql",
    with_inferred_keys(
        (
            _table("writer", "wid bigint", "name", "born bigint"),
            _table("book", "bid bigint", "title", "year bigint", "pages bigint", "shelf_id bigint"),
            _table("wrote_book", "wid bigint", "bid bigint"),
            _table("shelf", "id bigint", "room", "floor bigint"),
            _table("loan", "loan_id bigint", "bid bigint", "lent timestamp", "back date", "reader_name"),
            _table("visit", "room", "day date", "count bigint"),
        )
    ),
    "e1",
)


def test_keys_that_nobody_declared_are_read_from_names() -> None:
    keys = {(table.name, key.columns[0], key.target_table) for table in SCHEMA.tables for key in table.foreign_keys}
    assert keys == {
        ("wrote_book", "wid", "writer"), ("wrote_book", "bid", "book"), ("book", "shelf_id", "shelf"),
        ("loan", "bid", "book"),
    }  # fmt: skip


def test_keys_that_are_known_stay() -> None:
    assert with_inferred_keys(SCHEMA.tables) == SCHEMA.tables


def test_tables_of_other_schemas_are_mended_by_their_own_names() -> None:
    users = SchemaTable("app.users", (SchemaColumn("uid", "bigint"), SchemaColumn("name", "text")), ("uid",))
    wallets = SchemaTable("app.wallets", (SchemaColumn("wid", "bigint"), SchemaColumn("user_id", "bigint")), ("wid",))
    schema = Schema("postgresql", with_inferred_keys((users, wallets)), "e1")
    written = shorten("SELECT u.name, COUNT(wallets.wid) FROM app.users AS u GROUP BY u.name", schema)
    mended = mend(written, "How many wallets has each user?", shortened(schema))
    assert restore(mended, schema) == (
        "SELECT u.name, COUNT(wallets.wid) FROM app.users AS u JOIN app.wallets ON wallets.user_id = u.uid "
        "GROUP BY u.name"
    )


@pytest.mark.parametrize(
    ("question", "written", "mended"),
    [
        ("Which writers have the most books?",  # a table that is used and not joined, over the one between
         "SELECT writer.name, COUNT(book.bid) FROM writer GROUP BY writer.name",
         "SELECT writer.name, COUNT(book.bid) FROM writer JOIN wrote_book ON wrote_book.wid = writer.wid "
         "JOIN book ON wrote_book.bid = book.bid GROUP BY writer.name"),
        ("What is the title of each book and its room?",  # an alias that stands for nothing
         "SELECT b.title, s.room FROM book AS b",
         "SELECT b.title, shelf.room FROM book AS b JOIN shelf ON b.shelf_id = shelf.id"),
        ("How many pages has each book?",  # a name that the schema has otherwise
         "SELECT b.book_title, b.page_count FROM book AS b",
         "SELECT b.title, b.page_count FROM book AS b"),
        ("List all writers",  # a table in the plural
         "SELECT writers.name FROM writers",
         "SELECT writer.name FROM writer"),
        ("How many books has each writer?",  # a longer way than there is
         "SELECT w.name, COUNT(b.bid) FROM writer AS w JOIN wrote_book AS x ON x.wid = w.wid JOIN book AS b "
         "ON x.bid = b.bid JOIN shelf AS s ON b.shelf_id = s.id GROUP BY w.name",
         "SELECT w.name, COUNT(b.bid) FROM writer AS w JOIN wrote_book AS x ON x.wid = w.wid JOIN book AS b "
         "ON x.bid = b.bid GROUP BY w.name"),
        ("How many purchases has each book?",  # what is counted stays, whatever it is called
         "SELECT b.title, COUNT(*) FROM book AS b JOIN loan AS l ON l.bid = b.bid GROUP BY b.title",
         "SELECT b.title, COUNT(*) FROM book AS b JOIN loan AS l ON l.bid = b.bid GROUP BY b.title"),
        ("Whose name is on a title?",  # and so does what filters
         "SELECT DISTINCT w.name FROM writer AS w JOIN wrote_book AS x ON x.wid = w.wid",
         "SELECT DISTINCT w.name FROM writer AS w JOIN wrote_book AS x ON x.wid = w.wid"),
        ("Which books were never lent?",  # a column of the outer row, and NULL in a list
         "SELECT title FROM book WHERE NOT bid IN (SELECT bid FROM loan)",
         "SELECT title FROM book WHERE NOT EXISTS(SELECT 1 FROM loan WHERE loan.bid = book.bid)"),
        ("How many books per year?",  # a part of what is no date
         "SELECT EXTRACT(YEAR FROM year), COUNT(*) FROM book GROUP BY EXTRACT(YEAR FROM year)",
         "SELECT year, COUNT(*) FROM book GROUP BY year"),
        ("What is the ratio of books to writers?",  # whole division
         "SELECT (SELECT COUNT(*) FROM book) / (SELECT COUNT(*) FROM writer)",
         "SELECT CAST((SELECT COUNT(*) FROM book) AS DOUBLE PRECISION) / NULLIF((SELECT COUNT(*) FROM writer), 0)"),
        ("Which loans were lent on 2024-05-01?",  # the hour of a day
         "SELECT loan_id FROM loan WHERE lent = '2024-05-01'",
         "SELECT loan_id FROM loan WHERE CAST(lent AS DATE) = '2024-05-01'"),
        ("How many loans does each reader have?",  # a limit in time that was copied from an example
         "SELECT reader_name, COUNT(*) FROM loan WHERE lent >= CURRENT_DATE - INTERVAL '7 days' GROUP BY reader_name",
         "SELECT reader_name, COUNT(*) FROM loan GROUP BY reader_name"),
        ("How many loans in the past week?",  # one that was asked for
         "SELECT COUNT(*) FROM loan WHERE lent >= CURRENT_DATE - INTERVAL '7 days'",
         "SELECT COUNT(*) FROM loan WHERE lent >= CURRENT_DATE - INTERVAL '7 days'"),
    ],
)  # fmt: skip
def test_slips(question: str, written: str, mended: str) -> None:
    assert mend(written, question, SCHEMA) == mended


@pytest.mark.parametrize(
    ("question", "written", "completed"),
    [
        ("How many visits does each room have?",  # rows that stand for many
         "SELECT room, COUNT(*) AS n FROM visit GROUP BY room",
         "SELECT room, SUM(visit.count) AS n FROM visit GROUP BY room ORDER BY n DESC, room"),
        ("What is the average number of pages by year?",  # what is grouped by is shown
         "SELECT AVG(pages) AS pages FROM book GROUP BY year",
         "SELECT year, AVG(pages) AS pages FROM book GROUP BY year ORDER BY AVG(pages) DESC, year"),
        ("Give the title and pages of the books from shelf 3",  # what is named is shown
         "SELECT title FROM book WHERE shelf_id = 3",
         "SELECT title, pages FROM book WHERE shelf_id = 3"),
        ("Which book has the most pages?",  # NULL is not the most
         "SELECT title FROM book ORDER BY pages DESC LIMIT 1",
         "SELECT title, pages FROM book ORDER BY pages DESC NULLS LAST LIMIT 1"),
        ("What is the ratio of books to shelves for each year?",  # two numbers are not their ratio
         "SELECT year, COUNT(DISTINCT bid) AS b, COUNT(DISTINCT shelf_id) AS s FROM book GROUP BY year ORDER BY year",
         "SELECT year, COUNT(DISTINCT bid) AS b, COUNT(DISTINCT shelf_id) AS s, "
         "CAST(COUNT(DISTINCT bid) AS DOUBLE PRECISION) / NULLIF(COUNT(DISTINCT shelf_id), 0) AS ratio "
         "FROM book GROUP BY year ORDER BY year"),
        ("Books ordered from longest to shortest",  # a list, not its first
         "SELECT title, pages FROM book ORDER BY pages DESC LIMIT 1",
         "SELECT title, pages FROM book ORDER BY pages DESC"),
        ("What is the average number of pages?",  # exact unless asked otherwise
         "SELECT ROUND(AVG(pages), 2) FROM book", "SELECT AVG(pages) FROM book"),
        ("What is the average number of pages, rounded to 2 places?",
         "SELECT ROUND(AVG(pages), 2) FROM book", "SELECT ROUND(AVG(pages), 2) FROM book"),
    ],
)  # fmt: skip
def test_shapes(question: str, written: str, completed: str) -> None:
    assert complete(written, question, SCHEMA) == completed


@pytest.mark.parametrize(
    ("sql", "mended"),
    [
        (
            "SELECT w.name FROM writer AS w JOIN book AS b ON b.shelf_id = w.wid WHERE b.pages >= 900",
            "SELECT w.name, SUM(b.pages) FROM writer AS w JOIN book AS b ON b.shelf_id = w.wid GROUP BY w.name "
            "HAVING SUM(b.pages) >= 900 ORDER BY SUM(b.pages) DESC, w.name",
        ),
        (
            "SELECT w.name, SUM(b.pages) AS n FROM writer AS w JOIN book AS b ON b.shelf_id = w.wid "
            "WHERE b.year = 2001 AND b.pages >= 900 GROUP BY w.wid, w.name",
            "SELECT w.name, SUM(b.pages) AS n FROM writer AS w JOIN book AS b ON b.shelf_id = w.wid "
            "WHERE b.year = 2001 GROUP BY w.wid, w.name HAVING SUM(b.pages) >= 900 "
            "ORDER BY SUM(b.pages) DESC, w.wid",
        ),
        (
            "SELECT w.name FROM writer AS w JOIN book AS b ON b.shelf_id = w.wid WHERE b.pages >= 900 ORDER BY w.name",
            "SELECT w.name, SUM(b.pages) FROM writer AS w JOIN book AS b ON b.shelf_id = w.wid GROUP BY w.name "
            "HAVING SUM(b.pages) >= 900 ORDER BY SUM(b.pages) DESC, w.name",
        ),
    ],
)
def test_a_bound_on_a_total_is_none_on_each_row(sql: str, mended: str) -> None:
    tree = sqlglot.parse_one(sql, read="postgres")
    assert isinstance(tree, exp.Select)
    assert mend_totals(tree, "Which writers have written 900 pages or more in total?", SCHEMA) == 1
    assert tree.sql("postgres") == mended


def test_a_bound_stays_where_nothing_is_summed() -> None:
    sql = "SELECT w.name FROM writer AS w JOIN book AS b ON b.shelf_id = w.wid WHERE b.pages >= 900"
    for question in ("Which writers have books of 900 pages or more?", "Which writers have 800 pages in total?"):
        tree = sqlglot.parse_one(sql, read="postgres")
        assert isinstance(tree, exp.Select)
        assert mend_totals(tree, question, SCHEMA) == 0
