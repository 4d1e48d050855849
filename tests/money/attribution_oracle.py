"""Attribution a second time, slowly and in plain Python, from the facts as a test made them: who
wrote it has not read the database's functions but the specification.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

GONE = {"canceled", "rescheduled"}


@dataclass
class EventFact:
    id: UUID
    contact: UUID | None
    email: str | None
    at: datetime
    status: str
    is_deleted: bool = False
    moved_to: UUID | None = None


@dataclass
class Money:
    """A payment; ``form`` is the event on whose form it was entered, ``choice`` a tuple with the
    event that a person chose, or with None for no event, and ``chosen_as`` numbers such choices as
    they were made; ``booked`` is the event that it was paid with; ``package`` what it names itself.
    """

    id: UUID
    amount: int
    at: datetime
    email: str | None
    is_entered: bool
    key: str = ""
    form: UUID | None = None
    booked: UUID | None = None
    choice: tuple[UUID | None] | None = None
    chosen_as: int = 0
    membership: str | None = None
    status: str = "succeeded"
    currency: str = "USD"
    package: UUID | None = None
    is_withdrawn: bool = False

    @property
    def counts(self) -> bool:
        return self.status == "succeeded" and not self.is_withdrawn


@dataclass
class Facts:
    forward_days: int
    window_days: int
    owner_of: dict[str, UUID] = field(default_factory=dict)  # address → contact
    events: dict[UUID, EventFact] = field(default_factory=dict)
    money: dict[UUID, Money] = field(default_factory=dict)
    verdicts: dict[tuple[UUID, UUID], str] = field(default_factory=dict)  # in the order of saying
    paid_as: dict[UUID, tuple[int, str]] = field(default_factory=dict)  # what payouts have counted


Found = tuple[UUID | None, str, UUID | None, UUID | None]


def attributed(facts: Facts) -> dict[UUID, Found]:
    """Of each payment its event, the method, the payment that takes its place, and its package."""
    pairs = same_money(facts)
    entry_of = {reported: entered for entered, reported in pairs.items()}
    own = {each.id: _own(facts, each, entry_of) for each in facts.money.values()}
    settled = {}
    for each in facts.money.values():
        event, method, is_known = own[each.id]
        leader = _leader(facts, each, own)
        if not is_known and leader is not None and leader.id != each.id:
            led = own[leader.id]
            if led[0] is not None or led[2]:
                event, method = led[0], "membership"
        package = each.package
        if package is None and each.id in entry_of:
            package = facts.money[entry_of[each.id]].package
        settled[each.id] = (event, method, pairs.get(each.id), package)
    return settled


def stands(facts: Facts, event_id: UUID | None) -> UUID | None:
    """Where somebody who chose this event finds it: a moved one goes on where it was moved to,
    unless it was held.
    """
    while event_id is not None:
        event = facts.events[event_id]
        if event.status not in ("rescheduled", "no_show") or event.moved_to is None:
            break
        if facts.events[event.moved_to].is_deleted:
            break
        event_id = event.moved_to
    return event_id


def earned(facts: Facts) -> dict[tuple[UUID | None, str], int]:
    """What counts, by event and currency."""
    sums: dict[tuple[UUID | None, str], int] = {}
    for money_id, (event, _, successor, _) in attributed(facts).items():
        money = facts.money[money_id]
        if money.counts and successor is None:
            key = event, money.currency
            sums[key] = sums.get(key, 0) + money.amount
    return sums


def count(facts: Facts) -> None:
    """A payout has counted everything: each pair is one from now on, until a person says that it is
    none, and what was entered is known by its amount of now.
    """
    pairs = same_money(facts)
    for pair in pairs.items():
        if facts.verdicts.get(pair) != "same":
            facts.verdicts.pop(pair, None)
        facts.verdicts[pair] = "counted"
    for entry in facts.money.values():
        if entry.is_entered and entry.counts and entry.id not in pairs:
            facts.paid_as[entry.id] = entry.amount, entry.currency


def _own(facts: Facts, money: Money, entry_of: dict[UUID, UUID]) -> tuple[UUID | None, str, bool]:
    entry = facts.money[entry_of[money.id]] if money.id in entry_of else None
    chosen = [each for each in (money, entry) if each is not None and each.choice is not None]
    if chosen:
        latest = max(chosen, key=lambda each: each.chosen_as)
        return stands(facts, latest.choice[0]), "manual", True
    if entry is not None and entry.form is not None:
        return entry.form, "form", True
    if money.form is not None:
        return money.form, "form", True
    paid_with = stands(facts, money.booked)
    booked = facts.events[paid_with] if paid_with else None
    if booked is not None and booked.status not in GONE and not booked.is_deleted:
        return booked.id, "booking", True
    event, method = _by_email(facts, money)
    return event, method, False


def _by_email(facts: Facts, money: Money) -> tuple[UUID | None, str]:
    if money.email is None:
        return None, "none"
    mine = _people(facts, None, money.email)
    theirs = [
        event
        for event in facts.events.values()
        if event.status not in GONE
        and not event.is_deleted
        and mine & _people(facts, event.contact, event.email)
    ]
    before = [event for event in theirs if event.at <= money.at]
    if before:
        attended = [event for event in before if event.status != "no_show"]
        return max(attended or before, key=lambda event: event.at).id, "email"
    until = money.at + timedelta(days=facts.forward_days)
    after = [event for event in theirs if event.at <= until]
    if after and facts.forward_days:
        attended = [event for event in after if event.status != "no_show"]
        return min(attended or after, key=lambda event: event.at).id, "later_call"
    return None, "none"


def _people(facts: Facts, contact: UUID | None, *emails: str | None) -> set[object]:
    """Who is meant: contacts, and addresses that belong to none."""
    found: set[object] = {facts.owner_of.get(email, email) for email in emails if email}
    return found | ({contact} if contact else set())


def _leader(
    facts: Facts, money: Money, own: dict[UUID, tuple[UUID | None, str, bool]]
) -> Money | None:
    """The payment of the membership that was chosen last before this one, else its first."""
    if money.membership is None:
        return None
    same = [
        each for each in facts.money.values() if each.membership == money.membership and each.counts
    ]
    same.sort(key=lambda each: (each.at, each.key))
    before = [each for each in same if (each.at, each.key) < (money.at, money.key)]
    chosen = [each for each in before if own[each.id][1] == "manual"]
    return next(iter(chosen[::-1] + same), None)


def same_money(facts: Facts) -> dict[UUID, UUID]:
    """Entry → the processor's payment that takes its place."""
    said = _said(facts)
    away = {
        (entry.id, card.id): distance
        for entry in facts.money.values()
        for card in facts.money.values()
        if entry.is_entered
        and not card.is_entered
        and entry.id not in said
        and card.id not in said.values()
        and (distance := _distance(facts, entry, card)) is not None
    }
    return said | dict(_best(facts, away))


def _said(facts: Facts) -> dict[UUID, UUID]:
    """The latest word of all on either payment; what was counted as one, only a word on money
    parts.
    """
    same = [pair for pair, verdict in facts.verdicts.items() if verdict in ("same", "counted")]
    live = [pair for pair in same if all(facts.money[each].counts for each in pair)]
    found = {}
    for place, (entry, card) in enumerate(same):
        parting = live if facts.verdicts[entry, card] == "counted" else same
        later = [pair for pair in same[place + 1 :] if pair in parting]
        if (entry, card) in live and not any(entry == a or card == b for a, b in later):
            found[entry] = card
    return found


def is_refused(facts: Facts, entry: UUID, card: UUID) -> bool:
    """Whether a word that the two are the same money contradicts what was counted as one."""
    return any(
        (entry == one) != (card == other) and facts.verdicts.get((one, other)) == "counted"
        for one, other in same_money(facts).items()
    )


def _distance(facts: Facts, entry: Money, card: Money) -> timedelta | None:
    if facts.verdicts.get((entry.id, card.id)) == "different":
        return None
    known_as = (entry.amount, entry.currency), facts.paid_as.get(entry.id)
    alike = (card.amount, card.currency) in known_as
    if not (alike and entry.counts and card.counts):
        return None
    event_id = stands(facts, entry.choice[0]) if entry.choice is not None else entry.form
    event = facts.events[event_id] if event_id else None
    whose = _people(
        facts, event.contact if event else None, entry.email, event.email if event else None
    )
    is_alike = bool(whose & _people(facts, None, card.email))
    if event is not None:
        known = [card.booked, *([card.choice[0]] if card.choice is not None else [])]
        theirs = {stands(facts, each) for each in known if each is not None}
        is_alike |= stands(facts, event.id) in theirs
    form = facts.events[entry.form] if entry.form else None
    near = [entry.at, *(each.at for each in (event, form) if each is not None)]
    away = min(abs(card.at - at) for at in near)
    return away if is_alike and away <= timedelta(days=facts.window_days) else None


def _best(facts: Facts, away: dict[tuple[UUID, UUID], timedelta]) -> list[tuple[UUID, UUID]]:
    """By trying everything, one group after the other: most pairs, then least distance, and of
    entries that are equally near the earliest.
    """
    found: list[tuple[UUID, UUID]] = []
    waiting = set(away)
    while waiting:
        group = {waiting.pop()}
        while more := {
            pair for pair in waiting if any(pair[0] == a or pair[1] == b for a, b in group)
        }:
            group |= more
            waiting -= more
        entries = {entry for entry, _ in group}
        latest_first = sorted(entries, key=lambda id: (facts.money[id].at, id), reverse=True)
        found += _best_of(latest_first, group, away)[2]
    return found


def _best_of(
    entries: list[UUID],
    group: set[tuple[UUID, UUID]],
    away: dict[tuple[UUID, UUID], timedelta],
    taken: frozenset[UUID] = frozenset(),
) -> tuple[int, timedelta, list[tuple[UUID, UUID]]]:
    if not entries:
        return 0, timedelta(0), []
    entry, *rest = entries
    best = _best_of(rest, group, away, taken)
    for pair in group:
        if pair[0] == entry and pair[1] not in taken:
            count, sum_, pairs = _best_of(rest, group, away, taken | {pair[1]})
            mine = (count + 1, sum_ + away[pair], [*pairs, pair])
            if (-mine[0], mine[1]) < (-best[0], best[1]):
                best = mine
    return best
