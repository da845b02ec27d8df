"""The project's version: the package's, the API description's, and what clients say of themselves."""

VERSION = "0.1.0"
