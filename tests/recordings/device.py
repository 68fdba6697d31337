"""What the scenarios of devices share: devices and profiles made over REST (which is not recorded), claims, and their command line."""
import argparse, json, pathlib, sys, threading, time, uuid
import requests
from recorder import SCENARIOS, Recorder, run

ARGS = argparse.Namespace()
CACHE, CACHING = {}, threading.RLock()
V = ("3.1.1", "5")
CLAIM = "v1/devices/me/claim"
OK = '{"secretKey":"k","durationMs":60000}'
NO_COAP = "Device API: not over CoAP"


def tenant(rec):
    with CACHING:
        if "tenant" not in CACHE: CACHE["tenant"] = rec.login("tenant@thingsboard.org", "tenant")
        return CACHE["tenant"]

def api(rec, method, path, body=None, token=None, ok=True):
    r = rec.http("", method, path, token=token or tenant(rec), body=body, record=False)
    if ok: r.raise_for_status()
    return r

def buyer(rec):
    """The token and customer id of a customer user made for this run."""
    with CACHING:
        if "buyer" not in CACHE:
            c = api(rec, "POST", "/api/customer", {"title": "C-" + uuid.uuid4().hex[:10]}).json()
            email = uuid.uuid4().hex[:10] + "@example.com"
            u = api(rec, "POST", "/api/user?sendActivationMail=false", {"email": email, "authority": "CUSTOMER_USER", "customerId": c["id"]}).json()
            link = api(rec, "GET", f"/api/user/{u['id']['id']}/activationLink").text.strip().strip('"')
            requests.post(rec.url + "/api/noauth/activate?sendActivationMail=false", json={"activateToken": link.split("activateToken=")[1], "password": "secret-password"}, timeout=30).raise_for_status()
            CACHE["buyer"] = rec.login(email, "secret-password"), c["id"]["id"]
        return CACHE["buyer"]

class Device:
    """A device with a fresh name and token; `allowed`: its `claimingAllowed` attribute is true."""
    def __init__(self, rec, allowed=True, label=None, **fields):
        rec.devices = getattr(rec, "devices", 0) + 1; n = label or rec.devices
        self.rec, self.name, self.token = rec, rec.fresh(f"name{n}", "D-"), rec.fresh(f"token{n}")
        self.id = rec.name(api(rec, "POST", f"/api/device?accessToken={self.token}", {"name": self.name, "type": "default", **fields}).json()["id"]["id"], f"id{n}")
        if allowed: self.attributes(claimingAllowed=True)
    def attributes(self, scope="SERVER_SCOPE", **values): api(self.rec, "POST", f"/api/plugins/telemetry/DEVICE/{self.id}/{scope}", values)
    def assign(self): api(self.rec, "POST", f"/api/customer/{buyer(self.rec)[1]}/device/{self.id}"); return self
    def owner(self):
        c = api(self.rec, "GET", f"/api/device/{self.id}").json()["customerId"]["id"]
        return "none" if c == "13814000-1dd2-11b2-8080-808080808080" else "buyer's customer" if c == buyer(self.rec)[1] else c

def Gateway(rec, **fields): return Device(rec, allowed=False, label="Gateway", additionalInfo={"gateway": True}, **fields)
def known(rec, name, n):
    """The device a gateway made, by its name."""
    d = Device.__new__(Device); d.rec, d.name = rec, name
    d.id = rec.name(api(rec, "GET", f"/api/tenant/devices?deviceName={name}").json()["id"]["id"], f"id{n}"); return d

def settle(): time.sleep(ARGS.settle)

def claim(rec, device, key=None, what="a customer user claims it", differs=None, acknowledged=True):
    """Claims by REST and notes status and outcome only (the REST side has scenarios of its own). A registration that was not
    acknowledged may come a moment later."""
    name = device if isinstance(device, str) else device.name
    until = time.monotonic() + (0 if acknowledged else 10)
    while True:
        r = api(rec, "POST", f"/api/customer/device/{name}/claim", {} if key is None else {"secretKey": key}, token=buyer(rec)[0], ok=False)
        if r.status_code == 200 or time.monotonic() > until: break
        time.sleep(0.02)
    try: out = r.json()
    except ValueError: out = r.text
    if isinstance(out, dict): out = out.get("response") or out.get("message")
    rec.note(what, {"method": "POST", "path": f"/api/customer/device/{name}/claim", "body": {} if key is None else {"secretKey": key}}, {"status": r.status_code, "outcome": out}, differs)
    return out

SCHEMA = 'syntax ="proto3";\npackage %s;\nmessage %s {\n  optional string %s = 1;\n}'
def profile(rec, payload="PROTOBUF", fallback=False, ack=False, provision=None, key=None, secret=None):
    config = {"transportPayloadType": "PROTOBUF", "deviceTelemetryProtoSchema": SCHEMA % ("telemetry", "T", "t"), "deviceAttributesProtoSchema": SCHEMA % ("attributes", "A", "a"),
              "deviceRpcRequestProtoSchema": 'syntax ="proto3";\npackage rpc;\nmessage RpcRequestMsg {\n  optional string method = 1;\n  optional int32 requestId = 2;\n  optional string params = 3;\n}', "deviceRpcResponseProtoSchema": SCHEMA % ("rpc", "RpcResponseMsg", "payload"), "enableCompatibilityWithJsonPayloadFormat": fallback, "useJsonPayloadFormatForDefaultDownlinkTopics": False} if payload == "PROTOBUF" else {"transportPayloadType": "JSON"}
    body = {"name": rec.fresh(f"profile{getattr(rec, 'profiles', 0)}", "P-"), "type": "DEFAULT", "transportType": "DEFAULT" if payload is None else "MQTT", "provisionType": provision or "DISABLED", "provisionDeviceKey": key, "profileData": {"configuration": {"type": "DEFAULT"},
            "transportConfiguration": {"type": "DEFAULT"} if payload is None else {"type": "MQTT", "deviceTelemetryTopic": "v1/devices/me/telemetry", "deviceAttributesTopic": "v1/devices/me/attributes", "deviceAttributesSubscribeTopic": "v1/devices/me/attributes", "transportPayloadTypeConfiguration": config, "sparkplug": False, "sendAckOnValidationException": ack},
            "provisionConfiguration": {"type": provision or "DISABLED", "provisionDeviceSecret": secret}, "alarms": None}}
    rec.profiles = getattr(rec, "profiles", 0) + 1
    return api(rec, "POST", "/api/deviceProfile", body).json()["id"]

def main(doc, scenarios):
    """The command line of a file of scenarios, whose recordings stand beside it."""
    p = argparse.ArgumentParser(description=doc.split("\n")[0]); p.add_argument("--url", required=True); p.add_argument("--out", required=True); p.add_argument("--only", nargs="*")
    p.add_argument("--mqtt", metavar="HOST:PORT"); p.add_argument("--coap", metavar="HOST:PORT", help="without it, what is sent over CoAP is left out")
    p.add_argument("--allow-claiming-by-default", choices=("true", "false"), default="false"); p.add_argument("--settle", type=float, default=0.5, help="seconds between a registration and the claim that uses it"); p.add_argument("--server", default="")
    p.add_argument("--slow", action="store_true", help="also the steps that wait for a minute"); p.add_argument("--idle", type=float, default=0, help="seconds; runs mqtt_idle, which takes 690"); p.add_argument("--race", type=int, default=30, help="how often `race` tries")
    p.add_argument("--quick", action="store_true", help="a step over MQTT ends when as many packets have come as were recorded, and a moment later; scenarios run at the same time")
    p.add_argument("--gateway-python", help="a Python that has thingsboard-gateway; runs sdk_thingsboard_gateway")
    p.parse_args(namespace=ARGS)
    def port(address): return int(address.rpartition(":")[2]) if address else None
    def recorder(key):
        recorded = pathlib.Path(scenarios).resolve().parent / "thingsboard-4.2.1" / f"{key}.json"
        return Recorder(ARGS.url, port(ARGS.mqtt), port(ARGS.coap), json.loads(recorded.read_text())["steps"] if recorded.exists() else [])
    SCENARIOS[:] = [s for s in SCENARIOS if not (s[0] == "mqtt_idle" and not ARGS.idle or s[0] == "sdk_thingsboard_gateway" and not ARGS.gateway_python)]
    run(recorder, ARGS.out, ARGS.only, ARGS.server, {"allowClaimingByDefault": ARGS.allow_claiming_by_default == "true"}, jobs=16 if ARGS.quick else 1)
