"""What lines of the audit log say was done, in words."""

from __future__ import annotations

OPERATIONS = {
    "insert": "added",
    "update": "changed",
    "delete": "deleted",
    "export": "exported",
    "mass_export": "exported in bulk",
    "look": "opened",
    "search": "searched",
    "replay": "replayed",
    "person_export": "given to the person",
    "erase": "person erased",
    "lift_erasure": "erasure lifted",
    "purge": "permanently deleted",
    "explain_access": "asked who can see it",
}
# What is done to somebody, not to a row: its line says whom.
ABOUT_SOMEBODY = {
    "second_factor_on": "second factor switched on",
    "second_factor_off": "second factor switched off",
    "second_factor_cleared": "second factor removed",
    "recovery_code_used": "recovery code used",
    "recovery_codes_renewed": "new recovery codes created",
    "password_changed": "password changed",
    "password_reset": "new password by e-mail",
    "signed_out_elsewhere": "signed out elsewhere",
    "locked_out": "too many failed sign-ins",
    "view_as_start": "started viewing as",
    "view_as_end": "stopped viewing as",
}
OPERATIONS |= ABOUT_SOMEBODY
# Rows that somebody took out of the organisation.
TAKEN = ("export", "mass_export")
