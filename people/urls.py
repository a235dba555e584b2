"""Addresses of the pages of this app."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from people import views, views_tokens

app_name = "people"
urlpatterns = [
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/new/", views.token_create, name="token_create"),
    path("tokens/all/", views_tokens.everybodys, name="tokens_all"),
    path("tokens/<int:pk>/revoke/", views.token_remove, name="token_revoke"),
]
