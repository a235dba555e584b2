"""Addresses of the pages of this app."""

from django.urls import path

from audit import views

app_name = "audit"
urlpatterns = [
    path("audit/", views.log, name="log"),
    path("audit/export.csv", views.export, {"kind": "csv"}, name="export_csv"),
    path("audit/export.json", views.export, {"kind": "json"}, name="export_json"),
]
