"""The version of the package and of the API's description, which clients also send in User-Agent."""

VERSION = "0.1.0"
