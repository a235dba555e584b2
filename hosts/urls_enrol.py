"""Addresses under /enroll/."""

from django.urls import path

from hosts import views_enrol

urlpatterns = [
    path("install.py", views_enrol.install, name="enroll-install"),
    path("redeem", views_enrol.redeem, name="enroll-redeem"),
]
