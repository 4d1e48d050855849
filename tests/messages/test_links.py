"""Every link of every message opens the page that it promises, also for somebody who works in
another organisation meanwhile.
"""

import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select, text

from core.bookings.models import Closer
from core.deliveries.models import OutboxMessage
from core.links.access_links import issue_link, share_of
from core.links.kinds import LinkPurpose
from core.messages.account_emails import (
    send_invitation,
    send_link,
    send_password_changed,
    send_password_reset,
)
from core.messages.email_outbox import open_email
from core.messages.reports import daily_report, overdue_reminder
from core.migrations.tables import metadata
from core.money.models import PayoutSnapshot
from core.platform.clock import today
from core.platform.database import as_system
from core.platform.schema import UNRECORDED
from core.platform.settings import settings
from core.tenancy.access.invitations import accept_as_new, invite
from core.tenancy.access.members import add_member
from core.tenancy.access.models import Role
from core.tenancy.access.password_resets import choose_password
from core.tenancy.access.sessions import choose_organization
from core.ui.server.routes import routes
from tests import factories as make
from tests.ports import owner
from tests.ui.screens import addressed, browser_with, token_of, words
from tests.ui.teams import team

URL = re.compile(r"https?://[^\s|>\"]+")


@pytest.fixture(scope="module")
def crew(database_url):
    return team("Quince")


@pytest.fixture(scope="module")
def elsewhere(crew):
    """The cookie of the crew's admin, who works in another organisation at present."""
    org = make.organization(name="Elsewhere")
    admin = crew.admin
    with as_system(org) as db:
        add_member(db, admin.user_id, Role.ADMIN, name=admin.name, email=admin.email)
    token = token_of(admin)
    choose_organization(token, org)
    return token


def texts(part):
    """Every text in a Slack message."""
    if isinstance(part, dict):
        return [text for each in part.values() for text in texts(each)]
    if isinstance(part, list):
        return [text for each in part for text in texts(each)]
    return [part] if isinstance(part, str) else []


def urls(*written):
    found = [url for text in written for url in URL.findall(text)]
    assert found
    return found


def followed(url, cookie=None):
    """The page that a browser with ``cookie`` sees at the address."""
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == settings().public_url
    with browser_with(cookie):
        page = addressed(parts.path.strip("/"), **dict(parse_qsl(parts.query))).run()
    assert not page.exception
    return page


def test_the_daily_report_leads_to_the_dashboard_of_its_day(crew, elsewhere):
    org = crew.admin.organization_id
    day = today(crew.admin.timezone) - timedelta(days=1)
    with as_system(org) as db:
        message = daily_report(db, day)

    for url in urls(*texts(message["blocks"])):
        page = followed(url, elsewhere)
        assert [title.value for title in page.title] == ["Dashboard"]
        assert page.date_input[0].value == (day, day)
        assert any(crew.admin.organization_name in line for line in words(page))


def test_the_reminder_leads_to_the_form_of_each_booking(crew, elsewhere):
    with as_system(crew.admin.organization_id) as db:
        messages = overdue_reminder(db)

    for url in urls(*texts([message["blocks"] for message in messages])):
        page = followed(url, elsewhere)
        assert [title.value for title in page.title] == ["Quince lead"]
        assert "Did the meeting take place?" in [radio.label for radio in page.get("button_group")]


def emails(org, kind):
    """The plain texts of the e-mails of a kind that wait, the latest last."""
    with as_system(org) as db:
        posted = select(OutboxMessage).where(OutboxMessage.kind == kind)
        found = db.scalars(posted.order_by(OutboxMessage.created_at))
        return [open_email(message).text for message in found]


@pytest.mark.parametrize("purpose", [LinkPurpose.PORTAL, LinkPurpose.COMMISSION, LinkPurpose.SHARE])
def test_a_link_by_e_mail_opens_what_it_is_a_link_to(crew, purpose):
    admin = crew.admin
    with admin.transaction() as db:
        closer = db.scalars(select(Closer.id)).one()
        payout = db.scalars(
            select(PayoutSnapshot.id).where(PayoutSnapshot.approved_at.is_not(None))
        ).first()
        subject = {
            LinkPurpose.PORTAL: {"closer_id": closer},
            LinkPurpose.COMMISSION: {"closer_id": closer, "snapshot_id": payout},
            LinkPurpose.SHARE: {"shown": share_of("Last 30 days", {}, money=False)},
        }[purpose]
        link = issue_link(db, admin, purpose, f"Quince {purpose} mail", **subject)
        send_link(db, admin, link, purpose, f"{purpose}@example.com", days=7)

    for url in urls(emails(admin.organization_id, "link")[-1]):
        page = followed(url)
        assert not page.warning
        assert "Quince organisation" in " ".join(words(page))


def test_an_invitation_opens_the_page_that_says_who_invites_to_what(crew):
    admin = crew.admin
    with admin.transaction() as db:
        send_invitation(db, admin, invite(db, admin, "invited@example.com", "manager"))

    for url in urls(*emails(admin.organization_id, "invitation")):
        page = followed(url)
        assert not page.warning
        assert "Quince organisation" in " ".join(words(page))


def test_a_reset_opens_the_page_that_takes_the_new_password(crew):
    org, rep = crew.admin.organization_id, crew.rep
    with as_system(org) as db:
        send_password_reset(db, rep.user_id)
        send_password_changed(db, rep.user_id)

    for url in urls(*emails(org, "password_reset")):
        page = followed(url)
        assert not page.warning
        assert "New password" in [field.label for field in page.text_input]
    assert URL.findall(emails(org, "password_changed")[0]) == []


def everything():
    """Each table's rows as one checksum, without the columns that only tell that something was
    used, and the jobs that wait.
    """
    found = {}
    with owner() as db:
        for table in metadata.sorted_tables:
            columns = [each.name for each in table.c if not each.info.get(UNRECORDED)]
            row = f"md5(row({', '.join(columns)})::text)"
            rows = f"select coalesce(md5(string_agg({row}, '' order by {row})), '') from app."
            found[table.name] = db.execute(text(f"{rows}{table.name}")).scalar()
        found["jobs"] = db.execute(text("select count(*) from jobs.procrastinate_jobs")).scalar()
    return found


def test_whoever_only_opens_the_links_of_messages_changes_nothing_and_uses_nothing_up(crew):
    """Scanners of mail programs open every link, some of them as a browser does."""
    admin, org, rep = crew.admin, crew.admin.organization_id, crew.rep
    with admin.transaction() as db:
        closer = db.scalars(select(Closer.id)).one()
        portal = issue_link(db, admin, LinkPurpose.PORTAL, "Quince scanned", closer_id=closer)
        send_link(db, admin, portal, LinkPurpose.PORTAL, "scanned@example.com", days=7)
        send_invitation(db, admin, invite(db, admin, "scanned@example.com", "viewer"))
    with as_system(org) as db:
        send_password_reset(db, rep.user_id)
        blocks = [daily_report(db, today("UTC"))["blocks"]]
        blocks += [message["blocks"] for message in overdue_reminder(db)]
        kinds = set(db.scalars(select(OutboxMessage.kind)))
    latest = {kind: urls(emails(org, kind)[-1]) for kind in ("invitation", "password_reset")}
    written = [mail for kind in kinds for mail in emails(org, kind) if URL.search(mail)]
    opened = urls(*written, *texts(blocks))
    assert {urlsplit(url).path for url in opened} >= {"/portal", "/invitation", "/reset", "/form"}

    before = everything()
    for url in (*opened, *opened):
        followed(url)
    assert everything() == before

    tokens = {kind: parse_qsl(urlsplit(url).query)[0][1] for kind, [url, *_] in latest.items()}
    accept_as_new(tokens["invitation"], "Scanned Person", "four quiet walnut trees")
    choose_password(tokens["password_reset"], "five quiet walnut trees")
    assert everything() != before


def test_nothing_that_changes_something_answers_a_get():
    """But for the exchange of the sign-in's ticket, which a browser that has just signed in is
    sent through, and which stands in no message.
    """
    answering = {route.path for route in routes if "GET" in (route.methods or ())}
    reading = {"/exports/{table}", "/live/dashboard", "/logo", "/healthz"}
    assert answering == {"/auth/ticket"} | reading
