"""The kinds of access links, each declared once: where it leads, whose it is, and what its holder
may see. Screens, e-mails, the database and the audit log follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.platform.labels import LabelledEnum
from core.platform.link_roles import LinkRole, declare_link_role
from core.tenancy.organizations.modules import BOOKINGS

ROLE_OF_LINK = """
create or replace function app.role_of_link(p_purpose text, p_shown jsonb) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $f$
  select case p_purpose {cases} end
$f$;
revoke all on function app.role_of_link(text, jsonb) from public;
"""


class LinkPurpose(LabelledEnum):
    SHARE = "share", "Shared dashboard"
    PORTAL = "portal", "Closer's portal"
    COMMISSION = "commission", "Statement"


@dataclass(frozen=True)
class Subject:
    """Whose a link is: one of ``people``, columns of the link, or nobody's without any; with
    ``of_a_payout`` what it shows is of one payout. ``choose`` asks for what is missing, at the
    field ``field``.
    """

    people: tuple[str, ...]
    of_a_payout: bool
    choose: str
    field: str


@dataclass(frozen=True)
class Opens:
    """What a kind of link opens. ``page`` is the key of its screen, and ``module`` that to which
    belongs what it shows; None is in every organisation. ``role`` is that of its transactions,
    ``role_with_money`` where it shows money. ``meaning`` explains it to whoever makes one, and
    ``in_an_email`` is what its holder reads that it leads to.
    """

    page: str
    module: str | None
    role: LinkRole
    subject: Subject
    meaning: str
    in_an_email: str
    role_with_money: LinkRole | None = None


OPENS: Mapping[LinkPurpose, Opens] = {
    LinkPurpose.PORTAL: Opens(
        page="portal",
        module=BOOKINGS,
        role=declare_link_role(LinkRole("portal", sees_persons=True, actor="Portal link")),
        subject=Subject(
            ("closer_id",), False, "Choose the closer whose queue the link opens.", "closer_id"
        ),
        meaning=(
            "One closer's missing forms and today's bookings. Whoever holds it can file these"
            " forms."
        ),
        in_an_email="your bookings and forms",
    ),
    LinkPurpose.COMMISSION: Opens(
        page="statement",
        module=BOOKINGS,
        role=declare_link_role(LinkRole("statement", sees_persons=True)),
        subject=Subject(
            ("closer_id", "setter_id"),
            True,
            "Choose a payout, and one closer or setter.",
            "snapshot_id",
        ),
        meaning="One person's payments in one approved payout, and their sums.",
        in_an_email="your statement",
    ),
    LinkPurpose.SHARE: Opens(
        page="shared",
        module=BOOKINGS,
        role=declare_link_role(LinkRole("share")),
        role_with_money=declare_link_role(LinkRole("share_money")),
        subject=Subject((), False, "A shared dashboard belongs to nobody.", "purpose"),
        meaning="Figures and charts of a period, without names. You choose whether money is shown.",
        in_an_email="a dashboard",
    ),
}


def names_its_subject() -> str:
    """The SQL condition that a link names whose it is, and of which payout."""
    subjects = {purpose: opens.subject for purpose, opens in OPENS.items() if opens.subject.people}
    cases = " ".join(f"when '{purpose}' then {_is_named(of)}" for purpose, of in subjects.items())
    return f"case purpose {cases} else true end"


def _is_named(subject: Subject) -> str:
    is_one = f"num_nonnulls({', '.join(subject.people)}) = 1"
    return f"snapshot_id is not null and {is_one}" if subject.of_a_payout else is_one


def functions() -> str:
    """``app.role_of_link``, which says what role a link's transactions have, as SQL."""
    return ROLE_OF_LINK.format(
        cases=" ".join(f"when '{purpose}' then {_role(opens)}" for purpose, opens in OPENS.items())
    )


def _role(opens: Opens) -> str:
    if opens.role_with_money is None:
        return f"'{opens.role.name}'"
    with_money = f"when p_shown -> 'money' = 'true' then '{opens.role_with_money.name}'"
    return f"case {with_money} else '{opens.role.name}' end"
