"""Worked examples over a toy database: they teach the form of a reply, never the user's data."""

from __future__ import annotations

from service.ports import ChatMessage

_TOY = """Database:
Coach(CoachId int key, FirstName text, LastName text, HeadId int -> Coach.CoachId)
Member(MemberId int key, FirstName text, LastName text, City text, CoachId int -> Coach.CoachId)
Visit(VisitId int key, MemberId int -> Member.MemberId, VisitDate datetime, Fee decimal)
Purchase(VisitId int -> Visit.VisitId, ItemId int -> Item.ItemId, Price decimal, Pieces int)
Item(ItemId int key, Name text, Seconds int (minutes: Seconds/60.0), BrandId int -> Brand.BrandId)
Brand(BrandId int key, Name text)"""
_EXAMPLES = (
    (
        "Stored values: Coach.FirstName = 'Ana'; Member.FirstName = 'Ana'\nQuestion: How many members does Ana train?",
        "SELECT COUNT(*) AS members FROM Member m JOIN Coach c ON c.CoachId = m.CoachId WHERE c.FirstName = 'Ana'",
    ),
    (
        "Question: Which two brands earn us the most?",
        "SELECT b.Name, ROUND(SUM(p.Price * p.Pieces), 2) AS earned FROM Purchase p JOIN Item i ON i.ItemId = p.ItemId "
        "JOIN Brand b ON b.BrandId = i.BrandId GROUP BY b.BrandId, b.Name ORDER BY earned DESC LIMIT 2",
    ),
    (
        "Question: What is the longest item, in minutes?",
        "SELECT Name, ROUND(Seconds / 60.0, 1) AS minutes FROM Item ORDER BY Seconds DESC LIMIT 1",
    ),
    (
        "Facts:\n- Gold | more than $80.00 in a year | free towel\nQuestion: Who was entitled to a free towel in 2019?",
        "SELECT m.FirstName, m.LastName, ROUND(SUM(v.Fee), 2) AS paid FROM Visit v JOIN Member m ON m.MemberId = "
        "v.MemberId WHERE v.VisitDate >= '2019-01-01' AND v.VisitDate < '2020-01-01' "
        "GROUP BY m.MemberId, m.FirstName, m.LastName HAVING SUM(v.Fee) > 80 ORDER BY paid DESC",
    ),
    ("Question: Who wrote Hamlet?", "CANNOT: no table holds writers or plays"),
)


def style_messages() -> list[ChatMessage]:
    """Questions and replies, the toy database with the first."""
    messages: list[ChatMessage] = []
    for asked, reply in _EXAMPLES:
        text = f"{_TOY}\n\n{asked}" if not messages else asked
        shown = reply if reply.startswith("CANNOT:") else f"```sql\n{reply}\n```"
        messages += [ChatMessage("user", text), ChatMessage("assistant", shown)]
    return messages
