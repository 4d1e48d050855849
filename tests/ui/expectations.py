"""What each screen shows, and who may open it."""

from core.tenancy.access.models import Role
from core.ui.navigation import BY_KEY

# What of the team stands on each screen; a new screen says here what its visitors come for.
HAS = {
    "home": "Alder",
    "dashboard": "Alder closer",
    "my-day": "Show rate this month",
    "leaderboards": "Alder closer",
    "person": "Alder closer",
    "events": "Alder closer",
    "event": "Alder closer",
    "duplicates": "Alder lead",
    "merge-bookings": "Alder lead",
    "form": "Did the meeting take place?",
    "leads": "Alder source",
    "lead": "Alder source",
    "contacts": "Alder lead",
    "contact": "Alder lead",
    "merge-contacts": "Alder lead",
    "payments": "Alder closer",
    "payment": "Alder closer",
    "payouts": "Alder payout",
    "payout": "Alder payout",
    "exports": "/exports/events?",
    "lists": "Alder closer",
    "form-design": "Alder question",
    "settings": "Alder organisation",
    "setup": "Alder organisation",
    "organizations": "Alder organisation",
    "users": "Alder admin",
    "view-as": "Alder viewer",
    "connections": "Alder calendar",
    "delivery": "Alder calendar",
    "reports": "Alder closer",
    "links": "Alder portal",
    "audit": "Alder earlier payout",
    "portal": "Alder lead",
    "privacy": "E-mail address of the person",
    "go-live": "Alder calendar",
    "statement": "Alder earlier payout",
    "shared": "Alder board",
    "account": "this browser",
    "api-keys": "Alder program",
    "team": "Alder viewer",
    "decisions": "coverage 8 of 10",
    "guide": "User guide",
    "invitation": "This invitation link is not valid.",
    "forgot": "Send link",
    "reset": "This link is not valid any more",
    "integrations": "Alder account",
    "who-sees": "Alder lead",
    "blocked-addresses": "blocked@alder.example.com",
}


def may(role, screen):
    return role == Role.SUPER_ADMIN or role in BY_KEY[screen].roles or BY_KEY[screen].public
