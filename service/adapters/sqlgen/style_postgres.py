"""Worked examples for PostgreSQL over a toy database of a gym."""

from __future__ import annotations

TOY = """CREATE TABLE coach (coach_id INT PRIMARY KEY, first_name TEXT, last_name TEXT, \
rank TEXT /* 'gold', 'silver' */, hired DATE, left_on DATE);
CREATE TABLE member (member_id INT PRIMARY KEY, name TEXT, town TEXT, joined DATE, \
trainer_id INT REFERENCES coach(coach_id));
CREATE TABLE visit (visit_id INT PRIMARY KEY, member_id INT REFERENCES member(member_id), visited TIMESTAMP, \
fee NUMERIC);
CREATE TABLE purchase (visit_id INT REFERENCES visit(visit_id), item_id INT REFERENCES item(item_id), price NUMERIC, \
pieces INT);
CREATE TABLE item (item_id INT PRIMARY KEY, title TEXT, seconds INT, brand_id INT REFERENCES brand(brand_id));
CREATE TABLE brand (brand_id INT PRIMARY KEY, name TEXT);"""
EXAMPLES = (
    (
        "Stored values: member.name = 'Ana Diaz'\nQuestion: What does Ana Diaz pay for a visit on average?",
        "SELECT AVG(v.fee) AS average_fee FROM visit v JOIN member m ON m.member_id = v.member_id "
        "WHERE m.name = 'Ana Diaz'",
    ),
    (
        "Question: Which two brands earn us the most?",
        "SELECT b.name, SUM(p.price * p.pieces) AS earned FROM purchase p JOIN item i ON i.item_id = p.item_id "
        "JOIN brand b ON b.brand_id = i.brand_id GROUP BY b.brand_id, b.name ORDER BY earned DESC LIMIT 2",
    ),
    (
        "Question: What is the ratio of gold coaches to silver coaches?",
        "SELECT CAST(COUNT(CASE WHEN rank = 'gold' THEN 1 END) AS FLOAT) / "
        "NULLIF(COUNT(CASE WHEN rank = 'silver' THEN 1 END), 0) AS ratio FROM coach",
    ),
    (
        "Stored values: item.title IN ('Rope', 'Mat')\nQuestion: What is the ratio of ropes sold to mats sold?",
        "SELECT CAST(SUM(CASE WHEN i.title = 'Rope' THEN p.pieces END) AS FLOAT) / "
        "NULLIF(SUM(CASE WHEN i.title = 'Mat' THEN p.pieces END), 0) AS ratio "
        "FROM purchase p JOIN item i ON i.item_id = p.item_id",
    ),
    (
        "Question: What is the ratio of members to coaches?",
        "SELECT CAST((SELECT COUNT(*) FROM member) AS FLOAT) / NULLIF((SELECT COUNT(*) FROM coach), 0) AS ratio",
    ),
    (
        "Question: What share of all items does each brand make?",
        "SELECT b.name, CAST(COUNT(*) AS FLOAT) / NULLIF((SELECT COUNT(*) FROM item), 0) AS share "
        "FROM item i JOIN brand b ON b.brand_id = i.brand_id GROUP BY b.brand_id, b.name",
    ),
    (
        "Question: Which members have never visited?",
        "SELECT m.member_id, m.name FROM member m LEFT JOIN visit v ON v.member_id = m.member_id "
        "WHERE v.visit_id IS NULL",
    ),
    (
        "Question: What were the monthly takings from visits in the past 90 days?",
        "SELECT DATE_TRUNC('month', visited) AS month, SUM(fee) AS takings FROM visit "
        "WHERE visited >= CURRENT_DATE - INTERVAL '90 days' GROUP BY month ORDER BY month",
    ),
    (
        "Question: Which coach stayed for the fewest days? Return the first name and the days.",
        "SELECT first_name, left_on - hired AS days FROM coach WHERE left_on IS NOT NULL ORDER BY days LIMIT 1",
    ),
    (
        "Question: How many visits at weekends did members from towns starting with S pay for?\n"
        "Compare texts with ILIKE.",
        "SELECT COUNT(*) AS visits FROM visit v JOIN member m ON m.member_id = v.member_id "
        "WHERE m.town ILIKE 'S%' AND EXTRACT(DOW FROM v.visited) IN (0, 6)",
    ),
    ("Question: Who wrote Hamlet?", "CANNOT: no table holds writers or plays"),
    ("Question: Which members prefer yoga?", "CANNOT: no column holds what members prefer"),
)
