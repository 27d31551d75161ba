"""The admin as a dashboard: its home page and its navigation. The pages of models are in admin/.

doctor  The page with the findings of the doctor.
figures The figures of the home page: values, levels and words. Pure.
groups  The models of the admin by task, and what they are called.
health  The context of the home page: figures with links for this user.
site    The admin site: navigation by task, and the login of the other pages.
"""
