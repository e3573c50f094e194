"""The revisions of the tables, run by alembic in the order of their numbers.

A change of `schema.py` is a new file here, `revision_NNNN.py`, and schema.HEAD becomes its number. A revision names no
schema, works on SQLite and PostgreSQL, and is not changed once it was released.
"""
