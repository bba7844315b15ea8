"""Processes, probes, logs, sockets, locks: the only code that touches the system's process side.

Standard library alone, and of that only what starts fast.
"""
