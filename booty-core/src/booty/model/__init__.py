"""The nouns of booty: frozen, typed, serialisable values without behaviour that touches the world.

Imports go to :mod:`booty.errors` at most. Everything here can be built in a test by hand.
"""
