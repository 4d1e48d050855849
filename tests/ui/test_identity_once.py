"""The viewer and the organisation are looked up in the database once per run; each transaction then
sets the identity once.
"""

import pytest
from sqlalchemy import event

from core.platform.database import APP_ROLE, as_guest, as_system, engine, organization_id_of
from core.tenancy.access.members import add_member
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.sessions import viewer_of
from core.tenancy.access.view_as import start_view_as
from core.tenancy.organizations.queries import current_organization
from core.ui.page import current_viewer, viewer_of_run
from tests import factories as make
from tests.statements import statements
from tests.ui.screens import browser_with, holding, token_of

# The statements of a warm run of the shell with the page inside, at most. A booking's page reads
# the organisation too, to write a phone number as people there do.
MOST = {"my-day": 9, "event": 11, "payout": 17}
READ_BY_PAGE = {"event": 1}
IDENTITY = (
    "select * from app.resolve_session",
    "select app.enter",
    "SELECT app.organizations",
    "select * from app.organizations_of",
)


@pytest.fixture
def transactions():
    """The number of transactions begun by the people's role."""
    begun = []
    note = lambda _connection: begun.append(1)  # noqa: E731
    event.listen(engine(APP_ROLE), "begin", note)
    yield begun
    event.remove(engine(APP_ROLE), "begin", note)


@pytest.mark.parametrize("screen", MOST)
def test_a_screen_asks_once_who_is_looking(ours, screen, transactions):
    token = token_of(ours.admin)
    with holding(token) as look:
        page = look(screen, **ours.row(screen))
        transactions.clear()
        with statements() as asked:
            page.run()

    assert not page.exception
    identity = [each for each in asked if each.startswith(IDENTITY)]
    assert (len(identity), len(transactions)) == (2 + READ_BY_PAGE.get(screen, 0), 2)
    assert len(asked) <= MOST[screen]


def test_what_a_run_found_does_not_outlive_it(ours):
    with browser_with(token_of(ours.admin)):
        with viewer_of_run() as viewer, statements() as asked:
            assert current_viewer() is viewer
        assert asked == []
    with browser_with(token_of(ours.rep)):
        assert current_viewer().user_id == ours.rep.user_id
    with browser_with(None), viewer_of_run() as nobody, browser_with(token_of(ours.rep)):
        assert (nobody, current_viewer()) == (None, None)


def test_who_looks_as_somebody_is_offered_none_of_their_organisations(ours):
    rep, elsewhere = ours.rep, make.organization(name="Elsewhere")
    with as_system(elsewhere) as db:
        add_member(db, rep.user_id, Role.VIEWER, name=rep.name, email=rep.email)
    token = token_of(ours.admin)
    assert [place.name for place in viewer_of(token_of(rep)).places] == [
        rep.organization_name,
        "Elsewhere",
    ]
    member = OrganizationMember(organization_id=rep.organization_id, user_id=rep.user_id)
    start_view_as(token, ours.admin, member)
    assert (viewer_of(token).user_id, viewer_of(token).places) == (rep.user_id, ())


def test_a_transaction_reads_its_organisation_once(ours):
    with ours.admin.transaction() as db, statements() as asked:
        assert current_organization(db) is current_organization(db)
        assert organization_id_of(db) == ours.admin.organization_id == current_organization(db).id
    assert len(asked) == 1
    with as_guest() as db, pytest.raises(KeyError):
        organization_id_of(db)
