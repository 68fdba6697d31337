"""What the drivers of the clients share: who signs in, names and keys of a run, and a line for each call that did as it should."""
import argparse, json, time, uuid

TENANT = ("tenant@thingsboard.org", "tenant")
NOBODY = "13814000-1dd2-11b2-8080-808080808080"
PASSWORD = "secret-password"


def arguments(**choices):
    """`--url` of the server, and `--mark`, which stands in every claim key, so that it would be found where it must not be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--mark", required=True)
    for name, allowed in choices.items():
        parser.add_argument(f"--{name}", required=True, choices=allowed)
    return parser.parse_args()


def fresh(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def in_an_hour():
    return int(time.time() * 1000) + 3_600_000


def done(*calls):
    """The calls that were made and whose results were as expected."""
    for call in calls: print("ok", call, flush=True)


def refused(error, call, *arguments, **keywords):
    """The error that a call raises; it must raise one."""
    try:
        result = call(*arguments, **keywords)
    except error as raised:
        return raised
    raise AssertionError(f"{call} should have been refused, and gave {result!r}")


def import_file(names, key, expires):
    """A file for a bulk import, with a claim key for each device, and what its columns mean."""
    cell = json.dumps({"secretKey": key, "expirationTime": expires}).replace('"', '""')
    lines = ["name,type,claimingData"] + [f'{name},default,"{cell}"' for name in names]
    columns = [{"type": "NAME"}, {"type": "TYPE"}, {"type": "SERVER_ATTRIBUTE", "key": "claimingData"}]
    return "\n".join(lines) + "\n", {"columns": columns, "delimiter": ",", "update": True, "header": True}
