"""Measures the design's numeric targets: `python -m bench [--quick]`."""

import os

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "providers-api")
os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "ERROR")  # read on import; our processes write results to stdout
