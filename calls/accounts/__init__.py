"""Accounts of people: where they are logged in, and the log of logins.

devices    Names browsers in words, from their User-Agent.
directory  The backend of LDAP.
local      Passwords of this site, which may be limited to a few named accounts.
login_log  Writes logins, failures and logouts to the log.
passwords  Changes passwords, and ends the sessions that the old one opened.
oidc       The backend of OpenID Connect.
provider   The OpenID provider: where it answers.
reset      Sends links with which people set a forgotten password.
second_factor  Sets up, checks and takes away the second factor of a login.
sessions   Records where a person is logged in, and ends logins.
sign_on    Admits people whom a sign-on service names, and maps their groups.
watching   Tells open sockets when their login has ended.
"""
