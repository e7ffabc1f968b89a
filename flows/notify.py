"""Tell people who are not watching: to the addresses in FACTORY_NOTIFY, by apprise, which Prefect brings along."""

from __future__ import annotations

import logging

from factory.settings import Settings
from flows.terminal import say


def notify(title: str, body: str, settings: Settings) -> bool:
    """Tell it to every address, if any is set; returns whether all were reached.

    A build never fails for this: what could not be told is said on the terminal, without the addresses, which may hold
    passwords.
    """
    if not settings.notify:
        return True
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its errors hold addresses
    sender = apprise.Apprise()
    told = [sender.add(address) for address in settings.notify]
    if all(told) and sender.notify(title=title, body=body):
        return True
    say(f"Not everybody in FACTORY_NOTIFY could be told: {title}")
    return False
