"""`python -m providers_client` is `providers`."""

from providers_client.cli.app import main

if __name__ == "__main__":
    main()
