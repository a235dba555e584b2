"""The two HTTP ends of enrolment: the script that anyone may read, the archive for a token."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from audit.origin import Origin, origin_current, origin_set
from hosts.bundle import bundle, bundle_check, install_script
from hosts.services.enrolment import enrolment_redeem
from netops.engine.errors import OperationFailed, Refused


@require_GET
def install(request: HttpRequest) -> HttpResponse:
    """Answer with the install script."""
    return HttpResponse(install_script(), content_type="text/x-python; charset=utf-8")


@csrf_exempt
@never_cache
@require_POST
def redeem(request: HttpRequest) -> HttpResponse:
    """Use up the token of the Authorization header and answer with the host's archive.

    A refusal is one line of plain text: 403 for a token that does not let in, 503 while the site
    itself cannot (the token stays good).
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        return _refusal(403, "An enrolment token is needed.")
    try:
        bundle_check()
        with origin_set(Origin("host", origin_current().address)):
            config = enrolment_redeem(token=token.strip())
        archive = bundle(config)
    except Refused as error:
        return _refusal(403, error.message)
    except OperationFailed as error:
        return _refusal(503, f"{error.message} {error.hint}".strip())
    return HttpResponse(archive, content_type="application/gzip")


def _refusal(status: int, message: str) -> HttpResponse:
    return HttpResponse(message + "\n", content_type="text/plain; charset=utf-8", status=status)
