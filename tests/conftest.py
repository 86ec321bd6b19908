"""What holds for every test: no window is opened, and hypothesis makes the same examples in every run."""

import os

from hypothesis import HealthCheck, settings

os.environ["MPLBACKEND"] = "Agg"
os.environ["CHALKGRAD_CACHE"] = "off"  # what is tested is compiled, and the user's folder stays as it is

# The same examples every time, so that a failure on one machine is a failure on all. No deadline and no complaint about
# slow generation: two workers share two cores, and a pause of the machine is not a fault of the code.
settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# New examples in every run, many more of them: HYPOTHESIS_PROFILE=explore make test
settings.register_profile("explore", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
