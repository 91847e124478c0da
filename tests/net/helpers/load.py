# SPDX-License-Identifier: BSD-3-Clause
"""Many separate HTTP connections, some at a time: one JSON argument, one JSON answer. SIGTERM calls off what is left
of them; those that are open then are not counted."""

import asyncio
import collections
import json
import signal
import sys
import time

PATIENCE_S = 20


class Result:
    def __init__(self):
        self.begun = 0
        self.by = collections.Counter()
        self.errors = collections.Counter()
        self.gap_s = 0         # the longest time without a connection that went well
        self.last = time.monotonic()

    def good(self, answer):
        self.by[answer] += 1
        self.look_at_gap()
        self.last = time.monotonic()

    def look_at_gap(self):
        self.gap_s = max(self.gap_s, time.monotonic() - self.last)

    def document(self):
        self.look_at_gap()
        return {"ok": sum(self.by.values()), "failed": sum(self.errors.values()), "by": self.by,
                "errors": self.errors, "gap_s": round(self.gap_s, 3)}


async def ask(want, result):
    """One connection: open, ask, read to the end, close."""
    try:
        reader, writer = await asyncio.open_connection(want["address"], want["port"])
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0] or not body.startswith(b"From "):
            raise OSError(f"bad answer {answer[:60]!r}")
        result.good(body.decode().strip())
    except OSError as error:
        result.errors[str(error)] += 1


async def worker(want, result):
    while result.begun < want["connections"]:
        result.begun += 1
        try:
            await asyncio.wait_for(ask(want, result), PATIENCE_S)
        except asyncio.TimeoutError:
            result.errors[f"nothing for {PATIENCE_S} s"] += 1
        await asyncio.sleep(want.get("pause_s", 0))


async def main():
    want = json.loads(sys.argv[1])
    result = Result()
    work = asyncio.gather(*(worker(want, result) for _ in range(want["at_a_time"])))

    def call_off():
        want["connections"] = 0        # in case that a cancellation is lost on a connection that ends just now
        work.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, call_off)
    try:
        await work
    except asyncio.CancelledError:
        pass
    print(json.dumps(result.document()))


asyncio.run(main())
