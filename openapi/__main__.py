"""Write the two generated files."""

from __future__ import annotations

from openapi.files import written


def main() -> None:
    """Write both files."""
    for path, text in written().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
