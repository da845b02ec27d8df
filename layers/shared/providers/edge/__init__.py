"""Everything between Lambda and the use cases. Every function imports it early, before botocore or pydantic."""

import gc
from typing import Final

ALLOCATIONS: Final = 100_000
"""A cold start keeps nearly everything that it allocates: searching it for garbage every 2,000 objects, as Python does
by default, finds none and took an eighth of its CPU."""

gc.set_threshold(ALLOCATIONS)
