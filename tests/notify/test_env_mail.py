"""The mail server is named by one variable."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from dockernet_site.env_mail import mail_settings


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "ssl"),
    [
        ("smtp://mail.example.org", "mail.example.org", 25, False, False),
        ("smtp+tls://a%40b:p%2Fw@mail:2525", "mail", 2525, True, False),
        ("smtps://mail", "mail", 465, False, True),
    ],
)
def test_it_reads_a_url(
    monkeypatch: pytest.MonkeyPatch, url: str, host: str, port: int, tls: bool, ssl: bool
) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    found = mail_settings()
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == (host, port)
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (tls, ssl)
    if "@" in url:
        assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("a@b", "p/w")


def test_without_one_there_is_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMAIL_URL", raising=False)
    assert mail_settings() == {}


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail", "smtp://"])
def test_a_bad_one_stops_the_site(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        mail_settings()
