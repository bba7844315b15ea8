"""The driver of ``s3://``: objects on AWS S3 and on servers that speak its protocol."""

from __future__ import annotations
