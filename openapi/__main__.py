"""Write the two files; `make openapi`."""

from __future__ import annotations

from openapi.files import written


def main() -> None:
    """Make both anew."""
    for path, text in written().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
