"""What the system is about: frozen dataclasses, the error tree, `Secret`. Imports the standard library alone."""
