"""Saved views of lists, and how each person likes to see a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.platform.advisory_locks import advisory_lock
from core.platform.database import organization_id_of
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.platform.names import check_name
from core.tenancy.access.models import ListChoice, ListView, OrganizationMember
from core.tenancy.access.viewers import Viewer

MOST_VIEWS = 50  # of one person and list
MOST_PARAMETERS, LONGEST_PARAMETER = 60, 500
Address = Mapping[str, Sequence[str]]  # the values of each parameter
GONE = "This saved view is not there any more, or it is not shared with you."


@dataclass(frozen=True)
class SavedView:
    """A view as its reader sees it. ``maker`` is the name of whoever saved it, None for the reader
    themselves; ``may_change`` says whether they may rename, replace and delete it.
    """

    id: UUID
    name: str
    address: Address
    shared: bool
    maker: str | None
    may_change: bool


def saved_views(db: Session, list_key: str, viewer: Viewer) -> list[SavedView]:
    """The views of the list that the viewer may open: their own and the shared ones, by name."""
    query = (
        select(ListView, OrganizationMember.name)
        .outerjoin(
            OrganizationMember,
            (OrganizationMember.organization_id == ListView.organization_id)
            & (OrganizationMember.user_id == ListView.user_id),
        )
        .where(ListView.list_key == list_key)
        .order_by(ListView.name, ListView.id)
    )
    return [
        SavedView(
            view.id,
            view.name,
            view.address,
            view.shared,
            None if view.user_id == viewer.user_id else maker or "A former member",
            view.user_id == viewer.user_id or (view.shared and viewer.is_admin),
        )
        for view, maker in db.execute(query).all()
    ]


def save_view(
    db: Session, list_key: str, name: str, address: Address, viewer: Viewer, *, shared: bool
) -> UUID:
    """Save what the address shows under a name; returns the view's id.

    Raises:
        InvalidInput: the name is empty or too long, or the address is, or the viewer has as many
            views of the list as anybody may.
        Conflict: the viewer has a view of this name already.
    """
    _check_number(db, list_key, viewer)
    view = ListView(
        organization_id=organization_id_of(db),
        user_id=viewer.user_id,
        list_key=list_key,
        name=check_name(name, "Give the view a name."),
        address=_checked(address),
        shared=shared,
    )
    db.add(view)
    _flush(db, view.name)
    return view.id


def rename_view(db: Session, view_id: UUID, name: str) -> None:
    """Raises InvalidInput and Conflict like ``save_view``, NotFound and NotAllowed like
    ``replace_view``.
    """
    view = _changeable(db, view_id)
    view.name = check_name(name, "Give the view a name.")
    _flush(db, view.name)


def replace_view(db: Session, view_id: UUID, address: Address) -> None:
    """Make the view show what the address shows.

    Raises:
        NotFound: there is no such view for the caller.
        NotAllowed: it is somebody else's, and the caller is no admin.
    """
    _changeable(db, view_id).address = _checked(address)
    db.flush()


def share_view(db: Session, view_id: UUID, viewer: Viewer, *, shared: bool) -> None:
    """Share a view with everybody in the organisation, or no longer, which only its maker does: to
    everybody else it would be gone. Raises NotFound and NotAllowed.
    """
    view = _changeable(db, view_id)
    if view.user_id != viewer.user_id:
        raise NotAllowed("Only the person who saved a view decides whether it is shared.")
    view.shared = shared
    db.flush()


def delete_view(db: Session, view_id: UUID) -> None:
    """Delete a view; whoever's list opens with it sees the whole list from now on. Raises NotFound
    and NotAllowed like ``replace_view``.
    """
    _changeable(db, view_id)
    db.execute(delete(ListView).where(ListView.id == view_id))


def list_choice(db: Session, list_key: str, viewer: Viewer) -> ListChoice | None:
    """How the viewer likes to see the list; None where they never chose anything."""
    query = select(ListChoice).where(
        ListChoice.list_key == list_key, ListChoice.user_id == viewer.user_id
    )
    return db.scalars(query).first()


def choose_columns(db: Session, list_key: str, columns: Sequence[str], viewer: Viewer) -> None:
    """Show these columns of the list to the viewer from now on; none for those of the beginning."""
    _choose(db, list_key, viewer, columns=list(columns))


def choose_default(db: Session, list_key: str, view_id: UUID | None, viewer: Viewer) -> None:
    """Open the list with this view for the viewer from now on; None for the whole list."""
    _choose(db, list_key, viewer, default_view_id=view_id)


def _choose(db: Session, list_key: str, viewer: Viewer, **values: object) -> None:
    chosen = insert(ListChoice).values(
        organization_id=organization_id_of(db), user_id=viewer.user_id, list_key=list_key, **values
    )
    db.execute(
        chosen.on_conflict_do_update(
            index_elements=["organization_id", "user_id", "list_key"], set_=values
        )
    )


def _changeable(db: Session, view_id: UUID) -> ListView:
    """The view, locked. Row-level security gives a row for update only to whoever may change it."""
    query = select(ListView).where(ListView.id == view_id)
    if db.scalars(query).first() is None:
        raise NotFound(GONE)
    view = db.scalars(query.with_for_update()).first()
    if view is None:
        raise NotAllowed("Only the person who saved this view, or an admin, changes it.")
    return view


def _checked(address: Address) -> dict[str, list[str]]:
    values = [value for each in address.values() for value in each]
    longest = max(map(len, (*address, *values)), default=0)
    if len(values) > MOST_PARAMETERS or longest > LONGEST_PARAMETER:
        raise InvalidInput("There are too many filters to save; remove some of them first.")
    return {name: list(each) for name, each in address.items()}


def _check_number(db: Session, list_key: str, viewer: Viewer) -> None:
    """Raises InvalidInput. Who saves two at once waits, so that both are counted."""
    advisory_lock(db, f"views of {list_key} {viewer.user_id}")
    theirs = select(func.count()).where(
        ListView.list_key == list_key, ListView.user_id == viewer.user_id
    )
    if db.scalars(theirs).one() >= MOST_VIEWS:
        raise InvalidInput(
            f"You have {MOST_VIEWS} saved views of this list already; delete one first."
        )


def _flush(db: Session, name: str) -> None:
    try:
        db.flush()
    except IntegrityError as error:
        raise Conflict(f"You have a view named “{name}” already.") from error
