"""paho-mqtt, unmodified: plain, over TLS and inside a WebSocket, in both versions of MQTT, by token and by certificate.

    drive_paho.py --url URL --mark TEXT --mqtt HOST:PORT --tls HOST:PORT --certificates DIRECTORY
"""
import argparse, json, pathlib, ssl, threading, time
from urllib.parse import urlsplit

import paho.mqtt.client as paho
import requests
from paho.mqtt.enums import CallbackAPIVersion

from people import People
from steps import done, fresh

parser = argparse.ArgumentParser()
for name in ("url", "mark", "mqtt", "tls", "certificates"):
    parser.add_argument(f"--{name}", required=True)
ARGS = parser.parse_args()
CERTIFICATES = pathlib.Path(ARGS.certificates)
WEB = urlsplit(ARGS.url)
PEOPLE = People(ARGS.url)


def give_certificate(device, file):
    path = f"{ARGS.url}/api/device/{device['id']['id']}/credentials"
    credentials = requests.get(path, headers=PEOPLE.tenant, timeout=20).json()
    credentials |= {"credentialsType": "X509_CERTIFICATE", "credentialsId": None}
    credentials["credentialsValue"] = (CERTIFICATES / f"{file}.pem").read_text()
    path = f"{ARGS.url}/api/device/credentials"
    assert requests.post(path, json=credentials, headers=PEOPLE.tenant, timeout=20).status_code == 200


class Client:
    """One connection, and what it was told."""

    def __init__(self, transport, version, token=None, certificate=None, tls_version=None):
        self.told, self.connected, self.ended = [], None, threading.Event()
        self.answered = threading.Event()
        inside = "websockets" if transport == "websocket" else "tcp"
        self.paho = paho.Client(CallbackAPIVersion.VERSION2, client_id="", protocol=version, transport=inside)
        if token:
            self.paho.username_pw_set(token)
        if transport == "tls":
            context = ssl.create_default_context(cafile=str(CERTIFICATES / "server.pem"))
            if tls_version:
                context.minimum_version = context.maximum_version = tls_version
            if certificate:
                context.load_cert_chain(CERTIFICATES / f"{certificate}.pem", CERTIFICATES / f"{certificate}.key")
            self.paho.tls_set_context(context)
        self.paho.ws_set_options(path="/mqtt")
        self.paho.on_connect = self.on_connect
        self.paho.on_publish = lambda _client, _data, _id, reason, _properties: self.told.append(reason.value)
        self.paho.on_disconnect = lambda *_: self.ended.set()
        host, port = {"plain": ARGS.mqtt, "tls": ARGS.tls, "websocket": WEB.netloc}[transport].rsplit(":", 1)
        self.paho.connect(host, int(port))
        self.paho.loop_start()
        assert self.answered.wait(10), "no CONNACK"

    def on_connect(self, _client, _data, _flags, reason, _properties):
        self.connected = reason.value
        self.answered.set()

    def publish(self, topic, payload, qos):
        before = len(self.told)
        self.paho.publish(topic, payload, qos=qos)
        end = time.monotonic() + 10
        while len(self.told) == before:
            assert time.monotonic() < end, "no acknowledgement"
            time.sleep(0.01)
        return self.told[-1]

    def close(self):
        self.paho.disconnect()
        assert self.ended.wait(10)
        self.paho.loop_stop()


def register(client, key, qos):
    return client.publish("v1/devices/me/claim", json.dumps({"secretKey": key, "durationMs": 60_000}), qos)


REFUSED = {paho.MQTTv311: 0, paho.MQTTv5: 0x87}
KEY = f"paho-{ARGS.mark}"

for transport in ("plain", "tls", "websocket"):
    for version in (paho.MQTTv311, paho.MQTTv5):
        # The token is the device's name.
        name = fresh(f"paho-{transport}")
        PEOPLE.add_device(name)
        client = Client(transport, version, name)
        assert client.connected == 0
        for qos in (1, 2):
            assert register(client, KEY, qos) == 0
        assert PEOPLE.claims(name, KEY)
        assert register(client, KEY, 1) == REFUSED[version]
        # In many records, and nearly as large as it may be.
        assert client.publish("v1/devices/me/attributes", json.dumps({"large": "x" * 60_000}), 1) == 0
        client.close()
        stranger = Client(transport, version, "nobody")
        assert stranger.connected == {paho.MQTTv311: 135, paho.MQTTv5: 134}[version], stranger.connected
        stranger.paho.loop_stop()
    done(transport)

for tls_version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    for version in (paho.MQTTv311, paho.MQTTv5):
        name = fresh("paho-certificate")
        device = PEOPLE.add_device(name)
        for file, code in (("device", 0), ("unknown", 135), ("expired", 135)):
            if file != "unknown":
                give_certificate(device, file)
            client = Client("tls", version, certificate=file, tls_version=tls_version)
            assert client.connected == code, (file, client.connected)
            if code == 0:
                assert register(client, KEY, 1) == 0
                assert PEOPLE.claims(name, KEY)
                client.close()
            client.paho.loop_stop()
        # The next device gets the certificate.
        path = f"{ARGS.url}/api/device/{device['id']['id']}"
        assert requests.delete(path, headers=PEOPLE.tenant, timeout=20).status_code == 200
done("certificate")
