"""On one's account: the second factor in whichever state it is, and for admins whether everybody
needs one.
"""

from __future__ import annotations

from dataclasses import dataclass

import segno
import streamlit as st
from sqlalchemy.orm import Session

from core.tenancy.access.models import AccessSettings
from core.tenancy.access.settings import WHO_GETS_IN
from core.tenancy.access.viewers import Viewer
from core.tenancy.identity.account import Account
from core.tenancy.identity.second_factor import (
    SecondFactor,
    begin,
    cancel,
    confirm,
    renew_codes,
    second_factor_of,
    switch_off,
    waiting_secret,
)
from core.tenancy.identity.totp import address_for_app, in_groups
from core.tenancy.organizations.queries import settings_of
from core.tenancy.organizations.settings import change_settings
from core.ui.page import act, own_address, own_token
from core.ui.parts.format import escape_markdown, when

CODES = "recovery codes to be kept"


@dataclass(frozen=True)
class SecondFactorPanel:
    """Whose second factor it is, how it stands (``waiting`` is a secret that is not confirmed yet),
    and who is asked for one.
    """

    viewer: Viewer
    account: Account
    factor: SecondFactor | None
    waiting: str | None
    asked_of_everybody: bool


def second_factor_panel(db: Session, viewer: Viewer, account: Account) -> SecondFactorPanel:
    """Everything about the second factor that the account's page shows."""
    factor, waiting = second_factor_of(db, account.user_id), waiting_secret(db, own_token())
    return SecondFactorPanel(
        viewer, account, factor, waiting, settings_of(db, AccessSettings).require_second_factor
    )


def show_second_factor(panel: SecondFactorPanel) -> None:
    """Whichever of its states the second factor is in."""
    st.subheader("Second factor")
    if panel.viewer.second_factor_missing:
        named = escape_markdown(panel.viewer.organization_name)
        st.warning(
            f"{named} asks everybody for a second factor. Set yours up, then everything else opens."
        )
    if CODES in st.session_state:
        _show_recovery_codes(st.session_state[CODES])
    elif panel.waiting is not None:
        _show_waiting(panel, panel.waiting)
    elif panel.factor is None:
        _show_none(panel)
    else:
        _show_factor(panel, panel.factor)
    if panel.viewer.is_admin and not panel.viewer.second_factor_missing:
        _show_requirement(panel)


def _show_recovery_codes(codes: list[str]) -> None:
    """The codes, this once."""
    st.success(
        "The second factor is on. Keep these ten codes where you keep your passport: each opens"
        " your account once."
    )
    st.code("\n".join(codes), language=None)
    if st.button("I have kept them", type="primary"):
        del st.session_state[CODES]
        st.rerun()


def _keep(codes: list[str]) -> None:
    """Have the codes shown when the page runs again."""
    st.session_state[CODES] = codes
    st.rerun()


def _ask_for_password(
    account: Account, key: str, label: str, *, with_code: bool
) -> tuple[str, str] | None:
    """The password, when there is one, and a code; what was sent, or None."""
    with st.form(key):
        password = (
            st.text_input("Your password", type="password", autocomplete="current-password")
            if account.has_password
            else ""
        )
        code = (
            st.text_input(
                "Code", autocomplete="one-time-code", help="From the app, or a recovery code."
            )
            if with_code
            else ""
        )
        return (password, code) if st.form_submit_button(label) else None


def _show_none(panel: SecondFactorPanel) -> None:
    """What it is for, and the first step."""
    st.caption(
        "After your password you type a code from an app on your telephone, so a stolen password"
        " alone opens nothing."
    )
    with st.expander("Set up the second factor", expanded=panel.viewer.second_factor_missing):
        sent = _ask_for_password(panel.account, "begin", "Begin", with_code=False)
    if sent:
        with act(panel.viewer) as db:
            begin(db, own_token(), sent[0], address=own_address())
        st.rerun()


def _show_waiting(panel: SecondFactorPanel, secret: str) -> None:
    """The secret as a picture and in letters, and the question for the app's first code."""
    st.markdown(
        "Scan this with an authenticator app, or type the key into it. Then enter the code that it"
        " shows."
    )
    address = address_for_app(secret, panel.account.email)
    st.image(segno.make(address, error="m").svg_inline(scale=4, border=4, light="#fff"), width=220)
    st.code(in_groups(secret), language=None, wrap_lines=True)
    with st.form("confirm"):
        code = st.text_input("Code", autocomplete="one-time-code")
        sent = st.form_submit_button("Switch on", type="primary")
    if st.button("Not now"):
        with act(panel.viewer) as db:
            cancel(db, own_token())
        st.rerun()
    if sent:
        with act(panel.viewer) as db:
            codes = confirm(db, own_token(), code)
        _keep(codes)


def _show_factor(panel: SecondFactorPanel, factor: SecondFactor) -> None:
    """That it is on, since when, and how to renew the codes or go without."""
    st.markdown(
        f"**On** since {when(factor.confirmed_at, panel.viewer.timezone)} · {factor.codes_left}"
        " recovery codes left"
    )
    if factor.codes_left <= 2:
        st.warning(
            "Few recovery codes are left. Make new ones while you still have your telephone."
        )
    with st.expander("New recovery codes"):
        renew = _ask_for_password(panel.account, "renew", "Make ten new codes", with_code=True)
    with st.expander("Switch off"):
        off = _ask_for_password(panel.account, "off", "Switch off", with_code=True)
    if renew:
        with act(panel.viewer) as db:
            codes = renew_codes(db, own_token(), *renew, address=own_address())
        _keep(codes)
    if off:
        with act(panel.viewer, "The second factor is off.") as db:
            switch_off(db, own_token(), *off, address=own_address())
        st.rerun()


def _show_requirement(panel: SecondFactorPanel) -> None:
    """For admins: whether everybody needs a second factor."""
    wanted = not panel.asked_of_everybody
    state = (
        "leaves the second factor to each person."
        if wanted
        else "asks everybody for a second factor."
    )
    st.caption(f"{escape_markdown(panel.viewer.organization_name)} {state}")
    if st.button("Require a second factor for everybody" if wanted else "Leave it to each person"):
        with act(
            panel.viewer,
            (
                "From now on, whoever has none sets one up before anything else."
                if wanted
                else "Saved."
            ),
        ) as db:
            change_settings(db, WHO_GETS_IN, {"require_second_factor": wanted})
        st.rerun()
