"""Every figure computed a second time, following the words of the specification, in plain Python,
row by row, from the bare tables.

Nothing here is shared with ``core.metrics``: rows are read as the database's owner, what a rep sees
is decided from who the closers and setters are, days are cut by Python's own time zones, and
refunds are summed from the refunds themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from core.platform.clock import Period
from tests.ports import owner

Row = dict[str, Any]
LISTED = {
    "closer": "closers",
    "setter": "setters",
    "source": "sources",
    "traffic_type": "traffic_types",
    "call_type": "call_types",
    "package": "packages",
}


@dataclass(frozen=True)
class Asked:
    """Whose figures of which period: ``rep`` is the user who sees only their own rows, None for
    those who see all.
    """

    period: Period
    at: datetime
    rep: UUID | None = None
    chosen: dict[str, Sequence[UUID]] | None = None


@dataclass(frozen=True)
class Fact:
    """The rows that may count, when each happened, and the figures of some of them."""

    rows: Sequence[Row]
    instant: Callable[[Row], datetime]
    figures: Callable[[Sequence[Row]], Row]


class Oracle:
    """All rows of one organisation, and its figures."""

    def __init__(self, organization_id: UUID) -> None:
        with owner() as db:

            def rows(table: str, column: str = "organization_id") -> list[Row]:
                found = db.execute(
                    text(f"select * from app.{table} where {column} = :org"),
                    {"org": organization_id},
                )
                return [dict(row) for row in found.mappings()]

            self.home = rows("organizations", "id")[0] | rows("booking_settings")[0]
            self.events = {row["id"]: row for row in rows("events")}
            self.payments = rows("payments")
            self.forms = {row["event_id"]: row for row in rows("post_call_forms")}
            self.refunds = rows("refunds")
            self.leads = rows("leads")
            self.named = {
                key: {row["id"]: row for row in rows(table)} for key, table in LISTED.items()
            }
        self.zone = ZoneInfo(self.home["timezone"])

    def figures(self, by: Sequence[str], asked: Asked) -> dict[tuple[Any, ...], Row]:
        """Every metric for each combination of ``by`` that any fact has rows of."""
        groups = [self._grouped(fact, by, asked) for fact in self._facts(asked)]
        keys = {key for _, rows in groups for key in rows} if by else {()}
        narrowed = {*by, *(column.removesuffix("_id") for column in asked.chosen or ())}
        unknown = dict.fromkeys(NEVER_BY_RESULT) if narrowed & {"outcome", "package"} else {}
        found: dict[tuple[Any, ...], Row] = {}
        for key in keys:
            made: Row = {}
            for fact, rows in groups:
                made |= fact.figures(rows.get(key, []))
            found[key] = made | self._per_call(made) | unknown
        return found

    def _facts(self, asked: Asked) -> list[Fact]:
        asked_for = [row for row in self.leads if row["spam_since"] is None]
        leads = [self._lead(row, asked) for row in asked_for if self._owned(row, asked)]
        calls = [row for row in self.events.values() if row["deleted_at"] is None]
        cash = [row for row in self.payments if self._counts(row)]
        return [
            Fact(calls, lambda row: row["scheduled_at"], lambda rows: self._calls(rows, asked.at)),
            Fact(cash, lambda row: row["payment_date"], self._money),
            Fact(leads, lambda row: row["received_at"] or row["created_at"], self._inquiries),
        ]

    def _grouped(
        self, fact: Fact, by: Sequence[str], asked: Asked
    ) -> tuple[Fact, dict[tuple[Any, ...], list[Row]]]:
        rows: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in fact.rows:
            at = fact.instant(row)
            if self._asked_for(row, at, asked):
                rows[tuple(self._key(key, row, at) for key in by)].append(row)
        return fact, rows

    def _lead(self, row: Row, asked: Asked) -> Row:
        """A lead with those of its bookings that the asker sees; its people are those of the newest
        one. Dimensions that only events or payments have are empty.
        """
        bookings = [
            event
            for event in self.events.values()
            if event["lead_id"] == row["id"]
            and event["deleted_at"] is None
            and event["call_status"] != "rescheduled"
            and (asked.rep is None or asked.rep in self._people(event))
        ]
        newest = max(bookings, key=lambda event: (event["scheduled_at"], event["id"]), default={})
        nothing = dict.fromkeys(("call_type_id", "package_id", "event_outcome"))
        people = {column: newest.get(column) for column in ("closer_id", "setter_id")}
        return row | nothing | people | {"bookings": bookings}

    def _owned(self, lead: Row, asked: Asked) -> bool:
        """A lead belongs to everybody who has an event of it, whatever became of that event."""
        return asked.rep is None or any(
            asked.rep in self._people(event)
            for event in self.events.values()
            if event["lead_id"] == lead["id"]
        )

    @staticmethod
    def _inquiries(leads: Sequence[Row]) -> Row:
        booked = sum(1 for lead in leads if lead["bookings"])
        return {
            "leads": len(leads),
            "leads_booked": booked,
            "booking_share": booked / len(leads) if leads else None,
        }

    def name(self, dimension: str, key: Any) -> Any:
        """How a key of ``figures`` is shown on the screen."""
        return (
            self.named[dimension][key]["name"] if dimension in LISTED and key is not None else key
        )

    def _sold(self, event: Row) -> UUID | None:
        """The package of the booking's first payment that counts and names one."""
        paid = [
            row
            for row in self.payments
            if row["event_id"] == event["id"] and row["package_id"] and self._counts(row)
        ]
        first = min(paid, key=lambda row: (row["payment_date"], row["id"]), default={})
        return first.get("package_id")

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def _asked_for(self, row: Row, at: datetime, asked: Asked) -> bool:
        if not asked.period.start <= self._day(at) < asked.period.end:
            return False
        if asked.period.until is not None and at >= asked.period.until:
            return False
        if asked.rep is not None and "bookings" not in row and asked.rep not in self._people(row):
            return False
        return all(row[column] in ids for column, ids in (asked.chosen or {}).items())

    def _people(self, row: Row) -> set[UUID | None]:
        return {
            self.named[who][row[f"{who}_id"]]["user_id"]
            for who in ("closer", "setter")
            if row[f"{who}_id"]
        }

    def _key(self, key: str, row: Row, at: datetime) -> Any:
        day = self._day(at)
        if key in ("day", "week", "month"):
            return {
                "day": day,
                "week": day - timedelta(days=day.weekday()),
                "month": day.replace(day=1),
            }[key]
        if key == "outcome":
            event = row if "event_outcome" in row else self.events.get(row["event_id"], {})
            return event.get("event_outcome")
        if key == "package" and "package_id" not in row:
            return self._sold(row) or self.forms.get(row["id"], {}).get("package_id")
        return row[f"{key}_id"]

    @staticmethod
    def _counts(payment: Row) -> bool:
        return (
            payment["status"] == "succeeded"
            and payment["deleted_at"] is None
            and payment["superseded_by_id"] is None
        )

    def _refunded(self, payment: Row) -> Decimal:
        theirs = (refund for refund in self.refunds if refund["payment_id"] == payment["id"])
        return sum(
            (
                refund["amount"]
                for refund in theirs
                if refund["status"] not in ("failed", "canceled")
            ),
            Decimal(0),
        )

    def _calls(self, calls: Sequence[Row], at: datetime) -> Row:
        made: Row = {
            key: sum(1 for call in calls if rule(self, call, at)) for key, rule in COUNTS.items()
        }
        for key, (part, *whole) in RATES.items():
            under = sum(made[name] for name in whole)
            made[key] = made[part] / under if under else None
        waits = [
            call["scheduled_at"] - call["booked_at"]
            for call in calls
            if call["call_status"] != "rescheduled"
        ]
        made["booking_lead_time"] = (
            sum(waits, timedelta()) / timedelta(hours=1) / len(waits) if waits else None
        )
        return made

    @staticmethod
    def _per_call(made: Row) -> Row:
        """What is made of several facts: their cash for each of their bookings."""
        return {
            key: {currency: cash / made[per] for currency, cash in made["cash_collected"].items()}
            if made[per]
            else None
            for key, per in PER_CALL.items()
        }

    def _money(self, cash: Sequence[Row]) -> Row:
        sums: dict[str, dict[str, Decimal]] = {
            "cash_collected": {},
            "refunds": {},
            "net_revenue": {},
        }
        for payment in cash:
            refunded = self._refunded(payment)
            amounts = {
                "cash_collected": payment["amount"],
                "refunds": refunded,
                "net_revenue": payment["amount"] - refunded,
            }
            for key, amount in amounts.items():
                sums[key][payment["currency"]] = (
                    sums[key].get(payment["currency"], Decimal(0)) + amount
                )
        return {**sums, "payments": len(cash)}

    def past(self, call: Row, at: datetime) -> bool:
        return call["scheduled_at"] < at

    def due(self, call: Row, at: datetime) -> bool:
        return self.past(call, at) and call["call_status"] not in ("canceled", "rescheduled")

    def form(self, call: Row) -> Row | None:
        return self.forms.get(call["id"])

    def confirmed(self, call: Row, _: datetime) -> bool:
        stands = call["call_status"] not in ("canceled", "rescheduled")
        known = self.form(call) is not None or call["provider_no_show_at"] is not None
        return stands and known

    def due_or_known(self, call: Row, at: datetime) -> bool:
        return self.due(call, at) or self.confirmed(call, at)

    def pending(self, call: Row, at: datetime) -> bool:
        return self.due(call, at) and self.form(call) is None

    def overdue(self, call: Row, at: datetime) -> bool:
        return self.pending(call, at) and at - call["scheduled_at"] > self.grace

    def form_due(self, call: Row, at: datetime) -> bool:
        return self.due(call, at) and (
            self.form(call) is not None or at - call["scheduled_at"] > self.grace
        )

    def on_time(self, call: Row, at: datetime) -> bool:
        form = self.form(call)
        return (
            self.due(call, at)
            and form is not None
            and form["submitted_at"] - call["scheduled_at"] <= self.grace
        )

    def canceled_late(self, call: Row, _: datetime) -> bool:
        notice = timedelta(hours=self.home["late_cancel_hours"])
        return (
            call["call_status"] == "canceled"
            and call["canceled_party"] != "host"
            and call["scheduled_at"] - call["canceled_at"] < notice
        )

    @property
    def grace(self) -> timedelta:
        return timedelta(hours=self.home["pcf_grace_hours"])


def _status(*wanted: str) -> Callable[[Oracle, Row, datetime], bool]:
    return lambda oracle, call, at: call["call_status"] in wanted


def _outcome(*wanted: str) -> Callable[[Oracle, Row, datetime], bool]:
    return lambda oracle, call, at: call["event_outcome"] in wanted


COUNTS: dict[str, Callable[[Oracle, Row, datetime], bool]] = {
    "booked_calls": _status("scheduled", "completed", "no_show", "canceled"),
    "completed": _status("completed"),
    "shows": lambda oracle, call, at: (
        call["call_status"] == "completed"
        and call["event_outcome"] in ("showed", "offer_made", "closed")
    ),
    "no_shows": _status("no_show"),
    "due": Oracle.due_or_known,
    "confirmed": Oracle.confirmed,
    "offers": _outcome("offer_made", "closed"),
    "closes": _outcome("closed"),
    "pending_pcfs": Oracle.pending,
    "overdue_pcfs": Oracle.overdue,
    "pcfs_due": Oracle.form_due,
    "pcfs_on_time": Oracle.on_time,
    "canceled": _status("canceled"),
    "late_cancellations": Oracle.canceled_late,
    "rescheduled": _status("rescheduled"),
}
RATES = {
    "show_rate": ("shows", "completed", "no_shows"),
    "coverage": ("confirmed", "due"),
    "offer_rate": ("offers", "shows"),
    "close_rate": ("closes", "shows"),
    "pcf_compliance": ("pcfs_on_time", "pcfs_due"),
    "cancellation_rate": ("canceled", "booked_calls"),
    "reschedule_rate": ("rescheduled", "booked_calls", "rescheduled"),
}
PER_CALL = {
    "cash_per_booked_call": "booked_calls",
    "cash_per_show": "shows",
    "average_deal_size": "closes",
}
# Of what is chosen by how bookings went these would say nothing.
NEVER_BY_RESULT = (*RATES, "booking_share", "cash_per_booked_call", "cash_per_show")
