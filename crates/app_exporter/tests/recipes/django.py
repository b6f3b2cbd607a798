"""Makes Django's tables, and sessions of users, of a guest and of former users."""

import sys

import django
from django.conf import settings

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "mysite",
            "USER": "admin",
            "HOST": "127.0.0.1",
            "PORT": sys.argv[1],
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
    ],
    SECRET_KEY="of no use",
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command

call_command("migrate", verbosity=0)


def session(values, expiry=None):
    store = SessionStore()
    store.update(values)
    if expiry is not None:
        store.set_expiry(expiry)
    store.create()
    store.save()


session({SESSION_KEY: "1"})
session({SESSION_KEY: "2"}, 3600)
session({"cart": [1, 2]})
session({SESSION_KEY: "3"}, -60)
session({SESSION_KEY: "4"}, -1_000_000)
