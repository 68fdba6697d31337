"""What a gateway does over MQTT for the devices behind it, and messages in Protobuf.

    device_gateway/scenarios.py --url URL --mqtt HOST:PORT --out DIR [--only NAME…] [--allow-claiming-by-default true|false] [--settle SECONDS] [--quick] [--slow]
"""
import json, pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import wire
from device import ARGS, CLAIM, OK, V, Device, Gateway, api, claim, known, main, profile, settle
from recorder import scenario
from session import Session, pub

MALFORMED = {"3.1.1": "Gateways: closed without a PUBACK, as malformed", "5": "Gateways: PUBACK 0x99, the session stays"}
STAYS = "Gateways: PINGRESP, as the session stays"

@scenario("Gateway: connect, disconnect, what is made")
def scenario_gateway_connect(rec):
    for v in V:
        g = Gateway(rec); T = "v1/gateway/connect"; unmade = "Gateways: PUBACK" + (" 0x99" if v == "5" else "") + " at once"
        with Session(rec, v, username=g.token, clientId="c") as s:
            k = rec.fresh(f"kid{v}", "K-")
            s.step(f"{v}: connect a device that does not exist", pub(T, json.dumps({"device": k, "type": "default"}))); r = api(rec, "GET", f"/api/tenant/devices?deviceName={k}").json()
            rec.note("the device that was made", {"method": "GET", "path": f"/api/tenant/devices?deviceName={k}"}, {x: r[x] for x in ("name", "type", "label", "customerId", "additionalInfo", "version")})
            rel = api(rec, "GET", f"/api/relations?fromId={g.id}&fromType=DEVICE", ok=False); rec.note("relations of the gateway", {"method": "GET", "path": f"/api/relations?fromId={g.id}&fromType=DEVICE"}, [{x: q[x] for x in ("type", "typeGroup")} for q in rel.json()] if rel.ok else rel.status_code, "Gateways: relations are not served")
            cr = api(rec, "GET", f"/api/device/{r['id']['id']}/credentials").json(); rec.note("its credentials", {}, {"credentialsType": cr["credentialsType"], "tokenLength": len(cr["credentialsId"])})
            s.step(f"{v}: connect again", pub(T, json.dumps({"device": k}), id=2))
            k2 = rec.fresh(f"kidNew{v}", "K-"); ty = rec.fresh(f"type{v}", "T-")
            s.step(f"{v}: connect with a type that does not exist", pub(T, json.dumps({"device": k2, "type": ty}), id=3)); rec.note("its type", {}, api(rec, "GET", f"/api/tenant/devices?deviceName={k2}").json()["type"])
            d = Device(rec); s.step(f"{v}: connect an existing device that no gateway made", pub(T, json.dumps({"device": d.name}), id=4)); x = api(rec, "GET", f"/api/device/{d.id}").json(); rec.note("its additionalInfo (null before) and version (1 before)", {}, {q: x[q] for q in ("additionalInfo", "version")})
            d = Device(rec, additionalInfo={"description": "x"}); s.step(f"{v}: connect an existing device that has additionalInfo", pub(T, json.dumps({"device": d.name}), id=4)); x = api(rec, "GET", f"/api/device/{d.id}").json(); rec.note("its additionalInfo and version", {}, {q: x[q] for q in ("additionalInfo", "version")})
            k3 = rec.fresh(f"kidEmptyType{v}", "K-"); s.step(f"{v}: connect a new device with an empty type", pub(T, json.dumps({"device": k3, "type": ""}), id=3), wait=1.5, differs=unmade); x = api(rec, "GET", f"/api/tenant/devices?deviceName={k3}", ok=False); rec.note("whether it exists, and its type", {}, x.json().get("type") if x.ok else x.status_code)
            e = Device(rec).assign(); s.step(f"{v}: connect a device of a customer", pub(T, json.dumps({"device": e.name}), id=5))
            s.step(f"{v}: disconnect", pub("v1/gateway/disconnect", json.dumps({"device": k}), id=6)); s.step(f"{v}: disconnect a device that was not connected", pub("v1/gateway/disconnect", json.dumps({"device": "never-" + k}), id=7))
            s.step(f"{v}: QoS 0 connect", pub(T, json.dumps({"device": k}), qos=0)); s.step(f"{v}: type null", pub(T, json.dumps({"device": k, "type": None}), id=8)); s.step(f"{v}: unknown gateway topic", pub("v1/gateway/nothing", "{}", id=9)); s.step("still there", ("pingreq", None))
        for what, p in (("not JSON", "{"), ("empty payload", ""), ("empty object", "{}"), ("empty name", '{"device":""}'), ("null name", '{"device":null}'), ("array", "[]"), ("name of 300 characters", json.dumps({"device": "x" * 300})), ("name with markup", json.dumps({"device": "<a>x</a>"}))):
            with Session(rec, v, username=g.token, clientId="c") as s: malformed = not what.startswith(("name", "not JSON")); s.step(f"{v}: connect: {what}", pub("v1/gateway/connect", p), wait=15 if what.startswith("name") and ARGS.slow else 1.2, differs=unmade if what.startswith("name") else MALFORMED[v] if malformed else None); s.step("and then", ("pingreq", None), differs=STAYS if malformed and v == "5" else None)
        with Session(rec, v, username=g.token, clientId="c") as s:
            d = Device(rec); s.step(f"{v}: connects a device", pub(T, json.dumps({"device": d.name})))
            with Session(rec, v, username=d.token, clientId="d") as own: s.step(f"{v}: what the gateway gets when that device connects itself", wait=1.5); own.step(f"{v}: the device's own session registers", pub(CLAIM, OK)); settle(); claim(rec, d, "k"); s.step(f"{v}: the gateway registers the same device", pub("v1/gateway/claim", json.dumps({d.name: {}}), id=2), differs="Gateways: PUBACK 0x87, as it is claimed" if v == "5" else None); own.step(f"{v}: what the device gets", wait=1.5, differs="Gateways: nothing, a gateway claim does not close it")
            d = Device(rec); s.step(f"{v}: connects another", pub(T, json.dumps({"device": d.name}), id=3)); api(rec, "DELETE", f"/api/device/{d.id}"); s.step(f"{v}: what the gateway gets when it is deleted", wait=1.5)
            api(rec, "POST", "/api/device", api(rec, "GET", f"/api/device/{g.id}").json() | {"additionalInfo": {"gateway": False}}); settle(); s.step(f"{v}: connect after the gateway flag was removed", pub(T, json.dumps({"device": k}), id=4), differs="Gateways: PUBACK 0x87, the flag counts at once" if v == "5" else None)

@scenario("Gateway claim: one, several, partly refused, malformed")
def scenario_gateway_claim(rec):
    T = "v1/gateway/claim"; nothing = ("empty object", "all members skipped", "array", "JSON null", "empty payload")
    for v in V:
        g = Gateway(rec)
        def kids(n, allowed=True): return [Device(rec, allowed=allowed) for _ in range(n)]
        def msg(*ds, **more): return json.dumps({d.name: {"secretKey": "k", "durationMs": 60000} for d in ds} | more)
        with Session(rec, v, username=g.token, clientId="c") as s:
            a = kids(1); s.step(f"{v}: one device", pub(T, msg(*a))); settle(); claim(rec, a[0], "k")
            a = kids(3); s.step(f"{v}: three devices", pub(T, msg(*a), id=2)); settle(); [claim(rec, x, "k") for x in a]
            a = kids(1); s.step(f"{v}: no key, no duration", pub(T, json.dumps({a[0].name: {}}), id=3)); settle(); claim(rec, a[0])
            a = kids(2); a[1].assign(); s.step(f"{v}: two devices, one of a customer", pub(T, msg(*a), id=4), differs="Gateways: PUBACK 0x87 naming the refused one" if v == "5" else None); settle(); claim(rec, a[0], "k", "the other is claimable")
            a = kids(1); s.step(f"{v}: a member that is no object is skipped", pub(T, msg(*a, **{"skipped": 1, "skipped2": None}), id=5)); settle(); claim(rec, a[0], "k")
            a = kids(1); n = rec.fresh(f"made{v}", "K-"); s.step(f"{v}: a device that does not exist is made", pub(T, json.dumps({n: {"secretKey": "k"}}), id=6), differs="Gateways: PUBACK 0x87 unless claiming is allowed by default, as the new device has no claimingAllowed" if v == "5" and ARGS.allow_claiming_by_default == "false" else None); rec.note("it exists", {}, api(rec, "GET", f"/api/tenant/devices?deviceName={n}", ok=False).status_code)
            a = kids(1); s.step(f"{v}: QoS 0", pub(T, msg(*a), qos=0)); settle(); claim(rec, a[0], "k", acknowledged=False)
            s.step("still there", ("pingreq", None))
        for what, make in (("bad duration in one of two", lambda a: json.dumps({a[0].name: {"secretKey": "k", "durationMs": "abc"}, a[1].name: {"secretKey": "k"}})), ("null key in the second of two", lambda a: json.dumps({a[0].name: {"secretKey": "k"}, a[1].name: {"secretKey": None}})), ("empty object", lambda a: "{}"), ("all members skipped", lambda a: json.dumps({a[0].name: 1, a[1].name: "x"})), ("not JSON", lambda a: "{"), ("array", lambda a: "[]"), ("JSON null", lambda a: "null"), ("empty payload", lambda a: ""), ("empty device name beside a good one", lambda a: json.dumps({"": {}, a[0].name: {"secretKey": "k"}})), ("name of 300 characters beside a good one", lambda a: json.dumps({"x" * 300: {}, a[0].name: {"secretKey": "k"}}))):
            a = kids(2)
            with Session(rec, v, username=g.token, clientId="c") as s: s.step(f"{v}: {what}", pub(T, make(a)), wait=15 if "beside" in what and ARGS.slow else 1.2, differs=MALFORMED[v] if what in nothing else "Gateways: PUBACK 0x99 at once" if "beside" in what and v == "5" else None); s.step("and then", ("pingreq", None), differs=STAYS if what in nothing and v == "5" else None)
            settle(); [claim(rec, x, "k") for x in a] if what.startswith(("bad", "null key")) or "beside" in what else None
        d = Device(rec, allowed=False)
        with Session(rec, v, username=d.token, clientId="c") as s:
            for i, t in enumerate(("claim", "connect", "attributes", "nothing")): s.step(f"{v}: a device that is no gateway publishes v1/gateway/{t}", pub("v1/gateway/" + t, "{}", id=i + 1), differs="Gateways: PUBACK" + (" 0x87" if v == "5" else ""))
            s.step("still there", ("pingreq", None)); k = Device(rec)
            api(rec, "POST", "/api/device", api(rec, "GET", f"/api/device/{d.id}").json() | {"additionalInfo": {"gateway": True}}); settle(); s.step(f"{v}: it becomes a gateway during the session", pub(T, msg(k), id=9), differs="Gateways: PUBACK, the flag counts at once")
        with Session(rec, v, username=d.token, clientId="c") as s: s.step(f"{v}: after reconnecting", pub(T, msg(k), id=1)); settle(); claim(rec, k, "k")

@scenario("Gateway claim while claiming is not allowed", allowClaimingByDefault=False)
def scenario_gateway_claim_not_allowed(rec):
    for v in V:
        g = Gateway(rec); a, b = Device(rec), Device(rec, allowed=False)
        with Session(rec, v, username=g.token, clientId="c") as s: s.step(f"{v}: two devices, one not allowed", pub("v1/gateway/claim", json.dumps({a.name: {"secretKey": "k"}, b.name: {"secretKey": "k"}})), differs="Gateways: PUBACK 0x87 naming the refused one" if v == "5" else None); settle(); claim(rec, a, "k"); claim(rec, b, "k")

@scenario("Gateway that belongs to a customer: its new devices do too")
def scenario_gateway_claimed(rec):
    g = Gateway(rec).assign(); k = rec.fresh("kid", "K-")
    with Session(rec, "5", username=g.token, clientId="c") as s:
        s.step("connect a new device", pub("v1/gateway/connect", json.dumps({"device": k}))); d = known(rec, k, "Kid"); rec.note("its owner", {}, d.owner()); d.attributes(claimingAllowed=True)
        s.step("registers it", pub("v1/gateway/claim", json.dumps({k: {"secretKey": "k"}}), id=2), differs="Gateways: PUBACK 0x87 naming it"); settle(); claim(rec, k, "k")
        o = Device(rec); s.step("registers an unassigned device of the tenant that it never connected", pub("v1/gateway/claim", json.dumps({o.name: {"secretKey": "k"}}), id=3)); settle(); claim(rec, o, "k")
    g1, g2 = Gateway(rec), Device(rec, allowed=False, label="Gateway2", additionalInfo={"gateway": True}); k = rec.fresh("kid2", "K-")
    with Session(rec, "5", username=g1.token, clientId="c") as s: s.step("gateway 1 makes a device", pub("v1/gateway/connect", json.dumps({"device": k})))
    known(rec, k, "Kid2").attributes(claimingAllowed=True)
    with Session(rec, "5", username=g2.token, clientId="c") as s: s.step("gateway 2 registers it", pub("v1/gateway/claim", json.dumps({k: {"secretKey": "k"}})), differs="Gateways: PUBACK 0x87, another gateway made it"); settle(); claim(rec, k, "k", differs="Gateways: FAILURE, it was refused")


@scenario("Device profile with protobuf payloads; with fallback to JSON; and the flag sendAckOnValidationException")
def scenario_mqtt_protobuf(rec):
    pb, fb, ja, pa = profile(rec), profile(rec, fallback=True), profile(rec, "JSON", ack=True), profile(rec, ack=True)
    closed = (("protobuf", "JSON"), ("protobuf", "garbage"), ("protobuf with JSON fallback", "garbage"))  # by ThingsBoard, in 3.1.1
    for v in V:
        for label, p, cases in (("protobuf", pb, (("claim", wire.pb_claim("k", 60000), "k"), ("empty payload", b"", None), ("unknown field", wire.pb_claim("k") + wire.pb_int(9, 1), "k"), ("negative duration", wire.pb_claim("k", -1), "k"), ("JSON", OK, None), ("garbage", b"\xff\xff\xff", None), ("wrong wire type", wire.pb_int(1, 5), None))),
                                ("protobuf with JSON fallback", fb, (("claim", wire.pb_claim("k", 60000), "k"), ("JSON", OK, "k"), ("empty payload", b"", None), ("garbage", b"\xff\xff\xff", None))),
                                ("JSON with sendAckOnValidationException", ja, (("claim", OK, "k"), ("not JSON", "{not json", None), ("secretKey null", '{"secretKey":null}', None))),
                                ("protobuf with sendAckOnValidationException", pa, (("garbage", b"\xff\xff\xff", None),))):
            for what, raw, key in cases:
                d = Device(rec, deviceProfileId=p, type=None)
                with Session(rec, v, username=d.token, clientId="c") as s: 
                    wrong, null = what == "wrong wire type", what == "secretKey null"
                    s.step(f"{v}: {label}: {what}", pub(CLAIM, raw), differs="Protobuf: " + ("PUBACK 0x99" + (", the session stays" if null else "") if v == "5" else "PUBACK, the session stays" if null else "closed") if wrong or null else None)
                    if not null and (v == "5" or (label, what) not in closed): s.step("and then", ("pingreq", None), differs="Protobuf: nothing, the connection is closed" if wrong and v != "5" else None)
                settle(); claim(rec, d, key, differs="Protobuf: FAILURE, it was refused" if what == "wrong wire type" else None) if key is not None or what in ("empty payload", "wrong wire type") else None
        for t, raw in (("v2/c", wire.pb_claim("k")), ("v2/c/j", OK), ("v2/c/p", wire.pb_claim("k"))):
            d = Device(rec, deviceProfileId=pb, type=None)
            with Session(rec, v, username=d.token, clientId="c") as s: s.step(f"{v}: protobuf profile: {t}", pub(t, raw), differs="Protobuf: accepted, PUBACK 0x00" if v == "5" else None)
        g = Gateway(rec, deviceProfileId=pb, type=None)
        with Session(rec, v, username=g.token, clientId="c") as s:
            k = rec.fresh(f"kid{v}", "K-")
            s.step(f"{v}: protobuf gateway: connect", pub("v1/gateway/connect", wire.pb_connect(k, "default")), show={"publish": {"topic": "v1/gateway/connect", "protobuf": {"ConnectMsg": {"deviceName": k, "deviceType": "default"}}, "qos": 1}}); d = known(rec, k, f"Kid{v}"); d.attributes(claimingAllowed=True)
            s.step(f"{v}: protobuf gateway: claim", pub("v1/gateway/claim", wire.pb_gateway_claim([(k, wire.pb_claim("k", 60000))]), id=2), show={"publish": {"topic": "v1/gateway/claim", "protobuf": {"GatewayClaimMsg": {"msg": [{"deviceName": k, "claimRequest": {"secretKey": "k", "durationMs": 60000}}]}}, "qos": 1}}); settle(); claim(rec, k, "k")
            s.step(f"{v}: protobuf gateway: disconnect", pub("v1/gateway/disconnect", wire.pb_string(1, k), id=3), show={"publish": {"topic": "v1/gateway/disconnect", "protobuf": {"DisconnectMsg": {"deviceName": k}}, "qos": 1}})
        for what, raw in (("claim without entries", b""), ("garbage", b"\xff\xff"), ("JSON", '{"x":{}}')):
            with Session(rec, v, username=g.token, clientId="c") as s: s.step(f"{v}: protobuf gateway: {what}", pub("v1/gateway/claim", raw))
        g = Gateway(rec, deviceProfileId=pb, type=None)
        with Session(rec, v, username=g.token, clientId="c") as s:
            d = Device(rec); s.step(f"{v}: protobuf gateway: QoS 0 claim", pub("v1/gateway/claim", wire.pb_gateway_claim([(d.name, wire.pb_claim("k"))]), qos=0), show={"publish": {"topic": "v1/gateway/claim", "protobuf": "GatewayClaimMsg", "qos": 0}})


if __name__ == "__main__": main(__doc__, __file__)
