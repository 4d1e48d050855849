"""Every figure that the product shows of a random organisation, on screens, in the API, exports,
Slack and payouts, is what the second reckoning says, and as many rows as are listed behind it.
"""

import base64
import csv
import io
import json
import re
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text

from core.bookings.models import EventOutcome
from core.messages.reports import REPORTED, daily_report
from core.metrics.catalog import FACTS, METRICS, PAID
from core.metrics.comparison import compared
from core.metrics.dashboard import CARDS, WEEKDAYS
from core.metrics.dimensions import DIMENSIONS, FILTERS
from core.metrics.drill import is_of
from core.metrics.exports import export
from core.metrics.kinds import Count, Measure
from core.metrics.leaderboards import BOARD
from core.metrics.table import totals
from core.metrics.units import COUNT, MONEY, RATE
from core.money.payouts import create_snapshot, rebuild
from core.platform.clock import Period, now, today
from core.platform.database import as_system
from core.platform.money import decimal_text, shown
from core.ui.cache import this_minute
from core.ui.panels.payments import UNATTRIBUTED
from core.ui.parts.drill import rows_behind, slot_in
from core.ui.parts.filters import FIRST_DAY
from core.ui.parts.format import money
from tests.api.client import get
from tests.api.client import token_of as api_token_of
from tests.metrics.history import random_history
from tests.metrics.oracle import Asked, Oracle
from tests.ui.grids import grids
from tests.ui.screens import addressed, browser_with, token_of, words

ZONE = "Europe/Copenhagen"
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(2, 12))]
BY_SCREEN = {fact.rows.screen: fact for fact in FACTS.values()}


@pytest.fixture(scope="module", params=SEEDS)
def made(request):
    """A random organisation of these days, what the oracle knows of it, and who looks."""
    history = random_history(ZONE, request.param, around=today(ZONE), calls=120, payments=80)
    tokens = {role: token_of(viewer) for role, viewer in history.viewers.items()}
    return SimpleNamespace(
        history=history,
        oracle=Oracle(history.organization_id),
        period=history.period,
        days={
            "period": "Custom",
            "from": str(history.period.start),
            "to": str(history.period.end - timedelta(days=1)),
        },
        tokens=tokens,
    )


def look(made, screen, role="admin", **query):
    with browser_with(made.tokens[role]):
        page = addressed(screen, **query).run()
    assert not page.exception
    return page


def reckoned(made, by=(), period=None, rep=None):
    """The oracle's figures; without ``by`` those of the whole."""
    found = made.oracle.figures(by, Asked(period or made.period, now(), rep))
    return found if by else found[()]


def behind(made, address, role="admin"):
    """How many rows the page at an address of the screens lists, which says so above them in the
    words of a link to it.
    """
    parts = urlsplit(unescape(address))
    screen = parts.path.strip("/")
    query = dict(parse_qsl(parts.query))
    page = look(made, screen, role, **query)
    thing = BY_SCREEN[screen].rows.label.rpartition(" ")[2].removesuffix("s")
    lines = [re.match(rf"(?:Sum of )?([\d,]+) {thing}s?\b", line) for line in words(page)]
    count = sum(int(found[1].replace(",", "")) for found in lines if found)
    assert count == sum(listed_in(made, table, screen, role, query) for table in grids(page))
    return count


def listed_in(made, table, screen, role, query):
    """The number of rows on all pages of a table; none that opens is there twice."""
    found = [row["id"] for row in table.data["rows"]]
    for number in range(2, table.data["pages"] + 1):
        key = table.data["label"].lower().replace(" ", "-")
        page = look(made, screen, role, **query, **{f"{key}.page": str(number)})
        [there] = grids(page)
        found += [row["id"] for row in there.data["rows"]]
    opening = [each for each in found if each]
    assert len(opening) == len(set(opening))
    return len(found)


def parts(shown):
    """The amounts of a card, in any order."""
    return sorted(shown.split(" + "))


def links_of(page):
    """But for the way to the money without a booking, which is of no period."""
    every = re.findall(rf'href="((?:{"|".join(BY_SCREEN)})\?[^"]*)"', html_of(page))
    return [each for each in every if f"view={UNATTRIBUTED}" not in each]


def html_of(page):
    return " ".join(each.proto.body for each in page.get("html"))


def test_the_dashboards_cards_and_what_they_are_compared_with(made):
    page, whole = look(made, "dashboard", **made.days), reckoned(made)
    beside = compared(made.period, this_minute())
    far, before = (reckoned(made, period=each) for each in (beside.present, beside.earlier))

    cards = {METRICS[key].name: key for key in CARDS}
    assert {card.label: parts(card.value) for card in page.metric} == {
        name: parts(METRICS[key].unit.text(whole[key], "USD")) for name, key in cards.items()
    }
    for card in page.metric:
        key = cards[card.label]
        change = METRICS[key].unit.moved(far[key], before[key], "USD")
        assert card.delta
        if card.delta != "No comparison":
            shown = card.delta.replace("No change", "0").strip("% points").replace(",", "")
            assert float(shown) == pytest.approx(change, abs=0.51)
    assert any(f"{whole['confirmed']:,} of {whole['due']:,}" in line for line in words(page))


def test_each_way_from_the_dashboard_lists_the_rows_of_its_figure(made):
    page, whole = look(made, "dashboard", **made.days), reckoned(made)
    ever = Period(FIRST_DAY, today(ZONE) + timedelta(days=1), ZONE)
    overdue = reckoned(made, period=ever)["overdue_pcfs"]
    assert f"{overdue:,} forms overdue." in words(page)
    expected = [whole["booked_calls"], whole["shows"], whole["closes"], *[whole["payments"]] * 2]
    listed = [behind(made, link) for link in links_of(page)]
    assert listed == [*expected, overdue]


@pytest.mark.parametrize("screen", BY_SCREEN)
def test_a_list_is_narrowed_by_every_dimension_that_its_rows_have(made, screen):
    offered = [each.key for each in look(made, screen, **made.days).multiselect]
    assert offered == [key for key in FILTERS if key in BY_SCREEN[screen].by]


def rows_of(made, measure, rep=None):
    """How many rows a figure is made of: of a count by the oracle, of a sum by the product."""
    if measure.key in METRICS and isinstance(measure, Count):
        return reckoned(made, rep=rep)[measure.key]
    facts = {"name": "Rows", "formula": "", "decision": "", "condition": measure.condition}
    rows = Count(key="rows", fact=measure.fact, **facts)
    with viewer_of(made, rep).transaction() as db:
        return totals(db, made.period, only=[rows])["rows"]


def viewer_of(made, rep):
    return made.history.viewers["sales_rep" if rep else "admin"]


MEASURES = [key for key, metric in METRICS.items() if isinstance(metric, Measure)]


@pytest.mark.parametrize("role", ["admin", "sales_rep"])
@pytest.mark.parametrize("metric", MEASURES)
def test_the_screen_of_a_figures_rows_lists_those_that_it_counts(made, metric, role):
    rep = made.history.viewers[role].user_id if role == "sales_rep" else None
    with browser_with(made.tokens[role]):
        address = rows_behind(metric, made.days)
    assert behind(made, address, role) == rows_of(made, METRICS[metric], rep)


@pytest.mark.parametrize(
    ("fact", "key"), [(fact, key) for fact in FACTS.values() for key in FILTERS if key in fact.by]
)
def test_the_screen_of_a_figures_rows_lists_those_that_the_filter_leaves(made, fact, key):
    """Of the member of each list that has most of them; rows of nobody and of people of the same
    name are other tests'.
    """
    metric = next(name for name in MEASURES if is_of(fact, name) and counts(name))
    groups = reckoned(made, (key,))
    names = Counter(made.oracle.name(key, value) for (value,) in groups)
    named = {
        name: row[metric]
        for (value,), row in groups.items()
        if names[name := made.oracle.name(key, value)] == 1 and value is not None
    }
    most = max(named, key=named.__getitem__)
    label = EventOutcome.labels().get(most, most)
    narrowed = {"figure": metric, key: label, **made.days}
    listed = behind(made, f"{fact.rows.screen}?{urlencode(narrowed)}")
    assert listed == named[most] < reckoned(made)[metric]


def counts(name):
    return isinstance(METRICS[name], Count)


@pytest.mark.parametrize("key", ["package", "outcome"])
def test_the_dashboard_and_its_lists_are_narrowed_alike(made, key):
    groups = reckoned(made, (key,))
    assert len(groups) > 2
    for (value,), row in groups.items():
        name = made.oracle.name(key, value)
        label = EventOutcome.labels().get(name, name) or f"No {key}"
        page = look(made, "dashboard", **made.days, **{key: label})
        cards = {card.label: card.value for card in page.metric}
        if row["booked_calls"] or row["payments"]:
            assert cards["Booked calls"] == f"{row['booked_calls']:,}"
            assert (cards["Show rate"], cards["Close rate"]) == ("–", "–")
            assert any(f"chosen by their {key}, so rates" in line for line in words(page))
            expected = [row[each] for each in ("booked_calls", "shows", "closes")]
            listed = [behind(made, link) for link in links_of(page)][:5]
            assert listed == [*expected, *[row["payments"]] * 2]


def test_a_list_says_by_what_it_is_narrowed_that_its_rows_do_not_have(made):
    page = look(made, "leads", **made.days, outcome="Closed")
    assert page.multiselect(key="outcome").value == ["Closed"]
    assert "No leads here" in " ".join(words(page))


def test_the_trend_and_the_funnel(made):
    page, by_day, whole = (
        look(made, "dashboard", **made.days),
        reckoned(made, ("day",)),
        reckoned(made),
    )
    charts = [json.loads(each.proto.spec)["data"] for each in page.get("plotly_chart")]
    [trend] = [each for chart in charts for each in chart if each.get("name") == "points"]
    days = [made.period.start + timedelta(days=place) for place in range(made.period.days)]
    assert [str(day)[:10] for day in trend["x"]] == [str(day) for day in days]
    booked = [by_day.get((day,), {"booked_calls": 0})["booked_calls"] for day in days]
    assert numbers(trend["y"]) == booked
    funnel = next(chart[0] for chart in charts if chart[0].get("y", [None])[0] == "Booked")
    steps = ("booked_calls", "shows", "offers", "closes")
    counted = numbers(funnel["x"])
    assert counted[:4] == [whole[key] for key in steps]
    assert counted[4] == behind(made, f"events?{urlencode({'figure': PAID.key, **made.days})}")


def test_every_hour_of_the_week_and_the_rows_behind_it(made):
    page = look(made, "dashboard", **made.days)
    charts = [json.loads(each.proto.spec)["data"] for each in page.get("plotly_chart")]
    week = next(chart for chart in charts if len(chart) == len(WEEKDAYS))
    cells = {
        (weekday, int(hour)): count
        for weekday, row in enumerate(week, 1)
        for hour, count in zip(row["x"], numbers(row["customdata"]), strict=True)
    }
    assert sum(cells.values()) == reckoned(made)["booked_calls"]
    busiest = sorted(cells, key=cells.__getitem__)[-3:]
    for weekday, hour in busiest:
        narrowed = {"figure": "booked_calls", **slot_in(weekday, hour), **made.days}
        assert behind(made, f"events?{urlencode(narrowed)}") == cells[weekday, hour] > 0


def numbers(values):
    """A chart's values; plotly packs long ones."""
    if isinstance(values, dict):
        return list(np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]))
    return values


@pytest.mark.parametrize(("who", "label"), [("closer", "Closers"), ("setter", "Setters")])
def test_everybodys_line_on_the_dashboard_and_the_rows_behind_it(made, who, label):
    page = look(made, "dashboard", **made.days)
    [table] = [each for each in grids(page) if each.data["label"] == label]
    people = reckoned(made, (who,))
    lines = [
        (
            f"{row['booked_calls']:,}",
            f"{row['closes']:,}",
            shown(row["cash_collected"].get("USD", Decimal(0)), "USD"),
            RATE.text(row["show_rate"], "USD"),
        )
        for row in people.values()
    ]
    assert sorted(
        (row["booked_calls"], row["closes"], row["cash"], row["show_rate"]) for row in table.rows
    ) == sorted(lines)
    assert len(set(table.column("name"))) == len(table.rows)
    for row, target in zip(table.rows, table.leads("booked_calls"), strict=True):
        assert behind(made, target) == int(row["booked_calls"].replace(",", "")), row["name"]
    paid = Counter(behind(made, target) for target in table.leads("cash"))
    assert paid == Counter(row["payments"] for row in people.values())


@pytest.mark.parametrize("metric", BOARD)
def test_the_leaderboard_and_the_rows_behind_each_place(made, metric):
    page = look(made, "leaderboards", metric=METRICS[metric].name, **made.days)
    boards, unit = [each for each in grids(page) if "value" in each.names], METRICS[metric].unit
    people = reckoned(made, ("closer",))
    expected = [
        shown(value.get("USD", Decimal(0)), "USD") if unit is MONEY else unit.text(value, "USD")
        for (key,), row in people.items()
        if key is not None and (value := row[metric]) is not None
    ]
    assert sorted(text for each in boards for text in each.column("value")) == sorted(expected)
    board = boards[0]
    if metric == "booked_calls":
        assert [f"{behind(made, way):,}" for way in board.ways("Bookings")] == board.column("value")
    if metric == "cash_collected":
        assert board.ways("Cash")
        for person, cash, paid in zip(
            board.targets, board.ways("Cash"), board.ways("Paid bookings"), strict=True
        ):
            id_ = UUID(dict(parse_qsl(urlsplit(person).query))["id"])
            assert behind(made, cash) == people[(id_,)]["payments"]
            assert behind(made, paid) == len(paid_bookings(made, id_))


def paid_bookings(made, closer_id):
    """The bookings, whenever they were for, with a payment of this closer in the period."""
    found = {
        row["event_id"]
        for row in made.oracle.payments
        if row["closer_id"] == closer_id
        and made.oracle._counts(row)
        and made.period.start <= made.oracle._day(row["payment_date"]) < made.period.end
    }
    return [id_ for id_ in found if id_ and made.oracle.events[id_]["deleted_at"] is None]


@pytest.mark.parametrize("role", ["sales_rep", "manager"])
def test_my_day(made, role):
    viewer = made.history.viewers[role]
    day = today(ZONE)
    month = Period(day.replace(day=1), day + timedelta(days=1), ZONE)
    rep = viewer.user_id if role == "sales_rep" else None
    whole = reckoned(made, period=month, rep=rep)
    page = look(made, "my-day", role)
    cards = {card.label: card.value for card in page.metric}

    own = [
        row
        for row in made.oracle.events.values()
        if row["deleted_at"] is None
        and row["call_status"] not in ("canceled", "rescheduled")
        and row["closer_id"]
        and made.oracle.named["closer"][row["closer_id"]]["user_id"] == viewer.user_id
    ]
    todays = [row for row in own if made.oracle._day(row["scheduled_at"]) == day]
    waiting = [row for row in own if made.oracle.pending(row, now())]
    assert cards.pop("Bookings today") == str(len(todays))
    assert cards.pop("Forms to file") == str(len(waiting))
    assert cards.pop("Show rate this month") == RATE.text(whole["show_rate"], "USD")
    assert {name: parts(value) for name, value in cards.items()} == {
        METRICS[key].name: parts(METRICS[key].unit.text(whole[key], "USD"))
        for key in ("booked_calls", "shows", "closes", "cash_collected")
    }
    rows = [behind(made, link, role) for link in links_of(page)]
    assert rows == [whole["booked_calls"], whole["payments"]]


@pytest.mark.parametrize("by", [None, *DIMENSIONS])
def test_the_api(made, by):
    token = api_token_of(made.history.viewers["admin"])
    asked = {"start": str(made.period.start), "end": str(made.period.end)}
    answer = get("/api/metrics", token, **asked, **({"by": by} if by else {})).json()
    whole = reckoned(made)
    assert answer["totals"] == {key: as_json(key, value) for key, value in whole.items()}
    if by is None:
        return
    key = f"{by}_id" if DIMENSIONS[by].names else by
    found = {row[key]: {name: row[name] for name in METRICS} for row in answer["rows"]}
    assert found == {
        None if each is None else str(each): {name: as_json(name, row[name]) for name in METRICS}
        for (each,), row in reckoned(made, (by,)).items()
    }


def as_json(key, value):
    if METRICS[key].unit is MONEY:
        amounts = (value or {}).items()
        return {currency: decimal_text(amount, currency) for currency, amount in amounts}
    return pytest.approx(value) if isinstance(value, float) else value


def test_the_exports_add_up_to_the_figures(made):
    admin, whole = made.history.viewers["admin"], reckoned(made)

    def rows(table):
        chunks = export(admin.transaction, table, "csv", period=made.period)
        return list(csv.DictReader(io.StringIO(b"".join(chunks).decode("utf-8-sig"))))

    events = [row["call_status"] for row in rows("events")]
    assert len(events) - events.count("rescheduled") == whole["booked_calls"]
    sums = {name: defaultdict(Decimal) for name in ("amount", "refund_amount", "net_revenue")}
    for row in rows("payments"):
        for name in sums if row["counts"] == "t" else ():
            sums[name][row["currency"]] += Decimal(row[name] or 0)
    assert list(sums.values()) == [
        whole[key] for key in ("cash_collected", "refunds", "net_revenue")
    ]


def test_the_sums_above_the_list_of_payments(made):
    page, whole = look(made, "payments", **made.days), reckoned(made)
    lines = "\n".join(words(page)).replace("\\", "")
    for currency in whole["cash_collected"]:
        cash, net = (
            money({currency: whole[key][currency]}) for key in ("cash_collected", "net_revenue")
        )
        assert f"cash collected **{cash}** · net revenue **{net}**" in lines


def test_slacks_report_of_each_day(made):
    for age in range(1, 8):
        day = today(ZONE) - timedelta(days=age)
        with as_system(made.history.organization_id) as db:
            message = daily_report(db, day)
        one = reckoned(made, period=Period(day, day + timedelta(days=1), ZONE))
        said = dict(
            field["text"].removeprefix("*").split("*\n")
            for block in message["blocks"]
            for field in block.get("fields", [])
        )
        for key in REPORTED:
            if METRICS[key].unit is COUNT:
                assert said[METRICS[key].name].split()[0] == str(one[key])
            elif METRICS[key].unit is RATE and one[key] is not None:
                assert said[METRICS[key].name].split()[0] == f"{one[key]:.0%}"
            elif METRICS[key].unit is MONEY:
                told = said[METRICS[key].name].partition(" (")[0]
                assert parts(told) == parts(brief_of(one[key]))
            else:
                assert METRICS[key].unit is RATE, f"nothing is compared with {key}"
                assert said[METRICS[key].name].startswith("n/a (")
        told, people = best_of(message), people_of(made, day)
        assert all(line in people for line in told)
        assert [line[::2] for line in told] == [line[::2] for line in people[:3]]


def brief_of(amounts):
    """Amounts as Slack has them: whole units, small ones with their decimals."""
    return " + ".join(
        shown(amount, currency, whole=abs(amount) >= 100 or amount == int(amount))
        for currency, amount in (amounts or {"USD": Decimal(0)}).items()
    )


def best_of(message):
    """The closers' cash and closes of the report, in any order of currencies."""
    for block in message["blocks"]:
        heading, _, lines = block.get("text", {}).get("text", "").partition("\n")
        if heading == "*Top closers*":
            found = (
                re.fullmatch(r"\d\. (.*): (.*), (\d+) closed", each) for each in lines.split("\n")
            )
            return [(each[1], parts(each[2]), int(each[3])) for each in found]
    return []


def people_of(made, day):
    """The same of everybody with cash or closes, best first."""
    period = Period(day, day + timedelta(days=1), ZONE)
    rows = [
        (made.oracle.name("closer", key), row["cash_collected"], row["closes"])
        for (key,), row in reckoned(made, ("closer",), period=period).items()
        if key is not None and (row["cash_collected"] or row["closes"])
    ]
    rows.sort(key=lambda each: (-each[1].get("USD", Decimal(0)), -each[2], each[0]))
    return [(name, parts(brief_of(cash)), closes) for name, cash, closes in rows]


def test_a_payout_pays_what_the_figures_say(made):
    # Further ahead than a payout may be made for: some refunds of the history are still to come.
    ends = today(ZONE) + timedelta(days=200)
    whole = reckoned(made, ("closer",), Period(date(2000, 1, 1), ends, ZONE))
    with as_system(made.history.organization_id) as db:
        period = Period(date(2000, 1, 1), today(ZONE), ZONE)
        payout = create_snapshot(db, "Everything", period, None)
        payout.period_end = ends
        rebuild(db, payout.id, made.history.viewers["admin"])
        found = db.execute(
            text(
                "select member_id, currency, cash_collected, refunds from"
                " app.payout_snapshot_summaries where snapshot_id = :id and dimension = 'closer'"
            ),
            {"id": payout.id},
        ).all()
    assert {(row.member_id, row.currency): (row.cash_collected, row.refunds) for row in found} == {
        (key, currency): (cash, row["refunds"][currency])
        for (key,), row in whole.items()
        for currency, cash in row["cash_collected"].items()
    }
