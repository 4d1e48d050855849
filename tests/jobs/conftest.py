import pytest
from sqlalchemy import text

from core.platform.settings import settings
from tests import factories as make
from tests.fakes import resend as resends
from tests.fakes import slack as fakes
from tests.fakes import smtp as smtps
from tests.jobs.mail import SENDER
from tests.ports import owner


@pytest.fixture
def slack(monkeypatch):
    with fakes.FakeSlack().running() as fake:
        monkeypatch.setenv("SLACK_BASE_URL", fake.url)
        settings.cache_clear()
        yield fake
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def setting(monkeypatch):
    def change(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))
        settings.cache_clear()

    yield change
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def resend(setting):
    with resends.FakeResend().running() as fake:
        setting(RESEND_BASE_URL=fake.url, RESEND_API_KEY=resends.API_KEY, EMAIL_FROM=SENDER)
        yield fake


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    return smtps.certificate(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def smtp(setting, pem):
    with smtps.FakeSmtp(pem).running() as fake:
        login = f"{smtps.USER}:{smtps.PASSWORD.replace(' ', '%20')}"
        setting(
            SMTP_URL=f"smtp://{login}@localhost:{fake.port}", EMAIL_FROM=SENDER, SSL_CERT_FILE=pem
        )
        yield fake


@pytest.fixture
def org(database_url):
    with owner() as db:  # what other tests left waiting is nothing for this one's worker
        db.execute(text("set local search_path = jobs"))
        db.execute(text("delete from procrastinate_jobs where status = 'todo'"))
    return make.organization()
