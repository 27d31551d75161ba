"""How long pages take to open: a synthetic hour-long call, and a browser with a clock."""
