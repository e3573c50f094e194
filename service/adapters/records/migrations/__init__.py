"""The revisions of the tables, run by alembic in the order of their numbers.

A change of `schema.py` is a new file here, `revision_NNNN.py`, and schema.HEAD becomes its number. A revision names no
schema, works on SQLite and PostgreSQL, and is not changed once it was released.

It says whether it is `additive`: whether programs of the revision before can go on reading and writing beside the new
ones, as while a release has a share of the calls, and after it was taken back. It may then add tables, indexes that are
not unique, and columns that may be NULL or have a server_default. If not, schema.COMPATIBLE_FROM becomes its number.
"""
