"""What a device does over MQTT 3.1.1 and 5: connecting, sessions, messages, requests; and how soon a registered key works.

    device_mqtt/scenarios.py --url URL --mqtt HOST:PORT [--coap HOST:PORT] --out DIR [--only NAME…] [--allow-claiming-by-default true|false] [--settle SECONDS] [--quick] [--slow] [--race TRIES]
"""
import json, pathlib, struct, sys, threading, time
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import requests
import wire
from device import ARGS, CLAIM, NO_COAP, OK, V, Device, Gateway, api, buyer, claim, main, settle
from recorder import scenario
from session import PATIENCE, Session, connack, hear, pub, sub
from wire import Coap, Mqtt

NO_31 = "MQTT: MQTT 3.1 is refused with CONNACK 1"

def mqtt_basic(rec, **stored):
    """A device with MQTT_BASIC credentials."""
    d = Device(rec, allowed=False)
    c = api(rec, "GET", f"/api/device/{d.id}/credentials").json()
    api(rec, "POST", "/api/device/credentials", c | {"credentialsType": "MQTT_BASIC", "credentialsId": None, "credentialsValue": json.dumps(stored)})
    return d

@scenario("CONNACK for every combination of credentials, MQTT 3.1.1 and 5")
def scenario_mqtt_connack(rec):
    d = Device(rec); cid = rec.fresh("clientId", "c-")
    for v in V:
        r = "MQTT: 0x87, as no username was sent" if v == "5" else "MQTT: code 5"; sp = "MQTT: session present is always 0"
        connack(rec, f"{v}: token as username", v, username=d.token, clientId=cid)
        connack(rec, f"{v}: token as username, empty client id", v, username=d.token)
        connack(rec, f"{v}: token and any password", v, username=d.token, password="whatever", clientId=cid)
        connack(rec, f"{v}: token as username, empty password", v, username=d.token, password="", clientId=cid)
        connack(rec, f"{v}: unknown token", v, username="no-such-token", clientId=cid)
        connack(rec, f"{v}: unknown token, empty client id", v, username="no-such-token")
        connack(rec, f"{v}: unknown username, password, client id", v, username="u", password="p", clientId=cid)
        connack(rec, f"{v}: unknown username, password, empty client id", v, username="u", password="p")
        connack(rec, f"{v}: empty username", v, username="", clientId=cid)
        connack(rec, f"{v}: empty username, empty client id", v, username="")
        connack(rec, f"{v}: client id only", v, clientId=cid, differs=r)
        connack(rec, f"{v}: token as client id only", v, clientId=d.token, differs=r)
        connack(rec, f"{v}: nothing at all", v)
        if v == "5": connack(rec, f"{v}: password without username", v, password="p", clientId=cid, differs=r)
        connack(rec, f"{v}: refused with clean = 0", v, username="no-such-token", clientId=cid, clean=False, differs=sp)
        connack(rec, f"{v}: device name as username", v, username=d.name, clientId=cid)
        connack(rec, f"{v}: token in upper case", v, username=rec.name(d.token.upper(), "TOKEN1"), clientId=cid)
        connack(rec, f"{v}: refused, then a PUBLISH in the same breath", v, username="no-such-token", clientId=cid, then=wire.publish(v, CLAIM, OK))
    connack(rec, "3.1: token as username", "3.1", username=d.token, clientId=cid, differs=NO_31)
    connack(rec, "3.1: unknown token", "3.1", username="no-such-token", clientId=cid, differs=NO_31)

@scenario("CONNACK with MQTT_BASIC credentials")
def scenario_mqtt_connack_basic(rec):
    for v in V:
        r = "MQTT: 0x87, as no username was sent" if v == "5" else "MQTT: code 5"
        u, c = rec.fresh(f"user{v}"), rec.fresh(f"client{v}")
        mqtt_basic(rec, clientId=c, userName=u, password="pw")
        for what, a in (("all three right", {"clientId": c, "username": u, "password": "pw"}), ("wrong password", {"clientId": c, "username": u, "password": "no"}), ("no password", {"clientId": c, "username": u}), ("other client id", {"clientId": c + "x", "username": u, "password": "pw"}), ("empty client id", {"username": u, "password": "pw"}), ("client id only", {"clientId": c})):
            connack(rec, f"{v}: stored client id, user name, password: {what}", v, differs=r if what == "client id only" else None, **a)
        u = rec.fresh(f"onlyUser{v}"); mqtt_basic(rec, userName=u)
        connack(rec, f"{v}: stored user name only: any password", v, clientId="any", username=u, password="x"); connack(rec, f"{v}: stored user name only: no password", v, username=u)
        u = rec.fresh(f"userPw{v}"); mqtt_basic(rec, userName=u, password="pw")
        connack(rec, f"{v}: stored user name and password: right", v, clientId="any", username=u, password="pw"); connack(rec, f"{v}: stored user name and password: wrong", v, clientId="any", username=u, password="no"); connack(rec, f"{v}: stored user name and password: none sent", v, clientId="any", username=u)
        c = rec.fresh(f"onlyClient{v}"); mqtt_basic(rec, clientId=c)
        connack(rec, f"{v}: stored client id only: client id", v, clientId=c); connack(rec, f"{v}: stored client id only: client id and a password", v, clientId=c, password="x") if v == "5" else None; connack(rec, f"{v}: stored client id only: client id and some username", v, clientId=c, username="u")
        c, u = rec.fresh(f"idOf{v}"), rec.fresh(f"userOf{v}"); mqtt_basic(rec, clientId=c, userName=u)
        connack(rec, f"{v}: stored client id and user name: both", v, clientId=c, username=u); connack(rec, f"{v}: stored client id and user name: both and a password", v, clientId=c, username=u, password="x"); connack(rec, f"{v}: stored client id and user name: only the user name", v, username=u); connack(rec, f"{v}: stored client id and user name: only the client id", v, clientId=c, differs=r)

@scenario("Protocol levels, broken CONNECTs, first packets that are no CONNECT, a second CONNECT")
def scenario_mqtt_protocol(rec):
    d = Device(rec)
    for what, p, dif in (("MQTT level 6", ("MQTT", 6), "MQTT: CONNACK 0x84 in the form of MQTT 5"), ("MQTT level 3", ("MQTT", 3), "MQTT: CONNACK 1"), ("MQTT level 0", ("MQTT", 0), "MQTT: CONNACK 1"), ("MQIsdp level 4", ("MQIsdp", 4), "MQTT: CONNACK 1"), ("name mqtt", ("mqtt", 4), "MQTT: CONNACK 1")): connack(rec, what, "3.1.1", username=d.token, clientId="c", protocol=p, differs=dif)
    connack(rec, "3.1.1: empty client id and clean = 0", "3.1.1", username=d.token, clean=False, differs="MQTT: code 2")
    connack(rec, "5: empty client id and clean = 0", "5", username=d.token, clean=False, differs="MQTT: session present is always 0, the client identifier is assigned")
    connack(rec, "3.1: empty client id", "3.1", username=d.token, differs=NO_31)
    connack(rec, "3.1: client id of 40 characters", "3.1", username=d.token, clientId="x" * 40, differs=NO_31)
    connack(rec, "3.1.1: client id of 300 characters", "3.1.1", username=d.token, clientId="x" * 300)
    connack(rec, "3.1.1: NUL in the client id", "3.1.1", username=d.token, clientId="a\0b", differs="MQTT: refused as malformed")
    for what, hexes in (("first packet PINGREQ", "c000"), ("first packet PUBLISH", wire.publish("3.1.1", CLAIM, OK).hex()), ("first packet SUBSCRIBE", wire.subscribe("3.1.1", [("v1/devices/me/attributes", 1)]).hex()), ("first packet DISCONNECT", "e000"), ("120 PINGREQs before any CONNECT", "c000" * 120), ("an HTTP request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".hex()), ("packet type 0", "0000"), ("packet type 15", "f000"), ("remaining length of five bytes", "10ffffffffff"), ("CONNECT with the reserved connect flag set", wire.connect("3.1.1", username=d.token).hex().replace("4d51545404" + "82", "4d51545404" + "83")), ("CONNECT cut short (rest never comes)", wire.connect("3.1.1", username=d.token).hex()[:20])):
        m = Mqtt(rec.host, rec.mqtt_port, "3.1.1"); m.send(bytes.fromhex(hexes)); differs = "MQTT: closed at once" if what.startswith("first packet") else None; got = hear(rec, m, what, 1.5, differs); m.close()
        rec.note(what, {"mqtt": "raw", "sent": rec._text(bytes.fromhex(hexes).decode("latin-1")) if d.token.encode().hex() in hexes else hexes if len(hexes) < 150 else f"<{len(hexes) // 2} bytes>", "waitMs": 1500}, got, differs)
    for v in V:
        with Session(rec, v, username=d.token, clientId="c") as s:
            s.step(f"{v}: a second CONNECT on the same connection", ("connect", {"username": d.token, "clientId": "c"}), differs="MQTT: closed" + (" with DISCONNECT 0x82" if v == "5" else ""))
            s.step(f"{v}: and a PINGREQ after it", ("pingreq", None), differs="MQTT: nothing, the connection is closed")
    what = "CONNECT, PUBLISH and PINGREQ in one segment, before the CONNACK (PUBACK and PINGRESP come in either order)"
    m = Mqtt(rec.host, rec.mqtt_port, "5"); m.send(wire.connect("5", username=d.token, clientId="c") + wire.publish("5", CLAIM, OK) + b"\xc0\0"); got = hear(rec, m, what, 1.0); m.close()
    rec.note(what, {"mqtt": "5", "send": ["CONNECT", "PUBLISH claim", "PINGREQ"], "waitMs": 1000}, got[:1] + sorted(got[1:], key=str))
    for v in V:
        m = Mqtt(rec.host, rec.mqtt_port, v); m.send(wire.connect(v, username=d.token, clientId="c") + b"".join(wire.publish(v, "v1/devices/me/telemetry", "{}", id=i + 1) for i in range(150))); got = m.receive(PATIENCE if ARGS.quick else 2.0, lambda ps: len(ps) > 150); m.close()
        kinds = {}
        for p in got: k = p.get("packet", "closed") + (" " + p["reason"] if "reason" in p else ""); kinds[k] = kinds.get(k, 0) + 1
        rec.note(f"{v}: CONNECT and 150 PUBLISHes in one segment (counts of what came back)", {"mqtt": v, "send": ["CONNECT", "150 × PUBLISH telemetry, QoS 1"], "waitMs": 2000}, kinds, "MQTT: back-pressure, all acknowledged in order")

@scenario("Sessions: session present, a second connection of the device, the end of a session")
def scenario_mqtt_sessions(rec):
    for v in V:
        d = Device(rec); c = rec.fresh(f"clientId{v}", "c-")
        connack(rec, f"{v}: clean = 1, first time", v, username=d.token, clientId=c)
        connack(rec, f"{v}: clean = 0, first time for this client id", v, username=d.token, clientId=c + "n", clean=False, differs="MQTT: session present is always 0")
        connack(rec, f"{v}: clean = 0 again", v, username=d.token, clientId=c + "n", clean=False, differs="MQTT: session present is always 0")
        a = Session(rec, v, username=d.token, clientId=c)
        with Session(rec, v, username=d.token, clientId=c + "2") as b:
            a.step(f"{v}: the first connection, when the device connects again with another client id", wait=1.5); a.m.close()
            b.step(f"{v}: the second goes on", ("pingreq", None))
        with Session(rec, v, username=d.token, clientId=c) as s: s.step(f"{v}: DISCONNECT by the client", ("disconnect", None), differs="MQTT: closed without an answer" if v == "5" else None)
        if v == "5":
            with Session(rec, v, username=d.token, clientId=c) as s: s.step("5: DISCONNECT with reason 0x04", ("disconnect", {"hex": "04"}), differs="MQTT: closed without an answer")
        with Session(rec, v, username=d.token, clientId=c) as s: s.step(f"{v}: PINGREQ", ("pingreq", None))
        with Session(rec, v, username=d.token, clientId=c, keepAlive=1) as s:
            s.step(f"{v}: keep alive of 1 s, silence for 4 s", wait=4, differs="MQTT: closed after 1.5 s" + (" with DISCONNECT 0x8D" if v == "5" else "")); s.step(f"{v}: then a PINGREQ", ("pingreq", None), differs="MQTT: nothing, the connection is closed")
        with Session(rec, v, username=d.token, clientId=c) as s:
            settle(); api(rec, "POST", "/api/device/credentials", api(rec, "GET", f"/api/device/{d.id}/credentials").json() | {"credentialsId": rec.fresh(f"newToken{v}")})
            s.step(f"{v}: the device's credentials are changed", wait=1.5)
        e = Device(rec)
        with Session(rec, v, username=e.token, clientId=c) as s: api(rec, "DELETE", f"/api/device/{e.id}"); s.step(f"{v}: the device is deleted", wait=1.5)
        e = Device(rec)
        with Session(rec, v, username=e.token, clientId=c) as s:
            s.step(f"{v}: registers", pub(CLAIM, OK)); time.sleep(5 * ARGS.settle)  # ThingsBoard may store it 2 s late after a device was deleted
            claim(rec, e, "k"); s.step(f"{v}: its session when it is claimed", wait=1.5); s.step(f"{v}: registers again on the same session", pub(CLAIM, OK, id=2), differs="MQTT: PUBACK 0x87" if v == "5" else None)

@scenario("Wills, properties and flags of CONNECT")
def scenario_mqtt_wills(rec):
    for v in V:
        d = Device(rec)
        what = f"{v}: a will on the claim topic, then the connection is reset"
        m = Mqtt(rec.host, rec.mqtt_port, v); m.send(wire.connect(v, username=d.token, clientId="c", will={"topic": CLAIM, "payload": OK, "qos": 1})); got = hear(rec, m, what, 0.7); m.abort(); settle()
        rec.note(what, {"mqtt": v, "connect": {"will": {"topic": CLAIM, "payload": OK, "qos": 1}}, "then": "reset", "waitMs": 700}, got); claim(rec, d, "k", "nothing was registered: wills are not published")
        connack(rec, f"{v}: will with QoS 2 and retain", v, username=d.token, clientId="c", will={"topic": "a/b", "payload": "x", "qos": 2, "retain": True})
        connack(rec, f"{v}: will with QoS 3", v, username=d.token, clientId="c", will={"topic": "a/b", "payload": "x", "qos": 3}, differs="MQTT: malformed, closed" + (" with 0x81" if v == "5" else ""))
        connack(rec, f"{v}: will on an empty topic", v, username=d.token, clientId="c", will={"topic": "", "payload": "x"})
        connack(rec, f"{v}: keep alive 0", v, username=d.token, clientId="c", keepAlive=0)
    d = Device(rec)
    for p in ({"sessionExpiryInterval": 3600}, {"receiveMaximum": 1}, {"maximumPacketSize": 20}, {"requestProblemInformation": 0}, {"topicAliasMaximum": 10}, {"authenticationMethod": "SCRAM-SHA-1"}, {"userProperty": ["a", "b"]}, {"receiveMaximum": 0}): connack(rec, f"5: property {json.dumps(p)}", "5", username=d.token, clientId="c", properties_=p, differs="MQTT: against the protocol, 0x82" if p == {"receiveMaximum": 0} else None)

@scenario("Silence: how long a connection may be idle (takes eleven minutes, only with --idle)")
def scenario_mqtt_idle(rec):
    out = {}
    def watch(what, m):
        t = time.monotonic(); got = m.receive(ARGS.idle); out[what] = {"packets": got, "closedAfterSeconds": round(time.monotonic() - t) if m.closed else None}; m.close()
    def opened(version, keepAlive):
        d = Device(rec); s = Session(rec, version, username=d.token, clientId="c", keepAlive=keepAlive); return s.m
    cases = [(f"{v}: session with keep alive {k}, silent", lambda v=v, k=k: opened(v, k)) for v in V for k in (0, 30)] + [("no byte after the TCP connection", lambda: Mqtt(rec.host, rec.mqtt_port, "5"))]
    def pinging():
        d = Device(rec); s = Session(rec, "5", username=d.token, clientId="c", keepAlive=30); t = time.monotonic(); n = 0
        while time.monotonic() - t < ARGS.idle and not s.m.closed: s.m.receive(20); s.m.send(b"\xc0\0"); n += 1
        out["5: PINGREQ every 20 s"] = {"closed": s.m.closed}
    threads = [threading.Thread(target=watch, args=(w, make())) for w, make in cases] + [threading.Thread(target=pinging)]
    for t in threads: t.start()
    for t in threads: t.join()
    for w, _ in cases + [("5: PINGREQ every 20 s", None)]: rec.note(w, {"waitSeconds": ARGS.idle}, out[w], "MQTT: closed after 1.5 × keep alive" + (" with DISCONNECT 0x8D" if w[0] == "5" else "") if "keep alive 30" in w else "MQTT: closed after 10 s without a CONNECT" if w.startswith("no byte") else None)

REFUSED = {"3.1.1": {what: "MQTT: malformed, closed" for what in ("SUBSCRIBE without filters", "topic that is not UTF-8")} | {"CONNACK from the client": "MQTT: no packet of a client, closed"},
           "5": {what: "MQTT: malformed, closed with 0x81" for what in ("SUBSCRIBE without filters", "topic that is not UTF-8")} | {what: "MQTT: no packet of such a client, closed with 0x82" for what in ("CONNACK from the client", "AUTH")} | {"empty topic": "MQTT: there is no alias, closed with 0x94"}}

@scenario("QoS 0, 1, 2; DUP, RETAIN, packet ids, topic aliases")
def scenario_mqtt_qos(rec):
    for v in V:
        d = Device(rec)
        with Session(rec, v, username=d.token, clientId="c") as s:
            s.step(f"{v}: QoS 0", pub(CLAIM, OK, qos=0)); settle(); claim(rec, d, "k", acknowledged=False)
        d = Device(rec)
        with Session(rec, v, username=d.token, clientId="c") as s:
            s.step(f"{v}: QoS 1, id 65535", pub(CLAIM, OK, id=65535)); s.step(f"{v}: the same again with DUP", pub(CLAIM, OK, id=65535, dup=True)); s.step(f"{v}: QoS 1 with RETAIN", pub(CLAIM, OK, id=3, retain=True)); settle(); claim(rec, d, "k")
        d = Device(rec)
        with Session(rec, v, username=d.token, clientId="c") as s:
            s.step(f"{v}: QoS 2", pub(CLAIM, OK, qos=2, id=7), differs="MQTT: PUBREC"); s.step(f"{v}: PUBREL", ("pubrel", {"id": 7}), differs="MQTT: PUBCOMP"); s.step(f"{v}: still there", ("pingreq", None)); settle(); claim(rec, d, "k")
        for what, raw in (("QoS 3", wire.publish(v, CLAIM, OK, qos=3)), ("QoS 1 with packet id 0", wire.publish(v, CLAIM, OK, id=0)), ("empty topic", wire.publish(v, "", OK)), ("wildcard in the topic", wire.publish(v, "v1/devices/+/claim", OK)), ("topic that is not UTF-8", wire.publish(v, b"v1/\xff", OK)), ("QoS 0 with DUP", wire.publish(v, CLAIM, OK, qos=0, dup=True)), ("SUBSCRIBE with fixed-header flags 0", b"\x80" + wire.subscribe(v, [("v1/devices/me/attributes", 1)])[1:]), ("SUBSCRIBE without filters", wire.subscribe(v, [])), ("PUBREC from the client", wire.packet(5, 0, b"\0\1")), ("CONNACK from the client", wire.packet(2, 0, b"\0\0" + (b"\0" if v == "5" else b""))), ("AUTH", wire.packet(15, 0, b"")), ("PUBACK for nothing", wire.packet(4, 0, b"\0\x09"))):
            d = Device(rec)
            with Session(rec, v, username=d.token, clientId="c") as s: s.step(f"{v}: {what}", ("raw", raw.hex()), differs=REFUSED[v].get(what))
    d = Device(rec)
    with Session(rec, "5", username=d.token, clientId="c") as s: s.step("5: topic alias although none was announced", pub(CLAIM, OK, properties={"topicAlias": 1}), differs="MQTT: closed with 0x94"); s.step("5: the alias without a topic", pub("", OK, id=2, properties={"topicAlias": 1}), differs="MQTT: nothing, the connection is closed")
    d = Device(rec)
    with Session(rec, "5", username=d.token, clientId="c") as s: s.step("5: message expiry, content type, payload format, user property", pub(CLAIM, OK, properties={"messageExpiryInterval": 5, "contentType": "application/json", "payloadFormatIndicator": 1, "userProperty": ["a", "b"]})); settle(); claim(rec, d, "k")

@scenario("Registration over MQTT: the forms a payload may take")
def scenario_mqtt_claim_bodies(rec):
    for v in V:
        n = "MQTT: PUBACK 0x99, the session stays" if v == "5" else None  # 3.1.1: closed, like ThingsBoard
        strict = "Device API: strict JSON, " + ("PUBACK 0x99" if v == "5" else "closed")
        for what, raw, key, differs in (("key and duration", OK, "k", None), ("empty payload", "", None, None), ("empty object", "{}", None, None), ("key only", '{"secretKey":"k"}', "k", None), ("lenient JSON", "{secretKey:'k'}", "k", strict), ("unknown members", '{"secretKey":"k","x":1}', "k", None), ("durationMs string", '{"secretKey":"k","durationMs":"60000"}', "k", None), ("durationMs fraction", '{"secretKey":"k","durationMs":60000.5}', "k", None), ("secretKey number", '{"secretKey":12}', "12", None), ("durationMs negative", '{"secretKey":"k","durationMs":-1}', "k", None),
                                        ("not JSON", "{not json", None, None), ("trailing garbage", OK + "x", None, None), ("array", "[]", None, None), ("JSON null", "null", None, None), ("double-encoded", json.dumps(OK), None, None), ("blank", "  ", None, None), ("not UTF-8", b"\xff\xfe", None, None),
                                        ("secretKey null", '{"secretKey":null}', None, n), ("secretKey object", '{"secretKey":{}}', None, n), ("durationMs word", '{"secretKey":"k","durationMs":"abc"}', None, n), ("durationMs true", '{"secretKey":"k","durationMs":true}', None, n)):
            d = Device(rec)
            with Session(rec, v, username=d.token, clientId="c") as s: s.step(f"{v}: {what}", pub(CLAIM, raw), wait=1.5 if key is None and raw not in ("", "{}") else 0.7, differs=differs, enough=lambda ps: "closed" in ps[-1])
            settle(); claim(rec, d, key, differs="Device API: FAILURE, it was refused" if differs == strict else None)
        for what, raw in (("not JSON, QoS 0", "{not json"), ("secretKey null, QoS 0", '{"secretKey":null}')):
            d = Device(rec)
            with Session(rec, v, username=d.token, clientId="c") as s: s.step(f"{v}: {what}", pub(CLAIM, raw, qos=0), wait=1.5, differs="MQTT: DISCONNECT 0x99" if v == "5" and "null" in what else None)

@scenario("Registration over MQTT that is refused: what the device is told")
def scenario_mqtt_claim_refusals(rec):
    for v in V:
        told = "MQTT: PUBACK 0x87" if v == "5" else None
        d = Device(rec).assign()
        with Session(rec, v, username=d.token, clientId="c") as s: s.step(f"{v}: assigned already", pub(CLAIM, OK), differs=told); s.step(f"{v}: and the session stays", ("pingreq", None))
        d = Device(rec)
        with Session(rec, v, username=d.token, clientId="c") as s:
            s.step(f"{v}: first key", pub(CLAIM, '{"secretKey":"a"}')); settle(); s.step(f"{v}: second key", pub(CLAIM, '{"secretKey":"b"}', id=2)); settle()
        claim(rec, d, "b", "the second key", "Claim: SUCCESS, a new registration replaces the window")

@scenario("Registration over MQTT while claiming is not allowed", allowClaimingByDefault=False)
def scenario_mqtt_claim_not_allowed(rec):
    for v in V:
        for qos in (1, 0):
            d = Device(rec, allowed=False)
            with Session(rec, v, username=d.token, clientId="c") as s:
                s.step(f"{v}: no claimingAllowed attribute, QoS {qos}", pub(CLAIM, OK, qos=qos), differs="MQTT: PUBACK 0x87" if v == "5" and qos else None); d.attributes(claimingAllowed=True)
                s.step(f"{v}: again on the same session once it is allowed", pub(CLAIM, OK, id=2)); settle()
            claim(rec, d, "k")

@scenario("MQTT topics: the short claim topics, unknown ones, near misses")
def scenario_mqtt_topics(rec):
    proto = wire.pb_claim("k", 60000)
    for v in V:
        for t, payload in (("v2/c", OK), ("v2/c/j", OK), ("v2/c/p", proto)):
            d = Device(rec)
            with Session(rec, v, username=d.token, clientId="c") as s: s.step(f"{v}: {t}", pub(t, payload), differs="MQTT: accepted, PUBACK 0x00" if v == "5" else None); s.step("still there", ("pingreq", None))
            settle(); claim(rec, d, "k", differs="MQTT: SUCCESS, it was registered")
        d = Device(rec)
        with Session(rec, v, username=d.token, clientId="c") as s:
            for i, t in enumerate(("no/such/topic", "v1/devices/me/claim/", "v1/devices/me/Claim", "/v1/devices/me/claim", "v1/devices/{}/claim".format(d.token), "v1/devices/me", "v2/x", "/provision/request", "$SYS/x", "v1/devices/me/claim/request/1")): s.step(f"{v}: {t.replace(d.token, '<token>')}", pub(t, OK, id=i + 1))
            s.step(f"{v}: no/such/topic, QoS 0", pub("no/such/topic", OK, qos=0)); s.step("still there", ("pingreq", None))
        settle(); claim(rec, d, "k", "none of them registered")
        d = Device(rec)
        with Session(rec, v, username=d.token, clientId="c") as s:
            for i, (t, p) in enumerate((("v1/devices/me/telemetry", "{}"), ("v1/devices/me/telemetry", '{"t":1}'), ("v1/devices/me/attributes", '{"a":1}'), ("v1/devices/me/attributes", "{}"), ("v2/t", '{"t":1}'), ("v2/a", '{"a":1}'), ("v1/devices/me/telemetry", ""))): s.step(f"{v}: {t} {p}", pub(t, p, id=i + 1))
        with Session(rec, v, username=d.token, clientId="c") as s: s.step(f"{v}: telemetry that is not JSON", pub("v1/devices/me/telemetry", "{"))

@scenario("MQTT: how large a message may be")
def scenario_mqtt_sizes(rec):
    for v in V:
        for n in (65000, 65536, 65537, 70000, 300000):
            d = Device(rec); head = len(wire.publish(v, CLAIM, b"")) - 2  # variable header: topic, id, properties
            body = b'{"secretKey":"k","pad":"' + b"x" * (n - head - 26) + b'"}'
            with Session(rec, v, username=d.token, clientId="c") as s: s.step(f"{v}: PUBLISH with a remaining length of {n}", pub(CLAIM, body), show={"publish": {"topic": CLAIM, "remainingLength": n, "qos": 1}})
            settle(); claim(rec, d, "k")

@scenario("SUBSCRIBE and UNSUBSCRIBE: filters, granted QoS, refusals")
def scenario_mqtt_subscriptions(rec):
    filters = ["v1/devices/me/attributes", "v1/devices/me/attributes/response/+", "v1/devices/me/rpc/request/+", "v1/devices/me/rpc/response/+", "v1/gateway/attributes", "v1/gateway/attributes/response", "v1/gateway/rpc", "v1/gateway/disconnect", "v2/a", "v2/a/j", "v2/a/p", "v2/a/res/+", "v2/a/res/j/+", "v2/a/res/p/+", "v2/r/req/+", "v2/r/req/j/+", "v2/r/req/p/+", "v2/r/res/+", "v2/r/res/j/+", "v2/r/res/p/+", "v2/fw/response/+/chunk/+", "v2/sw/response/+/chunk/+", "v2/fw/error", "v2/sw/error", "/provision/response"]
    for v in V:
        d = Device(rec)
        with Session(rec, v, username=d.token, clientId="c") as s:
            s.step(f"{v}: every filter the contract lists, QoS 1", sub(*filters, id=2))
            s.step(f"{v}: QoS 0, 1, 2", sub(("v1/devices/me/attributes", 0), ("v1/devices/me/rpc/request/+", 1), ("v1/devices/me/rpc/response/+", 2), id=3))
            s.step(f"{v}: filters that are not supported", sub("no/such/topic", "#", "+/+", "v1/devices/me/#", "v1/devices/me/claim", "v1/devices/me/rpc/response/1", "v1/devices/me/rpc/request/1", "v1/devices/me/attributes/response/1", "$share/g/v1/devices/me/attributes", id=4), differs="MQTT: 0x9E for the shared subscription" if v == "5" else None)
            s.step(f"{v}: two good and a bad one", sub("v1/devices/me/attributes", "bad", "v1/devices/me/rpc/request/+", id=5))
            s.step(f"{v}: UNSUBSCRIBE: subscribed, never subscribed, unsupported", ("unsubscribe", {"filters": ["v1/devices/me/attributes", "v2/a/x", "#"], "id": 6})); s.step("still there", ("pingreq", None))

@scenario("Attribute requests, shared attribute updates, RPC: what the SDKs ask for")
def scenario_mqtt_requests(rec):
    for v in V:
        d = Device(rec); d.attributes("SHARED_SCOPE", s1="v", s2=2); d.attributes(server1=1, claimingData='{"secretKey":"x","expirationTime":1}')
        with Session(rec, v, username=d.token, clientId="c") as s:
            s.step(f"{v}: subscribes like the SDK", sub("v1/devices/me/attributes", id=1), sub("v1/devices/me/attributes/response/+", id=2), sub("v1/devices/me/rpc/request/+", id=3), sub("v1/devices/me/rpc/response/+", id=4))
            s.step(f"{v}: client attributes", pub("v1/devices/me/attributes", '{"c1":"x","c2":true,"c3":{"a":[1]}}', id=5)); settle()
            for i, (what, p) in enumerate((("by key", '{"clientKeys":"c1,c3,none","sharedKeys":"s1,s2"}'), ("empty object", "{}"), ("client only", '{"clientKeys":"c2"}'), ("server attributes are never served", '{"clientKeys":"claimingAllowed,claimingData,server1","sharedKeys":"claimingAllowed,claimingData,server1"}'))): s.step(f"{v}: attribute request, {what}", pub(f"v1/devices/me/attributes/request/{i+1}", p, id=10 + i), wait=1.5)
            d.attributes("SHARED_SCOPE", s1="changed"); s.step(f"{v}: a shared attribute is changed", wait=1.5)
            s.step(f"{v}: getSessionLimits", pub("v1/devices/me/rpc/request/1", '{"method":"getSessionLimits","params":{"timeout":5000}}', id=30), wait=1.5)
            s.step(f"{v}: getSessionLimits, QoS 0", pub("v1/devices/me/rpc/request/2", '{"method":"getSessionLimits","params":{}}', qos=0), wait=1.5)
            s.step(f"{v}: getSessionLimits on v2", pub("v2/r/req/3", '{"method":"getSessionLimits","params":{}}', id=31), wait=1.5, differs="MQTT: the limits, at once")
            s.step(f"{v}: unknown method", pub("v1/devices/me/rpc/request/4", '{"method":"noSuchMethod","params":{}}', id=32), wait=1.5, differs='MQTT: {"error":"unsupported"} at once')
            if ARGS.slow or ARGS.quick: s.step(f"{v}: what becomes of the two that were not answered", wait=75, enough=lambda ps: sum(p.get("packet") == "PUBLISH" for p in ps) > 1, differs="MQTT: nothing more, both were answered at once")
            s.step(f"{v}: RPC without method", pub("v1/devices/me/rpc/request/5", "{}", id=33), wait=1.5, differs="MQTT: PUBACK 0x99, as any malformed payload" if v == "5" else None)
        with Session(rec, v, username=d.token, clientId="c") as s: s.step(f"{v}: attribute request without a number", pub("v1/devices/me/attributes/request/abc", "{}", id=20))
        with Session(rec, v, username=d.token, clientId="c") as s: s.step(f"{v}: attribute request, not JSON", pub("v1/devices/me/attributes/request/1", "{", id=20))
        d2 = Device(rec)
        with Session(rec, v, username=d2.token, clientId="c") as s: s.step(f"{v}: getSessionLimits without a subscription", pub("v1/devices/me/rpc/request/1", '{"method":"getSessionLimits","params":{}}', id=1), wait=1.5)
    g = Gateway(rec)
    with Session(rec, "5", username=g.token, clientId="c") as s:
        s.step("gateway: subscribes", sub("v1/gateway/attributes", "v1/gateway/attributes/response", "v1/gateway/rpc", "v1/devices/me/rpc/response/+"))
        s.step("gateway: getSessionLimits", pub("v1/devices/me/rpc/request/1", '{"method":"getSessionLimits","params":{"timeout":5000}}', id=2), wait=1.5)

@scenario("How long after the answer the key works (measured, so it differs from run to run)")
def scenario_race(rec):
    def until(d):
        t = time.monotonic(); d.attempts = 0
        while time.monotonic() - t < 5:
            d.attempts += 1
            if api(rec, "POST", f"/api/customer/device/{d.name}/claim", {"secretKey": "k"}, token=buyer(rec)[0], ok=False).status_code == 200: return round((time.monotonic() - t) * 1000)
        return None
    def http(d): requests.post(f"{rec.url}/api/v1/{d.token}/claim", data=OK, timeout=20)
    def mqtt(v):
        def go(d):
            with Session(rec, v, username=d.token, clientId="c") as s: s.m.send(wire.publish(v, CLAIM, OK)); s.m.receive(5, lambda ps: True)
        return go
    def co(d): c = Coap(rec.host, rec.coap_port); c.request("POST", f"/api/v1/{d.token}/claim", OK); c.close()
    for what, go in (("HTTP", http), ("MQTT 3.1.1", mqtt("3.1.1")), ("MQTT 5", mqtt("5")), ("CoAP", co)):
        if what == "CoAP" and not rec.coap_port: rec.left_out(what, NO_COAP); continue
        ms, first = [], 0
        for _ in range(ARGS.race):
            d = Device(rec); go(d); x = until(d); ms.append(x); first += d.attempts == 1
        if ARGS.quick and first < ARGS.race: raise AssertionError(f"{what}: of {ARGS.race} keys, {first} worked at once")
        x = sorted(m for m in ms if m is not None)
        rec.note(what, {"tries": ARGS.race}, {"millisecondsFromAnswerToFirstSuccessfulClaim": {"min": x[0], "median": x[len(x) // 2], "max": x[-1]} if x else None, "firstAttemptSucceeded": first, "never": ms.count(None)}, "Claim: the window is stored before the answer, so the first attempt succeeds")


if __name__ == "__main__": main(__doc__, __file__)
