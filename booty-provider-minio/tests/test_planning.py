"""What is planned: engines, what they lack, names, and how each is started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from booty.model import codec
from booty_provider_minio import components
from booty_provider_minio.engines import ENGINES, FEATURES

RCLONE = 'engine = "rclone"\n'
GOLDEN = Path(__file__).parent / "golden"
MAIN = '[services.main]\nuse = "program"\nrun = ["x"]\nenv = { U = "${services.it.url}" }'


def test_every_engine_is_a_component() -> None:
    """Each declared engine has its program, and each program its engine; features are words."""
    programs = {one.id for one in components() if one.offers}
    assert {one.component for one in ENGINES.values()} == programs
    assert {feature for one in ENGINES.values() for feature in one.has} <= set(FEATURES)


def test_engine_that_is_not_there(planned: Any) -> None:
    """An engine that nobody knows is named, with a hint."""
    told = planned.faults('engine = "rclown"')

    assert list(told) == ["engine"]
    assert 'did you mean "rclone"?' in told["engine"]


def test_engine_among_the_settings(planned: Any) -> None:
    """What the feed alone is told is no setting of a server: it would change nothing."""
    told = planned.faults('settings = { engine = "rclone" }')

    assert list(told) == ["settings.engine"]


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
    "name",
    [
        "ab",
        "Uploads",
        "a_b_c",
        "a..b",
        "-abc",
        "abc-",
        "10.0.0.1",
        "x" * 64,
        "booty-own",
        "my.files",
    ],
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


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("minio", ""),
        ("minio-drives", "settings = { drives = 4 }\nports = { console = 9001 }"),
        ("minio-cluster", "replicas = 4"),
        ("minio-paths", 'settings = { paths = ["/mnt/disk"] }'),
        ("silo", 'engine = "silo"'),
        ("versitygw", 'engine = "versitygw"\nbuckets = ["uploads"]'),
        ("rclone", RCLONE),
    ],
)
def test_golden(planned: Any, name: str, lines: str) -> None:
    """Each engine is started like this: arguments without secrets, variables, files, folders."""
    launch = codec.to_data(planned.instance(lines, MAIN).launch)
    told = {key: launch[key] for key in ("argv", "env", "files", "dirs")}

    assert told == json.loads((GOLDEN / f"{name}.json").read_text())


def test_a_program_is_told_where_and_who(planned: Any) -> None:
    """A program gets one portable URL; the field's own variables hold what S3 tools read."""
    from booty import plan

    made = planned.plan(RCLONE, MAIN)
    main = next(one for one in made.instances if one.instance.service == "main")
    told = plan.env(made)

    assert main.launch.env["U"] == "s3://booty:@{booty:secret:it.password#1}@127.0.0.1:9000"
    assert told["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9000"
    assert told["AWS_ACCESS_KEY_ID"] == told["IT_USER"] == "booty"
    assert told["AWS_SECRET_ACCESS_KEY"] == "@{booty:secret:it.password#1}"


@pytest.mark.parametrize("engine", ["minio", "silo", "versitygw"])
def test_a_program_has_a_key_of_its_own(planned: Any, engine: str) -> None:
    """Where the engine has users, each consumer has its own key and secret."""
    from booty import plan

    made = planned.plan(f'engine = "{engine}"', MAIN)
    main = next(one for one in made.instances if one.instance.service == "main")

    url = "s3://booty-main:@{booty:secret:it.main.password#1}@127.0.0.1:9000"
    assert main.launch.env["U"] == url
    assert plan.env(made)["AWS_ACCESS_KEY_ID"] == "booty-user"


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("settings = { drives = 3 }", "settings.drives"),
        ('settings = { paths = ["here"] }', "settings.paths"),
        ('settings = { paths = ["/a", "/b"] }', "settings.paths"),
        ('replicas = 4\nsettings = { paths = ["/a"] }', "settings.paths"),
        ('[services.it.policies.p]\nbuckets = ["nope"]', "policies.p.buckets"),
        ('[services.it.users.main]\npolicies = ["nope"]', "users.main.policies"),
        ("[services.it.users.stranger]", "users.stranger.password"),
        ("[services.it.users.user]\npassword = 'x'", "users.user"),
        ("[services.it.users.partner]\npassword = 'plain'", "users.partner.password"),
    ],
)
def test_minio_values_that_cannot_be(planned: Any, lines: str, place: str) -> None:
    """Drives, paths, policies and users that lead nowhere are refused in the plan."""
    assert place in planned.faults(lines)


@pytest.mark.parametrize(
    ("engine", "lines", "place"),
    [
        ("versitygw", "settings = { drives = 4 }", "settings.drives"),
        ("versitygw", "[services.it.buckets.abc]\nquota = '1GiB'", "buckets.abc.quota"),
        ("rclone", "[services.it.policies.p]", "policies.p"),
        ("versitygw", "replicas = 4", "replicas"),
    ],
)
def test_who_has_it_is_told(planned: Any, engine: str, lines: str, place: str) -> None:
    """What an engine lacks is refused with the engines that have it."""
    told = planned.faults(f'engine = "{engine}"\n{lines}')

    assert list(told) == [place]
    assert 'engine = "minio"' in told[place] or place == "replicas"


def test_another_number_of_drives_is_refused(planned: Any) -> None:
    """A server that runs is not given other drives: it would find nothing on them."""
    before = planned.plan("")
    after = planned.plan("settings = { drives = 4 }", running=before)

    assert {step.subject: str(step.change) for step in after.steps}["it.0"] == "migrate"


def test_the_plan_says_which_engine(planned: Any) -> None:
    """The reason of a start names the engine, and whether the file does."""
    steps = [
        next(step for step in planned.plan(text).steps if step.subject == "it.0").reason
        for text in ("", RCLONE)
    ]

    assert steps == ["services.it (engine minio, the default)", "services.it (engine rclone)"]
