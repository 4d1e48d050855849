"""Which bookings stand, and which refunds count, is decided where their statuses are declared.
Other code asks the columns that follow from it, so that a new status counts alike everywhere.
"""

import re
from pathlib import Path

from core.bookings.models import GONE
from core.money.models import UNDONE

ROOT = Path(__file__).parents[2]
DECLARED = {"core/bookings/models.py", "core/money/models.py"}


def spelled(words):
    """The words as a list in SQL or Python, in either order."""
    listed = "|".join(rf"""['"]{one}['"],\s*['"]{two}['"]""" for one, two in (words, words[::-1]))
    members = "|".join(
        rf"\.{word.name},\s*\w+\.{other.name}\b" for word, other in (words, words[::-1])
    )
    return re.compile(f"{listed}|{members}")


def test_no_code_lists_again_what_is_gone_or_undone():
    lists = [spelled(words) for words in (GONE, UNDONE)]
    found = {
        str(path.relative_to(ROOT))
        for folder in ("core", "pages", "webhooks", "jobs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".sql") and "versions" not in path.parts
        if any(each.search(path.read_text()) for each in lists)
    }
    assert found - DECLARED == set()
