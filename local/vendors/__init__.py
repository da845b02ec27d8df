"""The vendor emulator: an HTTP server that plays every vendor. The key in a request names the case to respond with."""
