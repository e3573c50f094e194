"""What keeps the log of statements as it was written."""

APPEND_ONLY = (
    (
        "CREATE TRIGGER sql_events_stay BEFORE UPDATE ON sql_events BEGIN SELECT RAISE(ABORT, 'events stay'); END",
        "sqlite",
    ),
    (
        "CREATE TRIGGER sql_events_remain BEFORE DELETE ON sql_events BEGIN SELECT RAISE(ABORT, 'events stay'); END",
        "sqlite",
    ),
    (
        "CREATE OR REPLACE FUNCTION sql_events_stay() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events stay'; END $$",
        "postgresql",
    ),
    (
        "CREATE TRIGGER sql_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON sql_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION sql_events_stay()",
        "postgresql",
    ),
)
"""What makes the database itself refuse to change the log of statements."""
