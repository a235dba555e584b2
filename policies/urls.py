"""Addresses of the pages of this app."""

from django.urls import path

from policies.views import freezes, groups, policies

app_name = "policies"
urlpatterns = [
    path("policies/", policies.policies, name="list"),
    path("policies/new/", policies.new, name="new"),
    path("policies/default/", policies.default, name="default"),
    path("policies/<int:pk>/", policies.edit, name="edit"),
    path("policies/<int:pk>/remove/", policies.remove, name="remove"),
    path("policies/<int:pk>/grants/", policies.grant, name="grant"),
    path("policies/<int:pk>/grants/<int:grant_pk>/remove/", policies.ungrant, name="ungrant"),
    path("freezes/", freezes.freezes, name="freezes"),
    path("freezes/weekly/", freezes.weekly, name="weekly"),
    path("freezes/<int:pk>/remove/", freezes.remove, name="freeze_remove"),
    path("freezes/weekly/<int:pk>/remove/", freezes.weekly_remove, name="weekly_remove"),
    path("groups/", groups.groups, name="groups"),
    path("groups/<int:pk>/", groups.group, name="group"),
    path("groups/<int:pk>/remove/", groups.remove, name="group_remove"),
    path("groups/<int:pk>/<int:user_pk>/remove/", groups.member_out, name="member_remove"),
]
