"""The list of connections, and the form that creates one."""

from __future__ import annotations

import streamlit as st
from sqlalchemy.orm import Session

from core.deliveries.models import WebhookConnection
from core.deliveries.queries import connections_table, deleted_connections
from core.providers import registry
from core.providers.connections import check_signing_secret, create_connection
from core.providers.provider import Inbound
from core.tenancy.access.viewers import Viewer
from core.ui.page import empty, go
from core.ui.panels.action import Action
from core.ui.parts.columns import Moment, Number, Text, Word
from core.ui.parts.format import escape_markdown
from core.ui.parts.secret_field import forget, secret_field
from core.ui.parts.tables import table

HEALTH = {
    "well": "Working",
    "never used": "Waiting for its first delivery",
    "off": "Off",
    "paused": "Paused",
    "refusing": "Deliveries refused",
    "failing": "Deliveries failed",
    "silent": "Silent for days",
}
TYPED = "signing secret"


def labels() -> dict[str, str]:
    """The providers that send webhooks, and what they are called."""
    return {name: registry.provider(name).label for name in registry.with_inbound()}


def show_connections(viewer: Viewer) -> None:
    """Every connection with its status; a row opens it."""
    action = _offer_to_create() if viewer.is_admin else None
    with viewer.transaction() as db:
        connections, deleted = connections_table(db), deleted_connections(db)
    if connections.empty:
        empty(
            "No connections yet",
            "Create one above for each provider account, and paste its address at the provider.",
        )
    else:
        table(
            connections,
            "connections",
            opens="connections",
            download=False,
            card=("name", "health", "last_webhook_at"),
            columns=[
                Text("name", "Name"),
                Word("provider", "Provider", labels()),
                Word("health", "Status", HEALTH),
                Number("webhook_count", "Deliveries"),
                Moment("last_webhook_at", "Last delivery", viewer.timezone),
                Number("waiting", "Waiting"),
                Number("dead", "Failed"),
            ],
        )
    if deleted:
        st.caption("Deleted; their deliveries stay:")
        with st.container(horizontal=True):
            for connection in deleted:
                go("connections", escape_markdown(connection.name), id=str(connection.id))
    if action is not None:
        st.query_params["id"] = str(action.run(viewer).id)
        st.rerun()


def _offer_to_create() -> Action | None:
    """An error leaves everything as it was typed: the browser holds it, and the page forgets the
    secret all the same.
    """
    providers = labels()
    with st.expander("Create connection", icon=":material/add:"):
        provider = st.segmented_control(
            "Provider",
            list(providers),
            format_func=providers.__getitem__,
            default=next(iter(providers)),
            required=True,
            key="new connection provider",
        )
        fields = {}
        with st.form("new connection", border=False):
            inbound = registry.inbound(provider)
            name = st.text_input("Name", placeholder="Main account")
            fields["name"] = st.container()
            secret = secret_field("Signing secret", TYPED, hint=_hint(provider, inbound))
            fields["secret"] = st.container()
            account = st.text_input(
                "Account ID at the provider (optional)",
                help="Deliveries of any other account are then ignored.",
                autocomplete="off",
            )
            fields["account_id"] = st.container()
            sent = st.form_submit_button("Create", type="primary")
            place = st.container()
    if not sent:
        return None
    forget(TYPED)

    def create(db: Session) -> WebhookConnection:
        check_signing_secret(provider, secret)
        return create_connection(db, provider, name, secret, account_id=account.strip())

    done = "Connection created. Paste its address at the provider."
    return Action(place, create, done, fields)


def _hint(provider: str, inbound: Inbound) -> str:
    return f"{labels()[provider]}: {inbound.signing_hint}"
