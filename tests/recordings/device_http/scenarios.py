"""What a device does over HTTP: registrations in every form, refusals, sizes, and the companion routes; and where claiming is allowed
by default, a registration over each transport.

    device_http/scenarios.py --url URL --mqtt HOST:PORT [--coap HOST:PORT] --out DIR [--only NAME…] [--allow-claiming-by-default true|false] [--settle SECONDS]

Every scenario makes its own devices. `--settle` is waited between a registration and the claim that uses it: ThingsBoard answers
a device before it has stored the key, `deed` afterwards. Signs in as tenant@thingsboard.org / tenant.
"""
import json, pathlib, sys, time
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import requests
from coap import coap
from device import ARGS, CLAIM, NO_COAP, OK, V, Device, claim, main, settle
from recorder import scenario
from session import Session, pub



def cors(headers):
    """What is told to other origins; names of headers in one case, as they have none."""
    shown = {k.title(): v for k, v in sorted(headers.items()) if k.lower().startswith("access-control") or k.lower() == "vary"}
    if "Vary" in shown: shown["Vary"] = shown["Vary"].title()
    return shown

def let_end(ms):
    """Waits until a window of so many milliseconds has ended."""
    time.sleep(1 if ARGS.settle else ms / 1000 + 0.05)

REFUSED = "Device API: 403 with a JSON error"
CLAIMED = "Device API: 409 with a JSON error"
BAD = "Device API: 400/31"
STRICT = "Device API: strict JSON, 400/31"
NO_PIECE = "Device API: no array is taken for its element, 400/31"

@scenario("HTTP registration: the forms a body may take, and whether the key then works")
def scenario_http_claim_bodies(rec):
    for what, raw, headers, key, differs in (
        ("JSON", OK, None, "k", None), ("no body", None, None, None, None), ("empty body", "", None, None, None), ("empty object", "{}", None, None, None),
        ("text/plain", OK, {"Content-Type": "text/plain"}, "k", None), ("no Content-Type", OK, {"Content-Type": ""}, "k", None), ("application/octet-stream", OK, {"Content-Type": "application/octet-stream"}, "k", None),
        ("form content type", OK, {"Content-Type": "application/x-www-form-urlencoded"}, "k", "Device API: the bytes are read as JSON whatever the Content-Type, 200"),
        ("Accept that excludes JSON", OK, {"Accept": "image/png"}, "k", None),
        ("unknown members", '{"secretKey":"k","durationMs":60000,"x":{"y":1}}', None, "k", None), ("duplicate member: the last", '{"secretKey":"a","secretKey":"k"}', None, "k", None),
        ("unquoted names", '{secretKey:k,durationMs:60000}', None, "k", STRICT), ("single quotes", "{'secretKey':'k'}", None, "k", STRICT), ("comments", '/* c */ {"secretKey":"k" // d\n}', None, "k", STRICT),
        ("equals and semicolons", '{"secretKey"="k";"durationMs"=60000}', None, "k", STRICT), ("byte order mark", "\ufeff".encode() + OK.encode(), None, "k", None), ("missing value", '{"secretKey":}', None, None, BAD),
        ("trailing garbage", OK + " x", None, None, BAD), ("trailing comma", '{"secretKey":"k",}', None, None, BAD), ("unterminated", '{"secretKey":"k"', None, None, BAD), ("not JSON", "hello", None, None, BAD), ("bare brace", "{", None, None, BAD),
        ("array", "[]", None, None, BAD), ("array around the object", "[" + OK + "]", None, None, BAD), ("JSON null", "null", None, None, BAD), ("number", "1", None, None, BAD), ("blank", "   ", None, None, BAD),
        ("double-encoded (tb-rest-client claim_device with a string)", json.dumps(OK), None, "k", "Device API: one level of string is unwrapped, 200"),
        ("secretKey number", '{"secretKey":12}', None, "12", None), ("secretKey decimal", '{"secretKey":1.50}', None, "1.50", None), ("secretKey true", '{"secretKey":true}', None, "true", None), ("secretKey null", '{"secretKey":null}', None, None, BAD),
        ("secretKey object", '{"secretKey":{}}', None, None, BAD), ("secretKey array of one", '{"secretKey":["k"]}', None, "k", NO_PIECE), ("secretKey array of two", '{"secretKey":["k","l"]}', None, None, BAD),
        ("secretKey with other case", '{"secretkey":"k"}', None, None, None), ("secretKey not ASCII", '{"secretKey":"ключ€"}'.encode(), None, "ключ€", None),
        ("durationMs string", '{"secretKey":"k","durationMs":"60000"}', None, "k", None), ("durationMs fraction", '{"secretKey":"k","durationMs":60000.9}', None, "k", None), ("durationMs string of a fraction", '{"secretKey":"k","durationMs":"60000.9"}', None, "k", BAD), ("durationMs exponent", '{"secretKey":"k","durationMs":6e4}', None, "k", None),
        ("durationMs 0", '{"secretKey":"k","durationMs":0}', None, "k", None), ("durationMs negative", '{"secretKey":"k","durationMs":-5}', None, "k", None), ("durationMs largest", '{"secretKey":"k","durationMs":9223372036854775807}', None, "k", None), ("durationMs beyond 64 bits", '{"secretKey":"k","durationMs":9223372036854775808}', None, "k", None),
        ("durationMs word", '{"secretKey":"k","durationMs":"abc"}', None, None, BAD), ("durationMs true", '{"secretKey":"k","durationMs":true}', None, None, BAD), ("durationMs null", '{"secretKey":"k","durationMs":null}', None, None, BAD), ("durationMs empty string", '{"secretKey":"k","durationMs":""}', None, None, BAD), ("durationMs array of one", '{"secretKey":"k","durationMs":[60000]}', None, "k", NO_PIECE)):
        d = Device(rec)
        rec.http(what, "POST", f"/api/v1/{d.token}/claim", raw=raw, headers=headers, differs=differs)
        settle(); claim(rec, d, key, differs="Device API: SUCCESS, the duration saturates" if what == "durationMs largest" else "Device API: SUCCESS, it was registered" if what.startswith(("form", "double")) else "Device API: FAILURE, it was refused" if differs in (STRICT, NO_PIECE) else None)

@scenario("HTTP registration that is refused, routes and methods around it")
def scenario_http_claim_refusals(rec):
    d = Device(rec).assign()
    rec.http("the device is assigned already", "POST", f"/api/v1/{d.token}/claim", raw=OK, differs=CLAIMED)
    rec.http("unknown token", "POST", "/api/v1/no-such-token/claim", raw=OK)
    rec.http("unknown token, garbage body", "POST", "/api/v1/no-such-token/claim", raw="{")
    d = Device(rec)
    for m in ("GET", "PUT", "DELETE", "PATCH", "HEAD"):
        rec.http(f"{m} instead of POST", m, f"/api/v1/{d.token}/claim", differs="Device API: tells the device how it stands, 200" if m == "GET" else None)
    rec.http("trailing slash", "POST", f"/api/v1/{d.token}/claim/", raw=OK)
    rec.http("no token segment", "POST", "/api/v1/claim", raw=OK)
    rec.http("empty token segment", "POST", "/api/v1//claim", raw=OK)
    rec.http("upper-case feature", "POST", f"/api/v1/{d.token}/CLAIM", raw=OK)
    rec.http("unknown feature", "POST", f"/api/v1/{d.token}/nothing", raw=OK)
    rec.http("token percent-encoded", "POST", "/api/v1/" + rec.name("".join(f"%{b:02x}" for b in d.token.encode()), "token percent-encoded") + "/claim", raw=OK)
    settle(); claim(rec, d, "k", "claimable: the token in the path was decoded")
    d = Device(rec)
    rec.http("a REST bearer token beside it is not looked at", "POST", f"/api/v1/{d.token}/claim", raw=OK, headers={"X-Authorization": "Bearer nonsense"})

@scenario("HTTP registration while claiming is not allowed", allowClaimingByDefault=False)
def scenario_http_claim_not_allowed(rec):
    d = Device(rec, allowed=False)
    rec.http("no claimingAllowed attribute", "POST", f"/api/v1/{d.token}/claim", raw=OK, differs=REFUSED); settle(); claim(rec, d, "k")
    for v, works in ((False, 0), ("true", 1), (1, 1), ({"a": 1}, 0)):
        d = Device(rec, allowed=False); d.attributes(claimingAllowed=v)
        rec.http(f"claimingAllowed is {json.dumps(v)}", "POST", f"/api/v1/{d.token}/claim", raw=OK, differs=None if works else REFUSED); settle()
        claim(rec, d, "k", differs="Attributes: SUCCESS, text true and number 1 count too" if works else None)
    d = Device(rec, allowed=False); d.attributes("SHARED_SCOPE", claimingAllowed=True)
    rec.http("claimingAllowed in the shared scope does not count", "POST", f"/api/v1/{d.token}/claim", raw=OK, differs=REFUSED); settle(); claim(rec, d, "k")

@scenario("HTTP registration without the attribute where claiming is allowed by default", allowClaimingByDefault=True)
def scenario_http_claim_allowed_by_default(rec):
    d = Device(rec, allowed=False)
    rec.http("no attribute", "POST", f"/api/v1/{d.token}/claim", raw=OK); settle(); claim(rec, d, "k")
    d = Device(rec, allowed=False); d.attributes(claimingAllowed=False)
    rec.http("claimingAllowed false is not looked at", "POST", f"/api/v1/{d.token}/claim", raw=OK); settle(); claim(rec, d, "k")
    d = Device(rec, allowed=False).assign()
    rec.http("assigned already", "POST", f"/api/v1/{d.token}/claim", raw=OK, differs=CLAIMED)
    for v in V:
        d = Device(rec, allowed=False)
        with Session(rec, v, username=d.token) as s: s.step(f"MQTT {v}", pub(CLAIM, OK))
        settle(); claim(rec, d, "k")
    if not rec.coap_port: rec.left_out("CoAP", NO_COAP); rec.left_out("a customer user claims it", NO_COAP); return
    d = Device(rec, allowed=False); coap(rec, "CoAP", "POST", f"/api/v1/{d.token}/claim", OK); settle(); claim(rec, d, "k")

@scenario("A second registration, expiry, wrong key: what the transports' windows do")
def scenario_window_rules(rec):
    d = Device(rec)
    for k in "ab": rec.http(f"registers {k}", "POST", f"/api/v1/{d.token}/claim", raw=json.dumps({"secretKey": k, "durationMs": 60000})); settle()
    claim(rec, d, "b", "the second key", "Claim: SUCCESS, a new registration replaces the window"); settle()
    claim(rec, d, "a", "the first key, after the wrong guess", "Claim: CLAIMED, as b was accepted")
    d = Device(rec); rec.http("a window of 300 ms", "POST", f"/api/v1/{d.token}/claim", raw='{"secretKey":"k","durationMs":300}'); let_end(300); claim(rec, d, "k", "after it ended")
    d = Device(rec)
    rec.http("a window of 200 ms", "POST", f"/api/v1/{d.token}/claim", raw='{"secretKey":"k","durationMs":200}'); let_end(200)
    rec.http("registers again after it ended", "POST", f"/api/v1/{d.token}/claim", raw='{"secretKey":"k","durationMs":60000}'); settle()
    claim(rec, d, "k", "the same key, in the second window", "Claim: SUCCESS, the registration replaces the ended window")

@scenario("HTTP: how large a registration may be")
def scenario_http_claim_sizes(rec):
    for n in (65536, 65537, 1 << 20):
        d = Device(rec); body = '{"secretKey":"k","pad":"' + "x" * (n - 26) + '"}'
        r = requests.post(f"{rec.url}/api/v1/{d.token}/claim", data=body, headers={"Content-Type": "application/json"}, timeout=60)
        rec.note(f"a body of {n} bytes", {"method": "POST", "path": f"/api/v1/{d.token}/claim", "bodyBytes": len(body)}, {"status": r.status_code, "contentType": r.headers.get("Content-Type"), "body": r.text}, "Device API: 413 with a limit of 65536 bytes" if n > 65536 else None)
    d = Device(rec)
    for n in (16777216, 16777217, 52428800, 52428801):
        body = b'{"secretKey":"k","pad":"' + b"x" * (n - 26) + b'"}'
        try:
            r = requests.post(f"{rec.url}/api/v1/{d.token}/claim", data=body, headers={"Content-Type": "application/json"}, timeout=120)
            out = {"status": r.status_code, "contentType": r.headers.get("Content-Type"), "body": r.text}
        except requests.RequestException as e: out = {"error": type(e).__name__}
        rec.note(f"a body of {n} bytes", {"method": "POST", "path": f"/api/v1/{d.token}/claim", "bodyBytes": n}, out, "Device API: 413 with a limit of 65536 bytes")

@scenario("HTTP: the other routes of a device")
def scenario_http_companions(rec):
    d = Device(rec); d.attributes("SHARED_SCOPE", shared1="s"); d.attributes(server1="x"); p = f"/api/v1/{d.token}"
    for what, m, path, raw in (("telemetry {} (TBHTTPDevice.connect)", "POST", "/telemetry", "{}"), ("telemetry", "POST", "/telemetry", '{"t":1}'), ("telemetry with ts", "POST", "/telemetry", '[{"ts":1,"values":{"t":1}}]'), ("telemetry garbage", "POST", "/telemetry", "{"), ("telemetry empty", "POST", "/telemetry", None),
                               ("client attributes", "POST", "/attributes", '{"client1":"c","claimingAllowed":true}'), ("client attributes {}", "POST", "/attributes", "{}"), ("client attributes not an object", "POST", "/attributes", "[]")):
        rec.http(what, m, p + path, raw=raw, differs="Errors: 400/31" if raw in ("{", "[]") else None); settle() if raw else None
    for what, q in (("by key", "?clientKeys=client1,none&sharedKeys=shared1,server1"), ("all", ""), ("unknown keys only", "?clientKeys=none"), ("claimingData is never served", "?clientKeys=claimingData&sharedKeys=claimingData,claimingAllowed")): rec.http("attributes " + what, "GET", p + "/attributes" + q)
    rec.http("attributes with an unknown token", "GET", "/api/v1/no-such-token/attributes")
    rec.http("telemetry with an unknown token", "POST", "/api/v1/no-such-token/telemetry", raw="{}")
    rec.http("attribute updates, nothing within the timeout", "GET", p + "/attributes/updates?timeout=500")
    rec.http("RPC long poll, nothing within the timeout", "GET", p + "/rpc?timeout=500")
    rec.http("RPC reply to a request that is not there", "POST", p + "/rpc/7", raw="{}")
    if ARGS.slow: t = time.monotonic(); rec.http("RPC getSessionLimits has no meaning here", "POST", p + "/rpc", raw='{"method":"getSessionLimits","params":{}}', differs="Device API: answered at once", timeout=90); rec.note("seconds that took", {}, round(time.monotonic() - t), "Device API: 0")
    rec.http("CORS preflight", "OPTIONS", p + "/claim", headers={"Origin": "https://ui.example.com", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"})
    for m, path in (("OPTIONS", p + "/claim"), ("POST", p + "/claim")):
        r = requests.request(m, rec.url + path, headers={"Origin": "https://ui.example.com", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, x-authorization"}, timeout=30)
        rec.note(f"CORS headers of {m}", {"method": m, "path": path, "headers": {"Origin": "https://ui.example.com"}}, {"status": r.status_code} | cors(r.headers))


if __name__ == "__main__": main(__doc__, __file__)
