"""Build the release into `dist/`, or check what is there as a stranger would use it.

python tools/dist.py build      sdist -> wheel of the service and of the SDK, .proto archive,
                                openapi.json, npm package of the client
python tools/dist.py check      both wheels in a new venv, outside the repository:
                                epochald up, the page, one job, both wires, the versions
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PROJECTS = (ROOT, ROOT / "clients" / "python")
READY_SECONDS = 120.0
STOP_SECONDS = 30.0


def version() -> str:
    """Return the version of the service, from its `pyproject.toml`."""
    number: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return number


def build(dist: Path) -> None:
    """Fill `dist` with the files of a release; what was there before is deleted."""
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir(parents=True)
    for project in PROJECTS:
        before = set(dist.iterdir())
        run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", dist], cwd=project)
        (sdist,) = set(dist.iterdir()) - before
        # From the sdist, as an index or a packager builds it: a missing file shows here.
        run([*pip(sys.executable), "wheel", "--no-deps", "--no-build-isolation", "-w", dist, sdist])
    archive_protos(dist / f"epochal-protos-{version()}.zip")
    run([sys.executable, "-m", "epochal_service.rest.openapi", dist], cwd=ROOT)
    pack_client(dist)
    for file in sorted(dist.iterdir()):
        print(f"{file.stat().st_size:>10,}  {file.relative_to(dist.parent)}")


def pack_client(dist: Path) -> None:
    """Write the npm package of the client for pages, compiled by the tools of the page."""
    page = ROOT / "clients" / "web"
    client = page / "client"
    with tempfile.TemporaryDirectory(prefix="epochal-client-") as name:
        folder = Path(name)
        run(["npx", "tsc", "-p", client, "--outDir", folder / "dist"], cwd=page)
        for file in client.glob("src/*.d.ts"):
            shutil.copy(file, folder / "dist")
        for file in (client / "package.json", client / "README.md", ROOT / "LICENSE"):
            shutil.copy(file, folder)
        run(["npm", "pack", "--silent", "--pack-destination", dist], cwd=folder)


def archive_protos(path: Path) -> None:
    """Write the `.proto` files, their buf module file and the license into a zip archive."""
    files = {"LICENSE": ROOT / "LICENSE", "buf.yaml": ROOT / "protos" / "buf.yaml"}
    for proto in sorted((ROOT / "protos").rglob("*.proto")):
        files[proto.relative_to(ROOT / "protos").as_posix()] = proto
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in files.items():
            # A fixed date: the same files give the same bytes.
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)


def check(dist: Path) -> None:
    """Install both wheels into a new venv and use them; raises `SystemExit` with the error."""
    wheels = sorted(dist.glob("*.whl"))
    if len(wheels) != len(PROJECTS):
        raise SystemExit(f"{dist} must hold {len(PROJECTS)} wheels: run `dist.py build` first")
    for wheel in wheels:
        check_contents(wheel)
    with tempfile.TemporaryDirectory(prefix="epochal-dist-") as name:
        folder = Path(name)
        venv = folder / "venv"
        run([sys.executable, "-m", "venv", venv])
        install = installer(venv / "bin" / "python")
        run([*install, "--require-hashes", "-r", ROOT / "requirements.lock"])
        run([*install, "--no-deps", *wheels])
        empty = folder / "empty"
        empty.mkdir()
        check_programs(venv / "bin", empty, dist)


def check_contents(wheel: Path) -> None:
    """Check that a wheel carries its licenses and the descriptors."""
    names = {name.rpartition("/")[2] for name in zipfile.ZipFile(wheel).namelist()}
    required = {"LICENSE", "NOTICE", "epochal.binpb"}
    expect(required <= names, f"{wheel.name} holds {', '.join(sorted(required))}")


def check_programs(programs: Path, folder: Path, dist: Path) -> None:
    """Run `epochald` and `epochal` of the venv in the empty `folder`."""
    environment = clean_environment()

    def output(command: Sequence[str | Path]) -> str:
        return run(command, cwd=folder, env=environment, seconds=STOP_SECONDS * 4)

    numbers = {name: output([programs / name, "--version"]).split() for name in PROGRAMS}
    for name, words in numbers.items():
        expect(words == [name, version()], f"`{name} --version` prints {name} {version()}")
    with running(programs / "epochald", folder, environment) as (http, grpc):
        page = fetch(f"{http}/")
        script = re.search(r'<script type="module"[^>]* src="(/assets/[^"]+\.js)"', page)
        expect(script is not None, "/ is the page")
        assert script is not None
        expect(len(fetch(http + script[1])) > 10_000, f"{script[1]} is the script of the page")
        expect('"/v1/jobs"' in fetch(f"{http}/openapi.json"), "/openapi.json describes the API")
        environment["EPOCHAL_URL"] = http
        output([programs / "epochal", "train", "xor"])
        print("ok    epochal train xor")
        listed = output([programs / "python", "-c", GRPC_CLIENT, f"grpc://{grpc}"])
        expect(listed.split() == ["succeeded"], "the job is listed over gRPC as succeeded")
        check_client(next(dist.glob("epochal-client-*.tgz")), folder, http)


def check_client(package: Path, folder: Path, http: str) -> None:
    """Install the npm package of the client, and train with it in Node."""
    client = folder / "client"
    client.mkdir()
    run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", client, package])
    (client / "train.mjs").write_text(NODE_CLIENT)
    trained = run(["node", client / "train.mjs", http], cwd=client)
    expect(trained.split() == ["succeeded", "500"], "a job is trained by the npm package")


NODE_CLIENT = """
import { Client } from '@epochal/client'

const client = new Client({ url: process.argv[2] })
const job = await client.train({ ...(await client.preset('xor')), epochs: 500, target: null })
let epochs = 0
job.watch({ epochs: (batch) => (epochs += batch.epochs.length) })
await job.wait()
console.log(job.data.state, job.data.epoch)
"""
PROGRAMS = ("epochal", "epochald")
GRPC_CLIENT = """
import sys, epochal
print(*(job.state for job in epochal.Client(sys.argv[1]).jobs.list()))
"""


@contextmanager
def running(
    epochald: Path, folder: Path, environment: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Run `epochald up` on free ports; yields the URL of HTTP and `host:port` of gRPC."""
    log = folder / "epochald.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [epochald, "up"],
            cwd=folder,
            env={**environment, **FREE_PORTS},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield addresses(process, log)
    except BaseException:
        sys.stderr.write(log.read_text()[-4000:])
        raise
    finally:
        stop(process)


FREE_PORTS = {
    "EPOCHAL_HTTP_ADDRESS": "127.0.0.1:0",
    "EPOCHAL_GRPC_ADDRESS": "127.0.0.1:0",
    "EPOCHAL_WORKERS": "1",
}


def addresses(process: "subprocess.Popen[bytes]", log: Path) -> tuple[str, str]:
    """Return the two addresses that `epochald up` prints when it is ready."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        text = log.read_text()
        http = re.search(r"page and API +(http\S+)", text)
        grpc = re.search(r"^ +gRPC +(\S+)", text, re.MULTILINE)
        if http and grpc and "Ctrl-C" in text:
            print(f"ok    epochald up: {http[1]}, {grpc[1]}")
            return http[1], grpc[1]
        if process.poll() is not None:
            raise SystemExit(f"epochald up ended with exit code {process.returncode}")
        time.sleep(0.1)
    raise SystemExit(f"epochald up was not ready within {READY_SECONDS:g} s")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End `epochald up` with SIGTERM; kills what it leaves behind and raises `SystemExit`."""
    started = [psutil.Process(process.pid)] if process.poll() is None else []
    for parent in list(started):
        started += parent.children(recursive=True)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    _, left = psutil.wait_procs(started, timeout=1)
    for survivor in left:
        with suppress(psutil.NoSuchProcess):
            survivor.kill()
    psutil.wait_procs(left, timeout=STOP_SECONDS)
    expect(not left, "Every process of epochald ends with it")


def clean_environment() -> dict[str, str]:
    """Return the environment without the variables that point to the checkout."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EPOCHAL_", "PYTHON", "VIRTUAL_ENV"))
    } | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def fetch(url: str) -> str:
    """Return the body of a GET as text; an error status raises."""
    with urllib.request.urlopen(url, timeout=30) as reply:
        body: bytes = reply.read()
    return body.decode()


def expect(condition: bool, sentence: str) -> None:
    """Print the sentence if it is true, else raise `SystemExit` with it."""
    if not condition:
        raise SystemExit(f"FAIL  {sentence}")
    print(f"ok    {sentence}")


def pip(python: str) -> list[str]:
    """Return the command that runs pip for this Python."""
    return [python, "-m", "pip", "--disable-pip-version-check", "-q"]


def installer(python: Path) -> list[str]:
    """Return the command that installs into the venv of this Python: uv if there is one, or pip."""
    uv = Path(sys.executable).with_name("uv")
    if uv.exists() and not uv.is_symlink():  # `make` links it to pip where uv is not available
        return [str(uv), "pip", "install", "-q", "--python", str(python)]
    return [*pip(str(python)), "install"]


def run(
    command: Sequence[str | Path],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = 1200,
) -> str:
    """Run a command to its end and return what it prints; a failure raises `SystemExit`."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )
    if done.returncode:
        words = " ".join(str(word) for word in command)
        raise SystemExit(f"{words} ended with exit code {done.returncode}:\n{done.stdout}")
    return done.stdout


def main() -> None:
    """Build or check the release."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("action", choices=["build", "check"])
    arguments.add_argument("--dist", type=Path, default=DIST, help="the folder (dist)")
    chosen = arguments.parse_args()
    {"build": build, "check": check}[chosen.action](chosen.dist.resolve())


if __name__ == "__main__":
    main()
