"""The Providers API on one machine: no Docker, no AWS account, no keys."""
