"""ragsql: answers questions from documents, from a SQL database, or from both, through one typed contract."""

__version__ = "0.1.0"
