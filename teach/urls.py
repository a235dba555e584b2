"""Addresses of the pages of this app."""

from django.urls import path

from teach import views

app_name = "teach"
urlpatterns = [path("help/terms/", views.terms, name="terms")]
