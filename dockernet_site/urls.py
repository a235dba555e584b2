"""Every address of the site. Pages name theirs in the `urls.py` of their app."""

from django.urls import include, path

from dockernet_site.api import api

urlpatterns = [
    path("api/v1/", api.urls),
    path("enroll/", include("hosts.urls_enrol")),
    path("", include("people.urls_login")),
    path("", include("people.urls")),
    path("", include("notify.urls")),
    path("", include("audit.urls")),
    path("", include("hosts.urls")),
    path("", include("language.urls")),
    path("", include("netops.urls")),
    path("", include("policies.urls")),
    path("", include("teach.urls")),
]

handler429 = "people.views_login.too_many"
