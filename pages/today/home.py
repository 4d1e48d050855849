"""The root address: to where the viewer begins."""

from core.ui.navigation import jump, start_of
from core.ui.page import require

jump(start_of(require("home")))
