"""Sessions of MQTT as scenarios drive them, step by step, over bare sockets (wire.py)."""
import struct
import wire
from device import ARGS
from wire import Mqtt

PATIENCE, MOMENT = 10, 0.15


def hear(rec, m, what, wait, differs=None, enough=None):
    """What comes within `wait` seconds. With --quick, until as many packets came as were recorded of this step, however long that
    takes, and then for a moment more. Where the answer differs on purpose, until there is one, unless it is that there is none."""
    there = rec.recorded(what) if ARGS.quick else None
    if there is None: return m.receive(wait, enough)
    closes = any("closed" in p for p in there) if not differs else "closed" in differs and ": nothing" not in differs
    count = len(there) if not differs else 0 if ": nothing" in differs else 1
    got = m.receive(PATIENCE, lambda ps: len(ps) >= count and not closes) if count or closes else []
    if not got or "closed" not in got[-1]: got += m.receive(2 * MOMENT if differs else MOMENT)
    return got

def shown(x):
    if isinstance(x, dict): return {k: shown(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)): return [shown(v) for v in x]
    return wire.text(x) if isinstance(x, bytes) else x

class Session:
    """An MQTT connection that has been accepted; each step sends something and records what came back within the wait."""
    def __init__(self, rec, version, **connect):
        self.rec, self.version, self.connect, self.first = rec, version, connect, True
        self.m = Mqtt(rec.host, rec.mqtt_port, version); self.m.send(wire.connect(version, **connect))
        self.connack = self.m.receive(5, lambda ps: True)
        if not self.connack or self.connack[0].get("code") != "0x00": raise RuntimeError(f"not accepted: {self.connack}")
    def __enter__(self): return self
    def __exit__(self, *x): self.m.close()
    def encode(self, kind, a):
        v = self.version
        a = {"properties_" if k == "properties" else k: x for k, x in a.items() if k != "note"} if isinstance(a, dict) else a
        return {"publish": lambda: wire.publish(v, **a), "subscribe": lambda: wire.subscribe(v, a["filters"], a.get("id", 1)), "unsubscribe": lambda: wire.unsubscribe(v, a["filters"], a.get("id", 1)),
                "pingreq": lambda: b"\xc0\0", "disconnect": lambda: b"\xe0\0" if not a else wire.packet(14, 0, bytes.fromhex(a["hex"])), "raw": lambda: bytes.fromhex(a),
                "pubrel": lambda: wire.packet(6, 2, struct.pack(">H", a["id"])), "connect": lambda: wire.connect(v, **a)}[kind]()
    def step(self, what, *sends, wait=0.7, differs=None, show=None, enough=None):
        """sends: ("publish", {…}), ("subscribe", {"filters": …}), ("pingreq", None) …; `show` replaces what is written as sent."""
        self.m.send(b"".join(self.encode(k, a) for k, a in sends))
        got = hear(self.rec, self.m, what, wait, differs, enough)
        request = {"mqtt": self.version, "connect": shown(self.connect)}
        if not self.first: request["sameConnection"] = True
        request |= show or (({sends[0][0]: shown(sends[0][1])} if len(sends) == 1 else {"send": [{k: shown(a)} for k, a in sends]}) if sends else {})
        self.rec.note(what, request | {"waitMs": round(wait * 1000)}, got, differs)
        self.first = False
        return got

def pub(topic, payload=b"", qos=1, id=1, **more): return ("publish", {"topic": topic, "payload": payload, "qos": qos, "id": id, **more})
def sub(*filters, qos=1, id=1): return ("subscribe", {"filters": [(f, qos) if isinstance(f, str) else f for f in filters], "id": id})

def connack(rec, what, version, wait=0.7, differs=None, then=None, **connect):
    """Records what answers a CONNECT (and `then`, sent in the same breath)."""
    m = Mqtt(rec.host, rec.mqtt_port, version); m.send(wire.connect(version, **connect) + (then or b"")); got = hear(rec, m, what, wait, differs); m.close()
    if version == "5" and got and got[0].get("packet") == "CONNACK" and got[0]["code"] != "0x00":
        recorded = (rec.recorded(what) or got)[0].get("code")
        differs = (differs if differs else f"MQTT: {recorded}") + "; no DISCONNECT follows the CONNACK"
    rec.note(what, {"mqtt": version, "connect": shown(connect), "waitMs": round(wait * 1000)} | ({"thenRaw": then.hex()} if then else {}), got, differs)
    return got
