"""The Caddyfile gives TLS to both ports, for calls and for streams."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers.postgres import free_port
from tests.servers.stack import Stack, await_condition

CADDYFILE = Path(__file__).parents[2] / "deploy" / "caddy" / "Caddyfile"
CADDY = shutil.which("caddy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
# The authority and the ports of a test, which needs no other machine and no other port.
GLOBAL = (
    "{{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n\thttps_port {}\n}}\n"
)

TRAIN = """
import sys, epochal
with epochal.Client(sys.argv[1]) as client:
    assert client.health()
    job = client.jobs.create(client.preset("xor") | {"epochs": 30})
    types = [event.type for event in job.watch()]
    assert types[0] == "snapshot" and types[-1] == "end", types
    print(job.refresh().state)
"""


class Proxy:
    """Caddy with the Caddyfile, on other addresses and with its own authority."""

    def __init__(self, folder: Path, stack: Stack) -> None:
        https, grpcs = free_port(), free_port()
        text = CADDYFILE.read_text()
        for old, new in {
            "epochal.example:8443": f"localhost:{grpcs}",
            "epochal.example {": f"localhost:{https} {{",
            "127.0.0.1:8000": stack.http.removeprefix("http://"),
            "127.0.0.1:50051": stack.grpc,
        }.items():
            assert text.count(old) >= 1
            text = text.replace(old, new)
        config = folder / "Caddyfile"
        config.write_text(GLOBAL.format(https) + text)
        assert CADDY is not None
        self.https = f"https://localhost:{https}"
        self.grpcs = f"grpcs://localhost:{grpcs}"
        self.authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        self.log = folder / "caddy.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [CADDY, "run", "--config", config],
                env={**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return self.log.read_text().count("certificate obtained successfully") >= 1


@pytest.fixture
def proxy(stack: Stack, tmp_path: Path) -> Iterator[Proxy]:
    proxy = Proxy(tmp_path, stack)
    try:
        await_condition(proxy.ready, 60, "Caddy has a certificate")
        yield proxy
    finally:
        proxy.process.terminate()
        proxy.process.wait(30)


def test_the_caddyfile_is_valid_and_formatted() -> None:
    assert CADDY is not None
    for command in (["validate", "--config", f"{CADDYFILE}"], ["fmt", "--diff", f"{CADDYFILE}"]):
        done = subprocess.run([CADDY, *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.parametrize("wire", ["https", "grpcs"])
def test_a_job_is_trained_and_watched_over_tls(proxy: Proxy, wire: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, getattr(proxy, wire)],
        env={
            **os.environ,
            "SSL_CERT_FILE": str(proxy.authority),
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(proxy.authority),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "succeeded\n", done.stderr + proxy.log.read_text()


def test_without_the_authority_the_certificate_is_refused(proxy: Proxy) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, proxy.https], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert re.search("ConnectionFailed|certificate", done.stderr)
