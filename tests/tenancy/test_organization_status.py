"""The status of an organisation decides who gets in and what is sent, and deletes nothing."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from core.deliveries.models import OutboxMessage
from core.deliveries.sending import send_outbox
from core.links.access_links import issue_link, open_link
from core.links.kinds import LinkPurpose
from core.messages.actions import post_test
from core.messages.email_outbox import post_email
from core.messages.email_templates import Email
from core.messages.reports import due_posts
from core.operations.organizations import organizations_overview
from core.platform.database import as_system
from core.platform.errors import NotAllowed
from core.tenancy.access.api_keys import create_api_key
from core.tenancy.access.invitations import invite, look_up
from core.tenancy.access.members import add_member
from core.tenancy.access.models import Role
from core.tenancy.access.organization_status import set_status
from core.tenancy.access.sessions import organizations_for_user, viewer_of
from core.tenancy.identity.passwords import hash_password
from core.tenancy.organizations.actions import create_organization
from core.tenancy.organizations.models import OrganizationStatus
from core.tenancy.organizations.queries import current_organization
from tests import factories as make
from tests.api.client import get
from tests.api.client import token_of as api_token_of
from tests.flow import sender
from tests.ui.screens import browser_of, opened, press, token_of, words
from tests.ui.teams import super_admin
from tests.webhooks.conftest import running as running
from tests.webhooks.deliveries import payload

SETTING_UP, ACTIVE, PAUSED, OFFBOARDED = OrganizationStatus
PASSWORD = "four quiet walnut trees"
HERE = {"address": "192.0.2.41"}


@pytest.fixture(scope="module")
def boss(database_url):
    return super_admin(make.viewer(make.organization(), Role.VIEWER))


def put(viewer, status, org=None):
    with viewer.transaction() as db:
        set_status(db, org or viewer.organization_id, status)


def status_of(org):
    with as_system(org) as db:
        return current_organization(db).status


def test_a_new_organisation_is_setting_up_and_a_demo_is_active(database_url):
    facts = {"timezone": "UTC", "currency": "USD"}
    made = [
        create_organization(name="N", slug=f"n-{uuid4().hex[:8]}", is_demo=is_demo, **facts)
        for is_demo in (False, True)
    ]
    assert [status_of(org) for org in made] == [SETTING_UP, ACTIVE]


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_admins_set_every_status_but_offboarded_and_the_log_says_who(role, database_url):
    admin = make.viewer(make.organization(), role)
    for status in (ACTIVE, PAUSED, SETTING_UP):
        put(admin, status)
        assert status_of(admin.organization_id) == status
    with pytest.raises(NotAllowed, match="only a super admin offboards"):
        put(admin, OFFBOARDED)
    with admin.transaction() as db:
        lines = db.execute(
            text(
                "select changes -> 'status', actor_user_id from app.audit_logs"
                " where table_name = 'organizations' and operation = 'update' order by at"
            )
        ).all()
    assert lines == [
        (["setting_up", "active"], admin.user_id),
        (["active", "paused"], admin.user_id),
        (["paused", "setting_up"], admin.user_id),
    ]


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_nobody_else_sets_it_and_nobody_writes_the_column(role, database_url):
    org = make.organization()
    who, admin = make.viewer(org, role), make.viewer(org, Role.OWNER)
    other = make.viewer(make.organization(), Role.OWNER)
    for stranger in (who, other):
        with pytest.raises(NotAllowed):
            put(stranger, PAUSED, org)
    with pytest.raises(Exception, match="permission denied"), admin.transaction() as db:
        db.execute(text("update app.organizations set status = 'offboarded'"))
    assert status_of(org) == SETTING_UP


def post_all(org):
    """A report's test post, a notice and an invitation, all due now; their ids by kind."""
    with as_system(org) as db:
        post_test(db, "Ana")
        email = Email("Subject", "Text", "<p>Text</p>")
        for kind in ("notice", "invitation"):
            post_email(db, kind, "ana@example.com", email, kind)
        return {row.kind: row.id for row in db.scalars(select(OutboxMessage))}


def outcomes(org, posted):
    for message in posted.values():
        send_outbox(org, message, attempt=8)
    with as_system(org) as db:
        return {row.kind: row.last_error or "" for row in db.scalars(select(OutboxMessage))}


def test_a_paused_organisation_sends_only_what_somebody_asked_for(database_url):
    org = make.organization(status=PAUSED)
    found = outcomes(org, post_all(org))
    refused = {kind for kind, error in found.items() if "is paused, so this was not sent" in error}
    assert refused == {"test", "notice"}


def test_an_offboarded_organisation_sends_nothing(database_url):
    org = make.organization(status=OFFBOARDED)
    assert all("is offboarded" in error for error in outcomes(org, post_all(org)).values())


@pytest.mark.parametrize(("status", "count"), [(PAUSED, 0), (OFFBOARDED, 0), (ACTIVE, 1)])
def test_reports_are_posted_only_where_messages_go_out(status, count, database_url):
    org = make.organization(slack_report_enabled=True, slack_report_hour=0, status=status)
    with as_system(org) as db:
        assert due_posts(db, datetime(2026, 11, 4, 12, tzinfo=UTC)) == count


@pytest.mark.parametrize(("status", "answer"), [(PAUSED, 200), (OFFBOARDED, 401)])
def test_feeds_go_on_while_paused_and_are_refused_as_inactive_once_offboarded(
    status, answer, running
):
    to = sender(make.organization(status=status), "stripe")
    assert running(lambda: to.post(payload())).status_code == answer


def test_paused_screens_work(boss):
    admin = make.viewer(make.organization(status=PAUSED))
    page = opened("settings", admin)
    assert not page.exception
    assert any("no reports, reminders or notices are sent" in line for line in words(page))


def test_once_offboarded_nobody_gets_in_but_super_admins_and_reopening_is_as_before(boss):
    org = make.organization(name="Gone Ltd")
    admin = make.viewer(org, Role.OWNER, password_hash=hash_password(PASSWORD))
    session = token_of(admin)
    bearer = api_token_of(admin)
    with admin.transaction() as db:
        key = create_api_key(db, "Program", ("read",)).key
        portal = issue_link(
            db, admin, LinkPurpose.PORTAL, "Ana", closer_id=make.closer(db, org, "Ana").id
        ).address.partition("token=")[2]
        invitation = invite(db, admin, "new@example.com", "manager").token
    put(boss, OFFBOARDED, org)

    def inside():
        return (
            viewer_of(session) is not None,
            get("/api/events", bearer).status_code,
            get("/api/events", key).status_code,
            [place.id for place in organizations_for_user(admin.user_id)],
            look_up(invitation) is not None,
        )

    assert inside() == (False, 401, 401, [], False)
    with pytest.raises(NotAllowed):
        open_link(portal, LinkPurpose.PORTAL, **HERE)
    with pytest.raises(NotAllowed), admin.transaction():
        pass
    page = opened("home", None)
    page.text_input[0].set_value(admin.email)
    page.text_input[1].set_value(PASSWORD)
    with browser_of(None):
        page = page.button[0].click().run()
    assert any("The account of Gone Ltd was closed" in line for line in words(page))

    assert org in {place.id for place in organizations_for_user(boss.user_id)}
    put(boss, ACTIVE, org)
    assert inside() == (True, 200, 200, [org], True)
    assert open_link(portal, LinkPurpose.PORTAL, **HERE).person == "Ana"


def test_a_tab_of_an_offboarded_organisation_says_so_to_who_has_others(boss):
    org, other = make.organization(name="Gone Ltd"), make.organization()
    admin = make.viewer(org)
    with as_system(other) as db:
        add_member(db, admin.user_id, Role.VIEWER, name=admin.name, email=admin.email)
    session = token_of(admin)
    put(boss, OFFBOARDED, org)
    with pytest.raises(NotAllowed, match="The account of Gone Ltd was closed"):
        viewer_of(session, org)
    assert viewer_of(session).organization_id == other


def test_super_admins_see_and_change_it_in_their_list(boss):
    org = make.organization(name="Quiet Ltd")
    page = opened("organizations", boss, id=str(org))
    radio = next(each for each in page.radio if each.label == "Status")
    assert radio.options == [each.label for each in OrganizationStatus]
    radio.set_value(OFFBOARDED)
    page = press(page, boss, "Save status")
    assert not page.exception
    with boss.transaction() as db:
        assert {row.id: row.status for row in organizations_overview(db)}[org] == "offboarded"


def test_an_admin_goes_live_by_hand(database_url):
    admin = make.viewer(make.organization())
    page = press(opened("go-live", admin), admin, "Go live")
    assert not page.exception
    assert status_of(admin.organization_id) == ACTIVE
    assert "Go live" not in {each.label for each in page.button}
