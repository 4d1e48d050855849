"""Our own routes beside the screens refuse what no form of ours sends, without reading it."""

import pytest

from core.tenancy.access.models import Role
from tests import factories as make
from tests.ui.screens import token_of
from tests.ui.server import OWN, ask

PIECE = b"a" * 65_536
PIECES = 100
FILE = (
    b'--y\r\nContent-Disposition: form-data; name="organization";'
    b' filename="x"\r\n\r\nx\r\n--y--\r\n'
)


def send(path, content, kind):
    cookie = token_of(make.viewer(make.organization(), Role.ADMIN))
    return ask("POST", path, cookie=cookie, content=content, headers=OWN | {"Content-Type": kind})


@pytest.mark.parametrize("path", ["/auth/organization", "/exports/person"])
def test_a_form_without_end_is_refused_at_its_beginning(path):
    read = []

    async def endless():
        yield b"email="
        for _ in range(PIECES):
            read.append(len(PIECE))
            yield PIECE

    assert send(path, endless(), "application/x-www-form-urlencoded").status_code == 400
    assert len(read) < 3


@pytest.mark.parametrize("path", ["/auth/organization", "/exports/person"])
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"&".join([b"a=1"] * 50), "application/x-www-form-urlencoded"),
        (FILE, "multipart/form-data; boundary=y"),
        (b"nonsense", "multipart/form-data; boundary=y"),
        (b"nonsense", "multipart/form-data"),
    ],
)
def test_a_form_that_is_not_ours_is_refused(path, content, kind):
    assert send(path, content, kind).status_code == 400
