"""Whole tables out: streamed from Postgres in constant memory, as the caller may see them, safe to
open in a spreadsheet.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache, partial
from itertools import chain
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.metrics.export_columns import ExportTable
from core.metrics.export_queries import BY_NAME, Written, query_of, where_of
from core.metrics.export_tables import export_table
from core.metrics.own_columns import with_own_columns
from core.platform.advisory_locks import try_advisory_lock
from core.platform.clock import Period
from core.platform.errors import InvalidInput, NotAllowed, TooManyRequests
from core.platform.spreadsheets import Dialect, write_csv
from core.platform.workbooks import write_workbook
from core.tenancy.organizations.modules import require_module
from core.tenancy.organizations.queries import current_organization

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg.abc import Buffer

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
AT_ONCE, RETRY_AFTER_S = 3, 30
BATCH = 5_000
PIECE = 64 * 1024


def export(
    transaction: Callable[[], AbstractContextManager[Session]],
    name: str,
    fmt: str,
    *,
    period: Period | None = None,
    columns: Sequence[str] | None = None,
    written: Written = BY_NAME,
) -> Iterator[bytes]:
    """The rows that the caller of ``transaction`` may see, by date, as chunks of bytes; instants
    are in UTC.

    ``period`` cuts by the table's own date; tables of settings have none. A viewer gets no contact
    details. ``written`` is how columns are called and numbers written, where people read them. The
    export stands in the audit log before the first row leaves, so that hanging up
    halfway hides nothing.

    Raises:
        InvalidInput: unknown table, format or column, or a column twice.
        NotAllowed: the audit log, for everybody but admins, and tables of a module that is switched
        off. Of what else a caller
            may not see, the database shows no rows.
        TooManyRequests: the organisation has ``AT_ONCE`` exports open already, each of which holds
        a connection.
    """
    table = export_table(name)
    if fmt not in FORMATS:
        raise InvalidInput(f"“{fmt}” is not a format; use {', '.join(FORMATS)}.", field="format")
    with transaction() as db:
        table = with_own_columns(db, table)
        chosen = _chosen(table, written.names(table), columns)
        _record(db, table, fmt, period, columns)
        _require_readable(db, table)
    query = query_of(table, chosen, period, safe=fmt == "csv", written=written)
    heads = [written.name(table, column) for column in chosen]
    rows = _rows(transaction, query, fmt, written, heads)
    return chain([next(rows)], rows)  # what is refused is refused before an answer begins


def _chosen(table: ExportTable, known: Sequence[str], columns: Sequence[str] | None) -> list[str]:
    """The columns to export, of those that are known. Raises InvalidInput."""
    chosen = list(columns or known)
    if unknown := [column for column in chosen if column not in known]:
        raise InvalidInput(f"{table.name} has no column “{unknown[0]}”.", field="columns")
    if len(set(chosen)) < len(chosen):
        raise InvalidInput("A column can be chosen once.", field="columns")
    return chosen


def preview(
    db: Session,
    name: str,
    *,
    period: Period | None,
    columns: Sequence[str],
    written: Written,
    limit: int,
) -> tuple[list[Any], int]:
    """The first rows of an export as the caller would get them in a workbook, and how many it has
    in all. Raises like ``export``.
    """
    table = with_own_columns(db, export_table(name))
    _require_readable(db, table)
    raw: Any = db.connection().connection.driver_connection
    query = query_of(table, columns, period, safe=False, written=written)
    with raw.cursor() as cursor:
        rows = cursor.execute(query + sql.SQL(" limit {}").format(limit)).fetchall()
    return rows, _count(db, table, period)


def _count(db: Session, table: ExportTable, period: Period | None) -> int:
    raw: Any = db.connection().connection.driver_connection
    where = where_of(table, period)
    query = sql.SQL("select count(*) from app.{} where {}")
    with raw.cursor() as cursor:
        cursor.execute(query.format(sql.Identifier(table.name), where))
        return int(cursor.fetchone()[0])


def _rows(
    transaction: Callable[[], AbstractContextManager[Session]],
    query: sql.Composed,
    fmt: str,
    written: Written,
    heads: Sequence[str],
) -> Iterator[bytes]:
    """``heads`` are the columns of a file that people read; Postgres cuts long names."""
    with transaction() as db:
        if not try_advisory_lock(db, "export", AT_ONCE):
            raise TooManyRequests(
                f"{AT_ONCE} exports are open already; wait until one is done.",
                retry_after_s=RETRY_AFTER_S,
            )
        zone = text("select set_config('timezone', :zone, true)")
        db.execute(zone, {"zone": written.timezone})
        raw: Any = db.connection().connection.driver_connection
        writers: dict[str, Callable[[psycopg.Connection, str], Iterator[Buffer]]] = {
            "csv": partial(_csv, heads, written.dialect),
            "json": _json_lines,
            "parquet": _parquet,
            "xlsx": partial(_xlsx, heads),
        }
        yield from _pieces(writers[fmt](raw, query.as_string(raw)))


def _pieces(chunks: Iterator[Buffer]) -> Iterator[bytes]:
    """The same bytes in larger pieces: each one that is sent costs as much as many rows."""
    piece = bytearray()
    for chunk in chunks:
        piece += chunk
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def record_download(
    db: Session, name: str, fmt: str, details: Mapping[str, str | int | bool]
) -> None:
    """Note in the audit log that the caller takes rows of a list or table: in which format, how
    many (``rows``) and what they are narrowed to. No value is a list: in a line of the log that is
    an old and a new value. Raises NotAllowed for nobody, and for an admin
    who views as somebody.
    """
    note = text("select app.record_export(:name, :format, cast(:details as jsonb))")
    if not db.scalar(note, {"name": name, "format": fmt, "details": json.dumps(details)}):
        raise NotAllowed("Sign in to export.")


def _record(
    db: Session,
    table: ExportTable,
    fmt: str,
    period: Period | None,
    columns: Sequence[str] | None,
) -> None:
    """Note the export: how many rows, of which days and columns where not all. A refusal takes the
    note back with the transaction.
    """
    details: dict[str, str | int | bool] = {"rows": _count(db, table, period)}
    if period is not None and table.date:
        details |= {"from": period.start.isoformat(), "before": period.end.isoformat()}
    if columns:
        details["columns"] = ", ".join(columns)
    record_download(db, table.name, fmt, details)


def _require_readable(db: Session, table: ExportTable) -> None:
    """Raises NotAllowed for a table of which the caller reads no row."""
    home = current_organization(db)
    require_module(table.module, home.modules, home.name)
    role = db.execute(text("select app.cur_role()")).scalar_one()
    if table.admins_only and not table.is_read_by(role):
        raise NotAllowed("Only an admin exports the audit log.")


def _csv(
    heads: Sequence[str], dialect: Dialect, raw: psycopg.Connection, query: str
) -> Iterator[Buffer]:
    copy = f"copy ({query}) to stdout (format csv, delimiter '{dialect.separator}')"
    with raw.cursor() as cursor, cursor.copy(copy) as rows:
        yield from write_csv(heads, (), dialect)
        yield from rows


def _json_lines(raw: psycopg.Connection, query: str) -> Iterator[bytes]:
    with raw.cursor() as cursor:
        for (line,) in cursor.stream(f"select row_to_json(r)::text from ({query}) r"):
            yield line.encode() + b"\n"


@cache
def _arrow_types() -> dict[int, pa.DataType]:
    """By Postgres type."""
    import pyarrow as pa

    return {
        16: pa.bool_(),
        701: pa.float64(),
        23: pa.int32(),
        20: pa.int64(),
        1700: pa.decimal128(18, 3),
        1184: pa.timestamp("us", "UTC"),
        1082: pa.date32(),
    }


def _parquet(raw: psycopg.Connection, query: str) -> Iterator[bytes]:
    """Text columns throughout but for numbers, instants and truth values, which keep their
    types.
    """
    import pyarrow as pa  # a fifth of what the receiver and the jobs would load at their start
    import pyarrow.parquet as pq

    with raw.cursor(name="export") as cursor:
        cursor.execute(query)
        rows, names = cursor.fetchmany(BATCH), [column.name for column in cursor.description or ()]
        schema = pa.schema(
            [
                (column.name, _arrow_types().get(column.type_code, pa.string()))
                for column in cursor.description or ()
            ]
        )
        sink = _Sink()
        with pq.ParquetWriter(sink, schema) as writer:
            while rows:
                columns = [
                    [_arrow_value(value) for value in values] for values in zip(*rows, strict=True)
                ]
                writer.write_table(pa.table(dict(zip(names, columns, strict=True)), schema=schema))
                yield sink.take()
                rows = cursor.fetchmany(BATCH)
        yield sink.take()


def _xlsx(heads: Sequence[str], raw: psycopg.Connection, query: str) -> Iterator[bytes]:
    """A workbook, written to a file first: its parts are known only at the end."""
    with TemporaryFile() as file, raw.cursor(name="export") as cursor:
        cursor.execute(query)
        first = cursor.fetchmany(BATCH)
        rows = chain(first, chain.from_iterable(iter(partial(cursor.fetchmany, BATCH), [])))
        write_workbook(file, heads, rows)
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


class _Sink(io.RawIOBase):
    """Where the Parquet writer writes: forgets what was taken, but not how much it was, since
    offsets count from the start.
    """

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        chunk = bytes(data)
        self.chunks.append(chunk)
        self.written += len(chunk)
        return len(chunk)

    def tell(self) -> int:
        return self.written

    def take(self) -> bytes:
        """What was written since the last time."""
        chunk = b"".join(self.chunks)
        self.chunks.clear()
        return chunk


def _arrow_value(value: Any) -> Any:
    return str(value) if type(value).__name__ in ("UUID", "list") else value
