# SPDX-License-Identifier: BSD-3-Clause
"""Many separate HTTP connections, some at a time: one JSON argument, one JSON answer."""

import asyncio
import collections
import json
import sys

PATIENCE_S = 20


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
        result["by"][body.decode().strip()] += 1
    except OSError as error:
        result["errors"][str(error)] += 1


async def worker(want, todo, result):
    while todo:
        todo.pop()
        try:
            await asyncio.wait_for(ask(want, result), PATIENCE_S)
        except asyncio.TimeoutError:
            result["errors"][f"nothing for {PATIENCE_S} s"] += 1


async def main():
    want = json.loads(sys.argv[1])
    result = {"by": collections.Counter(), "errors": collections.Counter()}
    todo = [None] * want["connections"]
    await asyncio.gather(*(worker(want, todo, result) for _ in range(want["at_a_time"])))
    result["ok"] = sum(result["by"].values())
    result["failed"] = sum(result["errors"].values())
    print(json.dumps(result))


asyncio.run(main())
