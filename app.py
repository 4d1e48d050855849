"""The screens: Streamlit behind a gate, with a few routes of our own. ``streamlit run app.py``
serves it.
"""

import streamlit as st
from starlette.middleware import Middleware

from core.ui.gate import Gate
from core.ui.routes import lifespan, routes
from core.ui.start import refuse_unsafe_settings
from core.ui.trouble import report
from core.ui.way_back import WayBack

refuse_unsafe_settings()

# The script that runs lies in core/ui: beside it there is no folder "pages", so Streamlit's
# automatic multipage mode, which would run a page without the sign-in, never starts.
app = st.App(
    "core/ui/shell.py",
    routes=routes,
    middleware=[Middleware(Gate), Middleware(WayBack)],
    lifespan=lifespan,
    on_script_error=report,
)
