"""`manage user`: who it makes, the token that it prints, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from people.models import User
from tests.site.test_settings import manage


def test_it_makes_a_user_before_the_site_was_ever_up(tmp_path: Path) -> None:
    made = manage(tmp_path, "user", "ann", "--role", "admin")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.strip().splitlines()[-1].startswith("dn_")


def test_it_makes_and_updates_users_and_prints_a_token(tmp_path: Path) -> None:
    assert manage(tmp_path, "prepare").returncode == 0
    made = manage(tmp_path, "user", "ann", "--role", "operator", "--password", "a long one")
    token = made.stdout.strip().splitlines()[-1]
    again = manage(tmp_path, "user", "ann", "--role", "approver")
    assert again.stdout.strip().splitlines()[-1] != token
    code = (
        "from people.models import User; from people.services import token_user; "
        f"u = token_user(token={token!r}); "
        "print(u.username, u.role, u.check_password('a long one'))"
    )
    result = manage(tmp_path, "shell", "-v0", "-c", code)
    assert result.stdout.split() == ["ann", "approver", "True"]
    refused = manage(tmp_path, "user", "a/b", "--role", "viewer")
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
    weak = manage(tmp_path, "user", "zoe", "--role", "viewer", "--password", "zoe")
    assert weak.returncode == 0
    assert "The password is weak" in weak.stderr
    assert weak.stdout.strip().splitlines()[-1].startswith("dn_")
    empty = manage(tmp_path, "user", "ann", "--role", "admin", "--password", "")
    assert empty.returncode != 0
    assert "password is empty" in empty.stderr
    result = manage(tmp_path, "shell", "-v0", "-c", code)
    assert result.stdout.split() == ["ann", "approver", "True"]


def test_it_makes_tokens_on_the_command_line_for_as_long_as_asked(tmp_path: Path) -> None:
    made = manage(tmp_path, "user", "ann", "--role", "viewer")
    assert "for 90 days" in made.stdout
    never = manage(tmp_path, "user", "ann", "--role", "viewer", "--token-days", "never")
    assert "never expires" in never.stdout
    assert never.stdout.strip().splitlines()[-1].startswith("dn_")
    code = (
        "from people.models import ApiToken as T, User as U; from audit.models import Entry as E; "
        "print([t.expires_at is None for t in T.objects.order_by('pk')], U.objects.count(), "
        "sorted({(e.via, e.by.endswith(' (shell)')) for e in E.objects.all()}))"
    )
    result = manage(tmp_path, "shell", "-v0", "-c", code)
    assert result.stdout.strip() == "[False, True] 1 [('command', True)]"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words",
    [
        "ann",
        "ann --role king",
        *(f"ann --role viewer --token-days {d}" for d in (0, -3, 3651, "soon")),
    ],
)
def test_it_makes_nobody_of_wrong_words(words: str) -> None:
    with pytest.raises(CommandError, match=r"or never|--role"):
        call_command("user", *words.split())
    assert not User.objects.exists()
