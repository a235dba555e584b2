"""Addresses of the choice of a language."""

from django.urls import path

from language import views

app_name = "language"
urlpatterns = [path("language/", views.choose, name="choose")]
