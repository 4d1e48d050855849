"""Checks at the start for settings that are unsafe. Where strangers can reach the product the start
is refused; on one's own machine or network there is a warning.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from core.platform.errors import Misconfigured
from core.platform.log import logger
from core.platform.settings import settings
from core.providers.registry import base_urls

log = logger("start")
OWN_NETWORK = (
    ".localhost",
    ".local",
    ".lan",
    ".internal",
    ".home.arpa",
    ".test",
    ".example",
    ".invalid",
)
FOR_EXAMPLES = ("example.com", "example.net", "example.org")  # RFC 2606: nobody can register these


def is_own_machine(url: str) -> bool:
    """Whether the address can be reached from this machine only."""
    host = urlsplit(url).hostname or ""
    return (
        host == "localhost"
        or host.endswith(".localhost")
        or bool(_ip(host) and ip_address(host).is_loopback)
    )


def is_public(url: str) -> bool:
    """Whether the address could be reached from the internet. Names without a dot and private
    addresses cannot.
    """
    host = urlsplit(url).hostname or ""
    if _ip(host):
        return ip_address(host).is_global
    examples = host in FOR_EXAMPLES or host.endswith(tuple(f".{name}" for name in FOR_EXAMPLES))
    return "." in host and not host.endswith(OWN_NETWORK) and not examples


def _ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _addresses() -> dict[str, str]:
    return {
        "PUBLIC_URL": settings().public_url,
        "WEBHOOK_PUBLIC_URL": settings().webhook_public_url,
    }


def open_addresses() -> list[str]:
    """The addresses without encryption, where others on the network could read along, each with how
    to fix it.
    """
    return [
        f"{name} is {url}, where passwords and customers' data would travel in the open: put a"
        f" proxy with TLS in front, and set {name} to its https:// address."
        for name, url in _addresses().items()
        if _is_open(url)
    ] + [
        f"{name} is {url}, where keys would travel in the open: use an https:// address."
        for name, url in base_urls().items()
        if _is_open(url)
    ]


def _is_open(url: str) -> bool:
    return urlsplit(url).scheme == "http" and not is_own_machine(url)


def guessable_roles() -> list[str]:
    """A warning when the passwords of the database roles could be worked out by anybody, because
    they are derived from the owner's.
    """
    owner, own = settings().database_url, settings().database_app_url
    if owner is None or own is not None or make_url(owner.get_secret_value()).password:
        return []
    return [
        "DATABASE_URL has no password, so those of the application's own roles could be guessed:"
        " give the owner's account one, or set DATABASE_APP_URL and DATABASE_WORKER_URL."
    ]


def weaknesses() -> list[str]:
    """What is unsafe in the settings, each with how to fix it in one sentence."""
    found = [*open_addresses(), *guessable_roles()]
    try:
        settings().master_keys()
    except Misconfigured as error:
        found.append(error.message)
    return found


def _check_addresses() -> None:
    """Raises Misconfigured for an address that is not one: links are made from these addresses, and
    they decide whether strangers can reach the product.
    """
    for name, url in _addresses().items():
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise Misconfigured(
                f"{name} is “{url}”, which is no address: write it out, as"
                " https://sales.example.com."
            )


def check_start(more: Sequence[str] = ()) -> None:
    """Warn of what is unsafe in the settings, and of ``more`` that the process has found itself.

    Raises:
        Misconfigured: something is unsafe at an address that strangers can reach; or an address is
        not valid.
    """
    _check_addresses()
    found = [*weaknesses(), *more]
    if found and (is_public(settings().public_url) or is_public(settings().webhook_public_url)):
        raise Misconfigured(
            "Not started, because it would be unsafe here:\n- " + "\n- ".join(found)
        )
    for weakness in found:
        log.warning("unsafe setting", weakness=weakness)
