"""Deliveries that arrive and are refused, as with a mistyped secret, are seen by the people of the
connection and not in the log alone.
"""

from dataclasses import replace

import pytest

from core.deliveries.actions import end_previous_secret, rotate_secret
from core.operations.checks import State
from core.operations.organization_checks import examine_organization
from core.platform.database import as_system
from tests import factories as make
from tests.flow import SECRET, sender, work
from tests.ui.screens import opened, words
from tests.webhooks.deliveries import payload

OTHER = "whsec_of_another_account"


def posted(running, to, *numbers):
    async def conversation():
        return [(await to.post(payload(number))).status_code for number in numbers]

    return running(conversation)


def shown(to, role="admin"):
    viewer = make.viewer(to.organization_id, role)
    return " ".join(words(opened("connections", viewer, id=str(to.connection_id))))


def check_of(to):
    [check] = [
        each
        for each in examine_organization(to.organization_id)
        if each.name.startswith("webhooks stripe")
    ]
    return check


@pytest.mark.parametrize("role", ["admin", "manager"])
def test_a_connection_with_the_wrong_secret_says_how_many_were_refused_and_why(running, role):
    to = sender(make.organization(), "stripe")
    assert set(posted(running, replace(to, secret=OTHER), *range(5))) == {401}

    said = shown(to, role)
    assert "5 deliveries refused since today" in said
    assert "The signature does not fit the signing secret that is stored here." in said
    assert "Nothing has arrived yet" not in said.partition("Deliveries")[0]
    assert (check_of(to).state, "5 refused since" in check_of(to).seen) == (State.RED, True)


def test_a_genuine_delivery_ends_it_and_the_next_refusal_begins_anew(running):
    to = sender(make.organization(), "stripe")
    wrong = replace(to, secret=OTHER)
    posted(running, wrong, 1, 2, 3)
    assert posted(running, to, 4) == [200]
    work()
    assert "refused" not in shown(to)
    posted(running, wrong, 5)
    assert "1 delivery refused since today" in shown(to)


def test_another_secret_ends_it(running):
    to = sender(make.organization(), "stripe")
    posted(running, replace(to, secret=OTHER), 1, 2)
    with as_system(to.organization_id) as db:
        rotate_secret(db, to.connection_id, OTHER)
        end_previous_secret(db, to.connection_id)
    assert "refused" not in shown(to)
    posted(running, replace(to, secret=SECRET), 3)
    assert "1 delivery refused since today" in shown(to)


def test_what_is_refused_at_one_connection_is_nothing_to_another(running):
    to = sender(make.organization(), "stripe")
    other = sender(make.organization(), "stripe")
    posted(running, replace(to, secret=OTHER), 1)
    assert "refused" not in shown(other)
