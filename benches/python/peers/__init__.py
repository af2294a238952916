"""One module for each library that is measured, all alike.

Each has a class `Holder`. Made with a `Server`, it has got its first token. What a program calls before each
request is its attribute `get`: with a token in memory, that is what is timed. `bearer` finds the token in
what `get` returned. A module whose library lets a program move its clock has a function `skip`.
"""
