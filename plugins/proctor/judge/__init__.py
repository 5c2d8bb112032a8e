"""The judge model in place of people: what it is asked, how its opinions are read, and how far they can be trusted."""
