"""The product's packages in the order of their layers. Each may name its own tables and those of
the packages before it. Models and SQL scripts are loaded in this order.
"""

PACKAGES = (
    "core.platform",
    "core.tenancy.organizations",
    "core.tenancy.identity",
    "core.tenancy.access",
    "core.deliveries",
    "core.people",
    "core.bookings",
    "core.money",
    "core.links",
    "core.metrics",
    "core.messages",
    "core.providers",
    "core.operations",
    "core.ui",
    "jobs",
    "webhooks",
    "pages",
)
