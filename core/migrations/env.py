"""Alembic's entry point. It runs on the connection, and inside the transaction, that
``upgrade.migrate`` opened.
"""

from alembic import context

from core.migrations.tables import metadata
from core.platform.security.references import checked_by_postgres


def _ours(name: str | None, type_: str, _parents: object) -> bool:
    return name == "app" if type_ == "schema" else True


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_schemas=True,
    include_name=_ours,
    include_object=checked_by_postgres,
    version_table_schema="app",
    compare_type=True,
)
context.run_migrations()
