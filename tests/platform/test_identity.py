"""A transaction sees its own organisation, under its own role, and nothing else."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from core.platform.database import as_guest, as_member, as_system
from core.platform.errors import NotAllowed
from core.platform.queue import enqueue
from tests import factories as make


def test_a_system_transaction_sees_its_organisation_only():
    ours, _theirs = make.organization(), make.organization()
    with as_system(ours) as db:
        assert db.execute(text("select id from app.organizations")).scalars().all() == [ours]


def test_nobody_sees_nothing():
    make.organization()
    with as_guest() as db:
        assert db.execute(text("select count(*) from app.organizations")).scalar() == 0


def test_a_stranger_cannot_enter():
    with pytest.raises(NotAllowed), as_member(uuid4(), make.organization()):
        pass


def test_a_rep_sees_only_the_calls_they_take_or_booked():
    org = make.organization()
    rep = make.viewer(org, "sales_rep")
    with as_system(org) as db:
        mine = make.event(db, org, make.closer(db, org, "Ana", user_id=rep.user_id))
        booked = make.event(
            db,
            org,
            make.closer(db, org, "Bo"),
            set_by=make.setter(db, org, "Sam", user_id=rep.user_id),
        )
        make.event(db, org, make.closer(db, org, "Cy"))
    with rep.transaction() as db:
        assert set(db.execute(text("select id from app.events")).scalars()) == {mine.id, booked.id}


def test_waiting_work_is_not_added_twice_and_people_may_only_add_it():
    org = make.organization()
    person = make.viewer(org, "sales_rep")
    with person.transaction() as db:
        assert enqueue(db, "sweep_deliveries", {}, once=f"a sweep of {org}")
        assert not enqueue(db, "sweep_deliveries", {}, once=f"a sweep of {org}")
    with pytest.raises(Exception, match="permission denied"), person.transaction() as db:
        db.execute(text("select * from jobs.procrastinate_jobs"))
