"""The root address: to where the viewer begins."""

from core.ui.navigation import start_of
from core.ui.page import jump, require

jump(start_of(require("home")))
