"""The newest known state of each provider object, whatever the order in which deliveries arrive,
and however many of them are worked on together.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import text
from sqlalchemy.orm import Session

# By name what to take over: None for all of it, else the same for what is inside.
Kept = Mapping[str, Any]
Name = tuple[str, str]  # an object's kind and its id


def only(data: Any, kept: Kept) -> Any:
    """Only those parts of ``data`` from which our rows are computed, so that no more is stored
    about a person than the rows show.

    In a list it applies to each element. A reference may be an id or the whole object; an id is
    taken over as it is.
    """
    if isinstance(data, list):
        return [only(each, kept) for each in data]
    if not isinstance(data, dict):
        return data
    return {
        name: value if kept[name] is None else only(value, kept[name])
        for name, value in data.items()
        if name in kept
    }


@dataclass(frozen=True)
class State:
    """One state of one object. ``version`` orders the states of one object as text. ``data`` is
    how the provider describes it, see ``only``. ``arrived_at`` is when it was reported to us, and
    ``group_key`` names what the object belongs to.
    """

    kind: str
    external_id: str
    version: str
    data: Mapping[str, Any]
    arrived_at: datetime
    group_key: str | None = None


class Stored(Protocol):
    """A known object, see ``ProviderObject``."""

    @property
    def kind(self) -> str: ...
    @property
    def external_id(self) -> str: ...
    @property
    def group_key(self) -> str | None: ...
    @property
    def version(self) -> str: ...
    @property
    def data(self) -> dict[str, Any]: ...
    @property
    def arrived_at(self) -> datetime: ...


# Of two states with one version the one whose text sorts last stays, so that the outcome does not
# depend on which came first.
REMEMBER = text("""
    insert into app.provider_objects as known
      (organization_id, provider, kind, external_id, version, data, arrived_at, group_key)
    select app.cur_org(), :provider, n.kind, n.external_id,
           (array_agg(n.version order by n.version collate "C" desc, n.data::text desc))[1],
           (array_agg(n.data order by n.version collate "C" desc, n.data::text desc))[1],
           min(n.arrived_at),
           (array_agg(n.group_key order by n.place desc) filter (where n.group_key is not null))[1]
      from unnest(cast(:kinds as text[]), cast(:ids as text[]), cast(:versions as text[]),
             cast(:data as jsonb[]), cast(:arrivals as timestamptz[]), cast(:groups as text[]))
             with ordinality n (kind, external_id, version, data, arrived_at, group_key, place)
     group by n.kind, n.external_id order by n.kind, n.external_id
    on conflict (organization_id, provider, kind, external_id) do update set
      version = case when (excluded.version collate "C", excluded.data::text)
                        > (known.version collate "C", known.data::text)
                  then excluded.version else known.version end,
      data = case when (excluded.version collate "C", excluded.data::text)
                     > (known.version collate "C", known.data::text)
               then excluded.data else known.data end,
      group_key = coalesce(excluded.group_key, known.group_key),
      arrived_at = least(excluded.arrived_at, known.arrived_at)
    where (excluded.version collate "C", excluded.data::text)
            > (known.version collate "C", known.data::text)
       or excluded.arrived_at < known.arrived_at or known.group_key is null
""")
LINK = text("""
    insert into app.provider_links
      (organization_id, provider, kind, external_id, target_kind, target_id)
    select distinct app.cur_org(), cast(:provider as text), n.kind, n.id, n.target_kind, n.target_id
      from unnest(cast(:kinds as text[]), cast(:ids as text[]), cast(:target_kinds as text[]),
             cast(:target_ids as text[])) n (kind, id, target_kind, target_id)
     order by 3, 4, 5, 6
    on conflict do nothing
""")
# Each is looked up by itself. A join could be planned as reading all objects of the organisation
# for every batch, and is, while Postgres has no statistics of the table yet.
LINKED = text("""
    with named as (select * from unnest(cast(:kinds as text[]), cast(:ids as text[])) n (kind, id))
    select n.kind, n.id, l.kind, l.external_id from named n
     cross join lateral (
       select l.provider, l.kind, l.external_id from app.provider_links l
        where l.organization_id = app.cur_org()
          and l.target_kind = n.kind and l.target_id = n.id offset 0) l
     where l.provider = :provider and l.kind = any(cast(:wanted as text[]))
    union
    select n.kind, n.id, l.target_kind, l.target_id from named n
     cross join lateral (
       select l.target_kind, l.target_id from app.provider_links l
        where l.organization_id = app.cur_org() and l.provider = :provider
          and l.kind = n.kind and l.external_id = n.id offset 0) l
     where l.target_kind = any(cast(:wanted as text[]))
""")
NAMED = text("""
    select o.kind, o.external_id, o.group_key, o.version, o.data, o.arrived_at
      from unnest(cast(:kinds as text[]), cast(:ids as text[])) n (kind, id)
     cross join lateral (
       select o.* from app.provider_objects o
        where o.organization_id = app.cur_org() and o.provider = :provider
          and o.kind = n.kind and o.external_id = n.id offset 0) o
     order by o.kind, o.external_id
""")
OF_GROUPS = text("""
    select o.kind, o.external_id, o.group_key, o.version, o.data, o.arrived_at
      from unnest(cast(:groups as text[])) g (key)
     cross join lateral (
       select o.* from app.provider_objects o
        where o.organization_id = app.cur_org() and o.group_key = g.key offset 0) o
     where o.provider = :provider
       and (cast(:kinds as text[]) is null or o.kind = any(cast(:kinds as text[])))
     order by o.kind, o.external_id
""")
REGROUP = text("""
    update app.provider_objects o set group_key = n.group_key
      from unnest(cast(:kinds as text[]), cast(:ids as text[]), cast(:groups as text[]))
             n (kind, id, group_key)
     where o.organization_id = app.cur_org() and o.provider = :provider
       and o.kind = n.kind and o.external_id = n.id and o.group_key is distinct from n.group_key
""")


def remember(db: Session, provider: str, states: Collection[State]) -> None:
    """Store each as the state of its object unless a newer one is known.

    An object is known by its provider and its id, whatever connection it came over.
    """
    if not states:
        return
    asked = {
        "provider": provider,
        "kinds": [each.kind for each in states],
        "ids": [each.external_id for each in states],
        "versions": [each.version for each in states],
        "data": [json.dumps(each.data) for each in states],
        "arrivals": [each.arrived_at for each in states],
        "groups": [each.group_key for each in states],
    }
    db.execute(REMEMBER, asked)


def link(db: Session, provider: str, links: Collection[tuple[Name, Name]]) -> None:
    """Note which other objects an object refers to. What was once linked stays so, since newer
    generations of an API leave out references that older ones had.
    """
    if not links:
        return
    asked = {
        "provider": provider,
        "kinds": [name[0] for name, _ in links],
        "ids": [name[1] for name, _ in links],
        "target_kinds": [target[0] for _, target in links],
        "target_ids": [target[1] for _, target in links],
    }
    db.execute(LINK, asked)


def linked(
    db: Session, provider: str, names: Collection[Name], kinds: Collection[str]
) -> dict[Name, set[Name]]:
    """For each of ``names`` the objects of ``kinds`` that refer to it, or that it refers to; none
    for one without any.
    """
    if not names:
        return {}
    asked = _asked(provider, sorted(names)) | {"wanted": sorted(kinds)}
    found: dict[Name, set[Name]] = {}
    for kind, external_id, other_kind, other_id in db.execute(LINKED, asked):
        found.setdefault((kind, external_id), set()).add((other_kind, other_id))
    return found


def objects_of(
    db: Session,
    provider: str,
    group_keys: Collection[str],
    kinds: Collection[str] | None = None,
) -> list[Stored]:
    """Every known object of these groups, or those of ``kinds``, in a fixed order."""
    asked = {
        "provider": provider,
        "groups": sorted(set(group_keys)),
        "kinds": None if kinds is None else sorted(kinds),
    }
    return list(db.execute(OF_GROUPS, asked)) if group_keys else []


def objects_named(db: Session, provider: str, names: Iterable[Name]) -> list[Stored]:
    """The known ones of these objects, in a fixed order."""
    known = sorted(set(names))
    return list(db.execute(NAMED, _asked(provider, known))) if known else []


def put_into_groups(db: Session, provider: str, groups: Mapping[Name, str]) -> None:
    """Store of each object what it belongs to."""
    if groups:
        db.execute(REGROUP, _asked(provider, list(groups)) | {"groups": list(groups.values())})


def _asked(provider: str, names: Collection[Name]) -> dict[str, Any]:
    return {
        "provider": provider,
        "kinds": [kind for kind, _ in names],
        "ids": [external_id for _, external_id in names],
    }
