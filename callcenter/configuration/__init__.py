"""Parts of ``callcenter.settings``: readers of variables, and settings of libraries by subject.

environment     Reads variables, and collects what is wrong with them
checked_values  Checks of values such as zones, folders and addresses
local_secret    Secrets of the local profile, kept in files
accounts        Passwords, lock-outs and one-time codes
api             The REST framework and the schema
database        The database, and why it cannot be reached
directory       The directory, an LDAP server
log             The log
messages        E-mail, and links in messages
sign_on         Single sign-on
traces          Where traces are sent
"""
