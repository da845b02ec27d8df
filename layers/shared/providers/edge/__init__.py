"""Everything between Lambda and the use cases. Every function imports it early, before botocore or pydantic."""

import gc
from typing import Final

ALLOCATIONS: Final = 500_000
"""A cold start keeps nearly everything that it allocates: searching it for garbage every 2,000 objects, as Python does
by default, finds none and takes 30 to 60 ms (docs/decisions/0021). That many objects of some 200 bytes are 100 MB, less
than a function has to spare."""

gc.set_threshold(ALLOCATIONS)
