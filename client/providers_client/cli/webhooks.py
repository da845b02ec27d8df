"""`providers webhook test`: a test event for the webhook and the Slack channel, for operators."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import click

from providers_client.cli import options
from providers_client.cli.commands import Group
from providers_client.cli.keys import operator
from providers_client.cli.operate import Described
from providers_client.cli.session import begin, out, say

_FIELDS: Final = ("id", "type", "sent_at")


@click.group("webhook", cls=Group, no_args_is_help=True)
def app() -> None:
    """Test the webhook and the Slack channel (needs AWS credentials)."""


@app.command()
@options.stack
@options.local
@options.as_json
@click.pass_context
def test(ctx: click.Context, stack: str | None, local: bool, as_json: bool) -> None:
    """Send a test event to the webhook and the Slack channel.

    The event has the type webhook.test and no provider. Like all events, it is sent through EventBridge, with the
    webhook's Authorization header.
    """
    session = begin(ctx, as_json, _FIELDS)
    operate = operator(session, stack, local=local)
    sent = operate("webhook.test")
    if as_json:
        session.print_json(sent)
        return
    out(f"Sent: {sent['type']} {sent['id']}")
    for line in _LOCAL if local else _receivers(operate.describe()):
        say(line)


_LOCAL: Final = ("`make run WEBHOOK=URL` posts events to URL; without it, nothing receives them.",)


def _receivers(stack: Described) -> list[str]:
    """Return who gets the event, and where to look if it does not arrive."""
    url, channel = stack.parameters.get("WebhookUrl"), stack.parameters.get("SlackChannel")
    queue = stack.outputs.get("NotificationDeadLettersUrl")
    if not (url or channel):
        return ["The stack has no WebhookUrl and no SlackChannel: only your own rules on its event bus get the event."]
    found = {
        url: f"The webhook at {urlsplit(url or '').hostname} gets it within a minute.",
        channel: f"The Slack channel {channel} shows a message within a minute.",
        queue: f"If it does not arrive, read why in the queue {queue}",
    }
    return [line for given, line in found.items() if given]
