"""How many examples a property is tried with: a few in each run, many at night."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# By the name of the profile. An example is a text, a body or a request.
EXAMPLES = {"daily": 30, "nightly": 1_000}
# An example that writes a whole history into the database costs as much as so many others.
WHOLE_HISTORY = 10


def register_profiles() -> None:
    """Examples may be slow and may share what a fixture made. By day they are always the same, so
    that a change is not blamed for what it did not do; ``make proof`` chooses the profile
    ``nightly``, whose examples are new each time.
    """
    for name, count in EXAMPLES.items():
        settings.register_profile(
            name,
            max_examples=count,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=name == "daily",
        )
    settings.load_profile("daily")


def whole_histories() -> settings:
    """The settings of a property of which each example is a whole history."""
    return settings(max_examples=settings().max_examples // WHOLE_HISTORY)
