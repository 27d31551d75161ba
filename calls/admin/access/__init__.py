"""Access to the site, in the admin.

key_form  The forms of API keys.
keys      API keys.
logins    Failed logins, lock-outs and logins.
sign_on   Which account belongs to whom at a sign-on service.
users     Users and groups.
"""

from calls.admin.access import keys, logins, sign_on, users

__all__ = ["keys", "logins", "sign_on", "users"]
