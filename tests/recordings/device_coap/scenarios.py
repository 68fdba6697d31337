"""What a device does over CoAP: registrations, paths, messages, blocks.

    device_coap/scenarios.py --url URL --coap HOST:PORT --out DIR [--only NAME…] [--allow-claiming-by-default true|false] [--settle SECONDS] [--slow]
"""
import json, os, pathlib, struct, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import wire
from coap import coap, piggyback
from device import ARGS, OK, Device, api, claim, main, settle
from recorder import scenario
from wire import ACK, CON, NON, RST, Coap

@scenario("Registration over CoAP: forms of a payload, refusals")
def scenario_coap_claim(rec):
    for what, raw, key, differs in (("key and duration", OK, "k", None), ("empty payload", "", None, None), ("empty object", "{}", None, None), ("lenient JSON", "{secretKey:'k'}", "k", "Device API: strict JSON, 4.00"), ("durationMs string", '{"secretKey":"k","durationMs":"60000"}', "k", None), ("not JSON", "{", None, None), ("trailing garbage", OK + "x", None, None), ("array", "[]", None, None), ("JSON null", "null", None, None), ("blank", "  ", None, None), ("double-encoded", json.dumps(OK), None, None), ("not UTF-8", b"\xff\xfe", None, None),
                                    ("secretKey null", '{"secretKey":null}', None, "CoAP: 4.00"), ("secretKey object", '{"secretKey":{}}', None, "CoAP: 4.00"), ("durationMs word", '{"secretKey":"k","durationMs":"abc"}', None, "CoAP: 4.00"), ("durationMs true", '{"secretKey":"k","durationMs":true}', None, "CoAP: 4.00")):
        d = Device(rec); coap(rec, what, "POST", f"/api/v1/{d.token}/claim", raw, differs=differs); settle(); claim(rec, d, key, differs="Device API: FAILURE, it was refused" if what == "lenient JSON" else None)
    d = Device(rec).assign(); coap(rec, "assigned already", "POST", f"/api/v1/{d.token}/claim", OK, differs="CoAP: 4.09")
    coap(rec, "unknown token", "POST", "/api/v1/no-such-token/claim", OK); coap(rec, "unknown token, garbage", "POST", "/api/v1/no-such-token/claim", "{"); coap(rec, "no token", "POST", "/api/v1/claim", OK)

@scenario("Registration over CoAP while claiming is not allowed", allowClaimingByDefault=False)
def scenario_coap_claim_not_allowed(rec):
    d = Device(rec, allowed=False); coap(rec, "no claimingAllowed attribute", "POST", f"/api/v1/{d.token}/claim", OK, differs="CoAP: 4.03"); settle(); claim(rec, d, "k")

@scenario("CoAP paths, methods, options")
def scenario_coap_paths(rec):
    d = Device(rec); p = f"/api/v1/{d.token}"
    for m in ("GET", "PUT", "DELETE", "FETCH", "PATCH", 7, 31): coap(rec, f"{m} claim", m, p + "/claim", "" if m in ("GET", "DELETE") else OK, differs="CoAP: the claiming state of the device" if m == "GET" else None)
    longer = ("more segments", "a number after it", "trailing empty segment")
    for what, path in (("upper-case feature", p + "/CLAIM"), ("mixed case", p + "/Claim"), ("unknown feature", p + "/nothing"), ("feature missing", p), ("more segments", p + "/claim/more"), ("a number after it", p + "/claim/1"), ("trailing empty segment", None), ("other root", "/nothing"), ("api only", "/api"), ("api/v2", f"/api/v2/{d.token}/claim"), ("upper-case API", f"/API/v1/{d.token}/claim"), ("no path", "")):
        e = Device(rec); q = (path or p + "/claim/").replace(d.token, e.token)
        coap(rec, what, "POST", q, OK, segments=["api", "v1", e.token, "claim", ""] if what == "trailing empty segment" else [] if what == "no path" else None, differs="CoAP: 4.04, the path must match exactly" if what in longer else None)
        if what.endswith("case") or what.startswith("upper-case f") or what in longer: settle(); claim(rec, e, "k", differs="CoAP: FAILURE, it was refused" if what in longer else None)
    e = Device(rec); coap(rec, "whole path in one Uri-Path option", "POST", f"/api/v1/{e.token}/claim", OK, segments=[f"api/v1/{e.token}/claim"]); settle(); claim(rec, e, "k")
    for what, o in (("Content-Format JSON", [(12, wire.uint(50))]), ("Content-Format text", [(12, b"")]), ("Content-Format unknown", [(12, wire.uint(9999))]), ("Accept XML", [(17, wire.uint(41))]), ("Uri-Query", [(15, "a=b")]), ("Uri-Host", [(3, "example.com")]), ("unknown elective option", [(2048, b"x")]), ("unknown critical option", [(2049, b"x")]), ("Proxy-Uri", [(35, "coap://example.com/")]), ("If-None-Match", [(5, b"")])):
        e = Device(rec); coap(rec, what, "POST", f"/api/v1/{e.token}/claim", OK, options=o); settle(); claim(rec, e, "k")
    coap(rec, "GET /.well-known/core", "GET", "/.well-known/core", differs="CoAP: deed's own links")
    coap(rec, "GET claim with Observe 0", "GET", p + "/claim", options=[(6, b"")], differs="CoAP: the claiming state of the device"); coap(rec, "GET claim with Observe 1", "GET", p + "/claim", options=[(6, b"\1")], differs="CoAP: the claiming state of the device")
    coap(rec, "telemetry {}", "POST", p + "/telemetry", "{}"); coap(rec, "telemetry", "POST", p + "/telemetry", '{"t":1}'); coap(rec, "telemetry garbage", "POST", p + "/telemetry", "{"); coap(rec, "client attributes", "POST", p + "/attributes", '{"a":1}'); settle()
    coap(rec, "attributes by key", "GET", p + "/attributes", options=[(15, "clientKeys=a,b"), (15, "sharedKeys=claimingAllowed")]); coap(rec, "all attributes", "GET", p + "/attributes"); coap(rec, "unknown keys only", "GET", p + "/attributes", options=[(15, "clientKeys=none")]); coap(rec, "RPC getSessionLimits", "POST", p + "/rpc", '{"method":"getSessionLimits","params":{}}', wait=75 if ARGS.slow else 2, differs="CoAP: answered at once")

@scenario("CoAP messages: CON, NON, tokens, duplicates, ping, separate response, malformed")
def scenario_coap_messages(rec):
    for t in (b"", b"\1", b"12345678"): d = Device(rec); coap(rec, f"CON with a token of {len(t)} bytes", "POST", f"/api/v1/{d.token}/claim", OK, token=t)
    d = Device(rec); coap(rec, "NON", "POST", f"/api/v1/{d.token}/claim", OK, kind=NON); settle(); claim(rec, d, "k"); coap(rec, "NON with an unknown token", "POST", "/api/v1/no-such-token/claim", OK, kind=NON)
    for kind in (CON, NON):
        d, k = Device(rec), wire.KINDS[kind]; c = Coap(rec.host, rec.coap_port); t = os.urandom(4)
        def send(what, raw, differs=None):
            got = c.request("POST", f"/api/v1/{d.token}/claim", raw, kind, token=t, mid=4711, wait=1.2, enough=None); rec.note(what, {"coap": k + " POST", "path": f"/api/v1/{d.token}/claim", "payload": raw, "sameIdAsBefore": True, "waitMs": 1200}, got, differs or piggyback(rec, what, got, kind))
        cached = "CoAP: the same response, from the cache" if kind == CON else None
        send(f"{k}: first", '{"secretKey":"a"}'); settle(); send(f"{k}: exact duplicate", '{"secretKey":"a"}', cached); claim(rec, d, "a"); api(rec, "DELETE", f"/api/customer/device/{d.name}/claim"); d.attributes(claimingAllowed=True); send(f"{k}: duplicate after claim and reclaim", '{"secretKey":"a"}', cached); settle(); claim(rec, d, "a", "whether the duplicate registered again"); c.close()
    c = Coap(rec.host, rec.coap_port)
    for what, raw in (("CoAP ping (empty CON)", wire.coap_message(CON, 0, 77)), ("empty NON", wire.coap_message(NON, 0, 78)), ("ACK for nothing", wire.coap_message(ACK, 0, 79)), ("RST for nothing", wire.coap_message(RST, 0, 80)), ("version 2", b"\x80\x02\0\x51"), ("token length 9", b"\x49\x02\0\x52123456789"), ("reserved code class 1", wire.coap_message(CON, 0x21, 83)), ("response code as CON", wire.coap_message(CON, 0x45, 84)), ("truncated option", b"\x40\x02\0\x55\xb9a"), ("payload marker without payload", wire.coap_message(CON, 2, 86, b"", [(11, "api")]) + b"\xff"), ("three bytes", b"\x40\x02\0"), ("empty datagram", b"")):
        c.send_raw(raw); mid = struct.unpack(">H", raw[2:4])[0] if len(raw) > 3 else None; rec.note(what, {"coap": "raw", "sent": raw.hex(), "waitMs": 1000}, c.receive(1.0, lambda ps: True, mid, b""))
    c.close()

@scenario("CoAP block-wise transfer and observe")
def scenario_coap_blocks(rec):
    def blocks(what, d, body, szx, more=(), gap=None):
        c = Coap(rec.host, rec.coap_port); size, got, t = 16 << szx, [], os.urandom(4); n = (len(body) + size - 1) // size
        for i in range(n):
            if gap == i: continue
            got += c.request("POST", f"/api/v1/{d.token}/claim", body[i * size:(i + 1) * size], token=t, options=[(27, wire.block(i, i < n - 1, szx)), *more])
            if not got or got[-1].get("code", "").startswith(("4", "5")): break
        c.close(); rec.note(what, {"coap": "CON POST", "path": f"/api/v1/{d.token}/claim", "payloadBytes": len(body), "block1Size": size}, got, piggyback(rec, what, got))
    body = lambda n: b'{"secretKey":"k","pad":"' + b"x" * (n - 26) + b'"}'
    for what, n, szx in (("blocks of 16", 60, 0), ("blocks of 64", 200, 2), ("blocks of 512", 1200, 5), ("blocks of 1024", 3000, 6)): d = Device(rec); blocks(what, d, body(n), szx); settle(); claim(rec, d, "k")
    d = Device(rec); blocks("a block is missing", d, body(200), 2, gap=1); d = Device(rec); blocks("with Size1", d, body(200), 2, [(60, wire.uint(200))])
    d = Device(rec); c = Coap(rec.host, rec.coap_port); rec.note("a middle block first", {"coap": "CON POST", "block1": "1/1/64"}, c.request("POST", f"/api/v1/{d.token}/claim", b"x" * 64, options=[(27, wire.block(1, True, 2))])); c.close()
    for n in (1024, 1025, 1152, 2000, 2100, 3000, 8000, 60000): d = Device(rec); coap(rec, f"{n} bytes without blocks", "POST", f"/api/v1/{d.token}/claim", body(n), differs="CoAP: 4.13" if n > 2048 else None); settle(); claim(rec, d, "k")
    for n in (8192, 65536, 70000):
        d = Device(rec); c = Coap(rec.host, rec.coap_port); t, b, got = os.urandom(4), body(n), []
        for i in range((n + 1023) // 1024):
            got = c.request("POST", f"/api/v1/{d.token}/claim", b[i * 1024:(i + 1) * 1024], token=t, options=[(27, wire.block(i, (i + 1) * 1024 < n, 6))])
            if not got or got[-1].get("code", "").startswith(("4", "5")): break
        c.close(); what = f"{n} bytes in blocks of 1024: the last answer, to block {(n - 1) // 1024}"; rec.note(what, {"coap": "CON POST", "payloadBytes": n}, got, "CoAP: 4.13 above 65536 bytes, to an earlier block" if n > 65536 else piggyback(rec, what, got)); settle(); claim(rec, d, "k", differs="CoAP: FAILURE, it was refused" if n > 65536 else None)
    d = Device(rec); p = f"/api/v1/{d.token}/attributes"; c = Coap(rec.host, rec.coap_port); t = os.urandom(4)
    rec.note("GET attributes with Observe 0", {"coap": "CON GET", "path": p, "options": {"Observe": 0}, "waitMs": 1000}, c.request("GET", p, token=t, options=[(6, b"")], wait=1, enough=None)); d.attributes("SHARED_SCOPE", s1="x")
    rec.note("a shared attribute changes", {"waitMs": 1500}, c.receive(1.5, None, None, t)); rec.note("GET attributes with Observe 1", {"coap": "CON GET", "path": p, "options": {"Observe": 1}, "waitMs": 1000}, c.request("GET", p, token=t, options=[(6, b"\1")], wait=1, enough=None), "CoAP: 2.05 as for a plain GET, piggy-backed"); c.close()


if __name__ == "__main__": main(__doc__, __file__)
