"""What is planned: engines, what they lack, names, and how each is started."""

from __future__ import annotations

from typing import Any

import pytest
from booty_provider_minio import components
from booty_provider_minio.engines import ENGINES, FEATURES

RCLONE = 'engine = "rclone"\n'


def test_every_engine_is_a_component() -> None:
    """Each declared engine has its program, and each program its engine; features are words."""
    assert {one.component for one in ENGINES.values()} == {one.id for one in components()}
    assert {feature for one in ENGINES.values() for feature in one.has} <= set(FEATURES)


def test_engine_that_is_not_there(planned: Any) -> None:
    """An engine that nobody knows is named, with a hint."""
    told = planned.faults('engine = "rclown"')

    assert list(told) == ["engine"]
    assert 'did you mean "rclone"?' in told["engine"]


def test_what_an_engine_lacks_is_refused(planned: Any) -> None:
    """Everything that is asked for and cannot be had is told at one time, with its place."""
    told = planned.faults(
        RCLONE
        + 'settings = { relies-on = ["presign", "conditional-writes"] }\n'
        + '[services.it.buckets.uploads]\nversioning = true\nquota = "1GiB"\n'
        + '[services.it.buckets.uploads.lifecycle.old]\nexpire-after = "7d"\n'
    )

    assert sorted(told) == [
        "buckets.uploads.lifecycle",
        "buckets.uploads.quota",
        "buckets.uploads.versioning",
        "settings.relies-on",
    ]
    assert 'cannot have "conditional-writes"' in told["settings.relies-on"]
    assert all('the engine "rclone" lacks it' in one for one in told.values())


@pytest.mark.parametrize(
    "name", ["ab", "Uploads", "a_b_c", "a..b", "-abc", "abc-", "10.0.0.1", "x" * 64, "booty-own"]
)
def test_bucket_names(planned: Any, name: str) -> None:
    """A name that S3 forbids, or that is booty's own, is refused in the plan."""
    assert f"buckets.{name}" in planned.faults(f'{RCLONE}buckets = ["{name}"]')


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ('settings = { relies-on = ["flying"] }', "settings.relies-on"),
        ("[services.it.buckets.abc]\nquota = 0", "buckets.abc.quota"),
        ("[services.it.buckets.abc.lifecycle.x]", "buckets.abc.lifecycle.x"),
        (
            '[services.it.buckets.abc.lifecycle.x]\nexpire-after = "1h"',
            "buckets.abc.lifecycle.x.expire-after",
        ),
    ],
)
def test_values_that_cannot_be(planned: Any, lines: str, place: str) -> None:
    """A value that no server would take is refused in the plan."""
    assert place in planned.faults(RCLONE + lines)


def test_rclone(planned: Any) -> None:
    """Rclone is given its key by a variable, and reads nothing of the user's own."""
    launch = planned.instance(RCLONE).launch

    assert launch.argv[1:3] == ("serve", "s3")
    assert launch.argv[-1] == "@{booty:data}/drive"
    assert launch.env["RCLONE_AUTH_KEY"] == '"booty,@{booty:secret:it.password#1}"'
    assert launch.env["RCLONE_CONFIG"] == ""


def test_a_program_is_told_where_and_who(planned: Any) -> None:
    """A program gets one portable URL; the field's own variables hold what S3 tools read."""
    from booty import plan

    made = planned.plan(
        RCLONE, '[services.main]\nuse = "program"\nrun = ["x"]\nenv = { U = "${services.it.url}" }'
    )
    main = next(one for one in made.instances if one.instance.service == "main")
    told = plan.env(made)

    assert main.launch.env["U"] == "s3://booty:@{booty:secret:it.password#1}@127.0.0.1:9000"
    assert told["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9000"
    assert told["AWS_ACCESS_KEY_ID"] == told["IT_USER"] == "booty"
    assert told["AWS_SECRET_ACCESS_KEY"] == "@{booty:secret:it.password#1}"
