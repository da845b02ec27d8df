"""The concepts of the system, as frozen dataclasses, and its errors. Imports the standard library and the contract."""
