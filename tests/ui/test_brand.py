"""Whose product it is: a mark for the product, name and logo for the organisation, and one entry
for all that is set up once.
"""

import httpx
import pytest
from sqlalchemy import select

from app import app
from core.platform.database import as_system
from core.platform.errors import InvalidInput, NotAllowed
from core.tenancy.access.authorization import may_open
from core.tenancy.access.models import Role
from core.tenancy.organizations.logo import MOST_BYTES, set_logo
from core.tenancy.organizations.models import Organization
from core.ui.brand import forget_logo, initials
from core.ui.navigation import SCREENS, SETTINGS
from core.ui.server.middleware import COOKIE
from tests import factories as make
from tests.ui.screens import opened, sent, token_of, words

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


@pytest.fixture
def admin():
    return make.viewer(make.organization(name="Acme & Sons"), "admin", name="Ada Admin")


async def asked(path, viewer):
    cookies = {COOKIE: token_of(viewer)} if viewer else {}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://ours", cookies=cookies
    ) as browser:
        return await browser.get(path)


@pytest.mark.anyio
async def test_an_organisations_own_people_see_its_logo_and_nobody_else(admin):
    with admin.transaction() as db:
        set_logo(db, PNG)
    path = f"/logo?organization={admin.organization_id}"
    stranger = make.viewer(make.organization(), "admin")

    seen = await asked(path, make.viewer(admin.organization_id, Role.VIEWER))
    assert (seen.status_code, seen.headers["content-type"], seen.content) == (200, "image/png", PNG)
    assert seen.headers["x-content-type-options"] == "nosniff"
    assert [(await asked(path, each)).status_code for each in (stranger, None)] == [403, 401]


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (b"<svg onload='alert(1)'/>", "PNG, JPEG or WebP"),
        (b"RIFF\0\0\0\0AVI ", "PNG, JPEG or WebP"),
        (b"", "PNG, JPEG or WebP"),
        (PNG + b"\0" * MOST_BYTES, "too large"),
    ],
)
def test_a_logo_is_a_small_picture(admin, picture, why):
    with pytest.raises(InvalidInput, match=why), admin.transaction() as db:
        set_logo(db, picture)


def test_only_admins_change_the_logo_and_it_can_be_removed(admin):
    manager = make.viewer(admin.organization_id, "manager")
    with pytest.raises(NotAllowed), manager.transaction() as db:
        set_logo(db, PNG)
    for picture in (PNG, None):
        with admin.transaction() as db:
            set_logo(db, picture)
        with as_system(admin.organization_id) as db:
            assert db.scalars(select(Organization.logo)).one() == picture


def test_the_sidebar_shows_the_organisations_initials_until_it_has_a_logo(admin):
    assert ">AS</span>" in sent(opened("account", admin))
    with admin.transaction() as db:
        set_logo(db, PNG)
    forget_logo(admin)

    assert f'src="/logo?organization={admin.organization_id}' in sent(opened("account", admin))


@pytest.mark.parametrize(
    ("name", "short"),
    [("Ana Lopez", "AL"), ("Ana", "A"), ("Ana María de la Cruz", "AC"), ("–", "")],
)
def test_initials_are_those_of_the_first_and_the_last_name(name, short):
    assert initials(name) == short


def test_all_that_is_set_up_once_stands_behind_one_entry(admin):
    page = opened(SETTINGS, admin)
    listed = [each for each in SCREENS if each.about]

    assert not page.exception
    assert {each.about for each in listed} <= set(words(page))
    assert all(may_open(admin, each.access) is None for each in listed)
    assert "1 member" in words(page)


def test_a_manager_finds_there_what_managers_may_open(admin):
    page = opened(SETTINGS, make.viewer(admin.organization_id, "manager"))

    assert not page.exception
    assert [each.label for each in page.main.get("page_link")] == ["Connections", "Exports"]


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/", "/dashboard"])
async def test_a_page_begins_under_the_products_name_and_knows_where_its_server_is(path):
    begun = (await asked(path, None)).text

    assert "<title>SalesOps</title>" in begun
    assert 'BACKEND_BASE_URL: location.origin + "/"' in begun
