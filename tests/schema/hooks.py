"""Lets generated requests meet things that exist, and notes what was answered.

DEED_REQUESTS is a file with a JSON object: by the operation, requests about things that exist, each about things of its own, so
that what one of them deletes is missed by no other. Of the calls of an operation the first is such a request as it is. Of the others, some are
generated with one laid over them, some with the path of one, one has a body that is too large, and the rest is as generated.
DEED_TOKEN is the tester's; a request that ends its login brings another. DEED_ANSWERS is a file that gets a line for each answer.
"""
import collections, json, os, random, urllib.parse

import schemathesis

REQUESTS = json.load(open(os.environ["DEED_REQUESTS"]))
TOKEN = os.environ.get("DEED_TOKEN")
TOO_LARGE = "x" * int(os.environ["DEED_MAX_BODY"])
ALWAYS_KNOWN = os.environ.get("DEED_PATH_ALWAYS_KNOWN") == "true"
ANSWERS = open(os.environ["DEED_ANSWERS"], "a")
LOGOUT = "POST /api/auth/logout"
CALLS, LAST = collections.Counter(), {}


def name_of(case):
    return f"{case.method.upper()} {case.operation.path}"


@schemathesis.hook
def before_call(context, case, kwargs):
    name, request = name_of(case), None
    number, CALLS[name] = CALLS[name], CALLS[name] + 1
    chance = random.Random(f"{name} {number}").random()
    if number == 1 and isinstance(case.body, dict):
        case.body = {**case.body, "tooLarge": TOO_LARGE}
    elif number == 0 or chance < 0.5:
        request = LAST[name] = REQUESTS[name].pop(0) if REQUESTS.get(name) else LAST.get(name)
        if request and (number == 0 or chance < 0.3):
            lay_over(case, request, alone=number == 0)
        elif request:
            lay_over_path(case, request)
    if ALWAYS_KNOWN and LAST.get(name):
        lay_over_path(case, LAST[name])
    if name == LOGOUT:
        request = LAST.get(name)
    token = (request or {}).get("token") or TOKEN
    if token:
        case.headers["X-Authorization"] = f"Bearer {token}"


def lay_over(case, request, alone):
    lay_over_path(case, request)
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(request["path"]).query, keep_blank_values=True)
    case.query = query if alone else {**(case.query or {}), **query}
    if request["body"] is None:
        return
    case.media_type = case.media_type or "application/json"
    try:
        body = json.loads(request["body"])
    except ValueError:
        body = request["body"]
    both = isinstance(body, dict) and isinstance(case.body, dict)
    case.body = {**case.body, **body} if both and not alone else body


def lay_over_path(case, request):
    template = case.operation.path.split("/")
    path = urllib.parse.urlsplit(request["path"]).path.split("/")
    places = [(place[1:-1], urllib.parse.unquote(segment)) for place, segment in zip(template, path) if place.startswith("{")]
    if places:
        case.path_parameters = dict(places)


@schemathesis.hook
def after_call(context, case, response):
    print(f"{response.status_code} {name_of(case)}", file=ANSWERS, flush=True)
