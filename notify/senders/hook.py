"""One message posted to a webhook: JSON that Slack takes, signed."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import requests
from cryptography.fernet import InvalidToken
from requests.exceptions import RequestException

from notify.models import Delivery, Webhook
from notify.senders.deadline import Deadline
from notify.senders.guard import CONNECT_S, GuardedAdapter, NotConnected
from notify.senders.mail import NotSent
from people.seal import unseal

PURPOSE = "webhook"
SIGNATURE = "X-Dockernet-Signature"
READ_S = 10.0
TRY_S = 20.0
"""The whole of one try, look-up of the name and connecting included."""


def signature(secret: str, at: int, body: bytes) -> str:
    """Return the value of the header: HMAC-SHA256 over "<at>." and the body, in hex."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def body_of(delivery: Delivery) -> bytes:
    """Return what is posted: `text` and `blocks` for Slack, `dockernet` for programs."""
    data: dict[str, Any] = {**delivery.message["data"], "id": str(delivery.pk)}
    data["at"] = delivery.created_at.isoformat().replace("+00:00", "Z")
    url = data.get("change", {}).get("url", "")
    title = _plain(delivery.subject)
    title = f"<{url}|{title}>" if url else title
    rest = _plain(delivery.message["text"].removesuffix(url).strip())
    section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{title}*\n{rest}"[:2900]}}
    message = {"text": f"{title}\n{rest}", "blocks": [section], "dockernet": data}
    return json.dumps(message, ensure_ascii=False).encode()


def _plain(text: str) -> str:
    """Return text in which Slack sees no mark-up of its own: no links, no calls to everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def hook_send(delivery: Delivery) -> None:
    """Post a delivery to its person's webhook; raises NotSent."""
    hook = Webhook.objects.filter(user_id=delivery.user_id).first()
    if hook is None:
        raise NotSent("The webhook was removed.", for_good=True)
    try:
        url = unseal(hook.url_sealed, purpose=PURPOSE)
        secret = unseal(hook.secret_sealed, purpose=PURPOSE)
    except InvalidToken as error:
        message = "The webhook can no longer be read here: set it again."
        raise NotSent(message, for_good=True) from error
    status = _post(url, secret, body_of(delivery), str(delivery.pk))
    if not 200 <= status < 300:
        if 300 <= status < 400:
            raise NotSent(f"{hook.host} answered {status}; redirects are not followed.")
        raise NotSent(f"{hook.host} answered {status}.")


def _post(url: str, secret: str, body: bytes, number: str) -> int:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Dockernet",
        "X-Dockernet-Delivery": number,
        SIGNATURE: signature(secret, int(time.time()), body),
    }
    with Deadline(TRY_S) as deadline, requests.Session() as session:
        # Nothing of the environment: a proxy would connect in our place, and unguarded.
        session.trust_env = False
        session.mount("https://", GuardedAdapter(deadline))
        session.mount("http://", GuardedAdapter(deadline))
        try:
            answer = session.post(
                url,
                data=body,
                headers=headers,
                timeout=(CONNECT_S, READ_S),
                allow_redirects=False,
                stream=True,
            )
        except (RequestException, OSError, ValueError) as error:
            late = deadline.over and not _not_connected(error)
            said = "No answer came in time." if late else _why(error)
            raise NotSent(said, unanswered=True) from error
        # Closed without reading what it says: only whether it took the message counts.
        answer.close()
        if deadline.over:  # cut off in the middle of its answer, which then looks whole
            raise NotSent("No answer came in time.", unanswered=True)
        return answer.status_code


def _why(error: Exception) -> str:
    """Return what went wrong in one line, without the URL, which is a secret."""
    if isinstance(error, requests.exceptions.SSLError):
        return "Its certificate is not good, or it speaks no TLS."
    if isinstance(error, requests.exceptions.Timeout):
        return "No answer came in time."
    inner = _not_connected(error)
    return inner.said if inner else "The connection failed."


def _not_connected(error: Exception) -> NotConnected | None:
    inner = getattr(error.args[0], "reason", None) if error.args else None
    return inner if isinstance(inner, NotConnected) else None
