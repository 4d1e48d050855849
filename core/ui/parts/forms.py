"""Forms that lose nothing: they know which values they replace, an error stands at its field, and
what was typed stays until it is saved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import streamlit as st

from core.platform.edits import Changed
from core.platform.errors import SalesOpsError
from core.platform.labels import NONE
from core.ui.parts.format import escape_markdown
from core.ui.parts.inputs import TypedAmount, amount_field

FORMS = "forms of this window"


@dataclass
class _Drawn:
    """What a window knows of one form: the values that were read when it was drawn first, and what
    came of the last try to save it.
    """

    read: dict[str, Any]
    tries: int = 0
    given_up: Counter[str] = field(default_factory=Counter)
    labels: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    error: SalesOpsError | None = None
    now: dict[str, Any] = field(default_factory=dict)

    @property
    def is_on_screen(self) -> bool:
        """Whether the last run drew it too. One that was left begins anew."""
        return not self.keys or any(key in st.session_state for key in self.keys)


class Form:
    """One form of a page. ``read`` are the present values of what it changes, by field; the form
    goes on with those that it was drawn with first.

    ``act`` is given the form together with the action: it shows a refusal at its field, and what
    somebody else has changed meanwhile beside what was typed: ``in_words``, and by the names in
    ``labels`` for fields whose own label says more.
    """

    def __init__(
        self,
        key: str,
        read: Mapping[str, Any] | None = None,
        *,
        in_words: Callable[[str, Any], str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.key, self.in_words, self.labels = key, in_words or shown_value, labels or {}
        forms: dict[str, _Drawn] = st.session_state.setdefault(FORMS, {})
        if not _is_on_screen(key):
            forms[key] = _Drawn(dict(read or {}), tries=forms[key].tries if key in forms else 0)
        self._drawn = forms[key]
        self.typed: dict[str, Any] = {}

    @classmethod
    def begun(
        cls,
        key: str,
        read: Mapping[str, Any],
        *,
        label: str,
        in_words: Callable[[str, Any], str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Self | None:
        """The form that a button with this label begins over what was ``read``; None before. It
        ends with ``is_sent``.
        """
        if _is_on_screen(key):
            return cls(key, in_words=in_words, labels=labels)
        if st.button(label, key=f"{key} begin"):
            cls(key, read)
            st.rerun()
        return None

    @property
    def read(self) -> dict[str, Any]:
        """The values that the form replaces."""
        return self._drawn.read

    @contextmanager
    def drawn(self, *, border: bool = True) -> Iterator[None]:
        """The form around its fields. A refusal that is of none of them stands below its buttons,
        where whoever has pressed one looks.
        """
        self._show_change()
        with st.form(f"form {self.key}", border=border):
            yield
            error = self._drawn.error
            if error is not None and not self._drawn.now and self._field() is None:
                st.error(escape_markdown(error.message))

    def field(self, name: str, label: str, draw: Callable[..., Any], **options: Any) -> Any:
        """Draw one field; what was typed or chosen, which is in ``typed`` too."""
        value = draw(label, key=self._key(name, label), **options)
        self._show_error(name)
        self.typed[name] = value
        return value

    def amount(self, name: str, label: str, currency: str, value: str) -> TypedAmount:
        """Draw a field of money; ``typed`` has what was typed."""
        typed = amount_field(label, currency, value=value, key=self._key(name, label))
        if typed.problem is None:
            self._show_error(name)
        self.typed[name] = typed
        return typed

    def is_sent(self, label: str) -> bool:
        """Draw the buttons of a form that was begun: whether it was sent. Cancel gives it up."""
        save, cancel = st.columns(2)
        is_sent = save.form_submit_button(label, type="primary", width="stretch")
        cancel.form_submit_button("Cancel", width="stretch", on_click=self.finish)
        if self._drawn.error is not None:
            st.warning(f"Nothing was saved; what you typed is still here.{self._where()}")
        return is_sent

    def _where(self) -> str:
        """Which of the fields above the refusal is of, and what it says."""
        name = self._field()
        if name is None or self._drawn.error is None:
            return ""
        label = escape_markdown(self._drawn.labels[name])
        return f" **{label}**: {escape_markdown(self._drawn.error.message)}"

    def is_refused_at(self, *names: str) -> bool:
        """Whether the last refusal stands at one of these fields."""
        return self._field() in names

    def refused_with(self, kind: type[SalesOpsError]) -> bool:
        """Whether the last try was refused for a reason of this kind."""
        return isinstance(self._drawn.error, kind)

    def _key(self, name: str, label: str) -> str:
        key = f"{self.key} {self._drawn.tries}.{self._drawn.given_up[name]} {name}"
        self._drawn.labels[name] = self.labels.get(name, label)
        self._drawn.keys.add(key)
        return key

    def _field(self) -> str | None:
        """At which of the fields the last refusal stands, if at one."""
        name = getattr(self._drawn.error, "field", None)
        return name if name in self._drawn.labels else None

    def _show_error(self, name: str) -> None:
        if self._drawn.error is not None and self._field() == name:
            st.error(escape_markdown(self._drawn.error.message))

    def _show_change(self) -> None:
        """What stands by now where somebody else was quicker; what was typed is in the fields."""
        drawn = self._drawn
        if not drawn.now or drawn.error is None:
            return
        lines = (
            f"{drawn.labels.get(name, name)} is now: {self.in_words(name, value)}"
            for name, value in drawn.now.items()
        )
        with change_shown(drawn.error.message, lines):
            st.button("Keep theirs", key=f"{self.key} keep", on_click=self._take_theirs)

    def _take_theirs(self) -> None:
        """Begin the fields anew that somebody else has changed; what was typed elsewhere stays."""
        self._drawn.given_up.update(list(self._drawn.now))
        self._drawn.error, self._drawn.now = None, {}

    def refuse(self, error: SalesOpsError) -> None:
        """Remember why the last try failed; what was typed stays. After a change by somebody else
        the next try replaces what stands now.
        """
        self._drawn.error = error
        self._drawn.now = error.now if isinstance(error, Changed) else {}
        self._drawn.read |= self._drawn.now

    def finish(self) -> None:
        """Begin anew, with the values of the next run."""
        forms: dict[str, _Drawn] = st.session_state[FORMS]
        forms[self.key] = _Drawn({}, tries=self._drawn.tries + 1, keys={"never drawn"})


def _is_on_screen(key: str) -> bool:
    forms: dict[str, _Drawn] = st.session_state.get(FORMS, {})
    return key in forms and forms[key].is_on_screen


@contextmanager
def change_shown(message: str, lines: Iterable[str]) -> Iterator[None]:
    """What somebody else has saved meanwhile, above what was typed here. The body offers the choice
    between the two.
    """
    with st.container(border=True):
        st.warning(escape_markdown(message))
        for line in lines:
            st.text(line)
        yield


def shown_value(_name: str, value: Any) -> str:
    """A value of a field as people read it."""
    if isinstance(value, bool):
        return "On" if value else "Off"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or NONE
    return NONE if value in (None, "") else str(value)
