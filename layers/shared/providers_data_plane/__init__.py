"""Use the credentials of the Providers API in a program that calls the vendors."""
