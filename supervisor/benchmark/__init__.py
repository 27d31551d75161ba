"""How the pages bear a load: a call of an hour, a site of thousands, and a browser with a clock."""
