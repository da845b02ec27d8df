"""What the design promises in numbers, measured: `python -m bench [--quick]`."""

import os

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "providers-api")
os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "ERROR")  # read on import; our processes answer on stdout
