"""The user's own program out of the publisher's release, on a machine that has nothing."""

from __future__ import annotations

import json
import tomllib

from conftest_hello import Hello, Publisher

OWN = """
[services.main]
use = "program"
version = "{version}"
run = ["${{program}}", "serve"]
ready = {{ log = "hello {version} serves" }}
[services.main.source.release]
url = "https://publisher.example/v{{version}}/hello-{{version}}-{{os}}-{{arch}}.tar.gz"
sums = "https://publisher.example/v{{version}}/SHA256SUMS"
member = "hello-{{version}}/hello"

[services.cli]
use = "program"
enabled = false
version = "0.0.1"
[services.cli.source.release]
url = "https://publisher.example/v{{version}}/hello-{{version}}-{{os}}-{{arch}}.tar.gz"
sums = "https://publisher.example/v{{version}}/SHA256SUMS"
member = "hello-{{version}}/hello-tool"
"""


def test_a_project_on_a_bare_machine(hello: Hello, publisher: Publisher) -> None:
    """Up pulls the main server and starts it; the tool comes when it is asked for, at its lock."""
    hello.run("fetch", "hello@0.0.2")  # the same file, as somebody else's component
    hello.write(OWN.format(version="0.0.2"))
    hello.run("up", "-d")
    assert "program/hello." in hello.lock()
    assert "hello 0.0.2 serves" in hello.run("logs", "main").stdout
    assert publisher.path("0.0.1") not in str(publisher.seen)

    found = json.loads(hello.run("which", "cli", "--json", status=5).stdout)["error"]
    assert (found["reference"], found["hint"]) == ("not-fetched", "booty fetch cli")
    done = hello.run("run-tool", "cli", "--", "--json", "x")
    assert done.stdout == "tool of 0.0.1 --json x\n"
    path = hello.run("which", "cli").stdout.strip()
    assert path.endswith("/hello-0.0.1/hello-tool")

    keys = {key.partition(".")[0] for key in tomllib.loads(hello.lock())["programs"]}
    assert keys == {"program/hello", "program/hello-tool"}
    hello.run("up", "-d", "--frozen")


def test_what_came_along_is_found(hello: Hello) -> None:
    """Another executable of the archive, a component's program, another version; status passed."""
    hello.run("fetch")
    assert hello.run("which", "hello-tool").stdout.endswith("/hello-0.0.2/hello-tool\n")
    assert hello.run("run-tool", "hello-tool").stdout == "tool of 0.0.2\n"
    before = hello.lock()
    failed = hello.run("run-tool", "hello@0.0.1", "fail", status=7)
    assert failed.stdout == "hello 0.0.1 fails\n"
    assert hello.lock() == before

    unknown = hello.run("which", "helo", status=3)
    assert 'did you mean "hello"' in unknown.stderr
