"""A provider is one folder: a new one is received, shown and processed without any other change,
also one that sends forms, names only what happened to which booking, and gives up after a 429.
"""

from __future__ import annotations

import textwrap
from dataclasses import replace

import pytest
from sqlalchemy import text

import core.providers
from core.bookings.roster import create_closer
from core.deliveries.actions import set_active
from core.operations.person_erasure import erase_person
from core.platform.database import as_system
from core.platform.errors import InvalidInput
from core.platform.settings import settings
from core.providers import registry
from core.providers.connections import create_connection
from core.providers.integrations import enter_key
from core.providers.payloads import example, payload
from core.tenancy.organizations.queries import current_organization
from tests import factories as make
from tests.fakes.providers import ACCOUNTS, FakeProviders
from tests.fakes.systems import Account
from tests.flow import sender, work
from tests.traces import traces
from tests.ui.screens import opened, sent

DECLARATION = """
    import hashlib
    import hmac
    import json
    from datetime import datetime
    from urllib.parse import parse_qsl, urlencode

    from core.bookings.booking import Booking

    from core.bookings.intake import record_booking
    from core.bookings.roster import Host
    from core.people.actions import Person
    from core.people.person_fields import PersonFields
    from core.providers.account import looks_at
    from core.providers.credentials import bearer
    from core.providers.provider import (
        PROCESSED,
        Address,
        Credentials,
        Inbound,
        Provider,
        Sample,
        Use,
        one_by_one,
    )
    from core.providers.signatures import BadSignature


    def sign(body, secret, at):
        return {
            "x-lantern": hmac.digest(secret.encode(), body, "sha256").hex(),
            "Content-Type": "application/x-www-form-urlencoded",
        }


    def as_json(body):
        return json.dumps(dict(parse_qsl(body.decode(), strict_parsing=True))).encode()


    def write(payload, secret):
        return urlencode(payload).encode()


    def fetch(client, payload):
        return client.get(f"/bookings/{payload['number']}")


    def verify(headers, body, secret, now):
        if headers.get("x-lantern") != sign(body, secret, now)["x-lantern"]:
            raise BadSignature("no matching signature")


    @one_by_one
    def handle(db, delivered):
        payload = delivered.payload
        booking = Booking(
            Person(payload["who"], payload["email"]),
            datetime.fromisoformat(payload["at"]),
            datetime.fromisoformat(payload["made_at"]),
            platform="lantern",
            external_id=payload["number"],
            hosts=[Host(**host) for host in payload.get("guides", ())],
            call_type=payload.get("kind"),
            call_type_uri=payload.get("kind_id"),
        )
        record_booking(db, booking)
        return PROCESSED


    PROVIDER = Provider(
        name="lantern",
        label="Lantern",
        use=Use.BOOKINGS,
        address="https://api.lantern.example",
        inbound=Inbound(
            verify=verify,
            sign=sign,
            delivery_key=lambda headers, body: hashlib.sha256(body).hexdigest(),
            event_type=lambda payload: payload["what"],
            handle=handle,
            signing_hint="lan_…",
            headers=("x-lantern-id",),
            person_fields=PersonFields(names=frozenset({"who"})),
            samples=(Sample("booked"),),
            as_json=as_json,
            write=write,
            fetch=fetch,
            limited_status=503,
            address=Address.SLUG,
        ),
        credentials=Credentials(
            key_name="Lamp key",
            where="Lantern: Settings",
            check=looks_at("/me", "name"),
            headers=bearer,
        ),
    )
"""
BOOKED = """{"what": "booked", "number": "{key}", "email": "{email}"}"""
EVENTS = "select booking_platform, external_id, lead_name, lead_email, scheduled_at from app.events"
DELIVERIES = (
    "select event_type, status, last_error from app.webhook_deliveries order by received_at"
)


def forget_providers():
    for each in vars(registry).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()


@pytest.fixture
def lantern(tmp_path, monkeypatch):
    """A second folder of providers, with one that the product does not have."""
    folder = tmp_path / "lantern"
    (folder / "payloads").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "provider.py").write_text(textwrap.dedent(DECLARATION))
    (folder / "payloads" / "booked.json").write_text(BOOKED)
    monkeypatch.setattr(core.providers, "__path__", [*core.providers.__path__, str(tmp_path)])
    forget_providers()
    yield
    monkeypatch.undo()
    forget_providers()


@pytest.fixture
def lamps(lantern, monkeypatch):
    """The provider itself, which answers for the bookings that it knows."""
    monkeypatch.setitem(ACCOUNTS, "lantern", Account("lan_key", {}, {}))
    with FakeProviders({"lantern": "lan_key"}).running() as fake:
        monkeypatch.setenv("LANTERN_BASE_URL", f"{fake.url}/lantern")
        settings.cache_clear()
        fake.pages["/lantern/me"] = {"name": "Lantern Ltd"}
        yield fake
    monkeypatch.undo()
    settings.cache_clear()


def booking(values):
    return {
        "number": values["key"],
        "who": values["name"],
        "email": values["email"],
        "at": values["start"].isoformat(),
        "made_at": values["booked_at"].isoformat(),
    }


def rows(org, query):
    with as_system(org) as db:
        return db.execute(text(query)).all()


def organization_with_a_key():
    org = make.organization()
    with as_system(org) as db:
        enter_key(db, "lantern", "lan_key", {})
    return org


@pytest.fixture
def two_platforms(lamps, running):
    """An organisation whose leads book at Calendly and by Lantern: a function by which one of them
    does, and which returns the closer.
    """
    org = organization_with_a_key()
    posts = {name: sender(org, name) for name in ("calendly", "lantern")}
    with as_system(org) as db:
        closer = create_closer(db, "Closer One", "closer.one@example.com").id

    def book(platform, key, host, **more):
        values = example(key=key, meeting=f"meeting-{key}")
        if platform == "lantern":
            lamps.pages[f"/lantern/bookings/{key}"] = booking(values) | {"guides": [host]} | more
            sent = payload("lantern", "booked", values)
        else:
            sent = payload("calendly", "invitee.created", values)
            member = {f"user_{name}": host[name] for name in ("email", "name")}
            meeting = sent["payload"]["scheduled_event"]
            meeting["event_memberships"] = [{"user": host["uri"]} | member]
            meeting |= more
        assert running(lambda: posts[platform].post(sent)).status_code == 200
        work()
        found = rows(org, f"select closer_id from app.events where external_id = '{key}'")
        return {closer: "Closer One", None: None}[found[0].closer_id]

    book.org = org
    return book


USER = "https://api.calendly.com/users/ONE"


def host(uri=None, email=None, name="Closer One"):
    return {"uri": uri, "email": email, "name": name}


def test_a_closer_whom_two_platforms_know_stays_known_to_both(two_platforms):
    book, address = two_platforms, "closer.one@example.com"
    assert book("calendly", "C-1", host(USER, address)) == "Closer One"
    assert book("lantern", "L-1", host("27238", address)) == "Closer One"
    assert book("calendly", "C-2", host(USER, name="C. One")) == "Closer One"
    assert book("lantern", "L-2", host("27238", name="C. One")) == "Closer One"
    users = "select calendly_user_uri, known_as from app.closers"
    assert rows(book.org, users) == [(USER, {"calendly": USER, "lantern": "27238"})]


def test_a_closer_is_found_by_name_on_a_platform_that_knows_them_as_nobody_yet(two_platforms):
    book = two_platforms
    assert book("calendly", "C-1", host(USER, "closer.one@example.com")) == "Closer One"
    assert book("lantern", "L-1", host("27238")) == "Closer One"
    assert book("lantern", "L-2", host("27238", name="C. One")) is None  # a name is no proof
    assert book("lantern", "L-3", host("31415")) is None  # another user of that name


def test_an_id_that_two_platforms_use_is_of_two_users(two_platforms):
    book = two_platforms
    assert book("calendly", "C-1", host("27238", "closer.one@example.com")) == "Closer One"
    assert book("lantern", "L-1", host("27238", name="Somebody Else")) is None


def test_a_name_whose_address_differs_on_another_platform_is_no_proof(two_platforms):
    book = two_platforms
    assert book("calendly", "C-1", host(USER, "closer.one@example.com")) == "Closer One"
    assert book("lantern", "L-1", host("27238", "someone@example.org")) is None


def test_a_call_type_is_known_by_one_id_on_each_platform(two_platforms):
    book, nobody = two_platforms, host(name="Nobody")
    book("lantern", "L-1", nobody, kind="Discovery call", kind_id="9")
    book("calendly", "C-1", nobody, name="Discovery call", event_type="types/9")
    book("lantern", "L-2", nobody, kind="First call", kind_id="9")
    book("calendly", "C-2", nobody, name="Renamed call", event_type="types/9")
    kinds = "select name, calendly_event_type_uri from app.call_types"
    assert rows(book.org, kinds) == [("Discovery call", "types/9")]


def test_a_delivery_of_a_new_provider_comes_in_and_becomes_an_event(lamps, running):
    org = organization_with_a_key()
    to, values = sender(org, "lantern"), example(key="L-1")
    lamps.pages["/lantern/bookings/L-1"] = booking(values)

    async def conversation():
        sent = payload("lantern", "booked", values)
        return [
            (await to.post(sent)).status_code,
            (await to.post(sent)).status_code,
            (await to.post(sent, headers={"x-lantern": "forged"})).status_code,
        ]

    with as_system(org) as db:
        assert to.path == f"/webhooks/lantern/{current_organization(db).slug}"
    assert running(conversation) == [200, 200, 401]
    work()
    assert rows(org, DELIVERIES) == [("booked", "processed", None)]
    found = ("lantern", "L-1", values["name"], values["email"], values["start"])
    assert rows(org, EVENTS) == [found]


def test_one_whose_provider_cannot_be_asked_waits_and_one_that_is_no_form_is_set_aside(
    lamps, running
):
    org, nonsense = make.organization(), b"no form at all"
    to = sender(org, "lantern")
    running(lambda: to.post(payload("lantern", "booked", example(key="L-1"))))
    headers = registry.inbound("lantern").sign(nonsense, to.secret, None)
    running(lambda: to.post({}, content=nonsense, headers=headers))
    work()
    waits, dead = rows(org, DELIVERIES)
    assert (waits.status, dead.status) == ("pending", "dead")
    assert "No key of Lantern is stored to ask it with." in waits.last_error


def test_who_was_erased_is_not_brought_back_by_what_is_asked_for_later(lamps, running):
    org = organization_with_a_key()
    admin, to, values = make.viewer(org, "admin"), sender(org, "lantern"), example(key="L-1")
    lamps.pages["/lantern/bookings/L-1"] = booking(values)
    running(lambda: to.post(payload("lantern", "booked", values)))
    with admin.transaction() as db:
        erase_person(db, values["email"], typed=values["email"])
    assert traces(org, [values["email"]]) == set()
    work()
    running(lambda: to.post(payload("lantern", "booked", values) | {"what": "changed"}))
    work()
    assert {row.status for row in rows(org, DELIVERIES)} == {"processed"}
    assert len(rows(org, EVENTS)) == 1
    assert traces(org, [values["email"], values["name"]]) == set()


def test_its_slug_leads_to_the_oldest_connection_that_is_active(lantern, running):
    org = make.organization()
    first, second = sender(org, "lantern"), sender(org, "lantern")
    letters = [payload("lantern", "booked", example(key=f"L-{n}")) for n in range(3)]

    def switched_off(to):
        with as_system(org) as db:
            set_active(db, to.connection_id, False)

    answers = [running(lambda: first.post(letters[0])).status_code]
    switched_off(first)
    answers.append(running(lambda: first.post(letters[1])).status_code)
    switched_off(second)
    answers.append(running(lambda: first.post(letters[2])).status_code)
    elsewhere = f"/webhooks/lantern/{first.connection_id}"
    answers.append(running(lambda: replace(first, path=elsewhere).post(letters[2])).status_code)
    assert answers == [200, 200, 401, 401]
    assert rows(org, "select connection_id from app.webhook_deliveries order by received_at") == [
        (first.connection_id,),
        (second.connection_id,),
    ]


def test_above_its_limit_it_gets_the_answer_after_which_it_tries_again(lamps, running):
    to = sender(make.organization(), "lantern", rate_limit=1)

    async def conversation():
        sent = payload("lantern", "booked", example(key="L-1"))
        return [(await to.post(sent | {"number": str(turn)})).status_code for turn in range(3)]

    assert running(conversation)[-1] == 503


def test_its_settings_limits_and_screens_are_there_without_being_listed(lantern, monkeypatch):
    monkeypatch.setenv("LANTERN_BASE_URL", "http://lantern.example.com")
    org = make.organization()
    admin = make.viewer(org, "admin")

    assert registry.base_urls()["LANTERN_BASE_URL"] == "http://lantern.example.com"
    with as_system(org) as db:
        assert create_connection(db, "lantern", "Main", "secret").rate_limit_per_minute is None
    for screen in ("connections", "integrations"):
        page = opened(screen, admin)
        assert not page.exception
        assert "Lantern" in sent(page)


def test_it_is_gone_with_its_folder(lantern, monkeypatch):
    org = make.organization()
    monkeypatch.undo()
    forget_providers()
    with as_system(org) as db, pytest.raises(InvalidInput, match="use one of"):
        create_connection(db, "lantern", "Main", "secret")
