"""Keys that nobody declared are told where names and types leave one meaning, and never guessed."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from service.adapters.databases.sqlite_schema import read_schema
from service.domain.inferred_keys import with_inferred_keys
from service.domain.sql import ForeignKey, SchemaColumn, SchemaTable
from service.samples import DATABASE_URL


def table(name: str, columns: str, key: str = "", rows: int = -1, **values: tuple[str, ...]) -> SchemaTable:
    """Columns are "name" of an integer or "name:type"."""
    made = [column.partition(":") for column in columns.split()]
    found = tuple(SchemaColumn(n, kind or "bigint", values=values.get(n, ())) for n, _, kind in made)
    return SchemaTable(name, found, tuple(key.split()), row_count=rows)


def inferred(*tables: SchemaTable) -> set[str]:
    """As "table.column > table.column"."""
    return {
        f"{t.name}.{key.columns[0]} > {key.target_table}.{key.target_columns[0]}"
        for t in with_inferred_keys(tables)
        for key in t.foreign_keys
        if key.inferred
    }


ACADEMIC = (
    table("author", "aid name:text oid"),
    table("domain", "did name:text"),
    table("domain_author", "aid did"),
    table("organization", "oid name:text"),
    table("cite", "cited citing"),
)


CASES: list[tuple[tuple[SchemaTable, ...], set[str]]] = [
    (ACADEMIC, {
        "author.oid > organization.oid", "domain_author.aid > author.aid", "domain_author.did > domain.did",
    }),
    ((table("cars", "id", "id"), table("sales", "id car_id seller_id", "id")), {"sales.car_id > cars.id"}),
    ((table("users", "uid user_id:text"), table("tips", "tip_id user_id:text")), {"tips.user_id > users.user_id"}),
    ((table("users", "uid user_id:text"), table("tips", "tip_id user_id")), set()),
    ((table("sbCustomer", "sbCustId", "sbCustId"), table("sbOrder", "sbOrdCustId sbOrdNote:text")),
     {"sbOrder.sbOrdCustId > sbCustomer.sbCustId"}),
    ((table("sbcustomer", "sbcustid", "sbcustid"), table("sborder", "sbordcustid"), table("sbnote", "sbnoteid")),
     {"sborder.sbordcustid > sbcustomer.sbcustid"}),
    ((table("state", "state_name:text area"), table("lake", "lake_name:text state_name:text")),
     {"lake.state_name > state.state_name"}),
    ((table("category", "id parent_id parent_category_id name:text", "id"),),
     {"category.parent_id > category.id", "category.parent_category_id > category.id"}),
    ((table("countries", "code:text", "code"), table("cities", "country_code:text code:text")),
     {"cities.country_code > countries.code"}),
    ((table("customers", "customerid", "customerid"), table("orders", "customerid billing_customer_id")),
     {"orders.customerid > customers.customerid", "orders.billing_customer_id > customers.customerid"}),
    ((table("a.users", "id", "id"), table("b.users", "id", "id"), table("b.orders", "user_id")),
     {"b.orders.user_id > b.users.id"}),
    ((table("a.users", "id", "id"), table("b.users", "id", "id"), table("c.orders", "user_id")), set()),
    ((table("lines", "order_id position", "order_id position"), table("notes", "order_id")), set()),
    ((table("日本", "id", "id"), table("x", "日本 日本_id")), set()),
    ((table("users", "uid", "uid"), table("wallets", "wid user_id", "wid"), table("logs", "user note:text")),
     {"wallets.user_id > users.uid", "logs.user > users.uid"}),
    ((table("users", "uid user_id", "uid"), table("wallets", "wid user_id", "wid")), set()),
    ((table("orders", "id", "id"), table("lines", "id order:text", "id")), set()),
    ((table("employees", "emp_no name:text"), table("salaries", "emp_no amount"), table("dept_emp", "emp_no dept_no")),
     {"salaries.emp_no > employees.emp_no", "dept_emp.emp_no > employees.emp_no"}),
    ((table("app_users", "id", "id"), table("app_orders", "id user_id", "id")),
     {"app_orders.user_id > app_users.id"}),
]  # fmt: skip


@pytest.mark.parametrize(("tables", "keys"), CASES)
def test_names_and_types(tables: tuple[SchemaTable, ...], keys: set[str]) -> None:
    assert inferred(*tables) == keys


def test_stored_values_show_which_table_a_name_belongs_to() -> None:
    cities = ("Bergen", "Oslo", "Rome")
    places = table("geographic", "city_name:text county:text", rows=3, city_name=cities)
    shops = table("restaurant", "id name:text city_name:text", rows=5, city_name=cities[:2])
    assert inferred(places, shops) == {"restaurant.city_name > geographic.city_name"}
    abroad = table("restaurant", "id name:text city_name:text", rows=5, city_name=(*cities, "Turin"))
    assert inferred(places, abroad) == set()


def test_declared_keys_stay_and_views_have_none() -> None:
    declared = replace(
        table("sales", "id car_id", "id"), foreign_keys=(ForeignKey(("car_id",), "vehicles", ("vehicle_id",)),)
    )
    view = replace(table("recent", "car_id"), is_view=True)
    tables = (table("cars", "id", "id"), declared, view)
    assert with_inferred_keys(tables) == tables


def test_what_is_inferred_was_declared() -> None:
    connection = sqlite3.connect(f"file:{Path(DATABASE_URL.removeprefix('sqlite:///'))}?mode=ro", uri=True)
    tables = read_schema(connection).tables
    connection.close()
    told = inferred(*(replace(t, foreign_keys=()) for t in tables))
    declared = {
        f"{t.name}.{key.columns[0]} > {key.target_table}.{key.target_columns[0]}"
        for t in tables
        for key in t.foreign_keys
        if not key.inferred
    }
    assert told <= declared
    assert len(told) >= 0.8 * len(declared)
