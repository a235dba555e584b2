"""Every setting of the site. By environment only: docs name each variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from dockernet_site import env, env_mail, env_oidc
from dockernet_site.broker_link import require_checked
from language.catalogue import compiled

BASE_DIR = Path(__file__).resolve().parent.parent

DOCKERNET_HOME = env.folder("DOCKERNET_HOME", BASE_DIR / "var")
DOCKERNET_PUBLIC_URL = env.url("DOCKERNET_PUBLIC_URL", "http://127.0.0.1:8000", ("http", "https"))
DOCKERNET_BROKER_PUBLIC_URL = env.url("DOCKERNET_BROKER_PUBLIC_URL", "", ("redis", "rediss"))
# Beside a running `./dockernet up` other commands find its broker by the file it keeps.
REDIS_URL = env.url(
    "REDIS_URL", env.kept(DOCKERNET_HOME / "broker" / "site_url"), ("redis", "rediss", "unix")
)

# The certificates that a broker with TLS (rediss://) must come from; hosts are given them too.
DOCKERNET_BROKER_CA = env.file("DOCKERNET_BROKER_CA")
for _name, _url in (
    ("REDIS_URL", REDIS_URL),
    ("DOCKERNET_BROKER_PUBLIC_URL", DOCKERNET_BROKER_PUBLIC_URL),
):
    require_checked(_name, _url)

DEBUG = env.flag("DOCKERNET_DEBUG")
SECRET_KEY = env.text("SECRET_KEY") or env.kept_secret(DOCKERNET_HOME / "secret_key")
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("SECRET_KEY must have 32 characters or more.")

_public_host = env.host_of(DOCKERNET_PUBLIC_URL)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", _public_host]
ALLOWED_HOSTS += [h.strip() for h in env.text("DOCKERNET_ALLOWED_HOSTS").split(",") if h.strip()]
CSRF_TRUSTED_ORIGINS = [DOCKERNET_PUBLIC_URL]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_htmx",
    "ninja",
    "audit",
    "people",
    "hosts",
    "language",
    "netops",
    "policies",
    "notify",
    "teach",
]

MIDDLEWARE = [
    # First: what comes after may ask whether the request was https.
    "audit.origin.forwarded_by_proxies_only",
    "django.middleware.security.SecurityMiddleware",
    "dockernet_site.csp.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dockernet_site.api_errors.json_errors",
    "audit.origin.origin_of_request",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "people.sessions.session_age",
    "django.middleware.locale.LocaleMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "language.choice.chosen_language",
    "people.look_only.LookOnly",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dockernet_site.one_hop.in_one_thread",
]

ROOT_URLCONF = "dockernet_site.urls"
ASGI_APPLICATION = "dockernet_site.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]


def _database() -> dict[str, Any]:
    """SQLite in DOCKERNET_HOME unless DATABASE_URL names another place."""
    default = f"sqlite:///{DOCKERNET_HOME / 'dockernet.sqlite3'}"
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(env.text("DATABASE_URL", default)))
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgres://user:password@host/name or sqlite:///path."
        ) from error
    engine = str(config["ENGINE"])
    if engine.endswith("sqlite3"):
        # Writers queue up at BEGIN instead of failing in the middle; FULL: a row that the ingest
        # has removed from the stream must survive a power loss.
        config["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;",
        }
    elif not engine.endswith("postgresql"):
        raise ImproperlyConfigured("DATABASE_URL: only SQLite and PostgreSQL are supported.")
    return config


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Shared by all web processes, on any machine: what throttles the log-in counts there.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "people_cache",
        # Plenty: a full cache forgets at random, and with it who is throttled.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # Of each process, for what may be seconds old.
    "memory": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Accounts are made by `manage user`, or by the first log-in through OIDC; nobody signs up.
ACCOUNT_ADAPTER = "people.login_adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_FORMS = {
    "login": "people.forms_login.LoginForm",
    "reauthenticate": "people.forms_login.PasswordAgainForm",
    "change_password": "people.forms_login.PasswordChangeForm",
}
# Tries in a time, for each client address and for each name; failures weigh more.
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key"}

MFA_ADAPTER = "people.login_adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = f"Dockernet {_public_host}"
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_FORMS = {
    "authenticate": "people.forms_login.CodeForm",
    "reauthenticate": "people.forms_login.CodeAgainForm",
    "activate_totp": "people.forms_login.AppForm",
}
# Who holds one of these roles must have a second factor before they may act.
DOCKERNET_REQUIRE_MFA = env.words(
    "DOCKERNET_REQUIRE_MFA", ("viewer", "operator", "approver", "admin")
)

SOCIALACCOUNT_ADAPTER = "people.login_oidc.OidcAdapter"
SOCIALACCOUNT_PROVIDERS = env_oidc.oidc_providers()
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False
DOCKERNET_OIDC_ROLE = env.choice(
    "DOCKERNET_OIDC_ROLE", "viewer", ("viewer", "operator", "approver", "admin")
).lower()
# From these addresses alone X-Forwarded-For and X-Forwarded-Proto are believed.
DOCKERNET_PROXY_ADDRESSES = env.networks("DOCKERNET_PROXY_ADDRESSES", "127.0.0.1,::1")
# How many proxies of ours add to X-Forwarded-For; with 0 the header is never read.
DOCKERNET_TRUSTED_PROXIES = env.number("DOCKERNET_TRUSTED_PROXIES", 0, low=0, high=10)

# E-mail goes out only where EMAIL_URL names a server; the pages say so otherwise.
_mail = env_mail.mail_settings()
DOCKERNET_MAIL = bool(_mail)
EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST", "localhost"), _mail.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DOCKERNET_MAIL_DOMAIN = _public_host.strip("[]")
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", f"Dockernet <dockernet@{DOCKERNET_MAIL_DOMAIN}>")
# Webhooks go to public addresses, and to these.
DOCKERNET_WEBHOOK_PRIVATE = env.networks("DOCKERNET_WEBHOOK_PRIVATE", "")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ko", "한국어")]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_AGE = 31_536_000
LOCALE_PATHS = [compiled(DOCKERNET_HOME)]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DOCKERNET_HOME / "static"
STATICFILES_DIRS = [path for path in [BASE_DIR / "static"] if path.is_dir()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "dockernet_site.static.HashedStatic"},
}

_https = DOCKERNET_PUBLIC_URL.startswith("https://")
LANGUAGE_COOKIE_SECURE = _https
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# __Host-: the browser takes the cookie only over https, from this very host, for all its paths.
SESSION_COOKIE_NAME = "__Host-dockernet_session" if _https else "sessionid"
CSRF_COOKIE_NAME = "__Host-dockernet_csrf" if _https else "csrftoken"
# A session ends after so long without an act of its person, and after so long in any case.
SESSION_COOKIE_AGE = env.number("DOCKERNET_SESSION_IDLE_S", 28_800, low=300, high=2_592_000)
SESSION_LONGEST_S = env.number("DOCKERNET_SESSION_LONGEST_S", 604_800, low=300, high=31_536_000)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_SSL_REDIRECT = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
# HSTS for subdomains and preloading would bind other sites of the domain, which are not ours.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# Over plain http a browser ignores it, and says so as an error on each page.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if _https else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# How long things hold, in seconds.
HOST_OFFLINE_AFTER_S = 30
ENROLMENT_TOKEN_S = 3600
PLANNING_EXPIRES_S = env.number("DOCKERNET_PLANNING_EXPIRES_S", 86_400, low=60, high=31_536_000)
APPROVAL_EXPIRES_S = env.number("DOCKERNET_APPROVAL_EXPIRES_S", 604_800, low=60, high=31_536_000)
JOB_EXPIRES_S = env.number("DOCKERNET_JOB_EXPIRES_S", 600, low=30, high=86_400)
JOB_TIME_S = env.number("DOCKERNET_JOB_TIME_S", 900, low=60, high=86_400)
# With the sweep every 5 s: a lost worker is told within 30 s; heartbeats come every 10 s.
JOB_LEASE_S = 24

_LEVELS = ("debug", "info", "warning", "error")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # Refusals (4xx) are no faults of ours.
    "loggers": {"django.request": {"level": "ERROR"}},
    "root": {"handlers": ["stderr"], "level": env.choice("DOCKERNET_LOG_LEVEL", "info", _LEVELS)},
}
