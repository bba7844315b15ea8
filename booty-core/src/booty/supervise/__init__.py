"""Guardian, supervisor and what talks to them. Standard library alone.

Commands use :mod:`~booty.supervise.launch`, :mod:`~booty.supervise.client`,
:mod:`~booty.supervise.state` and :mod:`~booty.supervise.change`.
"""
