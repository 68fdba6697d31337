"""How devices add themselves, over every transport.

    device_provisioning/scenarios.py --url URL --mqtt HOST:PORT [--coap HOST:PORT] --out DIR [--only NAME…] [--allow-claiming-by-default true|false] [--settle SECONDS] [--quick] [--slow]
"""
import json, pathlib, re, sys, time
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from coap import coap
from device import ARGS, CLAIM, NO_COAP, OK, V, Device, api, main, profile
from recorder import scenario
from session import Session, connack, pub, sub

BAD_PROVISION = {"HTTP": "Provisioning: 400/31"}
EMPTY_PROVISION = {"MQTT 3.1.1": "Provisioning: PUBACK and closed, as for missing fields", "MQTT 5": "Provisioning: PUBACK 0x83 and DISCONNECT 0x83, as for missing fields", "CoAP": "Provisioning: 4.00 empty"}

def provision_all(rec, what, body, bad=None):
    """The same provisioning request over the three transports; a device name is made new for each. `bad`: what differs, by transport."""
    for transport in ("HTTP", "MQTT 3.1.1", "MQTT 5", "CoAP"):
        b = body(transport) if callable(body) else body
        raw = b if isinstance(b, str) else json.dumps(b); label = f"{what}, {transport}"
        differs = (bad or {}).get(transport)
        if transport == "HTTP": rec.http(label, "POST", "/api/v1/provision", raw=raw, differs=differs)
        elif transport == "CoAP" and not rec.coap_port: rec.left_out(label, NO_COAP)
        elif transport == "CoAP": coap(rec, label, "POST", "/api/v1/provision", raw, differs=differs)
        else:
            with Session(rec, transport[5:], username="provision", clientId="") as s: s.step(label, sub("/provision/response", id=1), pub("/provision/request", raw, id=2), wait=1.2, differs=differs)

@scenario("Provisioning: both strategies, all transports")
def scenario_provisioning(rec):
    key, secret, ckey, csecret = rec.fresh("provisionKey"), rec.fresh("provisionSecret"), rec.fresh("checkKey"), rec.fresh("checkSecret")
    profile(rec, None, provision="ALLOW_CREATE_NEW_DEVICES", key=key, secret=secret); check = profile(rec, None, provision="CHECK_PRE_PROVISIONED_DEVICES", key=ckey, secret=csecret)
    count = iter(range(1000)); fresh = lambda k=key, s=secret, **m: (lambda t: {"deviceName": rec.fresh(f"new{next(count)}", "N-"), "provisionDeviceKey": k, "provisionDeviceSecret": s} | {a: v() if callable(v) else v for a, v in m.items()})
    show = rec._text
    def generated(text_):  # a generated token is noise
        return "<token>" if re.fullmatch("[A-Za-z0-9]{20}", text_) and text_ not in rec.names else re.sub(r'(credentialsValue\\?":\\?")[A-Za-z0-9]{20}(\\?")', r"\1<token>\2", show(text_))
    rec._text = generated
    provision_all(rec, "new device, generated token", fresh())
    provision_all(rec, "the device exists", lambda t: {"deviceName": Device(rec).name, "provisionDeviceKey": key, "provisionDeviceSecret": secret})
    provision_all(rec, "no name", {"provisionDeviceKey": key, "provisionDeviceSecret": secret})
    provision_all(rec, "empty name", {"deviceName": "", "provisionDeviceKey": key, "provisionDeviceSecret": secret})
    provision_all(rec, "unknown key", {"deviceName": "x", "provisionDeviceKey": "no", "provisionDeviceSecret": secret}); provision_all(rec, "wrong secret", {"deviceName": "x", "provisionDeviceKey": key, "provisionDeviceSecret": "no"})
    provision_all(rec, "key missing", {"deviceName": "x", "provisionDeviceSecret": secret}, BAD_PROVISION); provision_all(rec, "secret missing", {"deviceName": "x", "provisionDeviceKey": key}, BAD_PROVISION); provision_all(rec, "not JSON", "{", BAD_PROVISION); provision_all(rec, "not an object", "[]", BAD_PROVISION); provision_all(rec, "empty", "", EMPTY_PROVISION)
    provision_all(rec, "own access token", fresh(credentialsType="ACCESS_TOKEN", token=lambda: rec.fresh(f"own{next(count)}", "tok-"))); d = Device(rec); provision_all(rec, "own access token that is taken", fresh(credentialsType="ACCESS_TOKEN", token=d.token))
    provision_all(rec, "own MQTT_BASIC", fresh(credentialsType="MQTT_BASIC", username=lambda: rec.fresh(f"u{next(count)}", "u-"), password="pw", clientId=lambda: rec.fresh(f"c{next(count)}", "c-")))
    provision_all(rec, "MQTT_BASIC without anything", fresh(credentialsType="MQTT_BASIC")); provision_all(rec, "X509 hash", fresh(credentialsType="X509_CERTIFICATE", hash=lambda: rec.fresh(f"hash{next(count)}", "MIIB"))); provision_all(rec, "ACCESS_TOKEN without a token", fresh(credentialsType="ACCESS_TOKEN")); provision_all(rec, "unknown credentials type", fresh(credentialsType="NONSENSE"), BAD_PROVISION)
    provision_all(rec, "gateway true", fresh(gateway=True)); n = [k for k, p_ in rec.names.items() if p_.startswith("{new")][-1 if rec.coap_port else -2]
    x = api(rec, "GET", f"/api/tenant/devices?deviceName={n}").json(); rec.note("the device that was made last", {}, {q: x[q] for q in ("type", "additionalInfo", "customerId")}); a = api(rec, "GET", f"/api/plugins/telemetry/DEVICE/{x['id']['id']}/values/attributes").json(); rec.note("its attributes", {}, {q["key"]: q["value"] for q in a}, "Provisioning: no attribute `active`, it is not needed")
    pre = {t: Device(rec, allowed=False, deviceProfileId=check, type=None) for t in ("HTTP", "MQTT 3.1.1", "MQTT 5", "CoAP")}
    for turn in ("first time", "second time"): provision_all(rec, f"pre-provisioned device, {turn}", lambda t: {"deviceName": pre[t].name, "provisionDeviceKey": ckey, "provisionDeviceSecret": csecret})
    provision_all(rec, "pre-provisioning, unknown device", lambda t: {"deviceName": rec.fresh(f"new{next(count)}", "N-"), "provisionDeviceKey": ckey, "provisionDeviceSecret": csecret})
    pre2 = {t: Device(rec, allowed=False, deviceProfileId=check, type=None) for t in pre}; provision_all(rec, "pre-provisioned device, own token", lambda t: {"deviceName": pre2[t].name, "provisionDeviceKey": ckey, "provisionDeviceSecret": csecret, "credentialsType": "ACCESS_TOKEN", "token": rec.fresh(f"own{next(count)}", "tok-")})

@scenario("The provisioning session of MQTT: what it allows")
def scenario_provisioning_session(rec):
    key, secret = rec.fresh("provisionKey"), rec.fresh("provisionSecret"); profile(rec, None, provision="ALLOW_CREATE_NEW_DEVICES", key=key, secret=secret)
    for v in V:
        connack(rec, f"{v}: username provision", v, username="provision"); connack(rec, f"{v}: client id provision", v, clientId="provision"); connack(rec, f"{v}: username provision and a password", v, username="provision", password="x"); connack(rec, f"{v}: username Provision", v, username="Provision"); connack(rec, f"{v}: username provision, clean = 0", v, username="provision", clientId="c", clean=False, differs="Provisioning: session present is always 0")
        with Session(rec, v, username="provision") as s: s.step(f"{v}: PINGREQ", ("pingreq", None)); s.step(f"{v}: SUBSCRIBE, one right and one other", sub("/provision/response", "v1/devices/me/attributes", id=2)); s.step(f"{v}: UNSUBSCRIBE", ("unsubscribe", {"filters": ["/provision/response", "x"], "id": 3}))
        with Session(rec, v, username="provision") as s: s.step(f"{v}: PUBLISH to the claim topic", pub(CLAIM, OK))
        with Session(rec, v, username="provision") as s: s.step(f"{v}: request without a subscription", pub("/provision/request", json.dumps({"deviceName": rec.fresh(f"n{v}", "N-"), "provisionDeviceKey": key, "provisionDeviceSecret": "wrong"})), wait=1.2)
        with Session(rec, v, username="provision") as s: s.step(f"{v}: request, QoS 0", sub("/provision/response"), pub("/provision/request", json.dumps({"deviceName": rec.fresh(f"m{v}", "N-"), "provisionDeviceKey": key, "provisionDeviceSecret": "wrong"}), qos=0), wait=1.2)
        with Session(rec, v, username="provision") as s: s.step(f"{v}: DISCONNECT", ("disconnect", None), differs="Provisioning: closed without an answer" if v == "5" else None)
    if ARGS.slow:
        s = Session(rec, "5", username="provision"); t = time.monotonic(); s.step("5: a request, then silence", sub("/provision/response"), pub("/provision/request", json.dumps({"deviceName": "x", "provisionDeviceKey": key, "provisionDeviceSecret": "wrong"}), id=2), wait=75, enough=lambda ps: any("closed" in p for p in ps)); rec.note("seconds until it was closed", {}, round(time.monotonic() - t)); s.m.close()
        s = Session(rec, "5", username="provision"); s.step("5: silence without any request", wait=70, differs="Provisioning: closed 60 s after the CONNECT"); s.m.close()
    else:
        for what in ("5: a request, then silence", "seconds until it was closed", "5: silence without any request"): rec.left_out(what, "Provisioning: takes a minute")


if __name__ == "__main__": main(__doc__, __file__)
