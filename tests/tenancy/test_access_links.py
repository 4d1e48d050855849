"""A link opens one thing: one closer's queue, one person's statement or one dashboard, while it is
valid, and nothing else.
"""

from contextlib import nullcontext
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core.bookings.form_answers import FormAnswers
from core.bookings.forms import FormProblems
from core.bookings.models import Event
from core.bookings.queries import pending_forms, timeline
from core.links.access_links import (
    ENDED,
    WRONG_TRIES,
    issue_link,
    issue_statements,
    links_table,
    open_link,
    revoke_link,
    share_of,
)
from core.links.kinds import LinkPurpose
from core.links.models import AccessToken
from core.links.portal import file_form_through_link
from core.metrics.table import totals
from core.money.form_filing import withdraw_form
from core.money.models import Payment
from core.money.payout_tables import (
    LineFilter,
    details_table,
    statement,
    statement_lines,
    summaries_table,
)
from core.money.payouts import approve, create_snapshot, hold_back
from core.people.models import Contact, Lead
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period, now
from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooManyRequests
from core.tenancy.organizations.modules import SwitchedOff
from tests import factories as make
from tests.factories import NOON
from tests.ports import owner

CLOSED = FormAnswers(
    True, True, True, True, cash_collected=Decimal("4997"), currency="USD", payment_type="pif"
)
NOVEMBER = Period(date(2026, 11, 1), date(2026, 12, 1), "Europe/Copenhagen")
HERE = {"address": "192.0.2.1"}


def token_of(link):
    return link.address.partition("?token=")[2]


@pytest.fixture
def team():
    """Two closers without an account, a setter, an event of each closer two hours ago, and one of
    Ana's tomorrow.
    """
    org = make.organization()
    admin, rep = make.viewer(org, "admin"), make.viewer(org, "sales_rep")
    with as_system(org) as db:
        ana, bo = make.closer(db, org, "Ana"), make.closer(db, org, "Bo")
        sam = make.setter(db, org, "Sam", user_id=rep.user_id)
        mine = make.event(db, org, ana, set_by=sam, at=now() - timedelta(hours=2)).id
        other = make.event(db, org, bo, set_by=sam, at=now() - timedelta(hours=2)).id
        ahead = make.event(db, org, ana, at=now() + timedelta(days=1)).id
    return SimpleNamespace(
        org=org, admin=admin, ana=ana, bo=bo, sam=sam, mine=mine, other=other, ahead=ahead
    )


def issued(team, purpose=LinkPurpose.PORTAL, name="Ana’s phone", **subject):
    with team.admin.transaction() as db:
        return issue_link(
            db,
            team.admin,
            purpose,
            name,
            **({"closer_id": team.ana.id} if purpose == LinkPurpose.PORTAL else {}),
            **subject,
        )


def portal(team):
    return open_link(token_of(issued(team)), LinkPurpose.PORTAL, **HERE)


def test_a_portal_shows_the_forms_that_wait_for_its_closer_and_nobody_elses(team):
    with portal(team).transaction() as db:
        assert list(pending_forms(db)["id"]) == [team.mine]
        assert set(db.scalars(select(Event.id))) == {team.mine, team.ahead}


def test_a_portal_files_its_closers_form_and_the_timeline_says_through_which_link(team):
    file_form_through_link(portal(team), team.mine, CLOSED)

    with team.admin.transaction() as db:
        assert (
            db.scalars(select(Event.event_outcome).where(Event.id == team.mine)).one() == "closed"
        )
        assert [line for line in timeline(db, [team.mine])["summary"] if "Form" in line] == [
            "Form filed through the link “Ana’s phone”"
        ]
        payment = db.scalars(select(Payment).where(Payment.event_id == team.mine)).one()
        assert (payment.amount, payment.closer_id, payment.setter_user_id) == (
            Decimal(4997),
            team.ana.id,
            team.sam.user_id,
        )
        changes = db.execute(
            text(
                "select actor_role, table_name from app.audit_logs where table_name in"
                " ('post_call_forms', 'payments')"
            )
        )
        assert {tuple(row) for row in changes} == {
            ("portal", "post_call_forms"),
            ("portal", "payments"),
        }


def test_a_form_that_a_portal_files_goes_to_the_crm_too(team):
    with as_system(team.org) as db:
        db.execute(text("update app.booking_settings set primary_crm = 'ghl'"))
    file_form_through_link(portal(team), team.mine, CLOSED)
    with as_system(team.org) as db:
        body = db.scalars(text("select body from app.outbox where channel = 'crm'")).one()
        assert body == {"crm": "ghl", "event_id": str(team.mine)}


def test_a_closer_with_an_account_gives_their_portal_no_more_than_their_own_calls(team):
    rep = make.viewer(team.org, "sales_rep")
    with as_system(team.org) as db:
        lock_books(db)
        ana = db.merge(team.ana)
        ana.user_id = rep.user_id
        booked = make.setter(db, team.org, "Ana", user_id=rep.user_id)
        make.event(db, team.org, team.bo, set_by=booked, at=now() - timedelta(hours=1))
    visitor = portal(team)

    with visitor.transaction() as db:
        assert list(pending_forms(db)["id"]) == [team.mine]
    file_form_through_link(visitor, team.mine, CLOSED)
    with rep.transaction() as db:
        assert db.scalars(select(Payment.closer_user_id)).all() == [rep.user_id]


def test_the_answers_of_a_link_are_checked_like_everybodys(team):
    with pytest.raises(FormProblems):
        file_form_through_link(portal(team), team.mine, FormAnswers(False, lead_showed=True))


@pytest.mark.parametrize("whose", ["another closer's", "another organisation's", "nobody's"])
def test_a_portal_files_no_other_form(team, whose):
    elsewhere = make.organization()
    with as_system(elsewhere) as db:
        theirs = make.event(
            db, elsewhere, make.closer(db, elsewhere, "Ana"), at=now() - timedelta(hours=2)
        ).id
    event_id = {
        "another closer's": team.other,
        "another organisation's": theirs,
        "nobody's": uuid4(),
    }[whose]

    with pytest.raises(NotAllowed):
        file_form_through_link(portal(team), event_id, CLOSED)

    with as_system(team.org) as db:
        assert db.scalars(select(Event.id).where(Event.pcf_submitted)).all() == []


def test_a_portal_that_names_one_call_cannot_write_on_another(team):
    with portal(team).transaction(team.mine) as db:
        for statement in (
            "update app.events set lead_name = 'x' where id = :other",
            "update app.events set lead_name = 'x' where id = :ahead",
            "update app.post_call_forms set notes = 'x'",
            "delete from app.events",
            "update app.closers set name = 'x'",
        ):
            wanted = {
                name: getattr(team, name) for name in ("other", "ahead") if f":{name}" in statement
            }
            try:
                with db.begin_nested():
                    assert db.execute(text(statement), wanted).rowcount == 0
            except DBAPIError as error:
                assert error.orig.sqlstate == "42501"  # noqa: PT017 - either answer is a refusal


def test_a_portal_corrects_nothing_that_was_filed(team):
    visitor = portal(team)
    file_form_through_link(visitor, team.mine, CLOSED)
    with pytest.raises(Conflict, match="already"):
        file_form_through_link(visitor, team.mine, FormAnswers(True, True))
    with pytest.raises(NotAllowed), visitor.transaction(team.mine) as db:
        withdraw_form(db, team.mine, visitor)
    with as_system(team.org) as db:
        assert db.scalars(select(Payment.amount).where(Payment.deleted_at.is_(None))).all() == [
            Decimal(4997)
        ]


def test_a_portal_without_a_call_only_reads(team):
    with pytest.raises(DBAPIError, match="read-only"), portal(team).transaction() as db:
        db.execute(text("update app.events set lead_name = 'x'"))


def end(team, link, how):
    with owner() as db:
        db.execute(
            text(
                {
                    "expired": "update app.access_tokens set expires_at = now() where id = :id",
                    "revoked": "update app.access_tokens set revoked_at = now() where id = :id",
                    "gone": "delete from app.access_tokens where id = :id",
                    "closer left": (
                        "update app.closers set active = false where id = (select closer_id from"
                        " app.access_tokens where id = :id)"
                    ),
                    "organisation deleted": (
                        "update app.organizations set deleted_at = now()"
                        " where id = (select organization_id from app.access_tokens where id = :id)"
                    ),
                }[how]
            ),
            {"id": link.id},
        )


@pytest.mark.parametrize(
    "how", ["expired", "revoked", "gone", "closer left", "organisation deleted"]
)
def test_a_link_that_has_ended_opens_nothing_in_the_same_words_also_for_who_is_inside(team, how):
    link = issued(team)
    inside = open_link(token_of(link), LinkPurpose.PORTAL, **HERE)
    end(team, link, how)

    with pytest.raises(NotAllowed) as refused:
        open_link(token_of(link), LinkPurpose.PORTAL, **HERE)
    assert refused.value.message == ENDED
    with pytest.raises(NotAllowed) as refused:
        file_form_through_link(inside, team.mine, CLOSED)
    assert refused.value.message == ENDED


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token.swapcase(),
        lambda token: f"{token}\0",
    ],
)
def test_a_token_that_was_tampered_with_opens_nothing(team, change):
    with pytest.raises(NotAllowed) as refused:
        open_link(change(token_of(issued(team))), LinkPurpose.PORTAL, **HERE)
    assert refused.value.message == ENDED


@pytest.mark.parametrize("purpose", [LinkPurpose.COMMISSION, LinkPurpose.SHARE])
def test_a_link_of_one_purpose_opens_no_page_of_another(team, purpose):
    with pytest.raises(NotAllowed):
        open_link(token_of(issued(team)), purpose, **HERE)
    posing = replace(portal(team), purpose=purpose)
    with pytest.raises(NotAllowed), posing.transaction():
        pass


def test_an_address_that_tries_many_wrong_tokens_has_to_wait_and_others_do_not(team):
    token, stranger = token_of(issued(team)), f"198.51.100.{uuid4()}"
    for _ in range(WRONG_TRIES):
        with pytest.raises(NotAllowed):
            open_link("wrong", LinkPurpose.PORTAL, address=stranger)
    with pytest.raises(TooManyRequests) as refused:
        open_link(token, LinkPurpose.PORTAL, address=stranger)
    assert 0 < refused.value.retry_after_s <= 15 * 60
    assert open_link(token, LinkPurpose.PORTAL, **HERE).closer_id == team.ana.id


def test_only_the_hash_of_a_token_is_kept_and_it_never_shows_again(team):
    token = token_of(issued(team))
    with owner() as db:
        kept = db.execute(
            text(
                "select t::text || (select string_agg(l::text, '') from app.audit_logs l) from"
                " app.access_tokens t"
            )
        )
        assert all(token not in row for row in kept.scalars())
    assert token not in repr(open_link(token, LinkPurpose.PORTAL, **HERE))
    with team.admin.transaction() as db:
        assert token not in links_table(db).to_csv()


def test_the_list_says_what_a_link_opens_when_it_was_used_and_whether_it_is_good(team):
    link = issued(team)
    with team.admin.transaction() as db:
        assert links_table(db).iloc[0][
            ["name", "subject", "created_by", "last_used_at", "state"]
        ].tolist() == ["Ana’s phone", "Ana", team.admin.name, None, "good"]
    open_link(token_of(link), LinkPurpose.PORTAL, **HERE)
    with team.admin.transaction() as db:
        revoke_link(db, team.admin, link.id)
    with team.admin.transaction() as db:
        [row] = links_table(db).to_dict("records")
        assert row["last_used_at"] <= now()
        assert row["state"] == "revoked"
    with pytest.raises(NotFound), team.admin.transaction() as db:
        revoke_link(db, team.admin, link.id)


def test_that_a_link_was_used_is_no_change_worth_a_line_in_the_audit_log(team):
    portal(team)
    with team.admin.transaction() as db:
        lines = (
            db.execute(
                text("select operation from app.audit_logs where table_name = 'access_tokens'")
            )
            .scalars()
            .all()
        )
    assert lines == ["insert"]


@pytest.mark.parametrize("role", ["manager", "sales_rep", "viewer"])
def test_only_admins_make_revoke_and_see_links(team, role):
    person, link = make.viewer(team.org, role), issued(team)
    with pytest.raises(NotAllowed), person.transaction() as db:
        issue_link(db, person, LinkPurpose.PORTAL, "Mine", closer_id=team.ana.id)
    with pytest.raises(NotAllowed), person.transaction() as db:
        revoke_link(db, person, link.id)
    with person.transaction() as db:
        assert links_table(db).empty
    posing = replace(person, role="admin")
    with pytest.raises(DBAPIError, match="row-level security"), person.transaction() as db:
        issue_link(db, posing, LinkPurpose.PORTAL, "Mine", closer_id=team.ana.id)


@pytest.mark.parametrize(
    ("purpose", "name", "values", "field"),
    [
        (LinkPurpose.PORTAL, " ", {}, "name"),
        (LinkPurpose.PORTAL, "Ana", {"days": 0}, "days"),
        (LinkPurpose.PORTAL, "Ana", {"days": 367}, "days"),
        ("spy", "Ana", {}, "purpose"),
        (LinkPurpose.COMMISSION, "Ana", {}, "snapshot_id"),
    ],
)
def test_a_link_needs_a_name_a_subject_and_an_end(team, purpose, name, values, field):
    with pytest.raises(InvalidInput) as refused:
        issued(team, purpose, name, **values)
    assert refused.value.field == field


def test_a_link_opens_while_the_module_of_what_it_shows_is_on(team):
    token, org = token_of(issued(team)), team.admin.organization_id
    for module, modules, is_open in (
        ("bookings", ["bookings"], True),
        ("bookings", ["phone"], False),
        ("phone", ["phone"], True),
        ("phone", ["bookings"], False),
        (None, [], True),
    ):
        with owner() as db:
            db.execute(text("update app.access_tokens set module = :module"), {"module": module})
            chosen = {"modules": modules, "org": org}
            db.execute(
                text("update app.organizations set modules = :modules where id = :org"), chosen
            )
        with nullcontext() if is_open else pytest.raises(NotAllowed):
            assert open_link(token, LinkPurpose.PORTAL, **HERE).closer_id == team.ana.id


def test_an_organisation_that_books_no_calls_makes_no_links_to_them():
    elsewhere = make.viewer(make.organization(modules=["phone"]), "owner")
    with (
        pytest.raises(SwitchedOff, match="Bookings is switched off"),
        elsewhere.transaction() as db,
    ):
        issue_link(
            db, elsewhere, LinkPurpose.SHARE, "Board", shown=share_of("This month", {}, money=False)
        )


def test_a_link_is_good_for_ninety_days_unless_said_otherwise(team):
    issued(team)
    with team.admin.transaction() as db:
        left = db.scalars(select(AccessToken.expires_at)).one() - now()
    assert timedelta(days=89, hours=23) < left <= timedelta(days=90)


def test_a_link_is_made_for_the_organisations_own_people_only(team):
    elsewhere = make.organization()
    with as_system(elsewhere) as db:
        stranger = make.closer(db, elsewhere, "Eve")
    with pytest.raises(NotFound), team.admin.transaction() as db:
        issue_link(db, team.admin, LinkPurpose.PORTAL, "Eve", closer_id=stranger.id)


# statements


@pytest.fixture
def paid(team):
    """An approved payout: two payments of Ana's in two currencies, one with Sam, one of Bo's with
    Sam, one of nobody's.
    """
    with as_system(team.org) as db:
        make.payment(
            db,
            team.org,
            "1000.10",
            closer_id=team.ana.id,
            setter_id=team.sam.id,
            refund_amount=Decimal("0.05"),
        )
        make.payment(db, team.org, "200.00", currency="EUR", closer_id=team.ana.id)
        make.payment(db, team.org, "3000.00", closer_id=team.bo.id, setter_id=team.sam.id)
        make.payment(db, team.org, "9.00")
        make.payment(db, team.org, "70.00", closer_id=team.ana.id, at=NOON - timedelta(days=60))
    with team.admin.transaction() as db:
        draft = create_snapshot(db, "November", NOVEMBER, team.admin).id
        earlier = Period(date(2026, 9, 1), date(2026, 10, 1), NOVEMBER.timezone)
        other = create_snapshot(db, "September", earlier, team.admin).id
        for snapshot in (other, draft):
            approve(db, snapshot, team.admin)
    team.snapshot, team.other_snapshot = draft, other
    return team


@pytest.mark.parametrize(
    ("person", "sums", "lines"),
    [
        ("ana", {"USD": Decimal("1000.05"), "EUR": Decimal("200.00")}, 2),
        ("sam", {"USD": Decimal("4000.05")}, 2),
        ("bo", {"USD": Decimal("3000.00")}, 1),
    ],
)
def test_a_statement_is_one_persons_lines_and_they_add_up_to_the_payouts_own_sums(
    paid, person, sums, lines
):
    part = "setter_id" if person == "sam" else "closer_id"
    link = issued(
        paid,
        LinkPurpose.COMMISSION,
        "Statement",
        snapshot_id=paid.snapshot,
        **{part: getattr(paid, person).id},
    )
    with open_link(token_of(link), LinkPurpose.COMMISSION, **HERE).transaction() as db:
        details, summaries = details_table(db, paid.snapshot), summaries_table(db, paid.snapshot)
        everything = db.execute(
            text("select count(*), count(distinct snapshot_id) from app.payout_snapshot_details")
        ).one()

    assert tuple(everything) == (lines, 1)
    assert details.groupby("currency")["net_revenue"].sum().to_dict() == sums
    assert {(row.dimension, row.member_id) for row in summaries.itertuples()} == {
        (part.removesuffix("_id"), getattr(paid, person).id)
    }
    assert dict(zip(summaries["currency"], summaries["net_revenue"], strict=True)) == sums


def test_a_statement_does_not_show_in_whose_words_a_line_was_held_back(team):
    with as_system(team.org) as db:
        odd = make.payment(db, team.org, "5.00", closer_id=team.ana.id, email="o@example.com")
        make.payment(db, team.org, "7.00", closer_id=team.ana.id)
    with team.admin.transaction() as db:
        snapshot = create_snapshot(db, "November", NOVEMBER, team.admin).id
        lines = details_table(db, snapshot)
        line = lines.loc[lines["payment_id"] == odd.id, "id"].item()
        hold_back(db, line, "We think that Ana made this one up", team.admin)
        approve(db, snapshot, team.admin)
    link = issued(
        team, LinkPurpose.COMMISSION, "Statement", snapshot_id=snapshot, closer_id=team.ana.id
    )
    with open_link(token_of(link), LinkPurpose.COMMISSION, **HERE).transaction() as db:
        payout, sums = statement(db)
        lines = statement_lines(db, payout, LineFilter(), limit=10, offset=0)
    assert "made this one up" not in str(lines.to_dict())
    assert set(lines["held_back"].dropna()) == {"Held back. It comes again in a later payout."}
    assert list(sums["net_revenue"]) == [7]


def test_statement_links_are_made_for_everybody_in_the_payout_at_once(paid):
    with paid.admin.transaction() as db:
        made = issue_statements(db, paid.admin, paid.snapshot)
    assert [(link.person, link.part) for link in made] == [
        ("Ana", "closer"),
        ("Bo", "closer"),
        ("Sam", "setter"),
    ]
    assert [open_link(token_of(link), LinkPurpose.COMMISSION, **HERE).person for link in made] == [
        "Ana",
        "Bo",
        "Sam",
    ]


def test_a_draft_has_no_statements_since_it_may_still_change(team):
    with team.admin.transaction() as db:
        draft = create_snapshot(db, "Draft", NOVEMBER, team.admin).id
    with pytest.raises(Conflict):
        issued(team, LinkPurpose.COMMISSION, "Statement", snapshot_id=draft, closer_id=team.ana.id)


# shared dashboards


@pytest.mark.parametrize(
    ("money", "cash"), [(True, {"USD": Decimal("4009.10"), "EUR": Decimal("200.00")}), (False, {})]
)
def test_a_shared_dashboard_counts_everything_and_knows_money_only_where_it_is_shown(
    paid, money, cash
):
    link = issued(
        paid,
        LinkPurpose.SHARE,
        "Board",
        shown=share_of("Last 30 days", {"closer_id": [paid.ana.id]}, money=money),
    )
    visitor = open_link(token_of(link), LinkPurpose.SHARE, **HERE)
    with visitor.transaction() as db:
        figures = totals(db, Period(date(2026, 11, 1), date(2027, 12, 1), "UTC"))
    assert (visitor.sees_money, figures["booked_calls"], figures["cash_collected"]) == (
        money,
        3,
        cash,
    )


@pytest.mark.parametrize("money", [True, False])
def test_a_shared_dashboard_is_told_no_lead_and_no_colleague(paid, money):
    with as_system(paid.org) as db:
        contact = Contact(organization_id=paid.org, name="Lead One", email="lead.one@example.com")
        db.add(contact)
        db.flush()
        db.add(Lead(organization_id=paid.org, contact_id=contact.id, received_at=now()))
    link = issued(paid, LinkPurpose.SHARE, "Board", shown=share_of("This month", {}, money=money))
    with open_link(token_of(link), LinkPurpose.SHARE, **HERE).transaction() as db:
        for table in (
            "contacts",
            "leads",
            "organization_members",
            "closers",
            "setters",
            "post_call_forms",
            "activities",
            "access_tokens",
        ):
            assert db.execute(text(f"select count(*) from app.{table}")).scalar() == 0, table
        shown = pending_forms(db)
    assert set(shown["lead_name"]) | set(shown["lead_email"]) == {None}
