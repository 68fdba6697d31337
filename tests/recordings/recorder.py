"""Records exchanges with a claiming server as JSON, with what changes from run to run replaced by placeholders.

A scenario is a function `def scenario_NAME(rec)`, registered with @scenario("title"). It talks to the server through
`rec.http(...)` and the helpers for MQTT and CoAP (session.py, coap.py). Every exchange becomes a step of `NAME.json`. The same
scenarios run against any server that speaks the protocol; `compare.py` shows where two recordings differ.
"""
import json, re, time, uuid
import requests

SCENARIOS = []
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NULL = "13814000-1dd2-11b2-8080-808080808080"


def scenario(title, **settings):
    def add(f):
        SCENARIOS.append((f.__name__.removeprefix("scenario_"), title, settings, f))
        return f
    return add


class Recorder:
    def __init__(self, url, mqtt_port=None, coap_port=None, reference=()):
        """`reference`: the recorded steps of the scenario, where something depends on what was answered then."""
        self.url, self.host, self.mqtt_port, self.coap_port = url.rstrip("/"), url.split("//")[1].split(":")[0].split("/")[0], mqtt_port, coap_port
        self.reference = reference
        self.steps, self.names = [], {}
        self.session = requests.Session()

    # -- placeholders -------------------------------------------------------------------------------------------------
    def name(self, value, placeholder):
        """From now on `value` is written as `{placeholder}` wherever it occurs (tokens, names, e-mails made for this run)."""
        self.names[value] = "{" + placeholder + "}"
        return value

    def fresh(self, placeholder, prefix=""):
        """A new unique string, written as its placeholder."""
        return self.name(prefix + uuid.uuid4().hex[:12], placeholder)

    def _text(self, s):
        for value in sorted(self.names, key=len, reverse=True):
            s = s.replace(value, self.names[value])
        s = re.sub(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", "<jwt>", s)
        def u(m):
            if m.group(0) == NULL: return "<null-uuid>"
            return self.names.setdefault(m.group(0), f"<uuid:{sum(1 for v in self.names.values() if v.startswith('<uuid'))+1}>")
        s = UUID.sub(u, s)
        return s

    def _clean(self, x):
        if isinstance(x, dict): return {self._text(k): self._clean(v) for k, v in x.items()}
        if isinstance(x, list): return [self._clean(v) for v in x]
        if isinstance(x, str): return self._text(x)
        if isinstance(x, int) and not isinstance(x, bool) and abs(x - time.time() * 1000) < 10 * 365 * 86400e3 and x > 1e12: return "<millis>"
        return x

    # -- steps --------------------------------------------------------------------------------------------------------
    def note(self, what, request, response, differs=None):
        """Adds a step. `differs`: what deed answers instead, on purpose: "<section of docs/protocol.md>: <what>"."""
        step = {"what": what, "request": self._clean(request), "response": self._clean(response)}
        if differs: step["differs"] = differs
        self.steps.append(step)

    def recorded(self, what):
        """What was recorded of the step that comes next, or None."""
        i = len(self.steps)
        if i < len(self.reference) and self.reference[i]["what"] == what: return self.reference[i]["response"]
        return next((s["response"] for s in self.reference if s["what"] == what), None)

    def left_out(self, what, differs):
        """A step of the reference that is not taken, and why."""
        self.note(what, {}, None, differs)

    def http(self, what, method, path, token=None, body=None, raw=None, headers=None, differs=None, record=True, timeout=30):
        """One HTTP exchange; `body` is sent as JSON, `raw` as it is. Returns the requests.Response."""
        h = dict(headers or {})
        if token: h.setdefault("X-Authorization", "Bearer " + token)
        data = raw if raw is not None else (json.dumps(body) if body is not None else None)
        if data is not None: h.setdefault("Content-Type", "application/json")
        r = self.session.request(method, self.url + path, data=data, headers=h, timeout=timeout)
        if record:
            try: out = r.json()
            except ValueError: out = r.text
            shown = {k: v for k, v in h.items() if k.lower() not in ("x-authorization", "authorization")}
            for k in h:
                if k.lower() in ("x-authorization", "authorization"): shown[k] = self._text(h[k])
            req = {"method": method, "path": path, "headers": shown}
            if body is not None: req["body"] = body
            elif raw is not None: req["rawBody"] = raw if isinstance(raw, str) else raw.decode("latin-1")
            self.note(what, req, {"status": r.status_code, "contentType": r.headers.get("Content-Type"), "body": out}, differs)
        return r

    def login(self, username, password):
        """A bearer token, not recorded."""
        r = self.session.post(self.url + "/api/auth/login", json={"username": username, "password": password}, timeout=30)
        r.raise_for_status()
        return r.json()["token"]


def run(rec_factory, out_dir, only=None, server="", settings=None, jobs=1):
    import concurrent.futures, pathlib, sys, traceback
    out = pathlib.Path(out_dir); out.mkdir(parents=True, exist_ok=True)
    def record(key, title, needs, f):
        rec, began = rec_factory(key), time.monotonic()
        try: f(rec)
        except Exception as e:
            traceback.print_exc(); rec.note("scenario stopped", {}, {"error": repr(e)})
        (out / f"{key}.json").write_text(json.dumps({"scenario": title, "server": server, "settings": needs, "steps": rec.steps}, indent=1, ensure_ascii=False) + "\n")
        print(f"{key}: {len(rec.steps)} steps in {time.monotonic() - began:.1f} s", file=sys.stderr)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda s: record(*s), [s for s in SCENARIOS if (not only or s[0] in only) and (settings is None or all(settings.get(k) == v for k, v in s[2].items()))]))
