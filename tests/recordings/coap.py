"""Requests of CoAP as scenarios make them, over bare sockets (wire.py)."""
import wire
from session import shown
from wire import CON, Coap


def coap(rec, what, method, path, payload="", kind=CON, options=None, differs=None, client=None, **more):
    """One CoAP request and the messages that came back."""
    c = client or Coap(rec.host, rec.coap_port)
    got = c.request(method, path, payload, kind, options=options or (), **more)
    if not client: c.close()
    request = {"coap": wire.KINDS[kind] + " " + (method if isinstance(method, str) else f"{method >> 5}.{method & 31:02d}"), "path": path}
    if more.get("segments"): request["uriPathOptions"] = more["segments"]
    if options: request["options"] = [[wire.OPTIONS.get(n, n), v.hex() if isinstance(v, bytes) else v] for n, v in options]
    if payload: request["payload"] = shown(payload) if len(payload) < 300 else f"<{len(payload)} bytes>"
    rec.note(what, request | {"waitMs": round(more.get("wait", 1.5) * 1000)}, got, differs or piggyback(rec, what, got, kind))
    return got

def piggyback(rec, what, got, kind=CON):
    """ThingsBoard answers a CON that succeeds with a CON of its own and no empty ACK; the server at hand, or the one that was recorded."""
    def by_itself(got): return bool(got) and got[-1].get("type") == "CON" and not any(p["type"] == "ACK" and p["sameId"] and p["code"] == "0.00" for p in got)
    return "CoAP: the answer is piggy-backed in the ACK" if kind == CON and (by_itself(got) or by_itself(rec.recorded(what))) else None
