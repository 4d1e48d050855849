"""What is cached between runs is cached for one person in one organisation: a screen is the same
whoever opened it before.

Every screen is drawn for each of several people without a cache, then again for all of them one
after the other in one process. A word or a figure of somebody else's would make the two differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

import pytest
import streamlit as st
from sqlalchemy import update

from core.metrics.dashboard import data_stamp
from core.metrics.filters import Filters
from core.platform.clock import Period
from core.platform.database import as_system
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.sessions import choose_organization
from core.tenancy.access.viewers import Viewer
from core.ui.cache import dashboard_of
from core.ui.navigation import SCREENS
from tests import factories as make
from tests.by_day import some
from tests.ui.grids import grids
from tests.ui.screens import holding, token_of, words
from tests.ui.teams import Team, team

CLOCK = re.compile(r"\b\d\d:\d\d\b")
FIGURES = (
    "metric",
    "plotly_chart",
    "html",
    "selectbox",
    "multiselect",
    "button",
    "code",
    "text_input",
)


@dataclass(frozen=True)
class Looker:
    """Somebody who looks at their team's screens. ``token`` belongs to their one browser, in which
    they switch organisations.
    """

    who: str
    crew: Team
    viewer: Viewer
    token: str


@pytest.fixture(scope="module")
def lookers(database_url) -> list[Looker]:
    """People of two teams of the same shape with different names and sums, and one person who
    belongs to both.
    """
    first, second = team("Rowan", amount="4997.00"), team("Sorbus", amount="8123.00")
    roles = (Role.OWNER, Role.SALES_REP, Role.VIEWER)
    found = [
        (f"{crew.mark} {role}", crew, crew.people[role])
        for role in roles
        for crew in (first, second)
    ]
    found += [
        (f"both, in {crew.mark}", crew, viewer)
        for crew, viewer in ((first, first.admin), (second, also_in(second, first.admin)))
    ]
    found += [
        ("manager", first, first.people[Role.MANAGER]),
        ("platform", first, first.people[Role.SUPER_ADMIN]),
    ]
    browsers = {viewer.user_id: token_of(viewer) for _, _, viewer in found}
    return [Looker(who, crew, viewer, browsers[viewer.user_id]) for who, crew, viewer in found]


def also_in(crew: Team, admin: Viewer) -> Viewer:
    """The admin of another team as an admin of this one."""
    home = crew.admin
    with as_system(home.organization_id) as db:
        db.add(
            OrganizationMember(
                organization_id=home.organization_id,
                user_id=admin.user_id,
                role=Role.ADMIN,
                name=admin.name,
                email=admin.email,
            )
        )
    return replace(
        admin, organization_id=home.organization_id, organization_name=home.organization_name
    )


def drawn(looker: Looker, screen: str) -> list[str]:
    """Everything that the screen shows them, piece by piece, without the time of day."""
    choose_organization(looker.token, looker.viewer.organization_id)
    with holding(looker.token) as opened:
        page = opened(screen, **looker.crew.row(screen))
    assert not page.exception
    shown = [f"{kind}: {node.proto}" for kind in FIGURES for node in page.get(kind)]
    shown += words(page) + [str(table.data) for table in grids(page)]
    return [CLOCK.sub("hh:mm", piece) for piece in shown]


@pytest.mark.parametrize("screen", some(screen.key for screen in SCREENS))
def test_a_screen_is_the_same_whoever_looked_before(lookers, screen):
    """Owners of two teams, a rep of the second one, and somebody who belongs to both."""
    looks_alike_for(screen, [lookers[0], lookers[1], lookers[3], lookers[6], lookers[7]])


@pytest.mark.nightly
@pytest.mark.parametrize("screen", some(screen.key for screen in SCREENS))
def test_a_screen_is_the_same_for_everybody_whoever_looked_before(lookers, screen):
    looks_alike_for(screen, lookers)


def looks_alike_for(screen, lookers):
    alone = {}
    for looker in lookers:
        st.cache_data.clear()
        st.cache_resource.clear()
        alone[looker.who] = drawn(looker, screen)

    st.cache_data.clear()
    st.cache_resource.clear()
    for looker in [*lookers, lookers[0]]:
        assert drawn(looker, screen) == alone[looker.who], looker.who


def test_whoever_is_given_another_role_sees_no_figure_of_the_old_one():
    org, period = make.organization(), Period(date(2026, 3, 1), date(2026, 4, 1), "UTC")
    rep = make.viewer(org, Role.SALES_REP)
    with as_system(org) as db:
        make.event(db, org, at=period.starts_at)
        make.event(db, org, make.closer(db, org, user_id=rep.user_id), at=period.starts_at)

    def booked(viewer: Viewer) -> int:
        with viewer.transaction() as db:
            stamp = data_stamp(db, Filters())
            seen = dashboard_of(db, viewer, stamp, period, None, Filters(), period.ends_at)
        return seen.now.count("booked_calls")

    assert booked(rep) == 1
    with as_system(org) as db:
        db.execute(
            update(OrganizationMember)
            .where(OrganizationMember.user_id == rep.user_id)
            .values(role=Role.MANAGER)
        )
    assert booked(replace(rep, role=Role.MANAGER)) == 2
