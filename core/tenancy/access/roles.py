"""Groups of roles, for declaring who may open a screen or a route."""

from __future__ import annotations

from core.tenancy.access.models import Role

EVERYBODY = (Role.OWNER, Role.ADMIN, Role.MANAGER, Role.SALES_REP, Role.VIEWER)
MANAGERS = (Role.OWNER, Role.ADMIN, Role.MANAGER)
LOOKERS = (*MANAGERS, Role.VIEWER)
ADMINS = (Role.OWNER, Role.ADMIN)
REPS = (*MANAGERS, Role.SALES_REP)
SUPER_ADMINS = (Role.SUPER_ADMIN,)
