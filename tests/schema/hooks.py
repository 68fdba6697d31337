"""Lets generated requests meet things that exist: half of the parameters that name one get the id or name of a real one, and all
of those whose name stands in DEED_ALWAYS_KNOWN.

DEED_KNOWN is a JSON object: by the name of a parameter, what may stand there. The tester's own account is not among it, or a
request would sooner or later delete or disable it.
"""
import json, os, random

import schemathesis

KNOWN = json.loads(os.environ["DEED_KNOWN"])
ALWAYS_KNOWN = os.environ.get("DEED_ALWAYS_KNOWN", "").split()


def with_known(parameters):
    """The same parameters always become the same: what failed can be run again."""
    for name in sorted(set(parameters or ()) & set(KNOWN)):
        chance = random.Random(f"{name} {parameters[name]}")
        if KNOWN[name] and (chance.random() < 0.5 or name in ALWAYS_KNOWN):
            parameters[name] = chance.choice(KNOWN[name])
    return parameters


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    return with_known(path_parameters)


@schemathesis.hook
def map_query(context, query):
    return with_known(query)
