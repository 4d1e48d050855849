"""Every figure's one definition: its name, its formula in words, its unit, which way is good, and
its SQL.

Counts are conditions on an event (``e``); ``:now`` is this instant and ``:grace`` the
organisation's hours of grace for post-call forms. Events count by ``scheduled_at``, payments by
``payment_date``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

DUE = "e.scheduled_at < :now and e.call_status not in ('canceled', 'rescheduled')"
LATE = "e.scheduled_at < :now - make_interval(hours => :grace)"


@dataclass(frozen=True)
class Metric:
    """A figure as people see it. ``unit`` is count, rate, money or hours; ``good`` is up, down or
    none.
    """

    key: str
    name: str
    formula: str
    unit: str = "count"
    good: str = "up"


CONDITIONS = {
    "booked_calls": "e.call_status <> 'rescheduled'",
    "completed": "e.call_status = 'completed'",
    "shows": (
        "e.call_status = 'completed' and e.event_outcome in ('showed', 'offer_made', 'closed')"
    ),
    "no_shows": "e.call_status = 'no_show'",
    "due": DUE,
    "confirmed": "e.scheduled_at < :now and e.call_status in ('completed', 'no_show')",
    "offers": "e.event_outcome in ('offer_made', 'closed')",
    "closes": "e.event_outcome = 'closed'",
    "pending_pcfs": f"not e.pcf_submitted and {DUE}",
    "overdue_pcfs": f"not e.pcf_submitted and {DUE} and {LATE}",
    "pcfs_due": f"{DUE} and (e.pcf_submitted or {LATE})",
    "pcfs_on_time": (
        f"e.pcf_submitted_at <= e.scheduled_at + make_interval(hours => :grace) and {DUE}"
    ),
    "canceled": "e.call_status = 'canceled'",
    "late_cancellations": "e.call_status = 'canceled' and e.canceled_late",
    "rescheduled": "e.call_status = 'rescheduled'",
}

# A rate is one count over another; a ratio with an empty denominator is no figure at all.
RATES = {
    "show_rate": ("shows", ("completed", "no_shows")),
    "coverage": ("confirmed", ("due",)),
    "offer_rate": ("offers", ("shows",)),
    "close_rate": ("closes", ("shows",)),
    "pcf_compliance": ("pcfs_on_time", ("pcfs_due",)),
    "cancellation_rate": ("canceled", ("booked_calls",)),
    "reschedule_rate": ("rescheduled", ("booked_calls", "rescheduled")),
}
PER_CALL = {
    "cash_per_booked_call": "booked_calls",
    "cash_per_show": "shows",
    "average_deal_size": "closes",
}
MONEY = ("cash_collected", "refunds", "net_revenue")

_ALL = (
    Metric(
        "booked_calls",
        "Booked calls",
        "Calls scheduled in the period; moved ones count once, at their new time",
    ),
    Metric("shows", "Shows", "Calls that took place and where the lead turned up"),
    Metric("no_shows", "No-shows", "Calls that the lead or the host missed", good="down"),
    Metric(
        "show_rate",
        "Show rate",
        "Shows ÷ (completed calls + no-shows); unconfirmed calls are in neither",
        "rate",
    ),
    Metric("coverage", "Coverage", "Confirmed calls (form or no-show mark) ÷ calls due", "rate"),
    Metric("due", "Calls due", "Past calls that were neither cancelled nor moved", good="none"),
    Metric(
        "confirmed",
        "Confirmed calls",
        "Due calls of which a form or a no-show mark says how they went",
    ),
    Metric("completed", "Completed calls", "Calls reported as held"),
    Metric("offers", "Offers", "Calls on which an offer was made"),
    Metric("offer_rate", "Offer rate", "Offers ÷ shows", "rate"),
    Metric("closes", "Closes", "Calls that closed a deal"),
    Metric("close_rate", "Close rate", "Closes ÷ shows", "rate"),
    Metric(
        "cash_collected", "Cash collected", "Payments dated in the period, before refunds", "money"
    ),
    Metric(
        "refunds",
        "Refunds",
        "Refunds and lost disputes of the payments dated in the period",
        "money",
        "down",
    ),
    Metric("net_revenue", "Net revenue", "Cash collected − refunds", "money"),
    Metric("payments", "Payments", "Payments that count, dated in the period"),
    Metric(
        "cash_per_booked_call", "Cash per booked call", "Cash collected ÷ booked calls", "money"
    ),
    Metric("cash_per_show", "Cash per show", "Cash collected ÷ shows", "money"),
    Metric("average_deal_size", "Average deal size", "Cash collected ÷ closes", "money"),
    Metric(
        "pending_pcfs",
        "Pending forms",
        "Past calls without a form, neither cancelled nor moved",
        good="down",
    ),
    Metric(
        "overdue_pcfs",
        "Overdue forms",
        "Pending for longer than the organisation's grace",
        good="down",
    ),
    Metric(
        "pcfs_due",
        "Forms due",
        "Past calls whose form was filed or whose grace has passed",
        good="none",
    ),
    Metric("pcfs_on_time", "Forms on time", "Forms filed within the grace"),
    Metric("pcf_compliance", "Form compliance", "Forms filed within the grace ÷ forms due", "rate"),
    Metric("canceled", "Cancelled calls", "Calls that were called off and not moved", good="down"),
    Metric(
        "cancellation_rate", "Cancellation rate", "Cancelled calls ÷ booked calls", "rate", "down"
    ),
    Metric(
        "late_cancellations",
        "Late cancellations",
        "Cancelled inside the organisation's notice period",
        good="down",
    ),
    Metric("rescheduled", "Moved calls", "Calls that were moved to another time", good="none"),
    Metric(
        "reschedule_rate", "Reschedule rate", "Moved calls ÷ (booked + moved calls)", "rate", "down"
    ),
    Metric(
        "booking_lead_time",
        "Booking lead time",
        "Hours from booking to call, on average",
        "hours",
        "down",
    ),
)
METRICS: dict[str, Metric] = {metric.key: metric for metric in _ALL}


def counts_behind(keys: Iterable[str]) -> list[str]:
    """The counts that the figures ``keys`` are made of, in the catalogue's order."""
    needed = set(keys)
    for key in keys:
        part, whole = RATES.get(key, ("", ()))
        needed |= {
            part,
            *whole,
            PER_CALL.get(key, ""),
            "booked_calls" if key == "booking_lead_time" else "",
        }
    return [name for name in CONDITIONS if name in needed]
