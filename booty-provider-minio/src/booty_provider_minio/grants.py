"""Who may do what: from the file's users and policies to what the engines take. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from booty_provider_minio.component import KEY
from booty_provider_minio.resources import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from booty import Instance

__all__ = ["Account", "accounts", "all_accounts", "bucket_policies", "policy_document"]

USER: Final = "user"
"""The consumer that people are: it may do all that S3 knows."""
_ALL: Final = Policy(access="read-write")
_ARN: Final = "arn:aws:s3:::"
_OF_BUCKETS: Final = {
    "read": ("GetBucketLocation", "GetBucketVersioning"),
    "write": ("GetBucketLocation", "ListBucketMultipartUploads"),
}
_OF_LISTINGS: Final = {"read": ("ListBucket", "ListBucketVersions"), "write": ()}
"""What tells keys: only those below the prefix, so whoever asks must name it."""
_OF_OBJECTS: Final = {
    "read": ("GetObject", "GetObjectVersion", "GetObjectTagging", "GetObjectVersionTagging"),
    "write": (
        *("PutObject", "DeleteObject", "DeleteObjectVersion"),
        *("PutObjectTagging", "DeleteObjectTagging"),
        *("AbortMultipartUpload", "ListMultipartUploadParts"),
    ),
}


@frozen(kw_only=True)
class Account:
    """One key of a server.

    Attributes:
        name: the consumer's or user's name.
        secret: a reference in ``configure``, the true value in hooks.
        rights: what it may do; empty for ``user``: everything.
        makes_buckets: whether it may make buckets of its own.
    """

    name: str
    secret: str
    rights: tuple[Policy, ...] = ()
    makes_buckets: bool = False

    @property
    def key(self) -> str:
        """Its access key."""
        return KEY.format(user=self.name)


def all_accounts(instance: Instance) -> list[Account]:
    """Return the keys of a server: one for each consumer, and one for each further user."""
    declared = instance.resources.get("users", {})
    secrets = {one.name: one.secrets["password"] for one in instance.consumers}
    secrets |= {name: user.password for name, user in declared.items() if name not in secrets}
    return [
        Account(
            name=name,
            secret=secret,
            rights=() if name == USER else _rights(instance, name),
            makes_buckets=name == USER or not (declared.get(name) or _buckets(instance)),
        )
        for name, secret in sorted(secrets.items())
    ]


def _buckets(instance: Instance) -> tuple[str, ...]:
    return tuple(instance.resources.get("buckets", {}))


def _rights(instance: Instance, name: str) -> tuple[Policy, ...]:
    """Return what a key may do: its policies, else to use the declared buckets, else any."""
    declared = instance.resources.get("users", {}).get(name)
    if declared is None:
        return (Policy(buckets=_buckets(instance), access="read-write"),)
    policies = instance.resources.get("policies", {})
    return tuple(policies[one] for one in declared.policies)


def accounts(instance: Instance) -> dict[str, Any]:
    """Return the users of versitygw, as it keeps them in its file."""
    return {
        "accessAccounts": {
            one.key: {
                "access": one.key,
                "secret": one.secret,
                "role": _role(one),
                **dict.fromkeys(("userID", "groupID", "projectID"), 0),
            }
            for one in all_accounts(instance)
        }
    }


def _role(account: Account) -> str:
    if account.name == USER:
        return "admin"
    return "userplus" if account.makes_buckets else "user"


def policy_document(account: Account) -> dict[str, Any]:
    """Return what a key may do as a policy of that key, as MinIO takes it."""
    statements = [_statement(["s3:*"], [f"{_ARN}*"])] if account.name == USER else []
    for right in account.rights:
        statements += _statements(right, right.buckets or ("*",))
    if account.makes_buckets and account.name != USER:
        statements.append(_statement(["s3:CreateBucket", "s3:DeleteBucket"], [f"{_ARN}*"]))
    return {"Version": "2012-10-17", "Statement": statements}


def _statements(right: Policy, names: Sequence[str]) -> list[dict[str, Any]]:
    buckets = [f"{_ARN}{name}" for name in names]
    objects = [f"{bucket}/{right.prefix}*" for bucket in buckets]
    found = [
        _statement(_actions(_OF_BUCKETS, right.access), buckets),
        _statement(_actions(_OF_OBJECTS, right.access), objects),
    ]
    if listings := _actions(_OF_LISTINGS, right.access):
        below = {"StringLike": {"s3:prefix": [f"{right.prefix}*"]}}
        condition = {"Condition": below} if right.prefix else {}
        found.append({**_statement(listings, buckets), **condition})
    return found


def _actions(known: Mapping[str, Sequence[str]], access: str) -> list[str]:
    kinds = ("read", "write") if access == "read-write" else (access,)
    return [f"s3:{name}" for name in dict.fromkeys(name for kind in kinds for name in known[kind])]


def _statement(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def bucket_policies(instance: Instance) -> dict[str, dict[str, Any] | None]:
    """Return what each declared bucket allows to whom, as versitygw takes it; ``None`` = nobody."""
    return {bucket: _of_bucket([*_allowed(instance, bucket)]) for bucket in _buckets(instance)}


def _allowed(instance: Instance, bucket: str) -> Iterator[dict[str, Any]]:
    for account in all_accounts(instance):
        for right in account.rights:
            if bucket in (right.buckets or (bucket,)):
                for statement in _statements(right, (bucket,)):
                    yield {**statement, "Principal": {"AWS": [account.key]}}


def _of_bucket(statements: list[dict[str, Any]]) -> dict[str, Any] | None:
    return {"Version": "2012-10-17", "Statement": statements} if statements else None
