"""The picture in the README: the output of `providers list` and `providers health`, as an SVG.

`python -m tests.kit.pictures` writes it. The data is fixed, so the picture is the same on every machine.
"""

from __future__ import annotations

import io
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.terminal_theme import MONOKAI

from providers_client.cli.health import shown
from providers_client.cli.listing import Row, providers_table
from providers_client.cli.session import as_plain
from providers_client.cli.terminal import laid_out
from providers_contract.examples import HEALTH, PROVIDER
from providers_contract.responses import Health, HistoryPoint, Provider

PICTURE: Final = Path(__file__).parent.parent.parent / "docs" / "pictures" / "cli.svg"
WIDTH: Final = 100
NOW: Final = datetime(2026, 4, 14, 12, tzinfo=UTC)
ROWS: Final = [
    ("OpenAI Production", "openai", "healthy", 305, 0),
    ("Claude", "anthropic", "healthy", 410, 0),
    ("Azure West Europe", "azure", "degraded", 530, 4),
    ("Bedrock US-East", "bedrock", "healthy", 190, 0),
    ("Groq Batch", "groq", "unhealthy", 80, 45),
]


def history(latency_ms: int, first_failure: int) -> list[HistoryPoint]:
    """Return an hour of checks; those from `first_failure` on fail, 0 for none."""
    points = []
    for minute in range(60):
        fails = bool(first_failure) and (minute >= first_failure if first_failure > 10 else minute % 9 == first_failure)
        p50 = None if fails else latency_ms + (minute * 37) % 90
        rate = 0.0 if fails else 1.0
        at = NOW - timedelta(minutes=60 - minute)
        points.append(HistoryPoint(at=at, checks=1, success_rate=rate, p50_ms=p50, p95_ms=p50))
    return points


def picture() -> str:
    """Return the SVG, without rich's web fonts, so that it loads nothing external."""
    providers = []
    for number, (name, vendor, state, latency_ms, fails) in enumerate(ROWS):
        health: dict[str, Any] = {
            "state": state,
            "reason": None,
            "p50_latency_ms": latency_ms,
            "last_check_at": NOW.isoformat(),
            "history": [point.model_dump(mode="json") for point in history(latency_ms, fails)],
        }
        fields = PROVIDER | {"id": f"prov_01JFAKE{number + 1:019}", "name": name, "vendor": vendor, "health": health}
        providers.append(Provider.model_validate(fields))
    health_view = Health.model_validate(HEALTH | {"history": []})
    health_view = health_view.model_copy(update={"history": history(305, 0)})
    console = Console(
        record=True, width=WIDTH, highlight=False, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print("[bold]$[/] providers list")
    console.print(laid_out([providers_table([Row.of(as_plain(each)) for each in providers], charted=True)], WIDTH))
    console.print('\n[bold]$[/] providers health "OpenAI Production"')
    console.print(laid_out(shown(health_view, "1h", WIDTH), WIDTH))
    svg = console.export_svg(title="providers", theme=MONOKAI, unique_id="providers")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    sys.stdout.write("docs/pictures/cli.svg is current\n")
