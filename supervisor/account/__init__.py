"""The account of a person: settings, password and logins, and how settings apply to every page.

demand      Sends people whose login lacks a required second factor to the page that completes it.
forms       The forms of settings, passwords and codes.
login       The login: the password, then a code.
middleware  Activates the preferences and the time zone of the person who sends the request.
overview    The account page, with the list of logins.
passwords   The page on which people change their own password.
reset       The pages for people who have forgotten their password.
second_factor  Sets up a second factor, renews its recovery codes, and turns it off.
sign_on     Signing on at the OpenID provider: the way there, and the way back.
views       The page of the settings.
"""
