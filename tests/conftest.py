"""What every test shares: the database fixtures, their order, and how hard Hypothesis looks."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.fixtures.database", "tests.fixtures.order", "tests.fixtures.stores"]

# The same examples on every run and machine: a red build is a change of ours, never bad luck.
settings.register_profile(
    "house",
    derandomize=True,
    deadline=None,
    max_examples=50,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# New examples on each run, for an evening: pytest --hypothesis-profile=explore
settings.register_profile(
    "explore",
    deadline=None,
    max_examples=2_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")
