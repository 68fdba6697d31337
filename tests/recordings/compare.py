"""Shows where a recording of one server differs from a recording of another.

    compare.py REFERENCE OURS [--only NAME…] [--except NAME…] [--settings NAME=true|false …] [--protocol docs/protocol.md] [--decided] [--wording]

Scenario by scenario and step by step, what the reference has and ours lacks or says otherwise. Not reported: members that only
ours has (clients accept a superset), the digits of ids and times, the charset that a Content-Type names for JSON, which has none,
and, unless --wording, the text of errors. JSON is compared as JSON, also where it is the payload of a packet, which has no
other members then. Of the packets between a client and a server, those of a kind and direction are
compared in their order; how kinds and directions interleave is chance. A step whose
scenario says `differs` is a decided difference: left out, or listed with --decided; --protocol checks that each names a section
of that page whose differences its last table tells. What it says is held to: a status (`403`), with an errorCode (`400/31`), the
outcome of a claim (`SUCCESS`), in CoAP a code (`4.03`) and that it is `piggy-backed`, and in MQTT a code (`0x87`), an
acknowledgement (`PUBACK`), that it is `closed` or that `nothing` comes, where they stand in the text, have to be what ours answers, and a step that says `differs` and does not is reported. A
scenario that needs another setting than one of --settings is left out, as is one of --except. Exit status 1 if anything
undecided remains.
"""
import argparse, json, pathlib, re, sys

SUCCESS = {"reason": "0x00"}
UNSAID = {kind: SUCCESS for kind in ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "DISCONNECT")} | {"PUBLISH": {"dup": False, "retain": False}}
PLACEHOLDER = re.compile(r"<uuid:\d+>")
CHARSET_OF_JSON = re.compile(r"^(application/json);charset=[\w-]+$")


class Ids:
    """Which id of ours stands for which of the reference, over the steps of a scenario: both count theirs as they appear, and ours
    has more of them. Two that the reference tells apart have to be two of ours, and one has to stay one."""
    def __init__(self): self.ours, self.reference, self.learns = {}, {}, True

    def same(self, a, b):
        if isinstance(a, bool) or isinstance(b, bool): return a is b
        if not isinstance(a, str) or not isinstance(b, str): return a == b
        if PLACEHOLDER.sub("<uuid>", a) != PLACEHOLDER.sub("<uuid>", b): return False
        return all([self.pair(x, y) for x, y in zip(PLACEHOLDER.findall(a), PLACEHOLDER.findall(b))])

    def pair(self, x, y):
        if self.learns and x not in self.ours and y not in self.reference: self.ours[x], self.reference[y] = y, x
        return self.ours.get(x, y) == y and self.reference.get(y, x) == x


def differences(ref, ours, path, wording, ids):
    ref, ours = in_full(ref), in_full(ours)
    if isinstance(ref, dict) and isinstance(ours, dict):
        for k in ref:
            if (k == "message" or k == "payload" and explains(ref)) and not wording: continue
            if k not in ours: yield f"{path}.{k}", ref[k], "(absent)"
            else: yield from differences(ref[k], ours[k], f"{path}.{k}", wording, ids)
    elif interleaved(ref) and interleaved(ours): yield from differences(by_direction(ref), by_direction(ours), path, wording, ids)
    elif isinstance(ref, list) and isinstance(ours, list):
        if all(isinstance(x, dict) and "key" in x for x in ref + ours):  # attributes come in any order
            ref, ours = (sorted(x, key=lambda a: a["key"]) for x in (ref, ours))
        if len(ref) != len(ours): yield f"{path}", f"{len(ref)} elements: {short(ref)}", f"{len(ours)}: {short(ours)}"
        else:
            for i, (a, b) in enumerate(zip(ref, ours)): yield from differences(a, b, f"{path}[{i}]", wording, ids)
    elif path == ".contentType" and media_type(ref) == media_type(ours): return
    elif not ids.same(ref, ours): yield path, ref, ours


def explains(x):
    """Whether the payload of a message of CoAP is the text of an error."""
    return "sameToken" in x and x["code"][0] in "45" and isinstance(x["payload"], str)


def interleaved(x):
    """Whether these are packets of both sides of a connection."""
    return isinstance(x, list) and bool(x) and all(isinstance(p, dict) and len(p) == 1 and set(p) <= {"client", "server"} for p in x)


def by_direction(packets):
    """Whose packets of which kind, in their order. By which ids the server's messages go is its own affair."""
    out = {}
    for p in packets:
        for who, packet in p.items():
            if isinstance(packet, dict) and (who, packet["packet"]) in (("server", "PUBLISH"), ("client", "PUBACK")): packet = {k: v for k, v in packet.items() if k != "id"}
            out.setdefault(f"{who} {packet['packet'] if isinstance(packet, dict) else packet}", []).append(packet)
    return out


def in_full(x):
    """A packet of MQTT with what it says by leaving it out; it, and a message of CoAP, with a payload that is a JSON object as that
    object."""
    if isinstance(x, dict) and "sameToken" in x and "payload" in x: return x | {"payload": json_object(x["payload"])}
    if not isinstance(x, dict) or "packet" not in x: return x
    x = UNSAID.get(x["packet"], {}) | x
    if x["packet"] == "PUBLISH": x["payload"] = json_object(x.get("payload"))
    return x


def json_object(text):
    try: read = json.loads(text)
    except (TypeError, ValueError): return text
    return {"JSON": read, "members": sorted(read)} if isinstance(read, dict) else text


def media_type(written):
    """A Content-Type; JSON's without the charset, which the media type does not define."""
    return CHARSET_OF_JSON.sub(r"\1", written) if isinstance(written, str) else written


def short(x, n=150):
    s = json.dumps(x, ensure_ascii=False)
    return s if len(s) <= n else s[:n] + "…"


def counterpart(steps, i, what):
    """Our step of that text: the one at the same place, or else the first."""
    if i < len(steps) and steps[i]["what"] == what: return steps[i]
    return next((s for s in steps if s["what"] == what), None)


def broken_promise(text, response):
    """What `differs` says of status, errorCode, outcome or packets, if ours answers something else."""
    if isinstance(response, dict) and "packets" in response: response = [p["server"] if isinstance(p["server"], dict) else {"closed": p["server"]} for p in response["packets"] if "server" in p]
    if isinstance(response, list) and (text.startswith("CoAP:") or any("sameToken" in p for p in response)): return broken_promise_of_coap(text, response)
    if isinstance(response, list): return broken_promise_of_mqtt(text, [p for p in response if isinstance(p, dict)])
    if not isinstance(response, dict) or "status" not in response: return None
    body = response.get("outcome", response.get("body"))
    told, code = (body.get("response"), body.get("errorCode")) if isinstance(body, dict) else (body, None)
    statuses = re.findall(r"\b([2-5]\d\d)(?:/(\d+))?\b", text)
    if statuses and not any(int(s) == response["status"] and (not c or int(c) == code) for s, c in statuses): return f"{response['status']}/{code}"
    outcome = re.search(r"\b(SUCCESS|FAILURE|CLAIMED)(?=,|$| )", text)
    if outcome and (told is None or isinstance(told, str)) and told != outcome[1]: return f"{response['status']} {told}"
    return None


def broken_promise_of_mqtt(text, packets):
    kinds, closed = {p.get("packet") for p in packets}, any("closed" in p for p in packets)
    codes = {c for p in map(in_full, packets) for c in (p.get("code"), p.get("reason"), *p.get("codes", ())) if c}
    kept = (
        not packets if ": nothing" in text
        else all(c.lower() in codes for c in re.findall(r"\b0x[0-9A-Fa-f]{2}\b", text))
        and all(k in kinds for k in re.findall(r"(?<!without a )\b(PUBACK|PUBREC|PUBCOMP|PINGRESP)\b", text))
        and (closed or not re.search(r"\bclosed\b", text))
    )
    return None if kept else short(packets)


def broken_promise_of_coap(text, packets):
    packets = [p for p in packets if "code" in p]
    codes, piggybacked = {p["code"] for p in packets}, any(p["type"] == "ACK" and p["code"] != "0.00" for p in packets)
    kept = all(c in codes for c in re.findall(r"\b[2-5]\.\d\d\b", text)) and (piggybacked or "piggy-backed" not in text)
    return None if kept else short(packets)


def explained(page):
    """The sections whose differences the page tells: the first cells of the table at its end."""
    _, _, table = page.read_text().partition("\n## Differences from ThingsBoard\n")
    return set(re.findall(r"^\| \[([^]]+)\]", table, re.MULTILINE))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("reference", type=pathlib.Path); p.add_argument("ours", type=pathlib.Path)
    p.add_argument("--only", nargs="*"); p.add_argument("--except", nargs="*", default=[], dest="left_out"); p.add_argument("--settings", nargs="*", default=[]); p.add_argument("--protocol", type=pathlib.Path)
    p.add_argument("--decided", action="store_true"); p.add_argument("--wording", action="store_true")
    a = p.parse_args(); steps = decided = undecided = 0; unexplained = set()
    settings = {k: v == "true" for k, v in (s.split("=") for s in a.settings)}
    sections = explained(a.protocol) if a.protocol else None
    for f in sorted(a.reference.glob("*.json")):
        if a.only and f.stem not in a.only or f.stem in a.left_out: continue
        reference = json.loads(f.read_text())
        if any(settings.get(k, v) != v for k, v in reference["settings"].items()): continue
        other = a.ours / f.name
        if not other.exists(): print(f"{f.stem}: not recorded"); undecided += 1; continue
        ours, ids = json.loads(other.read_text())["steps"], Ids()
        for stopped in (s for s in ours if s["what"] == "scenario stopped"): print(f"{f.stem}: stopped, {stopped['response']['error']}"); undecided += 1
        for i, r in enumerate(reference["steps"]):
            steps += 1
            o = counterpart(ours, i, r["what"])
            if o is None:
                print(f"{f.stem} #{i+1} {r['what']}: no such step in ours"); undecided += 1; continue
            ids.learns = "differs" not in o
            found = list(differences(r["response"], o["response"], "", a.wording, ids))
            if "differs" in o and (not found or broken_promise(o["differs"], o["response"])):
                undecided += 1
                print(f"{f.stem} #{i+1} {r['what']}  [{o['differs']}]: {'does not differ' if not found else 'is ' + broken_promise(o['differs'], o['response'])}")
                continue
            if not found: continue
            if "differs" in o:
                decided += 1
                if sections is not None and o["differs"].split(":")[0] not in sections: unexplained.add(o["differs"])
                if not a.decided: continue
                print(f"{f.stem} #{i+1} {r['what']}  [decided: {o['differs']}]")
            else:
                undecided += 1; print(f"{f.stem} #{i+1} {r['what']}")
            for where, x, y in found: print(f"    {where or 'response'}: {short(x)} → {short(y)}")
    for text in sorted(unexplained): print(f"names no section in the last table of {a.protocol}: {text}")
    print(f"{steps} steps, {decided} decided differences, {undecided} undecided")
    sys.exit(1 if undecided or unexplained else 0)


main()
