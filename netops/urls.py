"""Addresses of the pages of this app."""

from django.urls import path

from netops.views import (
    break_glass,
    change,
    changes,
    conversation,
    live,
    request,
    request_check,
    work,
)

app_name = "netops"
urlpatterns = [
    path("work/", work.work, name="work"),
    path("work/count/", work.count, name="work_count"),
    path("changes/", changes.changes, name="changes"),
    path("changes/export.csv", changes.export, {"kind": "csv"}, name="export_csv"),
    path("changes/export.json", changes.export, {"kind": "json"}, name="export_json"),
    path("changes/new/", request.change_new, name="change_new"),
    path("changes/new/check/", request_check.request_check, name="request_check"),
    path("changes/new/size/", request.size, name="size"),
    path("changes/new/nat/", request.nat_part, name="nat_part"),
    path("changes/<int:pk>/", change.change, name="change"),
    path("changes/<int:pk>/break-glass/", break_glass.break_glass, name="break_glass"),
    path("changes/<int:pk>/approve/", change.approve, name="approve"),
    path("changes/<int:pk>/reject/", change.reject, name="reject"),
    path("changes/<int:pk>/withdraw/", change.withdraw, name="withdraw"),
    path("changes/<int:pk>/cancel/", change.cancel, name="cancel"),
    path("changes/<int:pk>/comments/", conversation.conversation, name="conversation"),
    path("changes/<int:pk>/confirm/", change.confirm, name="confirm"),
    path("changes/<int:pk>/replan/", change.replan, name="replan"),
    path("changes/<int:pk>/accept/", change.accept, name="accept"),
    path("changes/<int:pk>/revert/", change.revert, name="revert"),
    path("changes/<int:pk>/live/", live.change_live, name="change_live"),
]
