"""Buckets: the portable type, and what a driver of one looks like."""

from __future__ import annotations
