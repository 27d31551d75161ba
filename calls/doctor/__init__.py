"""``manage.py doctor``: checks a deployment, and says what is wrong and how to fix it.

facts     What the doctor looks at, as plain values
findings  What the facts mean: pure functions
looking   Reads the facts of this machine, its settings and its database
visiting  Asks the site through its proxy, and shows what the site saw of the request
"""
