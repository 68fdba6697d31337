"""aiocoap, unmodified: keys registered whole and in blocks, with and without acknowledgement; the state read and observed.

    drive_aiocoap.py --url URL --mark TEXT --coap HOST:PORT
"""
import argparse, asyncio, json

import aiocoap

from people import People
from steps import done, fresh

parser = argparse.ArgumentParser()
for name in ("url", "mark", "coap"):
    parser.add_argument(f"--{name}", required=True)
ARGS = parser.parse_args()
KEY = f"aiocoap-{ARGS.mark}"
PEOPLE = People(ARGS.url)


def payload(**more):
    return json.dumps({"secretKey": KEY, "durationMs": 60_000, **more}).encode()


def message(code, path, body=b"", **more):
    return aiocoap.Message(code=code, uri=f"coap://{ARGS.coap}/{path}", payload=body, **more)


async def main():
    context = await aiocoap.Context.create_client_context()

    async def ask(*request, **more):
        return await asyncio.wait_for(context.request(message(*request, **more)).response, 20)

    for call, tuning in (("post", aiocoap.Reliable), ("post_non", aiocoap.Unreliable)):
        # The token is the device's name.
        name = fresh("aiocoap")
        PEOPLE.add_device(name)
        answer = await ask(aiocoap.POST, f"api/v1/{name}/claim", payload(), transport_tuning=tuning)
        assert answer.code == aiocoap.CREATED and not answer.payload, answer
        assert PEOPLE.claims(name, KEY)
        answer = await ask(aiocoap.POST, f"api/v1/{name}/claim", payload(), transport_tuning=tuning)
        assert answer.code == aiocoap.CONFLICT, answer
        answer = await ask(aiocoap.POST, "api/v1/nobody/claim", payload(), transport_tuning=tuning)
        assert answer.code == aiocoap.UNAUTHORIZED, answer
        done(call)

    name = fresh("aiocoap")
    PEOPLE.add_device(name)
    answer = await ask(aiocoap.GET, f"api/v1/{name}/claim")
    assert answer.code == aiocoap.CONTENT and json.loads(answer.payload) == {"state": "none", "expiresAt": None}, answer
    done("get")

    observing = context.request(message(aiocoap.GET, f"api/v1/{name}/claim", observe=0))
    answer = await asyncio.wait_for(observing.response, 20)
    assert answer.opt.observe == 0, answer
    notifications = aiter(observing.observation)
    large = payload(pad="x" * 20_000)
    answer = await ask(aiocoap.POST, f"api/v1/{name}/claim", large)
    assert answer.code == aiocoap.CREATED, answer
    told = json.loads((await asyncio.wait_for(anext(notifications), 20)).payload)
    assert told["state"] == "open", told
    answer = await ask(aiocoap.POST, f"api/v1/{name}/attributes", json.dumps({"large": "x" * 5_000}).encode())
    assert answer.code == aiocoap.CREATED, answer
    answer = await ask(aiocoap.GET, f"api/v1/{name}/attributes")
    assert len(json.loads(answer.payload)["client"]["large"]) == 5_000, answer
    answer = await ask(aiocoap.POST, f"api/v1/{name}/claim", payload(pad="x" * 70_000))
    assert answer.code == aiocoap.REQUEST_ENTITY_TOO_LARGE, answer
    done("blocks")
    assert PEOPLE.claims(name, KEY)
    told = json.loads((await asyncio.wait_for(anext(notifications), 20)).payload)
    assert told == {"state": "claimed", "expiresAt": None}, told
    observing.observation.cancel()
    done("observe")

    answer = await ask(aiocoap.GET, ".well-known/core")
    assert answer.code == aiocoap.CONTENT and answer.opt.content_format == 40, answer
    done("discover")
    await context.shutdown()


asyncio.run(main())
