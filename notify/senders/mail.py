"""One message by e-mail."""

from __future__ import annotations

from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused

from django.conf import settings
from django.core.mail import EmailMessage

from notify.models import Delivery

_ABOUT_ONE = (SMTPRecipientsRefused, SMTPSenderRefused, SMTPDataError, ValueError)
"""What a mail server says of one message; all else is about the server."""


class NotSent(Exception):
    """The message did not go out; the text says why, in English (pages show it by `said`).
    `for_good`: trying again is no use. `unanswered`: the other side is away or late, for its other
    messages too."""

    def __init__(self, message: str, *, for_good: bool = False, unanswered: bool = False) -> None:
        super().__init__(message)
        self.for_good = for_good
        self.unanswered = unanswered


def mail_send(delivery: Delivery) -> None:
    """Send a delivery to its person's address; raises NotSent."""
    if not settings.DOCKERNET_MAIL:
        raise NotSent("This site has no mail server.", for_good=True)
    address = delivery.user.email
    if not address:
        raise NotSent("The person has no e-mail address.", for_good=True)
    # The same number at each try: a mail server that had it already can tell.
    headers = {
        "Message-ID": f"<{delivery.pk}@{settings.DOCKERNET_MAIL_DOMAIN}>",
        "Auto-Submitted": "auto-generated",
    }
    mail = EmailMessage(
        f"[Dockernet] {delivery.subject}",
        f"{delivery.subject}\n\n{delivery.message['text']}\n",
        settings.DEFAULT_FROM_EMAIL,
        [address],
        headers=headers,
    )
    try:
        mail.send()
    except (OSError, ValueError) as error:
        # smtplib's errors are OSErrors. What a server says may hold anything: one line of it.
        said = f"The mail server did not take it: {_line(error)}"
        raise NotSent(said, unanswered=not isinstance(error, _ABOUT_ONE)) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
