"""What a program pays before its first response: the import and the first call together.

`python benchmarks/cold.py by_hand URL`, or `refold`, prints as JSON the seconds and the CPU time that it took.
With `--without-orjson` it runs as if the extra `speed` were not installed.
"""

import sys
import time

# The programs below import the modules they need themselves.


def by_hand(url: str) -> None:
    """Make one call on aiohttp."""
    import asyncio

    import aiohttp

    async def main() -> None:
        headers = {"x-api-key": "tk_benchmark", "linked_account_id": "user_12345"}
        path = "/api/v2/integration-schema/hubspot/actions/get_contact/execute"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url + path, json={"limit": "1"}, headers=headers) as response,
        ):
            assert (await response.json())["node_status"] == "Success"

    asyncio.run(main())


def refold(url: str) -> None:
    """Make one call with this library."""
    import asyncio

    from refold_async import AsyncRefold

    async def main() -> None:
        async with AsyncRefold("tk_benchmark", base_url=url) as refold:
            account = refold.account("user_12345")
            result = await account.execute_action("hubspot", "get_contact", {"limit": "1"}, idempotent=True)
            assert result.node_status == "Success"

    asyncio.run(main())


def main() -> None:
    """Run one of the two programs, and print what it cost."""
    if "--without-orjson" in sys.argv:
        sys.modules["orjson"] = None  # type: ignore[assignment]  # pyright: ignore[reportArgumentType]
    program = {"by_hand": by_hand, "refold": refold}[sys.argv[1]]
    began, cpu_began = time.perf_counter(), time.process_time()
    program(sys.argv[2])
    print(f'{{"elapsed": {time.perf_counter() - began}, "cpu": {time.process_time() - cpu_began}}}')


if __name__ == "__main__":
    main()
