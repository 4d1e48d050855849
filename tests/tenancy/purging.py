"""Organisations whose grace period is over, and the tables that still contain a word of theirs."""

from sqlalchemy import text

from core.migrations.tables import metadata
from tests.ports import owner


def past_grace(org):
    with owner() as db:
        db.execute(
            text(
                "update app.organizations set purge_after = now() - interval '1 second' where id ="
                " :org"
            ),
            {"org": org},
        )


def mentions(word):
    """The tables that still contain ``word``."""
    with owner() as db:
        return {
            table.name
            for table in metadata.sorted_tables
            if db.execute(
                text(
                    f"select exists (select 1 from app.{table.name} t where strpos(lower(t::text),"
                    " :word) > 0)"
                ),
                {"word": word.lower()},
            ).scalar()
        }
