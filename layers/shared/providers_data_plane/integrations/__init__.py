"""One line for each SDK and gateway: clients that use the active credential of a provider in each request.

A module here imports the SDK of which it makes clients; `providers-data-plane` itself needs none of them.
"""
