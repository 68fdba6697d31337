"""Published clients, unmodified, with the packets that they and the server send.

    device_sdk/scenarios.py --url URL --mqtt HOST:PORT [--coap HOST:PORT] --out DIR [--only NAME…] [--allow-claiming-by-default true|false] [--settle SECONDS] [--quick] [--gateway-python PYTHON]

Needs tb-mqtt-client and mosquitto_pub; with --coap also aiocoap and coap-client-notls.
"""
import asyncio, json, os, pathlib, re, socket, subprocess, sys, tempfile, threading, time, uuid
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from device import ARGS, CLAIM, NO_COAP, OK, Device, Gateway, claim, known, main, profile, settle
from recorder import scenario
from wire import Mqtt

class Tap:
    """Sits between a client and the server and keeps the packets of both directions in order."""
    def __init__(self, host, port, version="5"):
        self.log, self.version, self.target = [], version, (host, port); self.l = socket.create_server(("127.0.0.1", 0)); self.port = self.l.getsockname()[1]; threading.Thread(target=self.accept, daemon=True).start()
    def accept(self):
        while True:
            try: c, _ = self.l.accept()
            except OSError: return
            try: s = socket.create_connection(self.target)
            except OSError: c.close(); continue
            for a, b, who in ((c, s, "client"), (s, c, "server")): threading.Thread(target=self.pump, args=(a, b, who), daemon=True).start()
    def pump(self, a, b, who):
        m = Mqtt.__new__(Mqtt); m.s, m.version, m.buffer, m.closed = a, self.version, b"", False; done = b""
        while True:
            try: d = a.recv(65536)
            except OSError: d = b""
            if not d:
                self.log.append({who: "closed"})
                try: b.shutdown(socket.SHUT_WR)
                except OSError: pass
                return
            m.buffer += d; m.version = self.version
            while (p := m.next(0)):
                self.log.append({who: p})
                if p.get("packet") == "CONNECT": self.version = m.version = "5" if p["level"] == 5 else "3.1.1"
            try: b.sendall(d)
            except OSError: return
    def take(self): out = list(self.log); self.log.clear(); return out

@scenario("tb-mqtt-client 1.13.14, unmodified: device and gateway")
def scenario_sdk_tb_mqtt_client(rec):
    from tb_device_mqtt import TBDeviceMqttClient; from tb_gateway_mqtt import TBGatewayMqttClient
    d, tap = Device(rec), Tap(rec.host, rec.mqtt_port); c = TBDeviceMqttClient("127.0.0.1", tap.port, d.token)
    t = time.monotonic(); c.connect()
    while not c.is_connected() and time.monotonic() - t < 10: time.sleep(0.02)
    time.sleep(2); rec.note("TBDeviceMqttClient.connect()", {"sdk": "tb-mqtt-client 1.13.14"}, {"isConnected": c.is_connected(), "packets": tap.take()})
    r = c.claim(secret_key="k", duration=60000); v = r.get(); time.sleep(0.5); rec.note("claim('k', 60000).get()", {}, {"returned": v, "packets": tap.take()}); settle(); claim(rec, d, "k")
    v = c.claim(secret_key="k", duration=60000).get(); time.sleep(0.5); rec.note("claim() once it is claimed", {}, {"returned": v, "isConnected": c.is_connected(), "packets": tap.take()}, "MQTT: PUBACK 0x87")
    got = []; c.send_attributes({"a": 1}).get(); c.send_telemetry({"t": 1}).get(); c.request_attributes(["a"], [], callback=lambda *x: got.append(x[0] if not isinstance(x[0], type(c)) else x[1])); time.sleep(1.5); rec.note("attributes, telemetry, attribute request", {}, {"callback": [repr(x)[:200] for x in got], "packets": tap.take()}, "MQTT: what was acknowledged is there")
    c.disconnect(); time.sleep(0.7); rec.note("disconnect()", {}, {"packets": tap.take()}, "MQTT: closed without an answer")
    d = Device(rec).assign(); c = TBDeviceMqttClient("127.0.0.1", tap.port, "no-such-token"); c.connect(); time.sleep(3); rec.note("an unknown token", {}, {"isConnected": c.is_connected(), "packets": tap.take()[:6]}, "MQTT: no DISCONNECT follows the CONNACK"); c.disconnect(); c.stop(); time.sleep(1); tap.take()
    g, kid = Gateway(rec), rec.fresh("kid", "K-"); c = TBGatewayMqttClient("127.0.0.1", tap.port, g.token); c.connect(); time.sleep(2); rec.note("TBGatewayMqttClient.connect()", {}, {"isConnected": c.is_connected(), "packets": tap.take()})
    c.gw_connect_device(kid, "default"); time.sleep(1); rec.note("gw_connect_device", {}, {"packets": tap.take()}); known(rec, kid, "Kid").attributes(claimingAllowed=True)
    c.gw_claim(kid, "k", 60000); time.sleep(1); rec.note("gw_claim", {}, {"packets": tap.take()}); settle(); claim(rec, kid, "k"); c.gw_disconnect_device(kid); time.sleep(0.7); rec.note("gw_disconnect_device", {}, {"packets": tap.take()}); c.disconnect(); time.sleep(0.7); rec.note("disconnect()", {}, {"packets": tap.take()}, "MQTT: closed without an answer")

CONNECTOR = """
import time; from threading import Thread
from thingsboard_gateway.connectors.connector import Connector
class ClaimConnector(Connector, Thread):
    def __init__(self, gateway, config, connector_type):
        super().__init__(daemon=True); self.gateway, self.config, self.type, self.name = gateway, config, connector_type, config["name"]
    def open(self): self.start()
    def run(self):
        while not (self.gateway.tb_client and self.gateway.tb_client.is_connected()): time.sleep(0.1)
        print("CONNECTED", flush=True); self.gateway.add_device(self.config["kid"], {"connector": self}, device_type="default"); time.sleep(2)
        print("CLAIM", self.gateway.tb_client.client.gw_claim(self.config["kid"], "k", 60000).get(), flush=True)
    def close(self): pass
    def get_id(self): return self.config["id"]
    def get_name(self): return self.name
    def get_type(self): return self.type
    def get_config(self): return self.config
    def is_connected(self): return True
    def is_stopped(self): return False
    def on_attributes_update(self, content): pass
    def server_side_rpc_handler(self, content): pass
"""
@scenario("thingsboard-gateway 3.8.5 as a process of its own (--gateway-python names a Python that has it)")
def scenario_sdk_thingsboard_gateway(rec):
    for remote in (False, True): gateway_process(rec, remote)

def gateway_process(rec, remote):
    g, kid, tap = Device(rec, allowed=False, additionalInfo={"gateway": True}), Device(rec), Tap(rec.host, rec.mqtt_port); home = pathlib.Path(tempfile.mkdtemp()); config = home / "config"; config.mkdir(); (home / "ext" / "claim").mkdir(parents=True); (home / "ext" / "claim" / "claim_connector.py").write_text(CONNECTOR)
    (home / "run.py").write_text("import sys\nfrom thingsboard_gateway.tb_utility.tb_loader import TBModuleLoader as L\nL.find_paths(); L.PATHS.append(sys.argv.pop())\nfrom thingsboard_gateway.tb_gateway import main\nmain()\n")
    (config / "tb_gateway.json").write_text(json.dumps({"thingsboard": {"host": "127.0.0.1", "port": tap.port, "remoteShell": False, "remoteConfiguration": remote, "statistics": {"enable": False}, "security": {"type": "accessToken", "accessToken": g.token}, "qos": 1}, "storage": {"type": "memory", "read_records_count": 100, "max_records_count": 1000}, "grpc": {"enabled": False}, "connectors": [{"name": "Claim", "type": "claim", "class": "ClaimConnector", "configuration": "claim.json"}]}))
    (config / "logs.json").write_text(json.dumps({"version": 1, "disable_existing_loggers": False, "handlers": {"console": {"class": "logging.StreamHandler"}}, "loggers": {n: {"handlers": ["console"], "level": "INFO", "propagate": False} for n in ("service", "storage", "extension", "converter", "connector", "database", "tb_connection")}}))
    (config / "claim.json").write_text(json.dumps({"name": "Claim", "id": str(uuid.uuid4()), "kid": kid.name}))
    log = open(home / "out.log", "w"); t = time.monotonic(); p = subprocess.Popen([ARGS.gateway_python, str(home / "run.py"), str(home / "ext")], cwd=home, env=os.environ | {"TB_GW_CONFIG_DIR": str(config)}, stdout=log, stderr=subprocess.STDOUT)
    def done(): return [l for l in (home / "out.log").read_text().splitlines() if l.startswith(("CONNECTED", "CLAIM"))]
    while time.monotonic() - t < 60 and len(done()) < 2 and p.poll() is None: time.sleep(0.3)
    time.sleep(1); packets = tap.take(); p.terminate()
    try: p.wait(20)
    except subprocess.TimeoutExpired: p.kill()
    for x in packets:
        for y in x.values():
            if isinstance(y, dict) and isinstance(y.get("payload"), str): y["payload"] = re.sub(r'("\w*[tT]s":)[0-9.]+', r"\1<millis>", re.sub(r'"(host|port)":("[^"]*"|\d+)', r'"\1":"<\1>"', y["payload"]))[:300]
    rec.note(f"remoteConfiguration {remote}: the process connects, adds a device and claims it through its tb_client", {"sdk": "thingsboard-gateway 3.8.5"}, {"process": done(), "packets": packets}); settle(); claim(rec, kid, "k")

@scenario("tb-mqtt-client TBHTTPDevice and provisioning, mosquitto_pub, coap-client, aiocoap")
def scenario_sdk_others(rec):
    from tb_device_http import TBHTTPDevice
    d = Device(rec); c = TBHTTPDevice(rec.url, d.token)
    for what, f in (("connect()", c.connect), ("claim('k', 60000)", lambda: c.claim("k", 60000)), ("send_attributes", lambda: c.send_attributes({"a": 1})), ("request_attributes", lambda: c.request_attributes(client_keys=["a"]))):
        try: v = f()
        except Exception as e: v = repr(e)
        rec.note(f"TBHTTPDevice {what}", {"sdk": "tb-mqtt-client 1.13.14"}, {"returned": v if isinstance(v, (dict, type(None), bool)) else str(v)}); time.sleep(0.2)
    settle(); claim(rec, d, "k")
    from tb_device_mqtt import TBDeviceMqttClient
    key, secret = rec.fresh("provisionKey"), rec.fresh("provisionSecret"); profile(rec, None, provision="ALLOW_CREATE_NEW_DEVICES", key=key, secret=secret); tap = Tap(rec.host, rec.mqtt_port, "5"); n = rec.fresh("provisioned", "N-")
    v = TBDeviceMqttClient.provision("127.0.0.1", key, secret, port=tap.port, device_name=n); time.sleep(0.5); rec.name(v["credentialsValue"], "new token") if isinstance(v, dict) and v.get("credentialsValue") else None; rec.note("TBDeviceMqttClient.provision()", {"sdk": "tb-mqtt-client 1.13.14"}, {"returned": v, "packets": tap.take()})
    if rec.coap_port: aiocoap_posts(rec)
    else: [rec.left_out(what, NO_COAP) for kind in ("CON", "NON") for what in (f"aiocoap POST, {kind}", "a customer user claims it")]
    for args in (["-V", "311"], ["-V", "5"]):
        d = Device(rec); p = subprocess.run(["mosquitto_pub", "-h", rec.host, "-p", str(rec.mqtt_port), *args, "-u", d.token, "-q", "1", "-t", CLAIM, "-m", OK], capture_output=True, text=True, timeout=20); rec.note(f"mosquitto_pub {' '.join(args)} -q 1", {}, {"exit": p.returncode, "stderr": p.stderr}); settle(); claim(rec, d, "k")
    for q in ("2", "0"):
        d = Device(rec)
        try: p = subprocess.run(["mosquitto_pub", "-h", rec.host, "-p", str(rec.mqtt_port), "-V", "311", "-u", d.token, "-q", q, "-t", CLAIM, "-m", OK], capture_output=True, text=True, timeout=6); out = {"exit": p.returncode, "stderr": p.stderr}
        except subprocess.TimeoutExpired: out = {"still waiting after": "6 s"}
        rec.note(f"mosquitto_pub -q {q}", {}, out, "MQTT: the full QoS 2 flow, the command ends with 0" if q == "2" else None); settle(); claim(rec, d, "k", acknowledged=q != "0")
    if rec.coap_port: coap_client_posts(rec)
    else: [rec.left_out(what, NO_COAP) for what in ("coap-client -m post", "a customer user claims it", "coap-client -m post, refused")]

def aiocoap_posts(rec):
    import aiocoap
    async def post(path, payload, kind):
        ctx = await aiocoap.Context.create_client_context()
        try: x = await asyncio.wait_for(ctx.request(aiocoap.Message(code=aiocoap.POST, uri=f"coap://{rec.host}:{rec.coap_port}{path}", payload=payload, transport_tuning=kind)).response, 8); return str(x.code)
        except Exception as e: return repr(e)
        finally: await ctx.shutdown()
    for what, kind in (("CON", aiocoap.Reliable), ("NON", aiocoap.Unreliable)): d = Device(rec); rec.note(f"aiocoap POST, {what}", {}, asyncio.run(post(f"/api/v1/{d.token}/claim", OK.encode(), kind))); settle(); claim(rec, d, "k")

def coap_client_posts(rec):
    d = Device(rec); p = subprocess.run(["coap-client-notls", "-m", "post", "-e", OK, f"coap://{rec.host}:{rec.coap_port}/api/v1/{d.token}/claim"], capture_output=True, text=True, timeout=30); rec.note("coap-client -m post", {}, {"exit": p.returncode, "stdout": p.stdout, "stderr": p.stderr}); settle(); claim(rec, d, "k")
    d = Device(rec).assign(); p = subprocess.run(["coap-client-notls", "-m", "post", "-e", OK, f"coap://{rec.host}:{rec.coap_port}/api/v1/{d.token}/claim"], capture_output=True, text=True, timeout=30); rec.note("coap-client -m post, refused", {}, {"exit": p.returncode, "stdout": p.stdout, "stderr": p.stderr}, "CoAP: 4.09")


if __name__ == "__main__": main(__doc__, __file__)
