"""The shared layer of the Providers API: everything that is not an endpoint."""
