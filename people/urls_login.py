"""Addresses of logging in: those of allauth's views that we want, under names that it knows."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.socialaccount import views as social
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from people import views_login

urlpatterns = [
    path("login/", views_login.Login.as_view(), name="account_login"),
    path("logout/", require_POST(account.logout), name="account_logout"),
    path("login/code/", mfa.authenticate, name="mfa_authenticate"),
    path(
        "login/cancelled/",
        require_GET(social.login_cancelled),
        name="socialaccount_login_cancelled",
    ),
    path("login/<slug:provider_id>/", views_login.oidc_begin, name="openid_connect_login"),
    path(
        "login/<slug:provider_id>/callback/", views_login.oidc_end, name="openid_connect_callback"
    ),
    path("account/", never_cache(mfa.index), name="mfa_index"),
    path("account/again/", account.reauthenticate, name="account_reauthenticate"),
    path("account/again/code/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("account/password/", views_login.PasswordChange.as_view(), name="account_change_password"),
    path("account/app/", never_cache(views_login.AppAdd.as_view()), name="mfa_activate_totp"),
    path("account/app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/codes/", never_cache(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("account/codes/new/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
]
