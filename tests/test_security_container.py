"""The container's files ask for as little as can be, and Hearth lives with it: no rights, and nothing to write on."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.kit.person import Person

REPOSITORY = Path(__file__).parents[1]
NOBODY = 65534
# As compose.yaml has it: everything read-only but a fresh /tmp and the data folder, no capability, and no way to more.
CONFINED = f"""
mount -t tmpfs -o mode=1777,size=256m tmpfs /tmp
mkdir -m 700 /tmp/data /tmp/elsewhere
if [ -n "$CLOSED" ]; then
    # Python lies in somebody's closed home: it alone is shown, the rest of that home is not.
    mkdir /tmp/python
    mount --bind "$PYTHON" /tmp/python
    mount -t tmpfs -o mode=755 tmpfs "$CLOSED"
    mkdir -p "$PYTHON"
    mount --bind /tmp/python "$PYTHON"
    umount /tmp/python
    rmdir /tmp/python
    mount -o remount,bind,ro "$CLOSED"
fi
chown {NOBODY}:{NOBODY} /tmp/data
mount -o remount,bind,ro /
cd /tmp/data
exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""
PROBE = """
import os
assert os.getuid() == 65534
for place in ("/x", "/tmp/elsewhere/x", {repository!r} + "/x"):
    try:
        open(place, "w")
    except OSError:
        continue
    raise SystemExit(place + " can be written")
open("/tmp/data/x", "w").close()
os.remove("/tmp/data/x")
print("confined")
"""


@pytest.fixture(scope="module")
def dockerfile() -> list[str]:
    text = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))["services"]


def test_the_image_ends_as_a_user_of_its_own_without_a_shell(dockerfile: list[str]) -> None:
    final = dockerfile[max(i for i, line in enumerate(dockerfile) if line.startswith("FROM ")) :]
    (user,) = (line.removeprefix("USER ") for line in final if line.startswith("USER "))
    made = next(line for line in final if "useradd" in line)
    assert f"--shell /usr/sbin/nologin {user}" in made
    assert int(re.search(r"--uid (\d+)", made)[1]) >= 1000  # type: ignore[index]
    # Nothing is done as root after that, and the code stays root's.
    rest = final[final.index(f"USER {user}") :]
    assert not [line for line in rest if line.startswith(("RUN", "COPY", "ADD"))]
    assert not [line for line in final if line.startswith("COPY") and "--chown" in line]
    assert any(line.startswith("HEALTHCHECK ") and "127.0.0.1" in line for line in final)


def test_the_image_takes_nothing_that_is_not_pinned(dockerfile: list[str]) -> None:
    images = {line.split()[1] for line in dockerfile if line.startswith("FROM ")}
    assert images == {"python:${PYTHON}-slim"}
    assert "ARG PYTHON=3.11" in dockerfile
    assert not [line for line in dockerfile if line.startswith("ADD ") or "curl " in line or "wget " in line]
    installs = [
        part for line in dockerfile for part in line.split("&&") if re.search(r"pip (install|wheel)", part)
    ]
    assert len(installs) == 6
    for each in installs:
        # From one index alone that is the operator's choice, or by hashes, or what was built here.
        assert re.search(
            r'--index-url "\$\{TORCH_INDEX\}"|--require-hashes|--no-index|--no-deps.*(/wheel| \.)', each
        ), each
    assert not [each for each in installs if "--extra-index-url" in each]


def test_no_secret_is_built_into_the_image(dockerfile: list[str]) -> None:
    assert not [
        line for line in dockerfile if re.match(r"(ENV|ARG|LABEL) .*(TOKEN|SECRET|PASSWORD|KEY)", line, re.I)
    ]
    sent = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in sent
    assert "**/.env" in sent


def test_each_service_is_confined(services: dict[str, Any]) -> None:
    assert set(services) == {"bot", "database"}
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "/tmp" in service["tmpfs"], name
        assert not {"privileged", "pid", "ipc", "network_mode", "devices", "userns_mode"} & set(service), name
        assert not [each for each in service["volumes"] if each.startswith((".", "/"))], (
            "no folder of the host"
        )
        assert service["image"].partition(":")[2] != "latest", name
    assert "cap_add" not in services["bot"]
    assert re.fullmatch(r"postgres:\d+", services["database"]["image"])


def test_no_port_is_published_but_to_loopback_and_the_database_reaches_nothing(
    services: dict[str, Any],
) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(str(port).startswith("127.0.0.1:") for port in published)
    networks = yaml.safe_load((REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))["networks"]
    assert services["database"]["networks"] == ["inside"]
    assert networks["inside"]["internal"] is True


def confined(*command: str) -> list[str]:
    """Return how to run a command as in the container; the test is skipped where that cannot be."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv", "mount"))):
        pytest.skip("to confine a process takes root, unshare and setpriv")
    if {Path("/tmp")} & {*REPOSITORY.resolve().parents, *Path(sys.prefix).resolve().parents}:
        pytest.skip("the checkout or its Python lies in /tmp, which is confined away")
    return ["unshare", "--mount", "--propagation", "private", "sh", "-euc", CONFINED, "sh", *command]


@pytest.fixture(scope="module")
def bare() -> dict[str, str]:
    """Return an environment with no home, and see that a process can be confined here."""
    python = Path(sys.base_prefix).resolve()
    closed = [folder for folder in reversed(python.parents) if not folder.stat().st_mode & 1]
    bare = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHON": str(python),
        "CLOSED": str(closed[0]) if closed else "",
    }
    probe = confined(sys.executable, "-c", PROBE.format(repository=str(REPOSITORY)))
    done = subprocess.run(probe, env=bare, capture_output=True, text=True, timeout=60)
    if done.returncode and re.search(r"unshare|mount|setpriv|Permission denied", done.stderr):
        pytest.skip(f"no process can be confined here: {done.stderr.strip()[-200:]}")
    assert done.stdout == "confined\n", done.stdout + done.stderr
    return bare


@asynccontextmanager
async def running(bare: dict[str, str]) -> AsyncIterator[tuple[psutil.Process, str]]:
    """Run `hearth sandbox` confined; yields its process and the address of its page."""
    few = ["animeface", "article", "digits", "fact", "image", "reviews", "rollcall", "sentiment", "stock"]
    process = await asyncio.create_subprocess_exec(
        *confined(sys.executable, "-m", "bot.cli", "sandbox", "--port", "0", "--no-open", "--data-dir", "/tmp/data"),
        env={**bare, "HEARTH_DISABLED_PLUGINS": json.dumps(few), "XDG_CACHE_HOME": "/tmp/cache"},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(90):
            url = (await process.stdout.readline()).decode().strip()
            assert (await process.stdout.readline()) == b"ready\n"
        yield psutil.Process(process.pid), url
    finally:
        process.terminate()
        await process.wait()


def elsewhere() -> list[str]:
    """Return addresses of this machine that are not loopback."""
    found = [each.address for interface in psutil.net_if_addrs().values() for each in interface
             if each.family in (socket.AF_INET, socket.AF_INET6)]  # fmt: skip
    return [each for each in found if "%" not in each and not ip_address(each).is_loopback]


async def test_it_answers_as_nobody_on_a_read_only_system_and_listens_on_loopback_alone(
    bare: dict[str, str],
) -> None:
    async with running(bare) as (process, url), Person(url, "member-1") as person:
        await person.waits_for_command("spam")
        answer = await person.slash(
            "spam score", text="WINNER!! Call 09061701461 to claim your prize", within=60
        )
        assert answer.message.embeds[0]["title"]
        family = [process, *process.children(recursive=True)]
        assert len(family) >= 3
        for each in family:
            assert each.uids().effective == NOBODY
            status = Path(f"/proc/{each.pid}/status").read_text()
            assert re.search(r"CapEff:\s+0+\n", status)
            assert re.search(r"NoNewPrivs:\s+1\n", status)
        # What it wrote is where it may.
        written = {path.name for path in Path("/proc", str(process.pid), "root", "tmp").iterdir()}
        assert written <= {"data", "elsewhere", "cache"}
        ports = {c.laddr.port: c.laddr.ip for each in family for c in each.net_connections("inet")
                 if c.status == psutil.CONN_LISTEN}  # fmt: skip
        # The page, and the bot's health and metrics.
        assert len(ports) == 2
        assert all(ip_address(ip).is_loopback for ip in ports.values())
        for address in elsewhere():
            for port in ports:
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection(address, port)
