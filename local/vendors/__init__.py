"""The vendor emulator: an HTTP server that answers for every vendor, with the case that the key it is sent names."""
