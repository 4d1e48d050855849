"""Settings of an organisation: declaring, checking and saving them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import inspect, select, update
from sqlalchemy.orm import Session

from core.platform.clock import check_timezone
from core.platform.database import organization_id_of
from core.platform.edits import merged
from core.platform.errors import InvalidInput, NotAllowed
from core.platform.locale_examples import examples
from core.platform.money import check_currency
from core.platform.names import check_name, check_sentence
from core.platform.notation import LOCALES, locale_in_words
from core.tenancy.organizations.models import Organization, SettingsRow


@dataclass(frozen=True)
class Setting:
    """One setting. ``kind`` is the kind of its field: text, choice, number, switch, day or list.

    ``least`` and ``most`` bound a number. ``empty`` says what an empty field means, if it may be
    empty. ``check`` normalises a text, or each entry of a list, or raises InvalidInput.
    ``in_words`` is how people read a choice. ``warning`` says what a change does to existing data.
    ``examples`` says what a choice looks like, for a value and the organisation's currency.
    """

    key: str
    label: str
    kind: str
    meaning: str
    warning: str = ""
    unit: str = ""
    least: int = 0
    most: int = 0
    empty: str | None = None
    choices: tuple[str, ...] = ()
    in_words: Callable[[str], str] = str
    check: Callable[[str], str] | None = None
    examples: Callable[[str, str], Mapping[str, str]] | None = None


def _no_rule(_db: Session, _changes: Mapping[str, Any]) -> None:
    """Allows every combination of valid values."""


@dataclass(frozen=True)
class SettingsGroup:
    """Settings that are shown together, with the model that stores them. ``rule`` raises for
    changes that the caller may not make.
    """

    title: str
    model: type[Organization] | type[SettingsRow]
    settings: tuple[Setting, ...]
    rule: Callable[[Session, Mapping[str, Any]], None] = _no_rule


ORGANIZATION = SettingsGroup(
    "Organisation",
    Organization,
    (
        Setting(
            "name",
            "Name",
            "text",
            "Shown on every page, report and message.",
            check=partial(check_name, missing="Give the organisation a name."),
        ),
        Setting(
            "timezone",
            "Time zone",
            "text",
            "Where a day begins and ends, and the zone of every time on screen.",
            "Days, weeks and months are recalculated, also in the past, so figures for single days"
            " change. Approved payouts do not.",
            check=check_timezone,
        ),
        Setting(
            "currency",
            "Currency",
            "text",
            "The usual currency: suggested in forms, and used to rank leaderboards.",
            "Existing amounts keep their currency. Nothing is converted.",
            check=check_currency,
        ),
        Setting(
            "locale",
            "Numbers and dates",
            "choice",
            "How numbers, amounts, dates and times are written, and read where somebody types them."
            " Names of months and weekdays are English everywhere.",
            "Everybody reads screens, reports and messages in the new way at once. What is stored"
            " stays as it is, and so does the API.",
            choices=LOCALES,
            in_words=locale_in_words,
            examples=examples,
        ),
    ),
)


def change_settings(
    db: Session,
    group: SettingsGroup,
    changes: Mapping[str, Any],
    read: Mapping[str, Any] | None = None,
) -> None:
    """Change some settings of a group for the transaction's organisation. ``read`` are the values
    that the changes replace; None for whatever is there. The audit log records who changed what,
    when, and the earlier value.

    Raises:
        InvalidInput: the setting does not exist, or cannot have this value.
        NotAllowed: only admins change settings.
        Changed: somebody else has changed one of them since it was read.
    """
    declared = {setting.key: setting for setting in group.settings}
    for key in changes:
        if key not in declared:
            raise InvalidInput(f"“{key}” is not a setting.", field=key)
    checked = {key: _checked(declared[key], value) for key, value in changes.items()}
    group.rule(db, checked)
    [whose] = inspect(group.model).primary_key
    ours = whose == organization_id_of(db)
    columns = [inspect(group.model).columns[key] for key in checked]
    # The database lets nobody lock a row that they may not change.
    now = db.execute(select(*columns).where(ours).with_for_update()).mappings().first()
    if now is None:
        raise NotAllowed("Only an admin may change settings.")
    values = merged(dict(now), checked, read)
    db.execute(update(group.model).where(ours).values(values))


def _checked(setting: Setting, value: Any) -> Any:
    if setting.kind == "switch":
        return bool(value)
    if setting.kind == "number":
        return _number(setting, value)
    if setting.kind == "day":
        return _day(setting, value)
    if setting.kind == "list":
        return _list(setting, value or ())
    words = check_sentence(str(value or ""), field=setting.key)
    if setting.check is not None:
        return setting.check(words)
    if setting.choices and words not in setting.choices:
        raise InvalidInput(f"Choose one of {', '.join(setting.choices)}.", field=setting.key)
    if not words and setting.empty is None:
        raise InvalidInput(f"“{setting.label}” cannot be empty.", field=setting.key)
    return words or None


def _number(setting: Setting, value: Any) -> int | None:
    if value is None and setting.empty is not None:
        return None
    if not isinstance(value, int) or not setting.least <= value <= setting.most:
        raise InvalidInput(
            f"“{setting.label}” takes {setting.least} to {setting.most} {setting.unit}.",
            field=setting.key,
        )
    return value


def _list(setting: Setting, value: str | Sequence[str]) -> list[str]:
    """The entries; in a text they have spaces, commas or line ends between them."""
    entries = value.replace(",", " ").split() if isinstance(value, str) else value
    checked = [setting.check(each) if setting.check else each for each in entries]
    return list(dict.fromkeys(checked))


def _day(setting: Setting, value: Any) -> date | None:
    if value is not None and type(value) is not date:
        raise InvalidInput(f"“{setting.label}” takes a day.", field=setting.key)
    return value
