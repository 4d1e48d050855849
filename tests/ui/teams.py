"""A small team with one of everything that a screen shows, and a member of each role."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from sqlalchemy import text

from core.bookings.designs import add_item, design_in_work, publish
from core.bookings.form_answers import FormAnswers
from core.deliveries.models import KeyStatus, OrganizationIntegration, WebhookDelivery
from core.deliveries.secrets import store_secret
from core.links.access_links import issue_link, share_of
from core.links.kinds import LinkPurpose
from core.messages.suppression_list import suppress
from core.money.form_filing import file_form
from core.money.payouts import approve, create_snapshot
from core.people.models import Contact, FieldKind, Lead
from core.platform.clock import Period, now, today
from core.platform.database import as_system
from core.platform.names import LONGEST_NAME
from core.providers.connections import create_connection
from core.providers.integrations import KEY
from core.tenancy.access.api_keys import create_api_key
from core.tenancy.access.models import MEMBER_ROLES, Role
from core.tenancy.access.viewers import Viewer
from core.ui.navigation import SCREENS
from tests import factories as make
from tests.flow import SECRET
from tests.ports import owner

LEADS_PHONE = "+4520876543"
DETAILS = {screen.key: screen.takes for screen in SCREENS if screen.takes}


@dataclass(frozen=True)
class Team:
    """``mark`` is part of every name of this team that a screen could show, and of no other
    team's.
    """

    mark: str
    people: dict[str, Viewer]
    ids: dict[str, UUID]
    tokens: dict[str, str]

    @property
    def admin(self) -> Viewer:
        return self.people[Role.ADMIN]

    @property
    def rep(self) -> Viewer:
        """The closer of the team's one event."""
        return self.people[Role.SALES_REP]

    def row(self, screen: str) -> dict[str, str]:
        """The query with which ``screen`` shows something of this team."""
        if screen in self.tokens:
            return {"token": self.tokens[screen]}
        if screen == "users":  # those of every organisation, a page at a time
            return {"q": self.mark}
        return (
            {DETAILS[screen]: str(self.ids[screen])}
            if screen in DETAILS
            else {"period": "Last 30 days"}
        )


def team(
    mark: str,
    *,
    currency: str = "USD",
    amount: str = "4997.00",
    password_hash: str | None = None,
    names: str | None = None,
) -> Team:
    """Two events of the days before, one with its form and one with its payment, a payout, a
    connection and a key.

    ``names`` begin every name in place of the mark.
    """
    called = names or mark
    org = make.organization(name=f"{called} organisation", currency=currency)
    people = {
        role: make.viewer(org, role, name=f"{called} {role}", password_hash=password_hash)
        for role in MEMBER_ROLES
    }
    at = now() - timedelta(hours=30)
    with as_system(org) as db:
        closer = make.closer(db, org, f"{called} closer", user_id=people[Role.SALES_REP].user_id)
        setter = make.setter(db, org, f"{called} setter")
        email = f"lead@{mark.lower()}.example.com"
        found = {
            "set_by": setter,
            "email": email,
            "lead_phone": LEADS_PHONE,
            "source_id": make.source(db, org, f"{called} source").id,
        }
        lead = lead_of(db, org, f"{called} lead", email, at, found["source_id"])
        found |= {"lead_id": lead.id, "contact_id": lead.contact_id}
        event = make.event(db, org, closer, lead_name=f"{called} lead", at=at, **found)
        held = make.event(
            db, org, closer, at=at - timedelta(hours=4), lead_name=f"{called} lead", **found
        )
        asked = add_item(db, FieldKind.TEXT, {"label": f"{called} question"})
        publish(db, design_in_work(db), people[Role.ADMIN])
        held_answers = FormAnswers(True, True, True, False)
        answered = {asked: f"{called} answer"}
        file_form(db, held.id, held_answers, people[Role.ADMIN], custom=answered)
        payment = make.payment(
            db,
            org,
            amount,
            currency=currency,
            at=at + timedelta(hours=1),
            customer_name=f"{called} lead",
            event_id=event.id,
            email=email,
            closer_id=closer.id,
            setter_id=setter.id,
        )
        create_api_key(db, f"{called} program", ["read"])
        key = OrganizationIntegration(
            organization_id=org,
            provider="billy",
            status=KeyStatus.VERIFIED,
            account_name=f"{called} account",
            last_verified_at=now(),
        )
        db.add(key)
        db.flush()
        store_secret(db, "billy", key.id, KEY, SECRET)
        suppress(db, f"blocked@{mark.lower()}.example.com", "bounced", at)
        connection = create_connection(db, "calendly", f"{called} calendar", SECRET)
        delivery = WebhookDelivery(
            organization_id=org,
            connection_id=connection.id,
            provider="calendly",
            delivery_key=str(connection.id),
            event_type="invitee.created",
            headers={},
            body=b'{"event":"invitee.created"}',
            status="ignored",
            last_error="it does not say whose booking it is about",
        )
        db.add(delivery)
        db.flush()
        day = today(people[Role.ADMIN].timezone)
        days = Period(day - timedelta(days=3), day + timedelta(days=1), people[Role.ADMIN].timezone)
        payout = create_snapshot(db, f"{called} payout", days, None)
    people[Role.SUPER_ADMIN] = super_admin(people[Role.ADMIN])
    tokens = links_of(people[Role.ADMIN], called, closer.id)
    ids = {
        "event": event.id,
        "person": closer.id,
        "lead": found["lead_id"],
        "contact": found["contact_id"],
        "merge-contacts": found["contact_id"],
        "merge-bookings": event.id,
        "form": event.id,
        "payment": payment.id,
        "payout": payout.id,
        "connections": connection.id,
        "delivery": delivery.id,
    }
    return Team(mark, people, ids, tokens)


def lead_of(db, org, name, email, at, source_id) -> Lead:
    """One inquiry of a new contact, two days before."""
    contact = Contact(
        organization_id=org,
        name=name,
        email=email,
        phone=LEADS_PHONE,
        phone_e164=LEADS_PHONE,
    )
    db.add(contact)
    db.flush()
    lead = Lead(
        organization_id=org,
        contact_id=contact.id,
        received_at=at - timedelta(days=2),
        source_id=source_id,
    )
    db.add(lead)
    db.flush()
    return lead


def links_of(admin: Viewer, called: str, closer_id: UUID) -> dict[str, str]:
    """By public screen, the token of a link to something of the team; the statement is of days
    without payments.
    """
    long_ago = Period(date(2020, 1, 1), date(2020, 2, 1), admin.timezone)
    with admin.transaction() as db:
        name = f"{called} earlier payout"[:LONGEST_NAME]
        payout = approve(db, create_snapshot(db, name, long_ago, None).id, admin)
        shown = share_of("Last 30 days", {}, money=True)
        links = (
            issue_link(db, admin, LinkPurpose.PORTAL, f"{called} portal", closer_id=closer_id),
            issue_link(
                db,
                admin,
                LinkPurpose.COMMISSION,
                f"{called} statement",
                closer_id=closer_id,
                snapshot_id=payout.id,
            ),
            issue_link(db, admin, LinkPurpose.SHARE, f"{called} board", shown=shown),
        )
    return {
        urlsplit(link.address).path.strip("/"): parse_qs(urlsplit(link.address).query)["token"][0]
        for link in links
    }


def super_admin(colleague: Viewer) -> Viewer:
    """A super admin, in the organisation of ``colleague``."""
    elsewhere = make.viewer(make.organization(), Role.VIEWER)
    with owner() as db:
        db.execute(
            text("insert into app.user_roles (user_id, role) values (:user, 'super_admin')"),
            {"user": elsewhere.user_id},
        )
    return replace(
        colleague,
        user_id=elsewhere.user_id,
        name=elsewhere.name,
        email=elsewhere.email,
        role=Role.SUPER_ADMIN,
    )
