"""tb-mqtt-client, unmodified: every call of its list, each with its result checked, and paho with both versions of MQTT.

    drive_mqtt_client.py --url URL --mqtt HOST:PORT --mark TEXT
"""
import argparse, json, threading, time

import paho.mqtt.client as paho
import requests
from paho.mqtt.enums import CallbackAPIVersion
from tb_device_mqtt import TBDeviceMqttClient
from tb_gateway_mqtt import TBGatewayMqttClient

from people import People
from steps import done, fresh

parser = argparse.ArgumentParser()
for name in ("url", "mqtt", "mark"):
    parser.add_argument(f"--{name}", required=True)
ARGS = parser.parse_args()
HOST, PORT = ARGS.mqtt.rsplit(":", 1)[0], int(ARGS.mqtt.rsplit(":", 1)[1])
PEOPLE = People(ARGS.url)


def wait(until, seconds=10):
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.02)


# A device.
name, key = fresh("mqtt-device"), f"device-{ARGS.mark}"
device = PEOPLE.add_device(name)
client = TBDeviceMqttClient(HOST, PORT, username=name)
client.connect()
wait(client.is_connected)
heard, updates = [], []
client.subscribe_to_all_attributes(lambda message, *_: updates.append(message))
assert client.claim(key, duration=60_000).get() == 0
assert client.send_attributes({"firmware": "1.2-rc"}).get() == 0
assert client.send_telemetry({"t": 1}).get() == 0
client.request_attributes(["firmware"], callback=lambda message, *_: heard.append(message))
wait(lambda: heard)
assert heard[0]["client"] == {"firmware": "1.2-rc"}, heard
assert PEOPLE.claims(name, key)
wait(lambda: any(update.get("claiming", {}).get("state") == "claimed" for update in updates))
client.disconnect()
done("connect", "claim", "send_attributes", "send_telemetry", "request_attributes", "subscribe_to_all_attributes", "disconnect")

# A gateway, and a device behind it, which an administrator has allowed to be claimed.
name, key = fresh("mqtt-gateway"), f"gateway-{ARGS.mark}"
PEOPLE.add_device(name, additionalInfo={"gateway": True})
gateway = TBGatewayMqttClient(HOST, PORT, username=name)
gateway.connect()
wait(gateway.is_connected)
behind = fresh("mqtt-behind")
PEOPLE.add_device(behind)
assert gateway.gw_connect_device(behind, "sensor").get() == 0
assert gateway.gw_claim(behind, key, 60_000).get() == 0
wait(lambda: PEOPLE.claims(behind, key))
gateway.gw_disconnect_device(behind)
gateway.disconnect()
done("gw_connect_device", "gw_claim", "gw_disconnect_device")

# A device that adds itself.
path = f"{ARGS.url}/api/deviceProfile"
found = requests.get(f"{ARGS.url}/api/deviceProfileInfo/default", headers=PEOPLE.tenant, timeout=20).json()
profile = requests.get(f"{path}/{found['id']['id']}", headers=PEOPLE.tenant, timeout=20).json()
profile["provisionType"], profile["provisionDeviceKey"] = "ALLOW_CREATE_NEW_DEVICES", "fleet"
profile["profileData"]["provisionConfiguration"] = {"type": "ALLOW_CREATE_NEW_DEVICES", "provisionDeviceSecret": "hidden"}
assert requests.post(path, json=profile, headers=PEOPLE.tenant, timeout=20).status_code == 200
reply = TBDeviceMqttClient.provision(HOST, "fleet", "hidden", port=PORT, device_name=fresh("mqtt-new"))
assert reply["status"] == "SUCCESS" and reply["credentialsValue"], reply
done("provision")

# paho, as firmware in Python uses it: acknowledged and refused in both versions.
for version, told in ((paho.MQTTv311, 0), (paho.MQTTv5, 0x87)):
    name = fresh("mqtt-paho")
    device = PEOPLE.add_device(name)
    acknowledged, connected = [], threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=version)
    client.username_pw_set(name)
    client.on_connect = lambda *_: connected.set()
    client.on_publish = lambda _client, _data, _id, reason, _properties: acknowledged.append(getattr(reason, "value", reason))
    client.connect(HOST, PORT)
    client.loop_start()
    assert connected.wait(10)
    key = f"paho-{ARGS.mark}"
    for qos in (1, 2):
        client.publish("v1/devices/me/claim", json.dumps({"secretKey": key, "durationMs": 60_000}), qos=qos)
        wait(lambda: len(acknowledged) == qos)
    assert PEOPLE.claims(name, key)
    client.publish("v1/devices/me/claim", json.dumps({"secretKey": key}), qos=1)
    wait(lambda: len(acknowledged) == 3)
    assert acknowledged[0] in (0, None) and acknowledged[2] == told, (version, acknowledged)
    client.disconnect()
    client.loop_stop()
