"""Every figure's one definition: its name, its formula in words, its unit, which way is good, and
what it is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.metrics.facts import EVENTS, HAS_BOOKED, LEADS, PAYMENTS, Fact
from core.metrics.kinds import Count, Measure, Metric, PerCount, Ratio, Sum
from core.metrics.units import HOURS, MONEY
from core.platform.declarations import by_key

DUE = "events.scheduled_at < :now and events.stands"
# How a booking went can be known before its time: a host marks a no-show early when the lead wrote
# that they would not come.
KNOWN = "events.call_status in ('completed', 'no_show')"
LATE = "events.scheduled_at < :now - make_interval(hours => :grace)"
BOOKED = "events.call_status <> 'rescheduled'"

_ALL: tuple[Metric, ...] = (
    Count(
        key="booked_calls",
        name="Booked calls",
        decision="Booked calls",
        formula="Bookings scheduled in the period; moved ones count once, at their new time",
        fact=EVENTS,
        condition=BOOKED,
    ),
    Count(
        key="shows",
        name="Shows",
        decision="Show rate",
        formula="Bookings that took place and where the lead turned up",
        fact=EVENTS,
        condition=(
            "events.call_status = 'completed' and events.event_outcome in ('showed', 'offer_made',"
            " 'closed')"
        ),
    ),
    Count(
        key="no_shows",
        name="No-shows",
        decision="Show rate",
        formula="Bookings that the lead or the host missed",
        good="down",
        fact=EVENTS,
        condition="events.call_status = 'no_show'",
    ),
    Ratio(
        key="show_rate",
        name="Show rate",
        decision="Show rate",
        formula="Shows ÷ (completed bookings + no-shows); unconfirmed bookings are in neither",
        part="shows",
        whole=("completed", "no_shows"),
    ),
    Ratio(
        key="coverage",
        name="Coverage",
        decision="Coverage",
        formula="Confirmed bookings (form or no-show mark) ÷ bookings due",
        part="confirmed",
        whole=("due",),
    ),
    Count(
        key="due",
        name="Bookings due",
        decision="Coverage",
        formula=(
            "Past bookings that were neither cancelled nor moved, and later ones whose form or"
            " no-show mark is there already"
        ),
        good="none",
        fact=EVENTS,
        condition=f"(({DUE}) or {KNOWN})",
    ),
    Count(
        key="confirmed",
        name="Confirmed bookings",
        decision="Coverage",
        formula="Due bookings of which a form or a no-show mark says how they went",
        fact=EVENTS,
        condition=KNOWN,
    ),
    Count(
        key="completed",
        name="Completed bookings",
        decision="Show rate",
        formula="Bookings reported as held",
        fact=EVENTS,
        condition="events.call_status = 'completed'",
    ),
    Count(
        key="offers",
        name="Offers",
        decision="Close rate",
        formula="Bookings on which an offer was made",
        fact=EVENTS,
        condition="events.event_outcome in ('offer_made', 'closed')",
    ),
    Ratio(
        key="offer_rate",
        name="Offer rate",
        decision="Close rate",
        formula="Offers ÷ shows",
        part="offers",
        whole=("shows",),
    ),
    Count(
        key="closes",
        name="Closes",
        decision="Close rate",
        formula="Bookings that closed a deal",
        fact=EVENTS,
        condition="events.event_outcome = 'closed'",
    ),
    Ratio(
        key="close_rate",
        name="Close rate",
        decision="Close rate",
        formula="Closes ÷ shows",
        part="closes",
        whole=("shows",),
    ),
    Sum(
        key="cash_collected",
        name="Cash collected",
        decision="Cash collected",
        formula="Payments dated in the period, before refunds",
        unit=MONEY,
        fact=PAYMENTS,
        value="payments.amount",
    ),
    Sum(
        key="refunds",
        name="Refunds",
        decision="Net revenue",
        formula="Refunds and lost disputes of the payments dated in the period",
        unit=MONEY,
        good="down",
        fact=PAYMENTS,
        value="payments.refund_amount",
    ),
    Sum(
        key="net_revenue",
        name="Net revenue",
        decision="Net revenue",
        formula="Cash collected − refunds",
        unit=MONEY,
        fact=PAYMENTS,
        value="payments.net_revenue",
    ),
    Count(
        key="payments",
        name="Payments",
        decision="Cash collected",
        formula="Payments that count, dated in the period",
        fact=PAYMENTS,
    ),
    PerCount(
        key="cash_per_booked_call",
        name="Cash per booked call",
        decision="Ratios of money",
        formula="Cash collected ÷ booked calls",
        unit=MONEY,
        total="cash_collected",
        count="booked_calls",
    ),
    PerCount(
        key="cash_per_show",
        name="Cash per show",
        decision="Ratios of money",
        formula="Cash collected ÷ shows",
        unit=MONEY,
        total="cash_collected",
        count="shows",
    ),
    PerCount(
        key="average_deal_size",
        name="Average deal size",
        decision="Ratios of money",
        formula="Cash collected ÷ closes",
        unit=MONEY,
        total="cash_collected",
        count="closes",
        of_results=True,
    ),
    Count(
        key="pending_pcfs",
        name="Pending forms",
        decision="Post-call forms",
        formula="Past bookings without a form, neither cancelled nor moved",
        good="down",
        fact=EVENTS,
        condition=f"not events.pcf_submitted and {DUE}",
    ),
    Count(
        key="overdue_pcfs",
        name="Overdue forms",
        decision="Post-call forms",
        formula="Pending for longer than the organisation's grace",
        good="down",
        fact=EVENTS,
        condition=f"not events.pcf_submitted and {DUE} and {LATE}",
    ),
    Count(
        key="pcfs_due",
        name="Forms due",
        decision="Post-call forms",
        formula="Past bookings whose form was filed or whose grace has passed",
        good="none",
        fact=EVENTS,
        condition=f"{DUE} and (events.pcf_submitted or {LATE})",
    ),
    Count(
        key="pcfs_on_time",
        name="Forms on time",
        decision="Post-call forms",
        formula="Forms filed within the grace",
        fact=EVENTS,
        condition=(
            "events.pcf_submitted_at <= events.scheduled_at + make_interval(hours => :grace)"
            f" and {DUE}"
        ),
    ),
    Ratio(
        key="pcf_compliance",
        name="Form compliance",
        decision="Post-call forms",
        formula="Forms filed within the grace ÷ forms due",
        part="pcfs_on_time",
        whole=("pcfs_due",),
    ),
    Count(
        key="canceled",
        name="Cancelled bookings",
        decision="Cancellations",
        formula="Bookings that were called off and not moved",
        good="down",
        fact=EVENTS,
        condition="events.call_status = 'canceled'",
    ),
    Ratio(
        key="cancellation_rate",
        name="Cancellation rate",
        decision="Cancellations",
        formula="Cancelled bookings ÷ booked calls",
        good="down",
        part="canceled",
        whole=("booked_calls",),
    ),
    Count(
        key="late_cancellations",
        name="Late cancellations",
        decision="Cancellations",
        formula="Cancelled inside the organisation's notice period, and not by the host",
        good="down",
        fact=EVENTS,
        condition="events.call_status = 'canceled' and events.canceled_late",
    ),
    Count(
        key="rescheduled",
        name="Moved bookings",
        decision="Booked calls",
        formula="Bookings that were moved before they were held or missed",
        good="none",
        fact=EVENTS,
        condition="events.call_status = 'rescheduled'",
    ),
    Ratio(
        key="reschedule_rate",
        name="Reschedule rate",
        decision="Cancellations",
        formula="Moved bookings ÷ (booked + moved bookings)",
        good="down",
        part="rescheduled",
        whole=("booked_calls", "rescheduled"),
    ),
    PerCount(
        key="booking_lead_time",
        name="Booking lead time",
        decision="Booking lead time",
        formula="Hours from booking to meeting, on average",
        unit=HOURS,
        good="down",
        total=Sum(
            key="booking_lead_hours",
            name="Booking lead hours",
            decision="Booking lead time",
            formula="Hours from booking to meeting, all together",
            unit=HOURS,
            fact=EVENTS,
            value="events.scheduled_at - events.booked_at",
            condition=BOOKED,
        ),
        count="booked_calls",
        of_results=True,
    ),
    Count(
        key="leads",
        name="Leads received",
        decision="Leads",
        formula="Inquiries received in the period, without those marked as spam",
        fact=LEADS,
    ),
    Count(
        key="leads_booked",
        name="Leads booked",
        decision="Leads",
        formula="Leads received in the period with a booking; moved ones do not count",
        fact=LEADS,
        condition=HAS_BOOKED,
    ),
    Ratio(
        key="booking_share",
        name="Booking share",
        decision="Leads",
        formula="Leads booked ÷ leads received",
        part="leads_booked",
        whole=("leads",),
    ),
)
METRICS: dict[str, Metric] = by_key(_ALL)
# The last step of the funnel, which is no figure of its own.
PAID = Count(
    key="paid_closes",
    name="Paid",
    decision="Whose a payment is",
    formula="Closed bookings of which a payment counts",
    fact=EVENTS,
    condition=(
        "events.event_outcome = 'closed' and exists (select 1 from app.payments paid where"
        " paid.organization_id = events.organization_id and paid.event_id = events.id and"
        " paid.counts)"
    ),
)
EXPLAINED: dict[str, Metric] = METRICS | by_key([PAID])  # whose rows can be asked for


def shown_to(keys: Iterable[str], *, money: bool) -> list[str]:
    """The figures among ``keys`` that somebody sees who sees money or does not."""
    return [key for key in keys if money or METRICS[key].unit is not MONEY]


def metric_of(metric: str | Metric) -> Metric:
    """A figure by its key, or itself."""
    return METRICS[metric] if isinstance(metric, str) else metric


def parts_of(metric: str | Metric) -> Iterator[Measure]:
    """The measures that a figure is made of; those that it counts come first."""
    found = metric_of(metric)
    if isinstance(found, Measure):
        yield found
    elif isinstance(found, Ratio):
        for key in (found.part, *found.whole):
            yield from parts_of(key)
    elif isinstance(found, PerCount):
        yield from parts_of(found.total)
        yield from parts_of(found.count)


def facts_of(metrics: Iterable[str | Metric]) -> dict[str, Fact]:
    """By key the facts of which the figures are counted."""
    return by_key(part.fact for metric in metrics for part in parts_of(metric))


FACTS = facts_of(METRICS)
