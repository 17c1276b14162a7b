"""The client for asyncio does what the blocking one does, on both wires."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.servers.replies import ReplyServer

import epochal
from epochal import greenlets

Program = Callable[[epochal.AsyncClient], Awaitable[None]]


def run(url: str, program: Program) -> None:
    async def main() -> None:
        async with epochal.AsyncClient(url) as client:
            await program(client)

    asyncio.run(main())


def test_jobs_train_watch_and_change(url: str) -> None:
    async def program(client: epochal.AsyncClient) -> None:
        job = await client.jobs.create(await client.preset("xor"), epochs=40)
        events = [event.type async for event in job.watch()]
        assert (events[0], events[-1]) == ("snapshot", "end")
        assert (await job.predict([[0, 1]])).shape == (1, 1)
        assert [listed.id async for listed in client.jobs.list(limit=1)] == [job.id]
        other = await job.fork()
        compared = await client.jobs.compare(job, await other.wait())
        assert [row.id for row in compared.jobs] == [job.id, other.id]

    run(url, program)


def test_several_jobs_are_watched_and_awaited(url: str) -> None:
    async def program(client: epochal.AsyncClient) -> None:
        preset = await client.preset("xor")
        jobs = [await client.jobs.create(preset, epochs=20, seed=seed) for seed in (1, 2)]
        ended = []
        async for job, event in client.jobs.watch(*jobs):
            if event.type == "end":
                assert (await job.refresh()).state == "succeeded"
                ended.append(job.id)
        assert sorted(ended) == sorted(job.id for job in jobs)

    run(url, program)


def test_a_live_run_is_steered(url: str) -> None:
    async def program(client: epochal.AsyncClient) -> None:
        job = await client.jobs.create(await client.preset("xor"), epochs=100_000, pace=50)
        async with job.live() as live:
            async for now in live:
                assert now.weights["dense_1.weight"].size
                change = await live.change(learning_rate=0.01)
                assert change.training == {"optimizer": {"learning_rate": 0.01}}
                break
        with pytest.raises(epochal.TimedOut):
            await job.wait(timeout=0.2)
        assert (await (await job.cancel()).wait()).state == "cancelled"

    run(url, program)


def test_a_cancelled_task_leaves_the_client_usable(url: str) -> None:
    async def program(client: epochal.AsyncClient) -> None:
        job = await client.jobs.create(await client.preset("xor"), epochs=100_000, pace=5)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await job.wait()
        assert (await job.refresh()).state == "running"
        await (await job.cancel()).wait()

    run(url, program)


def test_thirty_watchers_share_one_loop(url: str) -> None:
    async def program(client: epochal.AsyncClient) -> None:
        job = await client.jobs.create(await client.preset("xor"), epochs=2000, pace=1000)

        async def last() -> str:
            watched = await client.jobs.get(job.id)
            return [event.type async for event in watched.watch()][-1]

        assert set(await asyncio.gather(*(last() for _ in range(30)))) == {"end"}

    run(url, program)


def test_text_comes_token_by_token(url: str) -> None:
    async def program(client: epochal.AsyncClient) -> None:
        job = await client.jobs.create(await client.preset("sentences"), epochs=1)
        await job.wait()
        written = await job.generate("the ", max_tokens=5)
        tokens = [token.text async for token in written]
        assert "".join(tokens) == written.text

    run(url, program)


def test_refusals_are_those_of_the_client(url: str) -> None:
    async def program(client: epochal.AsyncClient) -> None:
        with pytest.raises(epochal.NotFound) as refused:
            await client.jobs.get("job_x")
        assert refused.value.request_id
        with pytest.raises(epochal.InvalidArgument, match="epochs"):
            await client.jobs.create(await client.preset("xor"), epochs=0)
        with pytest.raises(TypeError, match="async for"):
            await client.jobs.list()  # type: ignore[misc]
        impatient = client.with_options(retries=0)
        assert await impatient.health()

    run(url, program)


def test_a_retry_waits_without_holding_up_the_loop(canned: ReplyServer) -> None:
    busy = {"reason": "unavailable", "detail": "busy"}
    canned.replies = [(503, {"Retry-After": "1"}, busy), (200, {}, {"limits": []})]

    async def program(client: epochal.AsyncClient) -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.05)

        ticking = asyncio.create_task(tick())
        await client.limits()
        ticking.cancel()
        assert ticks > 8

    run(canned.url, program)


def test_a_verification_lets_the_loop_run_and_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    over = tmp_path / "over"
    program = f"""import sys, time
print(1, file=sys.stderr, flush=True)
time.sleep(3)
open({str(over)!r}, "w")
"""

    class Slow(epochal.Job):
        def export(self, *_: object, **__: object) -> bytes:
            return program.encode()

    async def main() -> None:
        loop, started = asyncio.get_running_loop(), asyncio.Event()
        job = Slow({"id": "job_slow"}, None)  # type: ignore[arg-type]

        def on_epoch(epoch: int) -> None:
            loop.call_soon_threadsafe(started.set)

        verifying = asyncio.create_task(greenlets.run(lambda: job.verify(on_epoch=on_epoch)))
        await started.wait()
        verifying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await verifying

    asyncio.run(main())
    assert not over.exists()


def test_a_property_that_reads_from_the_service_says_what_to_do() -> None:
    async def nothing() -> None: ...

    waiting = nothing()
    with pytest.raises(epochal.EpochalError, match="await"):
        greenlets.wait_for(waiting)
    waiting.close()


def test_every_class_that_reads_from_the_service_is_awaited() -> None:
    package = Path(epochal.__file__).parent
    classes = {
        re.match(r"\w+", text)[0]: text  # type: ignore[index]
        for path in package.rglob("*.py")
        if "cli" not in path.relative_to(package).parts
        for text in path.read_text("utf-8").split("\nclass ")[1:]
    }
    reading = {name for name, text in classes.items() if "self._session." in text}
    types = (package / "_generated" / "aio.pyi").read_text("utf-8")
    assert len(reading) > 15
    assert reading - set(re.findall(r"^class Async(\w+)", types, re.M)) == set()
