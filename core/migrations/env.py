"""Alembic's entry point. It runs on the connection, and inside the transaction, that
``upgrade.migrate`` opened.
"""

from alembic import context

from core.migrations.tables import metadata


def _ours(name: str | None, type_: str, _parents: object) -> bool:
    return name == "app" if type_ == "schema" else True


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_schemas=True,
    include_name=_ours,
    version_table_schema="app",
    compare_type=True,
)
context.run_migrations()
