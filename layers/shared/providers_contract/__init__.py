"""The contract between the API's server and its clients.

Each fact is declared here once: ids, errors, operations, request bodies, responses. Nothing here imports the server, a
client, an AWS SDK or an HTTP library; only `bodies`, `responses` and `validation` import pydantic.
"""
