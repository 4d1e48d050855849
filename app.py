"""The screens: Streamlit behind a gate, with a few routes of our own. ``streamlit run app.py``
serves it.
"""

import streamlit as st
from starlette.middleware import Middleware

from core.ui.server.error_reporting import report
from core.ui.server.first_page import FirstPageMiddleware
from core.ui.server.middleware import ScreensMiddleware
from core.ui.server.return_url import ReturnUrlMiddleware
from core.ui.server.routes import lifespan, routes
from core.ui.server.startup import refuse_unsafe_settings

refuse_unsafe_settings()

# The script that runs lies in core/ui: beside it there is no folder "pages", so Streamlit's
# automatic multipage mode, which would run a page without the sign-in, never starts.
app = st.App(
    "core/ui/shell.py",
    routes=routes,
    middleware=[
        Middleware(ScreensMiddleware),
        Middleware(ReturnUrlMiddleware),
        Middleware(FirstPageMiddleware),
    ],
    lifespan=lifespan,
    on_script_error=report,
)
