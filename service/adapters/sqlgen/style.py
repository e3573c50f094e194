"""Worked examples over a toy database: they teach the form of a reply, never the user's data."""

from __future__ import annotations

from service.adapters.sqlgen import style_postgres
from service.ports import ChatMessage

_TOY = """CREATE TABLE Coach (CoachId INT PRIMARY KEY, FirstName TEXT, LastName TEXT, Rank TEXT);
CREATE TABLE Member (MemberId INT PRIMARY KEY, FirstName TEXT, LastName TEXT, Town TEXT, \
TrainerId INT REFERENCES Coach(CoachId));
CREATE TABLE Visit (VisitId INT PRIMARY KEY, MemberId INT REFERENCES Member(MemberId), VisitDate DATETIME, Fee NUMERIC);
CREATE TABLE Purchase (VisitId INT REFERENCES Visit(VisitId), ItemId INT REFERENCES Item(ItemId), Price NUMERIC, \
Pieces INT);
CREATE TABLE Item (ItemId INT PRIMARY KEY, Name TEXT, Seconds INT, BrandId INT REFERENCES Brand(BrandId));
CREATE TABLE Brand (BrandId INT PRIMARY KEY, Name TEXT);"""
_EXAMPLES = (
    (
        "Stored values: Member.FirstName or Coach.FirstName = 'Ana'; Member.LastName = 'Diaz'\n"
        "Question: What does Ana Diaz pay for a visit on average?",
        "SELECT ROUND(AVG(v.Fee), 2) AS average_fee FROM Visit v JOIN Member m ON m.MemberId = v.MemberId "
        "WHERE m.FirstName = 'Ana' AND m.LastName = 'Diaz'",
    ),
    (
        "Question: Which two brands earn us the most?",
        "SELECT b.Name, ROUND(SUM(p.Price * p.Pieces), 2) AS earned FROM Purchase p JOIN Item i ON i.ItemId = p.ItemId "
        "JOIN Brand b ON b.BrandId = i.BrandId GROUP BY b.BrandId, b.Name ORDER BY earned DESC LIMIT 2",
    ),
    (
        "Question: Which rank is the rarest among coaches?",
        "SELECT Rank, COUNT(*) AS coaches FROM Coach GROUP BY Rank ORDER BY coaches LIMIT 1",
    ),
    (
        "Dates: 2019 is Visit.VisitDate >= '2019-01-01' AND Visit.VisitDate < '2020-01-01'\n"
        "Question: Which members paid more than $80.00 in total in 2019?",
        "SELECT m.FirstName, m.LastName, ROUND(SUM(v.Fee), 2) AS paid FROM Visit v JOIN Member m ON m.MemberId = "
        "v.MemberId WHERE v.VisitDate >= '2019-01-01' AND v.VisitDate < '2020-01-01' "
        "GROUP BY m.MemberId, m.FirstName, m.LastName HAVING SUM(v.Fee) > 80 ORDER BY paid DESC",
    ),
    (
        "Question: How many items run under 90 seconds?",
        "SELECT COUNT(*) AS items FROM Item WHERE Seconds < 90",
    ),
    ("Question: Who wrote Hamlet?", "CANNOT: no table holds writers or plays"),
)


def style_messages(dialect: str) -> list[ChatMessage]:
    """Questions and replies in a dialect, the toy database with the first."""
    toy, examples = (_TOY, _EXAMPLES) if dialect == "sqlite" else (style_postgres.TOY, style_postgres.EXAMPLES)
    messages: list[ChatMessage] = []
    for asked, reply in examples:
        text = f"{toy}\n\n{asked}" if not messages else asked
        shown = reply if reply.startswith("CANNOT:") else f"```sql\n{reply}\n```"
        messages += [ChatMessage("user", text), ChatMessage("assistant", shown)]
    return messages
