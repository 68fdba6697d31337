"""REST scenarios: authentication, customers, users, devices, attributes, claim, reclaim, audit.

    rest/scenarios.py --url URL --out DIR [--only NAME…] [--allow-claiming-by-default true|false] [--settle SECONDS] [--jwt-key BASE64] [--rest-limits]

Needs the accounts TENANT and SYSADMIN below. Scenarios tied to one value of `security.claim.allowClaimingByDefault` run only when
that value is given; all others set what they need themselves. `--settle` is the wait after a device's registration: a server that
answers before it has stored the key needs some; 0 is enough for one that does not, and leaves out the other waits that are for
ThingsBoard's sake. `--rest-limits` says that the server's configuration limits every tenant to 30:600 and every customer to 3:600,
where a tenant profile cannot.
"""
import argparse, base64, hashlib, hmac, json, os, subprocess, sys, tempfile, threading, time, uuid
from urllib.parse import quote
import requests
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from recorder import NULL, Recorder, run, scenario

TENANT, SYSADMIN = ("tenant@thingsboard.org", "tenant"), ("sysadmin@thingsboard.org", "sysadmin")
PASSWORD = "secret-password"
SERVER, SHARED, CLIENT = "SERVER_SCOPE", "SHARED_SCOPE", "CLIENT_SCOPE"
ATTRS = "/api/plugins/telemetry/DEVICE/"
HOUR = 3600_000
DEVICE_STATE = {"active", "lastActivityTime", "lastConnectTime", "lastDisconnectTime", "inactivityAlarmTime"}  # server attributes ThingsBoard writes by itself, some time later
ARGS = None
TEXT_ERROR, BODY, PE = "Attributes: the same status with the standard error body", "Reclaim: a JSON body, {\"result\":{},\"setOrExpired\":true}", "Devices: the route of the professional edition is served, 200"  # what many steps differ in


# -- what the scenarios share: nothing here is recorded unless it takes a `what` ---------------------------------------------------
class Actor:
    """A logged-in user: token, user id, e-mail, and for a customer user the customer's id."""
    def __init__(self, token, **kw): self.token = token; self.__dict__.update(kw)


class Thing:
    """A device: id, name, token."""
    def __init__(self, id, name, token): self.id, self.name, self.token = id, name, token


def quiet(rec, method, path, token=None, body=None, **kw):
    r = rec.http("", method, path, token, body, record=False, **kw)
    r.raise_for_status()
    return r


def tenant(rec): return rec.name(rec.login(*TENANT), "jwt of the tenant admin")
def sysadmin(rec): return rec.name(rec.login(*SYSADMIN), "jwt of the system admin")


def new_email(rec, who): return rec.name(uuid.uuid4().hex[:10] + "@example.com", f"e-mail of {who}")


def new_user(rec, admin, who, customer=None, authority="CUSTOMER_USER", **members):
    email = new_email(rec, who)
    body = {"email": email, "authority": authority, **members}
    if customer: body["customerId"] = {"entityType": "CUSTOMER", "id": customer}
    user = quiet(rec, "POST", "/api/user?sendActivationMail=false", admin, body).json()
    link = quiet(rec, "GET", f"/api/user/{user['id']['id']}/activationLink", admin).text.strip('"\n ')
    quiet(rec, "POST", "/api/noauth/activate?sendActivationMail=false", None, {"activateToken": link.split("activateToken=")[1], "password": PASSWORD})
    return Actor(rec.name(rec.login(email, PASSWORD), f"jwt of {who}"), id=user["id"]["id"], email=email, customer=customer)


def new_customer(rec, t, who="a"):
    """A new customer with one active user."""
    c = quiet(rec, "POST", "/api/customer", t, {"title": rec.fresh(f"customer {who}", "C-")}).json()
    return new_user(rec, t, who, c["id"]["id"])


def new_tenant(rec, label="other", profile=None):
    """Another tenant with its administrator."""
    s = sysadmin(rec)
    body = {"title": rec.fresh(f"{label} tenant", "T-")}
    if profile: body["tenantProfileId"] = profile
    made = quiet(rec, "POST", "/api/tenant", s, body).json()
    email = new_email(rec, f"admin of {label} tenant")
    user = quiet(rec, "POST", "/api/user?sendActivationMail=false", s, {"email": email, "authority": "TENANT_ADMIN", "tenantId": made["id"]}).json()
    link = quiet(rec, "GET", f"/api/user/{user['id']['id']}/activationLink", s).text.strip('"\n ')
    quiet(rec, "POST", "/api/noauth/activate?sendActivationMail=false", None, {"activateToken": link.split("activateToken=")[1], "password": PASSWORD})
    return Actor(rec.name(rec.login(email, PASSWORD), f"jwt of {label} tenant admin"), tenant=made["id"]["id"], id=user["id"]["id"])


def new_device(rec, t, label="device", name=None, allow=True, **members):
    """A new device; `allow` sets claimingAllowed, so that registration works whatever the default is."""
    name, access = name or rec.fresh(label, "D-"), rec.fresh(f"token of {label}")
    d = quiet(rec, "POST", f"/api/device?accessToken={access}", t, {"name": name, "type": "default", **members}).json()
    d = Thing(d["id"]["id"], name, access)
    if allow: set_attributes(rec, t, d, {"claimingAllowed": True})
    return d


def set_attributes(rec, token, device, values, scope=SERVER): quiet(rec, "POST", f"{ATTRS}{device.id}/{scope}", token, values)


def show_attributes(rec, what, token, device, scope=SERVER, differs=None):
    """Sorted by key, and without the device state."""
    r = quiet(rec, "GET", f"{ATTRS}{device.id}/values/attributes/{scope}", token)
    rec.note(what, {"method": "GET", "path": f"{ATTRS}{device.id}/values/attributes/{scope}"}, {"status": r.status_code, "body": sorted((a for a in r.json() if a["key"] not in DEVICE_STATE), key=lambda a: a["key"])}, differs)


def show_keys(rec, what, token, device, path, differs=None):
    """Attribute keys, sorted, without the device state."""
    r = rec.http("", "GET", f"{ATTRS}{device.id}/{path}", token, record=False)
    rec.note(what, {"method": "GET", "path": f"{ATTRS}{device.id}/{path}"}, {"status": r.status_code, "body": sorted(k for k in r.json() if k not in DEVICE_STATE) if r.ok else r.text}, differs)


def value_of(rec, placeholder):
    """The value that is recorded as `{placeholder}`."""
    return next(k for k, v in rec.names.items() if v == "{" + placeholder + "}")


def show_owner(rec, what, token, device, differs=None):
    r = quiet(rec, "GET", f"/api/device/{device.id}", token)
    rec.note(what, {"method": "GET", "path": f"/api/device/{device.id}"}, {"status": r.status_code, "body": {"customerId": r.json()["customerId"]}}, differs)


def for_thingsboard(seconds):
    """A wait that only ThingsBoard needs."""
    if ARGS.settle: time.sleep(seconds)


def register(rec, device, key=None, ms=None, what=None, differs=None):
    """The device opens a claim window (over HTTP)."""
    body = {k: v for k, v in (("secretKey", key), ("durationMs", ms)) if v is not None}
    rec.http(what or f"the device registers {json.dumps(body)}", "POST", f"/api/v1/{device.token}/claim", body=body, differs=differs)
    time.sleep(ARGS.settle)


def claim_path(name): return f"/api/customer/device/{quote(name, safe='')}/claim"


def claim(rec, what, token, name, key=None, differs=None, **kw):
    if not isinstance(name, str): name = name.name
    if "raw" not in kw and "body" not in kw: kw["body"] = {} if key is None else {"secretKey": key}
    return rec.http(what, "POST", claim_path(name), token, differs=differs, **kw)


def reclaim(rec, what, token, name, differs=None):
    return rec.http(what, "DELETE", claim_path(name if isinstance(name, str) else name.name), token, differs=differs)


def b64(data): return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
def jwt_parts(token): return [json.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in token.split(".")[:2]]


def forge(header, claims, key=None):
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    return text + "." + (b64(hmac.new(key, text.encode(), hashlib.sha512).digest()) if key else "")


def signing_key(rec):
    """The server's JWT key: from --jwt-key, or asked of the server; None if neither."""
    if ARGS.jwt_key: return base64.b64decode(ARGS.jwt_key)
    r = rec.http("", "GET", "/api/admin/jwtSettings", rec.login(*SYSADMIN), record=False)
    return base64.b64decode(r.json()["tokenSigningKey"]) if r.ok else None


def certificate():
    """A fresh self-signed certificate, PEM."""
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={uuid.uuid4().hex}",
                        "-keyout", f"{d}/k", "-out", f"{d}/c", "-days", "3650"], check=True, capture_output=True)
        return open(f"{d}/c").read()


# == 1. authentication =============================================================================================================
@scenario("Login, token refresh, who am I, logout")
def scenario_login_refresh_logout(rec):
    t = tenant(rec); a = new_customer(rec, t)
    r = rec.http("login", "POST", "/api/auth/login", body={"username": a.email, "password": PASSWORD})
    pair = r.json()
    for kind in ("token", "refreshToken"):
        header, claims = jwt_parts(pair[kind])
        claims["exp - iat"] = claims.pop("exp") - claims.pop("iat"); claims["jti"] = bool(claims.get("jti"))
        rec.note(f"what the {kind} holds", {}, {"header": header, "claims": claims})
    _, claims = jwt_parts(rec.login(*TENANT)); claims["exp - iat"] = claims.pop("exp") - claims.pop("iat")
    rec.note("what a tenant admin's token holds", {}, {"claims": claims})
    rec.http("login without Content-Type", "POST", "/api/auth/login", raw=json.dumps({"username": a.email, "password": PASSWORD}), headers={"Content-Type": ""})
    rec.http("login with the e-mail in upper case", "POST", "/api/auth/login", body={"username": rec.name(a.email.upper(), "e-mail of a in upper case"), "password": PASSWORD}, differs="Authentication: e-mails are compared case-insensitively, 200")
    rec.http("who am I", "GET", "/api/auth/user", pair["token"])
    rec.http("who am I, header Authorization", "GET", "/api/auth/user", headers={"Authorization": "Bearer " + pair["token"]})
    rec.http("refresh", "POST", "/api/auth/token", body={"refreshToken": pair["refreshToken"]})
    rec.http("the refresh token can be used again", "POST", "/api/auth/token", body={"refreshToken": pair["refreshToken"]})
    rec.http("refresh with an access token", "POST", "/api/auth/token", body={"refreshToken": pair["token"]}, differs="Authentication: 401/10")
    rec.http("refresh with rubbish", "POST", "/api/auth/token", body={"refreshToken": "rubbish"})
    rec.http("refresh with an empty token", "POST", "/api/auth/token", body={"refreshToken": ""})
    rec.http("refresh without a body", "POST", "/api/auth/token", raw="")
    rec.http("a refresh token is no access token", "GET", "/api/auth/user", pair["refreshToken"], differs="Authentication: 401/10")
    rec.http("logout without credentials", "POST", "/api/auth/logout")
    for_thingsboard(1.1)  # it does not revoke what was issued in the same second
    rec.http("logout", "POST", "/api/auth/logout", pair["token"])
    for_thingsboard(0.3)
    rec.http("the token after the logout", "GET", "/api/auth/user", pair["token"])
    rec.http("its refresh token after the logout", "POST", "/api/auth/token", body={"refreshToken": pair["refreshToken"]})
    rec.http("another session of the same user goes on", "GET", "/api/auth/user", a.token)
    until = 1 - time.time() % 1
    if until < 0.5: for_thingsboard(until)
    pair = rec.login(a.email, PASSWORD); quiet(rec, "POST", "/api/auth/logout", pair)
    rec.http("token issued in the second of the logout", "GET", "/api/auth/user", pair, differs="Authentication: revoked by session id, so 401/11")


@scenario("Login that fails")
def scenario_login_failures(rec):
    t = tenant(rec); a = new_customer(rec, t)
    login = lambda what, **kw: rec.http(what, "POST", "/api/auth/login", **kw)
    login("wrong password", body={"username": a.email, "password": "wrong"})
    login("unknown user", body={"username": rec.name(uuid.uuid4().hex + "@example.com", "unknown e-mail"), "password": PASSWORD})
    login("blank password", body={"username": a.email, "password": ""})
    login("blank user", body={"username": "", "password": PASSWORD})
    login("no password", body={"username": a.email})
    login("empty object", body={})
    login("no body", raw="")
    login("not JSON", raw="{rubbish")
    login("array", body=[])
    rec.http("GET", "GET", "/api/auth/login")
    rec.http("PUT", "PUT", "/api/auth/login", body={"username": a.email, "password": PASSWORD})
    idle = quiet(rec, "POST", "/api/user?sendActivationMail=false", t, {"email": new_email(rec, "idle"), "authority": "CUSTOMER_USER", "customerId": {"entityType": "CUSTOMER", "id": a.customer}}).json()
    login("user not activated yet", body={"username": idle["email"], "password": "anything"})
    login("public login with an unknown id", body={"publicId": str(uuid.uuid4())})
    rec.http("public login, its own route, unknown id", "POST", "/api/auth/login/public", body={"publicId": str(uuid.uuid4())})
    rec.http("public login with the id of a customer that is not public", "POST", "/api/auth/login/public", body={"publicId": a.customer})
    rec.http("public login without id", "POST", "/api/auth/login/public", body={})


@scenario("Credentials that are refused or accepted")
def scenario_bad_tokens(rec):
    t = tenant(rec); a = new_customer(rec, t)
    who = lambda what, headers, differs=None: rec.http(what, "GET", "/api/auth/user", headers=headers, differs=differs)
    x = lambda value: {"X-Authorization": value}
    who("no header", {})
    who("empty header", x(""))
    who("scheme only", x("Bearer "))
    who("rubbish without scheme", x("rubbish-that-is-long-enough"))
    who("rubbish", x("Bearer rubbish"))
    who("three parts of rubbish", x("Bearer a.b.c"))
    header, claims = jwt_parts(a.token)
    who("last signature character changed", x("Bearer " + rec.name(a.token[:-4] + ("AAAA" if a.token[-4:] != "AAAA" else "BBBB"), "jwt with a wrong signature")), "Authentication: 401/10 for a bad signature, 11 for expiry only")
    who("signed with another key", x("Bearer " + rec.name(forge({"alg": "HS512"}, claims, b"k" * 64), "jwt signed with another key")), "Authentication: 401/10 for a bad signature")
    who("alg none", x("Bearer " + rec.name(forge({"alg": "none"}, claims), "jwt with alg none")))
    key = signing_key(rec)
    if key:
        old = dict(claims, iat=int(time.time()) - 7200, exp=int(time.time()) - 3600)
        who("expired", x("Bearer " + rec.name(forge({"alg": "HS512"}, old, key), "expired jwt")))
        rec.http("expired refresh token", "POST", "/api/auth/token", body={"refreshToken": rec.name(forge({"alg": "HS512"}, dict(old, scopes=["REFRESH_TOKEN"], jti=str(uuid.uuid4())), key), "expired refresh token")})
        who("valid, but of a user that does not exist", x("Bearer " + rec.name(forge({"alg": "HS512"}, dict(claims, userId=str(uuid.uuid4()), sub="nobody@example.com"), key), "jwt of nobody")), "Authentication: 401/10 for the token of a vanished user")
    who("lower-case scheme", x("bearer " + a.token))
    who("another scheme of the same length", x("Foobar " + a.token), "Authentication: only Bearer and ApiKey are schemes, 401/10")
    who("token without scheme", x(a.token))
    who("API key", x("ApiKey tb_unknown"))
    who("HTTP Basic", {"Authorization": "Basic " + rec.name(base64.b64encode(f"{a.email}:{PASSWORD}".encode()).decode(), "user and password in base64")})
    who("both headers, first one good", {"X-Authorization": "Bearer " + a.token, "Authorization": "Bearer rubbish"})
    who("both headers, first one bad", {"X-Authorization": "Bearer rubbish", "Authorization": "Bearer " + a.token})
    who("both headers, first one empty", {"X-Authorization": "", "Authorization": "Bearer " + a.token})
    who("header name in lower case", {"x-authorization": "Bearer " + a.token})
    rec.http("bad token on a public route", "GET", "/api/noauth/userPasswordPolicy", headers=x("Bearer rubbish"))
    rec.http("bad token on an unknown route", "GET", "/api/nothing", headers=x("Bearer rubbish"))


@scenario("Change of the password")
def scenario_change_password(rec):
    t = tenant(rec); a = new_customer(rec, t)
    change = lambda what, body, token=a.token, differs=None: rec.http(what, "POST", "/api/auth/changePassword", token, body, differs=differs)
    rec.http("password policy", "GET", "/api/noauth/userPasswordPolicy")
    change("wrong current password", {"currentPassword": "wrong-password", "newPassword": "another-password"})
    change("new equals current", {"currentPassword": PASSWORD, "newPassword": PASSWORD})
    change("too short", {"currentPassword": PASSWORD, "newPassword": "12345"})
    change("too long", {"currentPassword": PASSWORD, "newPassword": "x" * 73})
    change("new password missing", {"currentPassword": PASSWORD}, differs="Errors: 400/31")
    change("empty body", {})
    for_thingsboard(1.1)
    r = change("accepted", {"currentPassword": PASSWORD, "newPassword": "another-password"})
    for_thingsboard(1.1)
    rec.http("the old token", "GET", "/api/auth/user", a.token)
    if r.ok: rec.http("the new token", "GET", "/api/auth/user", r.json()["token"])
    rec.http("login with the old password", "POST", "/api/auth/login", body={"username": a.email, "password": PASSWORD})
    rec.http("login with the new password", "POST", "/api/auth/login", body={"username": a.email, "password": "another-password"})


@scenario("Token of another user, system information, roles of the system administrator")
def scenario_impersonation_and_roles(rec):
    t, s = tenant(rec), sysadmin(rec); a = new_customer(rec, t); b = new_customer(rec, t, "b"); d = new_device(rec, t)
    r = rec.http("tenant admin gets the token of a customer user", "GET", f"/api/user/{a.id}/token", t)
    if r.ok: rec.http("and uses it", "GET", "/api/auth/user", r.json()["token"])
    rec.http("customer user asks for a token", "GET", f"/api/user/{b.id}/token", a.token)
    rec.http("unknown user", "GET", f"/api/user/{uuid.uuid4()}/token", t)
    other = new_tenant(rec)
    rec.http("admin of another tenant", "GET", f"/api/user/{a.id}/token", other.token)
    rec.http("system information", "GET", "/api/system/info", a.token, differs="Authentication: the values are free")
    rec.http("system administrator: who am I", "GET", "/api/auth/user", s)
    rec.http("tenant administrator: who am I", "GET", "/api/auth/user", t)
    rec.http("system administrator reads a device", "GET", f"/api/device/{d.id}", s)
    rec.http("system administrator makes a device", "POST", "/api/device", s, {"name": "x", "type": "default"})
    rec.http("system administrator lists devices", "GET", "/api/tenant/devices?pageSize=1&page=0", s)
    rec.http("system administrator reads attributes", "GET", f"{ATTRS}{d.id}/values/attributes", s, differs=TEXT_ERROR)
    rec.http("API keys", "GET", f"/api/apiKeys/{a.id}?pageSize=1&page=0", t, differs="API keys: served as in newer releases, 200")
    rec.http("customer user makes a customer", "POST", "/api/customer", a.token, {"title": "x"})
    rec.http("customer user makes a user", "POST", "/api/user?sendActivationMail=false", a.token, {"email": "x@example.com", "authority": "CUSTOMER_USER"})
    rec.http("customer user lists the tenant's devices", "GET", "/api/tenant/devices?pageSize=1&page=0", a.token)
    rec.http("customer user lists customers", "GET", "/api/customers?pageSize=1&page=0", a.token)
    rec.http("customer user assigns a device", "POST", f"/api/customer/{a.customer}/device/{d.id}", a.token)
    rec.http("customer user unassigns a device", "DELETE", f"/api/customer/device/{d.id}", a.token)


@scenario("Rate limits of a tenant and of a customer")
def scenario_rate_limits(rec):
    s = sysadmin(rec)
    base = quiet(rec, "GET", "/api/tenantProfileInfo/default", s).json()
    profile = rec.http("", "GET", f"/api/tenantProfile/{base['id']['id']}", s, record=False)
    if profile.status_code != 404:
        profile = profile.json()
        for gone in ("id", "createdTime", "default"): profile.pop(gone, None)
        profile["name"] = rec.fresh("tenant profile", "P-"); profile["default"] = False
        conf = profile["profileData"]["configuration"]
        conf["tenantServerRestLimitsConfiguration"], conf["customerServerRestLimitsConfiguration"] = "30:600", "3:600"
        made = quiet(rec, "POST", "/api/tenantProfile", s, profile).json()
        t = new_tenant(rec, "limited", {"entityType": "TENANT_PROFILE", "id": made["id"]["id"]})
    elif ARGS.rest_limits:
        t = new_tenant(rec, "limited")
    else:
        for what in ("customer beyond its limit", "Retry-After of that", "customer beyond its limit claims", "tenant beyond its limit", "login of that tenant's customer"):
            rec.left_out(what, "Limits: a tenant profile has no settings, limits are set in the configuration")
        return
    a = new_customer(rec, t.token)
    for i in range(6):
        r = rec.http("", "GET", "/api/auth/user", a.token, record=False)
        if r.status_code == 429: break
    r = rec.http("customer beyond its limit", "GET", "/api/auth/user", a.token)
    rec.note("Retry-After of that", {}, {"Retry-After": r.headers.get("Retry-After")}, "Errors: Retry-After in seconds")
    claim(rec, "customer beyond its limit claims", a.token, "whatever", "k")
    for i in range(40):
        if rec.http("", "GET", "/api/auth/user", t.token, record=False).status_code == 429: break
    rec.http("tenant beyond its limit", "GET", "/api/auth/user", t.token)
    rec.http("login of that tenant's customer", "POST", "/api/auth/login", body={"username": a.email, "password": PASSWORD})
    quiet(rec, "DELETE", f"/api/tenant/{t.tenant}", s)


# == 0. shapes =====================================================================================================================
@scenario("Error bodies")
def scenario_error_bodies(rec):
    t = tenant(rec); a = new_customer(rec, t)
    bad = "Errors: 400/31"
    rec.http("unknown route", "GET", "/api/nothing", t)
    rec.http("unknown route without credentials", "GET", "/api/nothing")
    rec.http("wrong method", "PUT", "/api/device", t, {})
    rec.http("wrong method on a claim", "GET", claim_path("x"), a.token)
    rec.http("path id that is no uuid", "GET", "/api/device/rubbish", t)
    rec.http("null uuid", "GET", f"/api/device/{NULL}", t)
    rec.http("JSON that is none", "POST", "/api/device", t, raw="{rubbish", differs=bad)
    rec.http("JSON of the wrong shape", "POST", "/api/device", t, body=[], differs=bad)
    rec.http("JSON with a member of the wrong type", "POST", "/api/device", t, body={"name": {"a": 1}}, differs=bad)
    rec.http("JSON with an id that is no uuid", "POST", "/api/device", t, body={"name": "x", "id": {"entityType": "DEVICE", "id": "rubbish"}}, differs=bad)
    rec.http("JSON with an unknown member", "POST", "/api/customer", t, body={"title": rec.fresh("customer with an unknown member"), "noSuchMember": 1})
    rec.http("no body", "POST", "/api/device", t, raw="", differs=bad)
    rec.http("wrong media type", "POST", "/api/device", t, raw="{}", headers={"Content-Type": "text/plain"}, differs=bad)
    rec.http("no media type", "POST", "/api/customer", t, raw=json.dumps({"title": rec.fresh("customer without media type")}), headers={"Content-Type": ""}, differs=bad)
    rec.http("required query parameters missing", "GET", "/api/tenant/devices", t)
    rec.http("one required query parameter missing", "GET", "/api/tenant/devices?pageSize=10", t)
    rec.http("required query parameters missing where no other route fits", "GET", "/api/customers", t)
    rec.http("query parameter of a deletion missing", "DELETE", f"{ATTRS}{uuid.uuid4()}/{SERVER}", t, differs=bad)
    rec.http("error message with characters beyond Latin 1", "GET", "/api/tenant/customers?customerTitle=" + quote("ü😀"), t)
    rec.http("query parameter of the wrong type", "GET", "/api/tenant/devices?pageSize=ten&page=0", t)
    rec.http("Accept that cannot be met", "GET", "/api/auth/user", t, headers={"Accept": "application/xml"}, differs="Errors: Accept is ignored, 200")
    def big(what, path, token, size):
        r = rec.http("", "POST", path, token, raw=b'{"title":"' + b"x" * size + b'"}', record=False, timeout=60)
        try: body = r.json()
        except ValueError: body = r.text
        rec.note(what, {"method": "POST", "path": path, "rawBody": f"{size + 12} bytes"}, {"status": r.status_code, "contentType": r.headers.get("Content-Type"), "body": body})
    big("body over the limit", "/api/customer", t, 16777216)
    big("body over the limit without credentials", "/api/customer", None, 16777216)
    big("body just under the limit", "/api/customer", t, 16777216 - 12)


@scenario("Page envelope")
def scenario_pages(rec):
    t = tenant(rec)
    prefix = rec.fresh("prefix", "P-")
    lower, middle, mark = rec.name(prefix.lower(), "prefix in lower case"), rec.name(prefix[3:], "end of the prefix"), rec.fresh("label", "L-")
    for i, label in ((2, "b"), (3, "a"), (1, "c")):
        quiet(rec, "POST", "/api/device", t, {"name": f"{prefix}-{i}", "type": "default", "label": mark + label})
    def page(what, query, differs=None):
        r = rec.http("", "GET", f"/api/tenant/devices?{query}", t, record=False); body = r.json()
        if "data" in body: body["data"] = [d["name"] for d in body["data"]]
        rec.note(what + " (names only)", {"method": "GET", "path": f"/api/tenant/devices?{query}"}, {"status": r.status_code, "body": body}, differs)
    page("all, sorted by name", f"pageSize=10&page=0&textSearch={prefix}&sortProperty=name&sortOrder=ASC")
    page("descending", f"pageSize=10&page=0&textSearch={prefix}&sortProperty=name&sortOrder=DESC")
    page("sortProperty without sortOrder", f"pageSize=10&page=0&textSearch={prefix}&sortProperty=name")
    page("sortOrder without sortProperty", f"pageSize=10&page=0&textSearch={prefix}&sortOrder=DESC")
    page("by label", f"pageSize=10&page=0&textSearch={prefix}&sortProperty=label&sortOrder=ASC")
    page("by createdTime", f"pageSize=10&page=0&textSearch={prefix}&sortProperty=createdTime&sortOrder=ASC")
    page("first of two pages", f"pageSize=2&page=0&textSearch={prefix}&sortProperty=name&sortOrder=ASC")
    page("second of two pages", f"pageSize=2&page=1&textSearch={prefix}&sortProperty=name&sortOrder=ASC")
    page("beyond the end", f"pageSize=2&page=9&textSearch={prefix}")
    page("search in another case", f"pageSize=10&page=0&textSearch={lower}&sortProperty=name&sortOrder=ASC")
    page("search in the middle", f"pageSize=10&page=0&textSearch={middle}-2")
    page("search by label", f"pageSize=10&page=0&textSearch={mark}b")
    page("search without a match", f"pageSize=10&page=0&textSearch={rec.fresh('nothing')}")
    page("search with a percent sign", f"pageSize=10&page=0&textSearch={prefix}%25", "Pages: % has no meaning, nothing is found")
    page("pageSize 0", "pageSize=0&page=0")
    page("pageSize negative", "pageSize=-1&page=0")
    page("page negative", "pageSize=1&page=-1")
    page("pageSize huge", f"pageSize=100000&page=0&textSearch={prefix}&sortProperty=name&sortOrder=ASC")
    page("sortOrder unknown", f"pageSize=1&page=0&sortProperty=name&sortOrder=UP")
    page("sortOrder in lower case", f"pageSize=10&page=0&textSearch={prefix}&sortProperty=name&sortOrder=desc")
    page("sortProperty unknown", f"pageSize=1&page=0&sortProperty=noSuchProperty&sortOrder=ASC", "Pages: 400/31")
    page("no page", "pageSize=1")
    page("no pageSize", "page=0")


# == 2. tenant workflow ============================================================================================================
@scenario("Customers")
def scenario_customers(rec):
    t = tenant(rec)
    title = rec.fresh("customer", "C-")
    c = rec.http("create", "POST", "/api/customer", t, {"title": title}).json(); cid = c["id"]["id"]
    full = {"title": rec.fresh("full customer", "C-"), "country": "Germany", "state": "BY", "city": "München", "address": "a", "address2": "b", "zip": "80331", "phone": "+49 1", "email": "c@example.com", "additionalInfo": {"description": "d"}}
    rec.http("create with all members", "POST", "/api/customer", t, full)
    rec.http("get", "GET", f"/api/customer/{cid}", t)
    rec.http("short information", "GET", f"/api/customer/{cid}/shortInfo", t)
    rec.http("title", "GET", f"/api/customer/{cid}/title", t, differs="Customers: text/plain")
    rec.http("get by title", "GET", f"/api/tenant/customers?customerTitle={title}", t)
    rec.http("get by title, unknown", "GET", f"/api/tenant/customers?customerTitle={rec.fresh('unknown title')}", t)
    rec.http("list", "GET", f"/api/customers?pageSize=10&page=0&textSearch={title}", t)
    rec.http("search in other members than the title", "GET", f"/api/customers?pageSize=10&page=0&textSearch=80331", t)
    rec.http("list with information (professional edition)", "GET", f"/api/customerInfos/all?pageSize=10&page=0&textSearch={title}", t, differs="Customers: the route of the professional edition is served, 200")
    renamed = rec.fresh("new title", "C-")
    u = rec.http("update", "POST", "/api/customer", t, {**c, "title": renamed, "phone": "1"}).json()
    rec.http("update with the old version", "POST", "/api/customer", t, {**c, "phone": "2"})
    rec.http("update without version", "POST", "/api/customer", t, {**{k: v for k, v in u.items() if k != "version"}, "phone": "3"})
    rec.http("update of an unknown customer", "POST", "/api/customer", t, {**c, "id": {"entityType": "CUSTOMER", "id": str(uuid.uuid4())}})
    rec.http("title taken", "POST", "/api/customer", t, {"title": renamed})
    rec.http("title taken, UNIQUIFY", "POST", "/api/customer?nameConflictPolicy=UNIQUIFY", t, {"title": renamed}, differs="Customers: nameConflictPolicy is served as in newer releases, 200")
    rec.http("title in another case", "POST", "/api/customer", t, {"title": rec.name(renamed.lower(), "new title in lower case")})
    rec.http("title missing", "POST", "/api/customer", t, {})
    rec.http("title empty", "POST", "/api/customer", t, {"title": ""})
    rec.http("title blank", "POST", "/api/customer", t, {"title": "  "})
    rec.http("title too long", "POST", "/api/customer", t, {"title": "x" * 256})
    rec.http("title with markup", "POST", "/api/customer", t, {"title": "<b>x</b>"})
    rec.http("title Public", "POST", "/api/customer", t, {"title": "Public"})
    rec.http("e-mail malformed", "POST", "/api/customer", t, {"title": rec.fresh("customer with a bad e-mail"), "email": "rubbish"})
    rec.http("get, unknown", "GET", f"/api/customer/{rec.name(str(uuid.uuid4()), 'unknown uuid')}", t)
    rec.http("get, no uuid", "GET", "/api/customer/rubbish", t)
    other = new_tenant(rec)
    foreign = quiet(rec, "POST", "/api/customer", other.token, {"title": rec.fresh("customer of the other tenant")}).json()["id"]["id"]
    rec.http("get, of another tenant", "GET", f"/api/customer/{foreign}", t)
    rec.http("delete, of another tenant", "DELETE", f"/api/customer/{foreign}", t)
    a = new_user(rec, t, "a", cid); d = new_device(rec, t); b = new_customer(rec, t, "b")
    quiet(rec, "POST", f"/api/customer/{cid}/device/{d.id}", t)
    rec.http("customer user gets the own customer", "GET", f"/api/customer/{cid}", a.token)
    rec.http("customer user gets another customer", "GET", f"/api/customer/{b.customer}", a.token)
    rec.http("customer user deletes the own customer", "DELETE", f"/api/customer/{cid}", a.token)
    for_thingsboard(1.1)
    rec.http("delete", "DELETE", f"/api/customer/{cid}", t)
    rec.http("get after the deletion", "GET", f"/api/customer/{cid}", t)
    rec.http("delete again", "DELETE", f"/api/customer/{cid}", t)
    show_owner(rec, "its device is the tenant's again", t, d)
    rec.http("its user after the deletion", "GET", f"/api/user/{a.id}", t)
    rec.http("token of its user after the deletion", "GET", "/api/auth/user", a.token, differs="Authentication: 401/10 for the token of a vanished user")
    rec.http("login of its user after the deletion", "POST", "/api/auth/login", body={"username": a.email, "password": PASSWORD})


@scenario("Users: creation and activation")
def scenario_users(rec):
    t = tenant(rec); a = new_customer(rec, t); rec.name(rec.url, "url")
    customer = {"entityType": "CUSTOMER", "id": a.customer}
    email = new_email(rec, "user")
    u = rec.http("create", "POST", "/api/user?sendActivationMail=false", t, {"email": email, "authority": "CUSTOMER_USER", "customerId": customer, "firstName": "F", "lastName": "L", "phone": "+1"}).json(); uid = u["id"]["id"]
    rec.http("get before the activation", "GET", f"/api/user/{uid}", t)
    link = quiet(rec, "GET", f"/api/user/{uid}/activationLink", t).text.strip('"\n ')
    token = rec.name(link.split("activateToken=")[1], "activation token")
    rec.note("length of the activation token", {}, {"length": len(token)})
    rec.http("activation link, no Accept", "GET", f"/api/user/{uid}/activationLink", t)
    rec.http("activation link, Accept JSON", "GET", f"/api/user/{uid}/activationLink", t, headers={"Accept": "application/json"}, differs="Activation: text/plain whatever Accept says, 200")
    r = quiet(rec, "GET", f"/api/user/{uid}/activationLinkInfo", t)
    rec.note("activation link with its life", {"method": "GET", "path": f"/api/user/{uid}/activationLinkInfo"}, {"status": r.status_code, "body": {k: (v if k != "ttlMs" else "about 24 h" if abs(v - 24 * HOUR) < 60e3 else v) for k, v in r.json().items()}})
    rec.http("customer user asks for the link", "GET", f"/api/user/{uid}/activationLink", a.token)
    rec.http("login before the activation", "POST", "/api/auth/login", body={"username": email, "password": PASSWORD})
    r = requests.get(f"{rec.url}/api/noauth/activate?activateToken={token}", allow_redirects=False, timeout=30)
    rec.note("open the link", {"method": "GET", "path": f"/api/noauth/activate?activateToken={token}"}, {"status": r.status_code, "location": r.headers.get("Location"), "body": r.text})
    r = requests.get(f"{rec.url}/api/noauth/activate?activateToken=unknown", allow_redirects=False, timeout=30)
    rec.note("open an unknown link", {"method": "GET", "path": "/api/noauth/activate?activateToken=unknown"}, {"status": r.status_code, "location": r.headers.get("Location"), "body": r.text})
    activate = lambda what, body, query="?sendActivationMail=false", differs=None: rec.http(what, "POST", "/api/noauth/activate" + query, body=body, differs=differs)
    activate("activate, password too short", {"activateToken": token, "password": "12345"})
    activate("activate, no password", {"activateToken": token}, differs="Errors: 400/31")
    activate("activate, no token", {"password": PASSWORD})
    activate("activate, unknown token", {"activateToken": "unknown", "password": PASSWORD})
    r = activate("activate", {"activateToken": token, "password": PASSWORD})
    if r.ok: rec.http("who am I, with the token of the activation", "GET", "/api/auth/user", r.json()["token"])
    activate("activate again", {"activateToken": token, "password": PASSWORD})
    rec.http("activation link after the activation", "GET", f"/api/user/{uid}/activationLink", t)
    rec.http("get after the activation", "GET", f"/api/user/{uid}", t)
    second = quiet(rec, "POST", "/api/user?sendActivationMail=False", t, {"email": new_email(rec, "second"), "authority": "CUSTOMER_USER", "customerId": customer}).json()
    link = quiet(rec, "GET", f"/api/user/{second['id']['id']}/activationLink", t).text.strip('"\n ')
    activate("activate, mail wanted, no mail server", {"activateToken": rec.name(link.split("activateToken=")[1], "second activation token"), "password": PASSWORD}, "")
    waiting = quiet(rec, "POST", "/api/user?sendActivationMail=false", t, {"email": new_email(rec, "waiting"), "authority": "CUSTOMER_USER", "customerId": customer}).json()
    rec.http("send the activation mail, no mail server", "POST", f"/api/user/sendActivationMail?email={waiting['email']}", t, differs="Mail: no error without a mail server, 200")
    rec.http("send the activation mail to an active user", "POST", f"/api/user/sendActivationMail?email={email}", t)
    rec.http("send the activation mail to an unknown user", "POST", "/api/user/sendActivationMail?email=nobody@example.com", t)
    mailed = new_email(rec, "mailed")
    rec.http("create with activation mail, no mail server", "POST", "/api/user?sendActivationMail=true", t, {"email": mailed, "authority": "CUSTOMER_USER", "customerId": customer}, differs="Mail: no error without a mail server, 200")
    rec.http("create with that e-mail again", "POST", "/api/user?sendActivationMail=false", t, {"email": mailed, "authority": "CUSTOMER_USER", "customerId": customer}, differs="Users: that user exists, 400/31")


@scenario("Users: rules, lists, enabling, password reset, deletion")
def scenario_users_rules(rec):
    t = tenant(rec); a = new_customer(rec, t); b = new_customer(rec, t, "b")
    customer = {"entityType": "CUSTOMER", "id": a.customer}
    create = lambda what, body, differs=None, token=t: rec.http(what, "POST", "/api/user?sendActivationMail=false", token, body, differs=differs)
    user = {"authority": "CUSTOMER_USER", "customerId": customer}
    create("e-mail taken", {**user, "email": a.email})
    create("e-mail taken, in upper case", {**user, "email": rec.name(a.email.upper(), "e-mail of a in upper case")}, "Authentication: e-mails are compared case-insensitively, 400/31")
    create("e-mail malformed", {**user, "email": "rubbish"})
    create("e-mail missing", user)
    create("authority missing", {"email": new_email(rec, "x1"), "customerId": customer})
    create("authority unknown", {"email": new_email(rec, "x2"), "authority": "NOBODY", "customerId": customer}, "Errors: 400/31")
    create("customer missing", {"email": new_email(rec, "x3"), "authority": "CUSTOMER_USER"})
    create("customer unknown", {"email": new_email(rec, "x4"), "authority": "CUSTOMER_USER", "customerId": {"entityType": "CUSTOMER", "id": rec.name(str(uuid.uuid4()), "unknown uuid")}})
    create("customer without entityType", {"email": new_email(rec, "x5"), "authority": "CUSTOMER_USER", "customerId": {"id": a.customer}}, "Shapes: a missing entityType is accepted, 200")
    create("tenant admin with a customer", {"email": new_email(rec, "x6"), "authority": "TENANT_ADMIN", "customerId": customer})
    create("tenant admin", {"email": new_email(rec, "x7"), "authority": "TENANT_ADMIN"})
    create("system admin", {"email": new_email(rec, "x8"), "authority": "SYS_ADMIN"})
    upper = rec.name("UP" + uuid.uuid4().hex[:8] + "@Example.COM", "mixed-case e-mail"); rec.name(upper.lower(), "the same in lower case")
    create("e-mail in mixed case", {**user, "email": upper})
    me = quiet(rec, "GET", f"/api/user/{a.id}", t).json()
    rec.http("update", "POST", "/api/user?sendActivationMail=false", t, {**me, "firstName": "New"})
    rec.http("update with the old version", "POST", "/api/user?sendActivationMail=false", t, {**me, "firstName": "Newer"})
    rec.http("move to another customer", "POST", "/api/user?sendActivationMail=false", t, {**me, "version": None, "customerId": {"entityType": "CUSTOMER", "id": b.customer}})
    rec.http("a user updates himself", "POST", "/api/user?sendActivationMail=false", a.token, {**me, "version": None, "lastName": "Self"})
    rec.http("get, as himself", "GET", f"/api/user/{a.id}", a.token)
    rec.http("get, user of another customer", "GET", f"/api/user/{b.id}", a.token)
    rec.http("get, unknown", "GET", f"/api/user/{rec.name(str(uuid.uuid4()), 'another unknown uuid')}", t)
    other = new_tenant(rec)
    rec.http("get, user of another tenant", "GET", f"/api/user/{other.id}", t)
    rec.http("users of a customer", "GET", f"/api/customer/{b.customer}/users?pageSize=10&page=0", t)
    rec.http("users of the own customer, as customer user", "GET", f"/api/customer/{b.customer}/users?pageSize=10&page=0", b.token)
    rec.http("users, as tenant admin", "GET", f"/api/users?pageSize=10&page=0&textSearch={b.email}", t)
    rec.http("users, as customer user", "GET", f"/api/users?pageSize=10&page=0", b.token)
    for_thingsboard(1.1)
    rec.http("disable", "POST", f"/api/user/{a.id}/userCredentialsEnabled?userCredentialsEnabled=false", t)
    rec.http("token of the disabled user", "GET", "/api/auth/user", a.token)
    rec.http("login of the disabled user", "POST", "/api/auth/login", body={"username": a.email, "password": PASSWORD})
    rec.http("login of the disabled user with a wrong password", "POST", "/api/auth/login", body={"username": a.email, "password": "wrong"})
    rec.http("enable", "POST", f"/api/user/{a.id}/userCredentialsEnabled?userCredentialsEnabled=True", t)
    rec.http("token of the enabled user", "GET", "/api/auth/user", a.token)
    rec.http("login of the enabled user", "POST", "/api/auth/login", body={"username": a.email, "password": PASSWORD})
    rec.http("disable by a customer user", "POST", f"/api/user/{a.id}/userCredentialsEnabled?userCredentialsEnabled=false", b.token)
    rec.http("reset of the password, known e-mail", "POST", "/api/noauth/resetPasswordByEmail", body={"email": b.email})
    rec.http("reset of the password, unknown e-mail", "POST", "/api/noauth/resetPasswordByEmail", body={"email": "nobody@example.com"})
    rec.http("reset of the password, empty body", "POST", "/api/noauth/resetPasswordByEmail", body={})
    r = requests.get(f"{rec.url}/api/noauth/resetPassword?resetToken=unknown", allow_redirects=False, timeout=30)
    rec.note("open an unknown reset link", {"method": "GET", "path": "/api/noauth/resetPassword?resetToken=unknown"}, {"status": r.status_code, "location": r.headers.get("Location"), "body": r.text})
    rec.http("reset with an unknown token", "POST", "/api/noauth/resetPassword", body={"resetToken": "unknown", "password": PASSWORD})
    rec.http("delete, by a customer user", "DELETE", f"/api/user/{a.id}", b.token)
    again = rec.login(a.email, PASSWORD); for_thingsboard(1.1)
    rec.http("delete", "DELETE", f"/api/user/{a.id}", t)
    rec.http("token of the deleted user", "GET", "/api/auth/user", again, differs="Authentication: 401/10 for the token of a vanished user")
    rec.http("get the deleted user", "GET", f"/api/user/{a.id}", t)
    rec.http("delete again", "DELETE", f"/api/user/{a.id}", t)


@scenario("Devices: create, read, update, delete")
def scenario_devices(rec):
    t = tenant(rec); a = new_customer(rec, t)
    name, access = rec.fresh("device", "D-"), rec.fresh("access token")
    d = rec.http("create with an access token", "POST", f"/api/device?accessToken={access}", t, {"name": name, "type": "default"}).json(); did = d["id"]["id"]
    rec.note("the id is time-based and holds createdTime", {}, {"version": uuid.UUID(did).version, "sameTime": abs((uuid.UUID(did).time - 0x01b21dd213814000) // 10000 - d["createdTime"]) <= 1}, "Shapes: ids are UUIDv7")
    rec.http("its credentials", "GET", f"/api/device/{did}/credentials", t)
    plain = rec.http("create with nothing but a name", "POST", "/api/device", t, {"name": rec.fresh("plain device", "D-")}).json()
    c = quiet(rec, "GET", f"/api/device/{plain['id']['id']}/credentials", t).json()
    rec.note("token made by the server", {}, {"length": len(c["credentialsId"]), "alphanumeric": c["credentialsId"].isalnum()})
    rec.http("create with label and additionalInfo", "POST", "/api/device", t, {"name": rec.fresh("gateway", "G-"), "type": "default", "label": "L", "additionalInfo": {"gateway": True, "overwriteActivityTime": False, "description": "x"}})
    kind = rec.fresh("new type", "Type-")
    rec.http("create with a type that has no profile", "POST", "/api/device", t, {"name": rec.fresh("device of a new type", "D-"), "type": kind})
    rec.http("create with a customer", "POST", "/api/device", t, {"name": rec.fresh("assigned device", "D-"), "type": "default", "customerId": {"entityType": "CUSTOMER", "id": a.customer}})
    rec.http("create with a customer, no entityType", "POST", "/api/device", t, {"name": rec.fresh("device assigned without entityType", "D-"), "customerId": {"id": a.customer}}, differs="Shapes: a missing entityType is accepted, 200")
    rec.http("create with an unknown customer", "POST", "/api/device", t, {"name": rec.fresh("x1"), "customerId": {"entityType": "CUSTOMER", "id": rec.name(str(uuid.uuid4()), "unknown uuid")}})
    other = new_tenant(rec)
    foreign = quiet(rec, "POST", "/api/customer", other.token, {"title": rec.fresh("foreign customer")}).json()["id"]
    rec.http("create with a customer of another tenant", "POST", "/api/device", t, {"name": rec.fresh("x2"), "customerId": foreign})
    rec.http("create with an unknown profile", "POST", "/api/device", t, {"name": rec.fresh("x3"), "deviceProfileId": {"entityType": "DEVICE_PROFILE", "id": str(uuid.uuid4())}})
    rec.http("create with the tenant id of another tenant", "POST", "/api/device", t, {"name": rec.fresh("x4", "D-"), "tenantId": {"entityType": "TENANT", "id": other.tenant}})
    rec.http("name taken", "POST", "/api/device", t, {"name": name, "type": "default"})
    rec.http("name taken, UNIQUIFY", "POST", "/api/device?nameConflictPolicy=UNIQUIFY", t, {"name": name, "type": "default"}, differs="Devices: nameConflictPolicy is served as in newer releases, 200")
    rec.http("name in another case", "POST", "/api/device", t, {"name": rec.name(name.lower(), "device in lower case"), "type": "default"})
    rec.http("access token taken", "POST", f"/api/device?accessToken={access}", t, {"name": rec.fresh("x5"), "type": "default"})
    rec.http("access token taken, in another tenant", "POST", f"/api/device?accessToken={access}", other.token, {"name": rec.fresh("x6"), "type": "default"})
    rec.http("the name of that device is not taken", "GET", "/api/tenant/devices?deviceName=" + value_of(rec, "x5"), t)
    rec.http("name of another tenant's device", "POST", "/api/device", other.token, {"name": name, "type": "default"})
    for what, body in (("name missing", {"type": "default"}), ("name empty", {"name": "", "type": "default"}), ("name blank", {"name": "   ", "type": "default"}), ("name too long", {"name": "x" * 256, "type": "default"}),
                       ("name with markup", {"name": "<script>alert(1)</script>", "type": "default"}), ("type too long", {"name": rec.fresh("x7"), "type": "x" * 256}), ("name with a null character", {"name": "a\u0000b"})):
        rec.http(what, "POST", "/api/device", t, body)
    rec.http("access token empty", "POST", "/api/device?accessToken=", t, {"name": rec.fresh("device with an empty access token", "D-"), "type": "default"})
    rec.http("access token of 255 characters", "POST", "/api/device?accessToken=" + rec.name((uuid.uuid4().hex * 8)[:255], "255 characters"), t, {"name": rec.fresh("x8", "D-"), "type": "default"})
    rec.http("create by a customer user", "POST", "/api/device", a.token, {"name": rec.fresh("x9"), "type": "default"})
    rec.http("get", "GET", f"/api/device/{did}", t)
    rec.http("get, with information", "GET", f"/api/device/info/{did}", t)
    rec.http("get by name", "GET", f"/api/tenant/devices?deviceName={name}", t)
    rec.http("get by name, unknown", "GET", f"/api/tenant/devices?deviceName={rec.fresh('unknown name')}", t)
    rec.http("get by name, the route of the professional edition", "GET", f"/api/tenant/device?deviceName={name}", t, differs=PE)
    rec.http("get by ids", "GET", f"/api/devices?deviceIds={did}", t)
    rec.http("get, unknown", "GET", f"/api/device/{rec.name(str(uuid.uuid4()), 'another unknown uuid')}", t)
    rec.http("get, of another tenant", "GET", f"/api/device/{did}", other.token)
    rec.http("get, unassigned, as customer user", "GET", f"/api/device/{did}", a.token)
    u = rec.http("update", "POST", "/api/device", t, {**d, "label": "first"}).json()
    rec.http("update with the old version", "POST", "/api/device", t, {**d, "label": "second"})
    rec.http("update with a version of the future", "POST", "/api/device", t, {**u, "version": 99, "label": "third"})
    rec.http("update without version", "POST", "/api/device", t, {**{k: v for k, v in u.items() if k != "version"}, "label": "fourth"})
    rec.http("update without a change", "POST", "/api/device", t, {**{k: v for k, v in u.items() if k != "version"}, "label": "fourth"})
    rec.http("rename and change the type", "POST", "/api/device", t, {**{k: v for k, v in u.items() if k not in ("version", "deviceProfileId")}, "name": rec.fresh("new name", "D-"), "type": kind})
    rec.http("update of an unknown device", "POST", "/api/device", t, {**u, "version": None, "id": {"entityType": "DEVICE", "id": str(uuid.uuid4())}})
    rec.http("delete, of another tenant", "DELETE", f"/api/device/{did}", other.token)
    rec.http("delete, as customer user", "DELETE", f"/api/device/{did}", a.token)
    rec.http("delete", "DELETE", f"/api/device/{did}", t)
    rec.http("get after the deletion", "GET", f"/api/device/{did}", t)
    rec.http("delete again", "DELETE", f"/api/device/{did}", t)
    rec.http("credentials after the deletion", "GET", f"/api/device/{did}/credentials", t)
    rec.http("attributes after the deletion", "GET", f"{ATTRS}{did}/values/attributes", t, differs=TEXT_ERROR)
    rec.http("the access token is free again", "POST", f"/api/device?accessToken={access}", t, {"name": name, "type": "default"})


@scenario("Devices: lists")
def scenario_device_lists(rec):
    t = tenant(rec); a = new_customer(rec, t); b = new_customer(rec, t, "b"); prefix = rec.fresh("prefix", "L-")
    d1 = new_device(rec, t, name=f"{prefix}-1", label="d1", allow=False); d2 = new_device(rec, t, "d2", name=f"{prefix}-2", allow=False)
    quiet(rec, "POST", f"/api/customer/{a.customer}/device/{d1.id}", t)
    q = "pageSize=10&page=0&sortProperty=name&sortOrder=ASC"
    rec.http("tenant: devices", "GET", f"/api/tenant/devices?{q}&textSearch={prefix}", t)
    rec.http("tenant: deviceName together with page parameters", "GET", f"/api/tenant/devices?deviceName={prefix}-2&{q}&textSearch={prefix}", t)
    rec.http("tenant: devices of a type", "GET", f"/api/tenant/devices?{q}&textSearch={prefix}&type=nothing", t)
    rec.http("tenant: device informations", "GET", f"/api/tenant/deviceInfos?{q}&textSearch={prefix}", t)
    rec.http("tenant: device informations, active ones", "GET", f"/api/tenant/deviceInfos?{q}&textSearch={prefix}&active=true", t)
    rec.http("tenant: device informations, sorted by customer", "GET", f"/api/tenant/deviceInfos?pageSize=10&page=0&sortProperty=customerTitle&sortOrder=DESC&textSearch={prefix}", t)
    rec.http("tenant: search by customer title", "GET", f"/api/tenant/deviceInfos?{q}&textSearch=" + value_of(rec, "customer a"), t)
    rec.http("tenant: devices of a customer", "GET", f"/api/customer/{a.customer}/devices?{q}", t)
    rec.http("customer: own devices", "GET", f"/api/customer/{a.customer}/devices?{q}", a.token)
    rec.http("customer: own device informations", "GET", f"/api/customer/{a.customer}/deviceInfos?{q}", a.token)
    rec.http("customer: devices of another customer", "GET", f"/api/customer/{b.customer}/devices?{q}", a.token)
    rec.http("customer: one own device", "GET", f"/api/device/info/{d1.id}", a.token)
    rec.http("customer: a device that is not own", "GET", f"/api/device/info/{d2.id}", a.token)
    rec.http("customer: by ids, one own and one not", "GET", f"/api/devices?deviceIds={d1.id},{d2.id}", a.token)
    rec.http("customer: credentials of an own device", "GET", f"/api/device/{d1.id}/credentials", a.token)
    rec.http("customer: credentials of a device that is not own", "GET", f"/api/device/{d2.id}/credentials", a.token)
    mine = quiet(rec, "GET", f"/api/device/{d1.id}", a.token).json(); refused = "Devices: 403/20, a customer user changes label and additionalInfo only"
    rec.http("customer: update of an own device", "POST", "/api/device", a.token, {**mine, "label": "mine"})
    rec.http("customer: update that gives an own device to another customer", "POST", "/api/device", a.token, {**mine, "version": None, "customerId": {"entityType": "CUSTOMER", "id": b.customer}}, differs=refused)
    show_owner(rec, "its owner then", t, d1, "Devices: still a, as the update was refused")
    mine = quiet(rec, "GET", f"/api/device/{new_device(rec, t, 'd3', allow=False, customerId={'entityType': 'CUSTOMER', 'id': a.customer}).id}", a.token).json()
    renamed = {**mine, "name": rec.fresh("name chosen by the customer user", "D-"), "version": None}
    rec.http("customer: renames an own device", "POST", "/api/device", a.token, renamed, differs=refused)
    rec.http("customer: unassigns an own device by an update", "POST", "/api/device", a.token, {**renamed, "customerId": None}, differs=refused)
    rec.http("customer: takes an unassigned device by an update", "POST", "/api/device", a.token, {**renamed, "customerId": {"entityType": "CUSTOMER", "id": a.customer}})
    free = quiet(rec, "GET", f"/api/device/{d1.id}", t).json()
    rec.http("customer: takes a device of another customer by an update", "POST", "/api/device", a.token, {**free, "customerId": {"entityType": "CUSTOMER", "id": a.customer}}, differs="Devices: it never left a, so this changes nothing and gets 200")
    r = quiet(rec, "GET", "/api/device/types", b.token)
    rec.note("customer: types (only the default one shown)", {"method": "GET", "path": "/api/device/types"}, {"status": r.status_code, "body": [x for x in r.json() if x["type"] == "default"]})
    kind = rec.fresh("type", "Type-"); quiet(rec, "POST", "/api/device", t, {"name": rec.fresh("device of that type", "D-"), "type": kind})
    rec.http("tenant: search by type in devices", "GET", f"/api/tenant/devices?{q}&textSearch={kind}", t)
    rec.http("tenant: search by type in device informations", "GET", f"/api/tenant/deviceInfos?{q}&textSearch={kind}", t)
    rec.http("customer: device informations, the route of the professional edition", "GET", f"/api/deviceInfos/all?{q}", a.token, differs=PE)
    rec.http("customer: devices of the user, the route of the professional edition", "GET", f"/api/user/devices?{q}", a.token, differs=PE)
    rec.http("tenant: devices of an unknown customer", "GET", f"/api/customer/{rec.name(str(uuid.uuid4()), 'unknown uuid')}/devices?{q}", t)


@scenario("Device credentials")
def scenario_credentials(rec):
    t = tenant(rec); d = new_device(rec, t, allow=False); e = new_device(rec, t, "other device", allow=False)
    get = lambda what, differs=None: rec.http(what, "GET", f"/api/device/{d.id}/credentials", t, differs=differs)
    c = get("as created").json()
    save = lambda what, differs=None, **kw: rec.http(what, "POST", "/api/device/credentials", t, {k: v for k, v in {**c, **kw}.items() if k != "version"}, differs=differs)
    save("new access token", credentialsId=rec.fresh("second token"))
    rec.http("with the old version", "POST", "/api/device/credentials", t, {**c, "credentialsId": rec.fresh("third token")})
    save("access token of another device", credentialsId=e.token)
    save("the token it has already", credentialsId=value_of(rec, "second token"))
    save("empty access token", credentialsId="")
    save("no access token", credentialsId=None)
    save("no type", credentialsType=None)
    save("unknown type", "Errors: 400/31", credentialsType="NOTHING")
    save("id of other credentials", id={"id": str(uuid.uuid4())})
    save("no id", id=None)
    save("no device", deviceId=None)
    save("unknown device", deviceId={"entityType": "DEVICE", "id": rec.name(str(uuid.uuid4()), "unknown uuid")})
    save("null character", "Credentials: control characters are refused, 400/31", credentialsId="a\u0000b")
    save("other control characters", "Credentials: control characters are refused, 400/31", credentialsId="a\n\u0001" + rec.fresh("token with control characters"))
    lower = "Credentials: a version lower, as the control characters were refused"
    save("markup", lower, credentialsId="<b>" + rec.fresh("token in markup") + "</b>")
    user, client = rec.fresh("mqtt user"), rec.fresh("mqtt client")
    rec.name(hashlib.sha3_256(client.encode()).hexdigest(), "sha3-256 of the client id"); rec.name(hashlib.sha3_256(f"{client}|{user}".encode()).hexdigest(), "sha3-256 of client id | user")
    mqtt = lambda what, differs=None, **v: save(what, differs, credentialsType="MQTT_BASIC", credentialsId=None, credentialsValue=json.dumps(v))
    mqtt("MQTT, user and password", lower, userName=user, password="p")
    mqtt("MQTT, client id only", lower, clientId=client)
    mqtt("MQTT, all three", lower, clientId=client, userName=user, password="p")
    mqtt("MQTT, client id and user", lower, clientId=client, userName=user)
    mqtt("MQTT, nothing")
    mqtt("MQTT, empty strings", clientId="", userName="", password="p")
    mqtt("MQTT, client id and password", clientId=client, password="p")
    save("MQTT, value is no JSON", credentialsType="MQTT_BASIC", credentialsId=None, credentialsValue="rubbish")
    save("MQTT, no value", credentialsType="MQTT_BASIC", credentialsId=None, credentialsValue=None)
    other = rec.http("", "GET", f"/api/device/{e.id}/credentials", t, record=False).json()
    rec.http("MQTT, the same for another device", "POST", "/api/device/credentials", t, {**other, "credentialsType": "MQTT_BASIC", "credentialsId": None, "credentialsValue": json.dumps({"clientId": client, "userName": user})})
    pem = certificate(); body = "".join(line for line in pem.splitlines() if "-----" not in line)
    rec.name(pem, "PEM certificate"); rec.name(body, "certificate body"); rec.name(hashlib.sha3_256(body.encode()).hexdigest(), "sha3-256 of the certificate body")
    save("X.509, PEM", lower, credentialsType="X509_CERTIFICATE", credentialsId=None, credentialsValue=pem)
    rec.http("X.509, the same for another device", "POST", "/api/device/credentials", t, {**other, "credentialsType": "X509_CERTIFICATE", "credentialsId": None, "credentialsValue": pem})
    save("X.509, no certificate", "Credentials: 400/31", credentialsType="X509_CERTIFICATE", credentialsId=None, credentialsValue=None)
    get("read back", lower)
    a = new_customer(rec, t); quiet(rec, "POST", f"/api/customer/{a.customer}/device/{d.id}", t)
    rec.http("customer user changes credentials of an own device", "POST", "/api/device/credentials", a.token, {k: v for k, v in {**c, "credentialsId": rec.fresh("fourth token")}.items() if k != "version"})
    both = lambda what, name, cred, differs=None: rec.http(what, "POST", "/api/device-with-credentials", t, {"device": {"name": name, "type": "default"}, "credentials": cred}, differs=differs)
    both("device with credentials", rec.fresh("device with token", "D-"), {"credentialsType": "ACCESS_TOKEN", "credentialsId": rec.fresh("its token")})
    both("device with credentials, placeholder ids", rec.fresh("device with placeholder ids", "D-"), {"id": {"id": NULL}, "deviceId": {"entityType": "DEVICE", "id": NULL}, "credentialsType": "ACCESS_TOKEN", "credentialsId": rec.fresh("another token")}, differs="Credentials: dummy id and deviceId are ignored on create, 200")
    both("device with MQTT credentials", rec.fresh("device with MQTT credentials", "D-"), {"credentialsType": "MQTT_BASIC", "credentialsValue": json.dumps({"userName": rec.fresh("another mqtt user"), "password": "p"})})
    both("device with credentials that are taken", rec.fresh("x1"), {"credentialsType": "ACCESS_TOKEN", "credentialsId": e.token})
    rec.http("the device was not made", "GET", "/api/tenant/devices?deviceName=" + value_of(rec, "x1"), t)
    both("device with credentials without type", rec.fresh("x2"), {"credentialsId": "abc"})
    rec.http("device without credentials", "POST", "/api/device-with-credentials", t, {"device": {"name": rec.fresh("x3"), "type": "default"}})


@scenario("Device profiles")
def scenario_profiles(rec):
    t = tenant(rec); a = new_customer(rec, t)
    p = rec.http("default profile, short", "GET", "/api/deviceProfileInfo/default", t).json()
    rec.http("default profile, short, as customer user", "GET", "/api/deviceProfileInfo/default", a.token)
    rec.http("one profile, short", "GET", f"/api/deviceProfileInfo/{p['id']['id']}", t)
    rec.http("profile in full", "GET", f"/api/deviceProfile/{p['id']['id']}", t)
    rec.http("profile in full, as customer user", "GET", f"/api/deviceProfile/{p['id']['id']}", a.token)
    rec.http("list of short ones", "GET", "/api/deviceProfileInfos?pageSize=10&page=0&textSearch=default&transportType=DEFAULT&sortProperty=name&sortOrder=ASC", t)
    name = rec.fresh("profile", "Profile-")
    made = rec.http("create, MQTT with JSON payload", "POST", "/api/deviceProfile", t, {"name": name, "type": "DEFAULT", "transportType": "MQTT", "provisionType": "DISABLED",
        "profileData": {"configuration": {"type": "DEFAULT"}, "transportConfiguration": {"type": "MQTT", "deviceTelemetryTopic": "v1/devices/me/telemetry", "deviceAttributesTopic": "v1/devices/me/attributes", "deviceAttributesSubscribeTopic": "v1/devices/me/attributes", "transportPayloadTypeConfiguration": {"transportPayloadType": "JSON"}, "sendAckOnValidationException": False},
                        "provisionConfiguration": {"type": "DISABLED", "provisionDeviceSecret": None}, "alarms": None}})
    rec.http("list in full", "GET", f"/api/deviceProfiles?pageSize=10&page=0&textSearch={name}", t)
    rec.http("name taken", "POST", "/api/deviceProfile", t, {"name": name, "type": "DEFAULT", "transportType": "DEFAULT", "profileData": {"configuration": {"type": "DEFAULT"}, "transportConfiguration": {"type": "DEFAULT"}}})
    rec.http("unknown", "GET", f"/api/deviceProfile/{rec.name(str(uuid.uuid4()), 'unknown uuid')}", t)
    r = rec.http("", "GET", "/api/deviceProfile/names", t, record=False)
    rec.note("names (only the default one shown)", {"method": "GET", "path": "/api/deviceProfile/names"}, {"status": r.status_code, "body": [x for x in r.json() if x["name"] == "default"]})
    r = rec.http("", "GET", "/api/device/types", t, record=False)
    rec.note("types (only the default one shown)", {"method": "GET", "path": "/api/device/types"}, {"status": r.status_code, "body": [x for x in r.json() if x["type"] == "default"]})
    if made.ok:
        rec.http("a device of the new profile", "POST", "/api/device", t, {"name": rec.fresh("device of the new profile", "D-"), "type": "ignored", "deviceProfileId": made.json()["id"]})
        rec.http("delete a profile in use", "DELETE", f"/api/deviceProfile/{made.json()['id']['id']}", t)
    rec.http("delete the default profile", "DELETE", f"/api/deviceProfile/{p['id']['id']}", t)


@scenario("Assigning devices to customers")
def scenario_assign(rec):
    t = tenant(rec); a = new_customer(rec, t); b = new_customer(rec, t, "b"); d = new_device(rec, t, allow=False)
    assign = lambda what, c, dev=d.id, token=t: rec.http(what, "POST", f"/api/customer/{c}/device/{dev}", token)
    assign("assign", a.customer)
    assign("assign again", a.customer)
    assign("assign to another customer, without unassigning", b.customer)
    rec.http("information, assigned", "GET", f"/api/device/info/{d.id}", t)
    rec.http("unassign", "DELETE", f"/api/customer/device/{d.id}", t)
    rec.http("unassign again", "DELETE", f"/api/customer/device/{d.id}", t)
    rec.http("information, unassigned", "GET", f"/api/device/info/{d.id}", t)
    assign("unknown customer", rec.name(str(uuid.uuid4()), "unknown uuid"))
    assign("unknown device", a.customer, rec.name(str(uuid.uuid4()), "another unknown uuid"))
    other = new_tenant(rec)
    foreign = quiet(rec, "POST", "/api/customer", other.token, {"title": rec.fresh("foreign customer")}).json()["id"]["id"]
    assign("customer of another tenant", foreign)
    assign("device of another tenant", foreign, token=other.token)
    rec.http("make public", "POST", f"/api/customer/public/device/{d.id}", t)
    info = rec.http("information, public", "GET", f"/api/device/info/{d.id}", t).json()
    public = info["customerId"]["id"]
    rec.http("the public customer", "GET", f"/api/customer/{public}", t)
    rec.http("delete the public customer's claim on it", "DELETE", f"/api/customer/device/{d.id}", t)
    r = rec.http("public login", "POST", "/api/auth/login/public", body={"publicId": public})
    if r.ok:
        rec.http("who am I, public", "GET", "/api/auth/user", r.json()["token"], differs="Public customer: 401/10")
    dev = quiet(rec, "GET", f"/api/device/{d.id}", t).json()
    rec.http("assign by an update", "POST", "/api/device", t, {**dev, "customerId": {"entityType": "CUSTOMER", "id": a.customer}})
    rec.http("unassign by an update with null", "POST", "/api/device", t, {**dev, "version": None, "customerId": None})
    rec.http("owner route of the professional edition", "POST", f"/api/owner/CUSTOMER/{a.customer}/DEVICE/{d.id}", t, differs=PE)


@scenario("Bulk import of devices")
def scenario_bulk_import(rec):
    t = tenant(rec); prefix = rec.fresh("prefix", "B-"); token = rec.fresh("bulk token")
    def imported(what, file, columns, update=True, header=True, delimiter=",", token_=t, differs=None, **extra):
        r = rec.http("", "POST", "/api/device/bulk_import", token_, {"file": file, "mapping": {"columns": columns, "delimiter": delimiter, "update": update, "header": header}, **extra}, record=False)
        body = r.json()
        if isinstance(body, dict) and body.get("errorsList"): body["errorsList"] = sorted(body["errorsList"])
        rec.note(what, {"method": "POST", "path": "/api/device/bulk_import", "body": {"file": file, "mapping": {"columns": columns, "delimiter": delimiter, "update": update, "header": header}}}, {"status": r.status_code, "body": body}, differs)
        time.sleep(ARGS.settle)
    def show(what, name, scopes=(SERVER,), differs=None):
        r = rec.http("", "GET", f"/api/tenant/devices?deviceName={quote(name)}", t, record=False)
        if not r.ok: return rec.note(what, {}, {"status": r.status_code})
        did = r.json()["id"]["id"]
        cred = quiet(rec, "GET", f"/api/device/{did}/credentials", t).json()
        if cred["credentialsType"] == "ACCESS_TOKEN" and cred["credentialsId"] not in rec.names: cred["credentialsId"] = f"{len(cred['credentialsId'])} characters"
        rec.note(what, {}, {"device": {k: r.json()[k] for k in ("name", "type", "label", "additionalInfo", "customerId")}, "credentials": {k: cred[k] for k in ("credentialsType", "credentialsId", "credentialsValue")},
            "attributes": {s: {a["key"]: a["value"] for a in sorted(quiet(rec, "GET", f"{ATTRS}{did}/values/attributes/{s}", t).json(), key=lambda a: a["key"]) if a["key"] not in DEVICE_STATE} for s in scopes}}, differs)
    T = lambda kind, key=None: {"type": kind, "key": key} if key else {"type": kind}
    name, kind = T("NAME"), T("TYPE")
    imported("two devices with every plain column", f"name,type,label,gateway,description,shared,server,time,token\n{prefix}-1,default,First,true,some text,1,s,5,{token}\n{prefix}-2,default,,false,,,,,\n",
             [name, kind, T("LABEL"), T("IS_GATEWAY"), T("DESCRIPTION"), T("SHARED_ATTRIBUTE", "shared"), T("SERVER_ATTRIBUTE", "server"), T("TIMESERIES", "time"), T("ACCESS_TOKEN")])
    show("the first of them", f"{prefix}-1", (SERVER, SHARED)); show("the second of them", f"{prefix}-2", (SERVER, SHARED))
    values = {"int": "30000", "neg": "-5", "float": "1.5", "comma": "\"2,5\"", "exp": "1e3", "hex": "0x10", "yes": "true", "NO": "FALSE", "word": "abc", "zip": "007", "big": "9223372036854775808", "json": "\"{\"\"secretKey\"\":\"\"k\"\",\"\"expirationTime\"\":4102444800000}\"", "array": "\"[1,2]\"", "space": " x "}
    imported("values typed by their content", "name," + ",".join(values) + f"\n{prefix}-v," + ",".join(values.values()) + "\n", [name] + [T("SERVER_ATTRIBUTE", k) for k in values])
    show("their values", f"{prefix}-v", differs="Bulk import: text with leading zeros stays text (007)")
    a = new_customer(rec, t)
    imported("claimingData as a JSON cell", f"name,type,key\n{prefix}-c,default,\"{{\"\"secretKey\"\":\"\"k\"\",\"\"expirationTime\"\":4102444800000}}\"\n", [name, kind, T("SERVER_ATTRIBUTE", "claimingData")])
    claim(rec, "claim with that key", a.token, f"{prefix}-c", "k")
    imported("unquoted JSON cell", f"name,type,key\n{prefix}-u,default,{{\"secretKey\":\"k\",\"expirationTime\":4102444800000}}\n", [name, kind, T("SERVER_ATTRIBUTE", "claimingData")], differs="Bulk import: a file that cannot be parsed gets 400/31")
    imported("update, update=true", f"name,label,server,token\n{prefix}-1,Second,t,\n", [name, T("LABEL"), T("SERVER_ATTRIBUTE", "server"), T("ACCESS_TOKEN")])
    show("after the update", f"{prefix}-1")
    imported("update, update=false", f"name,label,server\n{prefix}-1,Third,u\n", [name, T("LABEL"), T("SERVER_ATTRIBUTE", "server")], update=False)
    untouched = "Bulk import: update=false leaves an existing device untouched"
    show("after the update with update=false", f"{prefix}-1", differs=untouched)
    newtoken = rec.fresh("second bulk token")
    imported("update of the credentials with update=false", f"name,token\n{prefix}-1,{newtoken}\n", [name, T("ACCESS_TOKEN")], update=False)
    show("after that", f"{prefix}-1", differs=untouched)
    user = rec.fresh("mqtt user")
    imported("MQTT credentials", f"name,client,user,password\n{prefix}-m,,{user},p\n", [name, T("MQTT_CLIENT_ID"), T("MQTT_USER_NAME"), T("MQTT_PASSWORD")]); show("the MQTT device", f"{prefix}-m")
    pem = certificate(); body = "".join(l for l in pem.splitlines() if "-----" not in l); rec.name(pem, "PEM certificate"); rec.name(body, "certificate body"); rec.name(hashlib.sha3_256(body.encode()).hexdigest(), "sha3-256 of the certificate body")
    imported("X.509 credentials", f"name,certificate\n{prefix}-x,\"{pem}\"\n", [name, T("X509")]); show("the X.509 device", f"{prefix}-x")
    imported("lines with errors", f"name,type,token\n{prefix}-e,default,{newtoken}\n{prefix}-ok,default,\n<b>x</b>,default,\n", [name, kind, T("ACCESS_TOKEN")], differs="Bulk import: line 2 is created, as update=false left its token free; no class names in errorsList")
    imported("the same name twice", f"name,label\n{prefix}-t,one\n{prefix}-t,two\n", [name, T("LABEL")], differs="Bulk import: errorsList has the line of the file and no class name")
    imported("no header line", f"{prefix}-h,default\n", [name, kind], header=False)
    imported("semicolon", f"name;type\n{prefix}-s;default\n", [name, kind], delimiter=";")
    imported("CR LF", f"name,type\r\n{prefix}-r,default\r\n", [name, kind])
    imported("no newline at the end", f"name,type\n{prefix}-n,default", [name, kind])
    imported("empty line in the middle", f"name,type\n{prefix}-l1,default\n\n{prefix}-l2,default\n", [name, kind])
    imported("quoted cell with delimiter, quote and line break", f"name,label\n{prefix}-q,\"a,\"\"b\"\"\nc\"\n", [name, T("LABEL")]); show("the quoted one", f"{prefix}-q")
    imported("spaces around cells", f"name,label\n {prefix}-w , x \n", [name, T("LABEL")]); show("the one with spaces", f" {prefix}-w ")
    imported("byte order mark", f"\ufeffname,type\n{prefix}-bom,default\n", [name, kind])
    imported("too few cells", f"name,type,label\n{prefix}-f\n", [name, kind, T("LABEL")])
    imported("too many cells", f"name,type\n{prefix}-g,default,extra\n", [name, kind], differs="Bulk import: a file that cannot be parsed gets 400/31")
    imported("quote that is not closed", f"name,label\n{prefix}-o,\"abc\n", [name, T("LABEL")], differs="Bulk import: a file that cannot be parsed gets 400/31")
    imported("empty file", "", [name, kind], differs="Bulk import: a file that cannot be parsed gets 400/31")
    imported("header only", "name,type\n", [name, kind])
    imported("attribute column without key", f"name,x\n{prefix}-k,1\n", [name, T("SERVER_ATTRIBUTE")]); show("that device", f"{prefix}-k")
    imported("unknown column type", f"name,x\n{prefix}-z,1\n", [name, T("NOTHING")], differs="Bulk import: 400/31")
    imported("delimiter of two characters", f"name,type\n{prefix}-d2,default\n", [name, kind], delimiter=";;", differs="Bulk import: 400/31")
    rec.http("no mapping", "POST", "/api/device/bulk_import", t, {"file": "name\nx\n"}, differs="Bulk import: 400/31")
    rec.http("by a customer user", "POST", "/api/device/bulk_import", a.token, {"file": f"name\n{prefix}-cu\n", "mapping": {"columns": [name], "delimiter": ",", "update": True, "header": True}})


@scenario("Bulk import of lines without a name")
def scenario_bulk_import_without_name(rec):
    t = new_tenant(rec).token
    first, second = new_device(rec, t, "first device", allow=False), new_device(rec, t, "second device", allow=False)
    for what, file, columns in (("empty name", "name,label\n,Changed by an empty name\n", [{"type": "NAME"}, {"type": "LABEL"}]), ("no NAME column", "label\nChanged without a name\n", [{"type": "LABEL"}])):
        rec.http(what, "POST", "/api/device/bulk_import", t, {"file": file, "mapping": {"columns": columns, "delimiter": ",", "update": True, "header": True}}, differs="Bulk import: an error of that line, nothing is updated")
        r = quiet(rec, "GET", "/api/tenant/devices?pageSize=10&page=0&sortProperty=createdTime&sortOrder=ASC", t)
        rec.note(f"{what}: the devices after it", {}, {"devices": [{"name": d["name"], "label": d["label"]} for d in r.json()["data"]]}, "Bulk import: no device is touched")


# == 3. attributes =================================================================================================================
@scenario("Attributes: saving, reading, deleting")
def scenario_attributes(rec):
    t = tenant(rec); d = new_device(rec, t, allow=False); base = ATTRS + d.id
    show_attributes(rec, "read, nothing there", t, d)
    values = {"bool": True, "long": 5, "double": 1.5, "whole": 2.0, "text": "x", "number text": "7", "decimal text": "7.5", "true text": "true", "empty text": "", "object": {"a": 1, "b": [True]}, "array": [1, "x"], "big": 9223372036854775807, "ü": "ü"}
    rec.http("save every type", "POST", f"{base}/{SERVER}", t, values)
    show_attributes(rec, "read them", t, d)
    rec.http("save, second form", "POST", f"{base}/attributes/{SHARED}", t, {"shared": 1})
    rec.http("save, device shorthand", "POST", f"/api/plugins/telemetry/{d.id}/{SERVER}", t, {"short": 1})
    rec.http("save as text/plain", "POST", f"{base}/{SERVER}", t, raw='{"plain":1}', headers={"Content-Type": "text/plain"})
    rec.http("save without Content-Type", "POST", f"{base}/{SERVER}", t, raw='{"untyped":1}', headers={"Content-Type": ""})
    rec.http("save again: upsert", "POST", f"{base}/{SERVER}", t, {"short": "now text"})
    rec.http("number beyond 64 bits", "POST", f"{base}/{SERVER}", t, raw='{"huge":9223372036854775808}')
    rec.http("read one key", "GET", f"{base}/values/attributes/{SERVER}?keys=short", t)
    rec.http("read two keys, one unknown", "GET", f"{base}/values/attributes/{SERVER}?keys=short,unknown", t)
    r = quiet(rec, "GET", f"{base}/values/attributes/{SERVER}?key=short", t)
    rec.note("read with the key parameter (keys only)", {"method": "GET", "path": f"{base}/values/attributes/{SERVER}?key=short"}, {"status": r.status_code, "keys": sorted(a["key"] for a in r.json() if a["key"] not in DEVICE_STATE)}, "Attributes: key= selects (newer than 4.2.1)")
    rec.http("read over all scopes by key", "GET", f"{base}/values/attributes?keys=shared", t)
    rec.http("read the huge number", "GET", f"{base}/values/attributes/{SERVER}?keys=huge", t)
    for path in ("keys/attributes", f"keys/attributes/{SERVER}", f"keys/attributes/{SHARED}", f"keys/attributes/{CLIENT}"):
        show_keys(rec, path, t, d, path)
    rec.http("delete two keys, one unknown", "DELETE", f"{base}/{SERVER}?keys=short,unknown", t)
    rec.http("delete again", "DELETE", f"{base}/{SERVER}?keys=short", t)
    rec.http("delete, device shorthand", "DELETE", f"/api/plugins/telemetry/{d.id}/{SERVER}?keys=plain", t)
    rec.http("delete without keys", "DELETE", f"{base}/{SERVER}", t, differs="Attributes: 400 `Empty keys: []`")
    rec.http("delete with the key parameter", "DELETE", f"{base}/{SERVER}?key=untyped", t, differs="Attributes: key= selects (newer than 4.2.1)")
    rec.http("delete with empty keys", "DELETE", f"{base}/{SERVER}?keys=", t, differs="Attributes: 400 `Empty keys: []`")
    rec.http("delete from the client scope", "DELETE", f"{base}/{CLIENT}?keys=x", t)
    show_attributes(rec, "what is left", t, d, differs="Attributes: key= has deleted `untyped`")


@scenario("Attributes: errors")
def scenario_attribute_errors(rec):
    t = tenant(rec); d = new_device(rec, t, allow=False); base = ATTRS + d.id
    save = lambda what, raw=None, scope=SERVER, path=None, differs=TEXT_ERROR, **kw: rec.http(what, "POST", path or f"{base}/{scope}", t, raw=raw, differs=differs, **kw)
    save("not JSON", "{rubbish")
    save("array", "[1]")
    save("string", '"x"')
    save("object inside a string", json.dumps(json.dumps({"a": 1})), differs="Attributes: one level of string is unwrapped, 200")
    save("number", "1")
    save("null", "null")
    save("empty object", "{}")
    save("empty body", "", differs="Attributes: 400/31")
    save("blank key", '{"  ":1}')
    save("empty key", '{"":1}')
    save("key of 256 characters", json.dumps({"x" * 256: 1}))
    save("key of 255 characters", json.dumps({"x" * 255: 1}), differs=None)
    save("key with markup", '{"<b>x</b>":1}')
    save("value with markup", '{"k":"<b>x</b>"}', differs=None)
    save("null value", '{"a":null}', differs="Attributes: 400/31")
    save("client scope", '{"a":1}', CLIENT)
    save("unknown scope", '{"a":1}', "NO_SCOPE", differs=None)
    save("lower-case scope", '{"a":1}', "server_scope", differs=None)
    save("unknown entity type", '{"a":1}', path=f"/api/plugins/telemetry/NOTHING/{d.id}/{SERVER}", differs=None)
    save("id that is no uuid", '{"a":1}', path=f"/api/plugins/telemetry/DEVICE/rubbish/{SERVER}", differs=None)
    save("unknown device", '{"a":1}', path=f"{ATTRS}{rec.name(str(uuid.uuid4()), 'unknown uuid')}/{SERVER}")
    rec.http("read of an unknown device", "GET", f"{ATTRS}{uuid.uuid4()}/values/attributes", t, differs=TEXT_ERROR)
    rec.http("read of an unknown scope", "GET", f"{base}/values/attributes/NO_SCOPE", t)
    other = new_tenant(rec)
    rec.http("read, of another tenant", "GET", f"{base}/values/attributes", other.token, differs=TEXT_ERROR)
    rec.http("save, of another tenant", "POST", f"{base}/{SERVER}", other.token, {"a": 1}, differs=TEXT_ERROR)
    rec.http("read without credentials", "GET", f"{base}/values/attributes")


@scenario("Attributes: what a customer user may do")
def scenario_attribute_rights(rec):
    t = tenant(rec); a = new_customer(rec, t); b = new_customer(rec, t, "b"); mine = new_device(rec, t, "own device"); free = new_device(rec, t, "unassigned device"); theirs = new_device(rec, t, "device of b")
    quiet(rec, "POST", f"/api/customer/{a.customer}/device/{mine.id}", t); quiet(rec, "POST", f"/api/customer/{b.customer}/device/{theirs.id}", t)
    for dev, what in ((mine, "own"), (free, "unassigned"), (theirs, "of another customer")):
        set_attributes(rec, t, dev, {"claimingData": json.dumps({"secretKey": "k", "expirationTime": 1})})
        hidden, refused = ("Attributes: claimingData is withheld from customer users", "Attributes: 403, only tenant administrators write and delete claiming attributes") if dev is mine else (TEXT_ERROR, TEXT_ERROR)
        rec.http(f"{what}: read claimingData", "GET", f"{ATTRS}{dev.id}/values/attributes/{SERVER}?keys=claimingData", a.token, differs=hidden)
        show_keys(rec, f"{what}: keys", a.token, dev, f"keys/attributes/{SERVER}", hidden)
        rec.http(f"{what}: write", "POST", f"{ATTRS}{dev.id}/{SERVER}", a.token, {"claimingAllowed": True}, differs=refused)
        rec.http(f"{what}: delete", "DELETE", f"{ATTRS}{dev.id}/{SERVER}?keys=claimingData", a.token, differs=refused)
    rec.http("attributes of the own customer", "POST", f"/api/plugins/telemetry/CUSTOMER/{a.customer}/{SERVER}", a.token, {"x": 1}, differs=TEXT_ERROR)


# == 4. claim and reclaim ==========================================================================================================
@scenario("Claim with a key the device registered")
def scenario_claim_device_side(rec):
    t = tenant(rec); a = new_customer(rec, t); b = new_customer(rec, t, "b"); d = new_device(rec, t); set_attributes(rec, t, d, {"other": 1})
    show_attributes(rec, "attributes before", t, d)
    register(rec, d, "K1", 60000)
    show_attributes(rec, "attributes after the registration", t, d, differs="Attributes: expirationTime is there too")
    claim(rec, "success", a.token, d, "K1")
    show_attributes(rec, "attributes after the claim", t, d)
    rec.http("the new owner reads the device", "GET", f"/api/device/info/{d.id}", a.token)
    claim(rec, "again by the owner", a.token, d, "K1", differs="Claim: SUCCESS, the owner with the same key")
    claim(rec, "again by another customer", b.token, d, "K1")
    claim(rec, "by another customer with a wrong key", b.token, d, "wrong")
    register(rec, d, "K2", 60000, "the device registers although it is claimed", differs="Device API: 409")
    claim(rec, "with the key of that registration", b.token, d, "K2")


@scenario("Claim with a wrong key, then with the right one")
def scenario_claim_wrong_key(rec):
    t = tenant(rec); a = new_customer(rec, t); d = new_device(rec, t)
    register(rec, d, "right", 60000)
    claim(rec, "wrong key", a.token, d, "wrong")
    claim(rec, "right key", a.token, d, "right", differs="Claim: SUCCESS; a wrong key never destroys the window")
    register(rec, d, "Case", 60000, differs="Device API: 409, as the right key was accepted before")
    claim(rec, "right key in another case", a.token, d, "case", differs="Claim: CLAIMED, as the right key was accepted before")
    e = new_device(rec, t, "second device"); register(rec, e, "right", 60000)
    claim(rec, "no key where one is needed", a.token, e)
    f = new_device(rec, t, "third device"); register(rec, f, "right", 60000)
    claim(rec, "key with a space behind", a.token, f, "right ")
    g = new_device(rec, t, "fourth device"); set_attributes(rec, t, g, {"claimingData": {"secretKey": "right", "expirationTime": int(time.time() * 1000) + HOUR}})
    for i in range(7): last = rec.http("", "POST", claim_path(g.name), a.token, {"secretKey": "wrong"}, record=False)
    rec.note("seventh wrong key against a server-side key", {}, {"status": last.status_code, "body": last.json()})
    claim(rec, "then the right one", a.token, g, "right")


@scenario("Claim after the end of the window")
def scenario_claim_expired(rec):
    t = tenant(rec); a = new_customer(rec, t); d = new_device(rec, t)
    register(rec, d, "K1", 100); time.sleep(0.3)
    claim(rec, "expired", a.token, d, "K1")
    register(rec, d, "K2", 100); time.sleep(0.3)
    register(rec, d, "K3", 60000, "a new key, after the first has expired but nobody has tried it")
    claim(rec, "with the new key", a.token, d, "K3", differs="Claim: SUCCESS, a new registration replaces the ended window")
    claim(rec, "with the new key again", a.token, d, "K3", differs="Claim: SUCCESS, the owner with the same key")
    e = new_device(rec, t, "second device")
    register(rec, e, "first", 60000); register(rec, e, "second", 60000)
    claim(rec, "second key while the first is open", a.token, e, "second", differs="Claim: SUCCESS, the newest key counts")
    f = new_device(rec, t, "third device"); register(rec, f, "first", 60000); register(rec, f, "second", 60000)
    claim(rec, "first key although a second was registered", a.token, f, "first", differs="Claim: FAILURE, the newest key counts")
    for label, ms in (("zero", 0), ("negative", -5), ("beyond 64 bits when added", 9223372036854775807)):
        g = new_device(rec, t, f"device with duration {label}"); register(rec, g, "K", ms)
        claim(rec, f"duration {label}", a.token, g, "K", differs="Claim: saturates and is capped, SUCCESS" if ms > 0 else None)


@scenario("Claim without a secret key")
def scenario_claim_empty_key(rec):
    t = tenant(rec); a = new_customer(rec, t)
    def dev(label, key): d = new_device(rec, t, label); register(rec, d, key, 60000); return d
    claim(rec, "registered without key, claimed with {}", a.token, dev("d1", None))
    claim(rec, "registered with an empty key, claimed with an empty key", a.token, dev("d2", ""), "")
    claim(rec, "registered without key, claimed with null", a.token, dev("d3", None), body={"secretKey": None})
    claim(rec, "registered without key, claimed with a key", a.token, dev("d4", None), "K")
    claim(rec, "registered without key, claimed without body", a.token, dev("d5", None), raw="", differs="Claim: treated as {}, SUCCESS")
    d = new_device(rec, t, "d6"); rec.http("the device registers with an empty body", "POST", f"/api/v1/{d.token}/claim", raw=""); time.sleep(ARGS.settle)
    claim(rec, "registered with an empty body, claimed with {}", a.token, d)


@scenario("Claim: request bodies")
def scenario_claim_bodies(rec):
    t = tenant(rec); a = new_customer(rec, t); bad = "Claim: 400/31"
    d = new_device(rec, t)
    claim(rec, "not JSON", a.token, d, raw="{rubbish", differs=bad)
    claim(rec, "array", a.token, d, body=[], differs=bad)
    claim(rec, "string", a.token, d, body="K", differs=bad)
    claim(rec, "null", a.token, d, raw="null", differs="Claim: treated as {}, FAILURE")
    claim(rec, "object as key", a.token, d, body={"secretKey": {"a": 1}}, differs=bad)
    claim(rec, "text/plain", a.token, d, raw='{"secretKey":"K"}', headers={"Content-Type": "text/plain"}, differs="Claim: any Content-Type is accepted, FAILURE")
    for label, key, body in (("number", "5", {"secretKey": 5}), ("boolean", "true", {"secretKey": True}), ("decimal", "1.50", {"secretKey": 1.5}), ("unknown members", "K", {"secretKey": "K", "other": 1}), ("body without Content-Type", "K2", None)):
        e = new_device(rec, t, f"device for {label}"); register(rec, e, key, 60000)
        if body: claim(rec, f"body with {label}", a.token, e, body=body)
        else: claim(rec, "body without Content-Type", a.token, e, raw='{"secretKey":"K2"}', headers={"Content-Type": ""}, differs="Claim: a missing Content-Type is accepted, SUCCESS")
    f = new_device(rec, t, "device for no body"); register(rec, f, "K", 60000)
    claim(rec, "no body, key needed", a.token, f, raw="", headers={"Content-Type": ""}, differs="Claim: treated as {}, FAILURE")
    claim(rec, "the window after that", a.token, f, "K")
    g = new_device(rec, t, "device for a long key"); long = rec.name("x" * 5000, "5000 characters"); register(rec, g, long, 60000)
    claim(rec, "key of 5000 characters", a.token, g, long)
    h = new_device(rec, t, "device for a key in unicode"); register(rec, h, "schlüssel 🔑", 60000)
    claim(rec, "key in unicode", a.token, h, "schlüssel 🔑")


@scenario("Claim: who and which device")
def scenario_claim_who(rec):
    t, s = tenant(rec), sysadmin(rec); a = new_customer(rec, t); b = new_customer(rec, t, "b"); d = new_device(rec, t); register(rec, d, "K", 60000)
    claim(rec, "tenant administrator", t, d, "K")
    claim(rec, "system administrator", s, d, "K")
    claim(rec, "no credentials", None, d, "K")
    claim(rec, "bad credentials", "rubbish", d, "K")
    claim(rec, "unknown device", a.token, rec.fresh("unknown device", "D-"), "K")
    claim(rec, "name in another case", a.token, rec.name(d.name.lower(), "device in lower case"), "K")
    other = new_tenant(rec); x = new_customer(rec, other.token, "of the other tenant")
    claim(rec, "customer of another tenant", x.token, d, "K")
    f = new_device(rec, other.token, "foreign device"); register(rec, f, "K", 60000)
    claim(rec, "device of another tenant", a.token, f, "K")
    claim(rec, "no claim data, unassigned", a.token, new_device(rec, t, "device without key"), "K")
    assigned = new_device(rec, t, "assigned device"); quiet(rec, "POST", f"/api/customer/{b.customer}/device/{assigned.id}", t)
    claim(rec, "no claim data, assigned to another", a.token, assigned, "K")
    claim(rec, "no claim data, assigned to oneself", b.token, assigned, "K")
    rec.http("with subCustomerId", "POST", f"{claim_path(d.name)}?subCustomerId={b.customer}", a.token, {"secretKey": "K"}, differs="Claim: 403/20 unless it is the caller's own customer")
    rec.http("empty name", "POST", "/api/customer/device//claim", a.token, {"secretKey": "K"})


@scenario("Claim with a key the tenant set (attribute claimingData)")
def scenario_claim_server_side(rec):
    t = tenant(rec); a = new_customer(rec, t); b = new_customer(rec, t, "b"); future = int(time.time() * 1000) + HOUR; rec.name(str(future), "in an hour")
    count = 0
    def dev(data, allow=False, **more):
        nonlocal count; count += 1
        d = new_device(rec, t, f"device {count}", allow=allow); set_attributes(rec, t, d, {"claimingData": data, "other": 1, **more}); return d
    lenient = "Attributes: undecodable means FAILURE, and the value is never shown"
    d = dev(json.dumps({"secretKey": "K", "expirationTime": future}), claimingAllowed=True)
    show_attributes(rec, "string form: before", t, d, differs="Attributes: the key is masked")
    claim(rec, "string form, wrong key", a.token, d, "wrong")
    claim(rec, "string form, right key", a.token, d, "K")
    show_attributes(rec, "string form: after", t, d)
    d = dev({"secretKey": "K", "expirationTime": future}); claim(rec, "object form", a.token, d, "K"); show_attributes(rec, "object form: after", t, d)
    d = dev({"secretKey": "K", "expirationTime": future}, claimingAllowed=False); claim(rec, "claimingAllowed is false", a.token, d, "K")
    d = dev({"secretKey": "K", "expirationTime": 1000}); claim(rec, "in the past", a.token, d, "K"); show_attributes(rec, "in the past: after", t, d, differs="Attributes: the key is masked")
    claim(rec, "expirationTime 0", a.token, dev({"secretKey": "K", "expirationTime": 0}), "K")
    claim(rec, "expirationTime missing", a.token, dev({"secretKey": "K"}), "K")
    claim(rec, "expirationTime null", a.token, dev({"secretKey": "K", "expirationTime": None}), "K")
    claim(rec, "expirationTime as text", a.token, dev({"secretKey": "K", "expirationTime": str(future)}), "K")
    claim(rec, "expirationTime with a fraction", a.token, dev({"secretKey": "K", "expirationTime": future + 0.5}), "K")
    claim(rec, "expirationTime as a word", a.token, dev({"secretKey": "K", "expirationTime": "soon"}), "K", differs=lenient)
    claim(rec, "secretKey as a number", a.token, dev({"secretKey": 5, "expirationTime": future}), "5")
    claim(rec, "secretKey missing", a.token, dev({"expirationTime": future}))
    claim(rec, "secretKey null", a.token, dev({"secretKey": None, "expirationTime": future}))
    claim(rec, "secretKey null, claimed with a key", a.token, dev({"secretKey": None, "expirationTime": future}), "K")
    claim(rec, "secretKey empty", a.token, dev({"secretKey": "", "expirationTime": future}))
    claim(rec, "more members", a.token, dev({"secretKey": "K-in-the-attribute", "expirationTime": future, "note": "n"}), "K-in-the-attribute", differs="Attributes: unknown members are ignored, SUCCESS")
    claim(rec, "malformed text", a.token, dev('{"secretKey":"K-in-the-attribute"'), "K-in-the-attribute", differs=lenient)
    claim(rec, "plain text", a.token, dev("K-in-the-attribute"), "K-in-the-attribute", differs=lenient)
    claim(rec, "empty text", a.token, dev(""), differs=lenient)
    claim(rec, "number", a.token, dev(5), "5", differs=lenient)
    claim(rec, "boolean", a.token, dev(True), "true", differs=lenient)
    claim(rec, "array", a.token, dev([{"secretKey": "K", "expirationTime": future}]), "K", differs=lenient)
    claim(rec, "text null", a.token, dev("null"), differs=lenient)
    claim(rec, "empty object", a.token, dev({}))
    d = new_device(rec, t, "device with two attributes", allow=False); set_attributes(rec, t, d, {"secretKey": "K", "expirationTime": future}); claim(rec, "two attributes instead of one", a.token, d, "K")
    d = new_device(rec, t, "device with a shared attribute", allow=False); set_attributes(rec, t, d, {"claimingData": {"secretKey": "K", "expirationTime": future}}, SHARED); claim(rec, "claimingData in the shared scope", a.token, d, "K")
    d = dev({"secretKey": "K", "expirationTime": future}); quiet(rec, "POST", f"/api/customer/{b.customer}/device/{d.id}", t)
    claim(rec, "assigned device, wrong key", a.token, d, "wrong", differs="Claim: CLAIMED, as the assignment has revoked the key")
    show_attributes(rec, "assigned device, wrong key: after", t, d, differs="Claim: the assignment has deleted claimingData")
    claim(rec, "assigned device, right key", a.token, d, "K")
    show_attributes(rec, "assigned device, right key: after", t, d)
    d = dev({"secretKey": "server", "expirationTime": future}, allow=True, claimingAllowed=True); register(rec, d, "device", 60000)
    claim(rec, "both keys there: with the server's", a.token, d, "server", differs="Claim: SUCCESS, any valid key will do")
    claim(rec, "both keys there: with the server's once more", a.token, d, "server")
    d = dev({"secretKey": "server", "expirationTime": future}, allow=True, claimingAllowed=True); register(rec, d, "device", 60000)
    claim(rec, "both keys there: with the device's", a.token, d, "device")
    show_attributes(rec, "both keys there, with the device's: after", t, d)
    d = new_device(rec, t, "device whose attributes go"); register(rec, d, "K", 60000); quiet(rec, "DELETE", f"{ATTRS}{d.id}/{SERVER}?keys=claimingAllowed", t)
    claim(rec, "claimingAllowed deleted after the registration", a.token, d, "K")


@scenario("Claim: special characters in the name")
def scenario_claim_names(rec):
    t = tenant(rec); a = new_customer(rec, t); future = int(time.time() * 1000) + HOUR
    for label, tail in (("space", " 1"), ("umlaut", "ü"), ("emoji", "😀"), ("plus", "+1"), ("question mark", "?1"), ("hash", "#1"), ("ampersand", "&1"), ("quotes", "\"1\""), ("apostrophe", "'1"), ("dot at the end", "."), ("brackets", "[1]"), ("colon", ":1"), ("at", "@1"), ("pipe", "|1"), ("less than", "<1"), ("slash", "/1"), ("backslash", "\\1"), ("semicolon", ";1"), ("percent", "%1"), ("percent 2F", "%2F1"), ("two slashes", "//1"), ("space at the end", "1 "), ("tab", "\t1"), ("line break", "\n1")):
        n = rec.fresh(label, "D-") + tail; control = min(tail) < " "
        r = rec.http(f"{label}: create", "POST", "/api/device", t, {"name": n, "type": "default"}, differs="Shapes: control characters are refused, 400/31" if control else None)
        if r.ok: set_attributes(rec, t, Thing(r.json()["id"]["id"], n, ""), {"claimingData": {"secretKey": "K", "expirationTime": future}})
        unmade = "Shapes: the name was refused, so 404/32" if control else None; encoded = any(c in tail for c in "/\\;%")
        claim(rec, f"{label}: claim", a.token, n, "K", differs=unmade or ("Shapes: names are decoded once, including %2F, and are claimable" if encoded else None))
        reclaim(rec, f"{label}: reclaim", a.token, n, differs=unmade or ("Shapes: names are decoded once, including %2F, so 200" if encoded else BODY))
        rec.http(f"{label}: get by name", "GET", f"/api/tenant/devices?deviceName={quote(n, safe='')}", t, differs=unmade or ("Shapes: two versions on, as it was claimed and reclaimed" if encoded else None))
    n = rec.fresh("unencoded", "D-") + " x"; d = new_device(rec, t, "unencoded", name=n); set_attributes(rec, t, d, {"claimingData": {"secretKey": "K", "expirationTime": future}})
    rec.http("plus in a path is no space", "POST", f"/api/customer/device/{n.replace(' ', '+')}/claim", a.token, {"secretKey": "K"})
    rec.http("encoded twice", "POST", f"/api/customer/device/{quote(quote(n))}/claim", a.token, {"secretKey": "K"}, differs="Shapes: decoded once, so an unknown name, 404/32")


@scenario("Claim and reclaim by a public user: nothing but the id of the public customer is needed")
def scenario_claim_public_user(rec):
    t = tenant(rec); a = new_customer(rec, t); d = new_device(rec, t); register(rec, d, "K", 60000)
    shared = new_device(rec, t, "public device", allow=False)
    public = quiet(rec, "POST", f"/api/customer/public/device/{shared.id}", t).json()["customerId"]["id"]
    p = rec.http("public login", "POST", "/api/auth/login/public", body={"publicId": public}).json()["token"]
    _, claims = jwt_parts(p); rec.note("what its token holds", {}, {"claims": {k: v for k, v in claims.items() if k not in ("exp", "iat")}})
    rec.http("who am I", "GET", "/api/auth/user", p, differs="Public customer: 401/10")
    claim(rec, "claim with the right key", p, d, "K", differs="Public customer: 403/20")
    show_owner(rec, "owner after it", t, d, "Public customer: still nobody")
    reclaim(rec, "reclaim", p, d, "Public customer: 403/20"); show_owner(rec, "owner after that", t, d)
    e = new_device(rec, t, "device of a"); register(rec, e, "K", 60000); claim(rec, "a claims a device", a.token, e, "K")
    reclaim(rec, "the public user reclaims the device of a", p, e, "Public customer: 403/20"); show_owner(rec, "owner of the device of a then", t, e, "Public customer: still a")
    rec.http("the public device goes back", "DELETE", f"/api/customer/device/{shared.id}", t)


@scenario("A key that the owner plants before the device changes hands")
def scenario_claim_planted_key(rec):
    t = tenant(rec); a = new_customer(rec, t); b = new_customer(rec, t, "b"); planted = {"claimingData": {"secretKey": "planted", "expirationTime": 4102444800000}}
    refused = "Attributes: 403, only tenant administrators write claiming attributes"
    for label, release in (("reclaimed by the tenant administrator", lambda d: reclaim(rec, "the tenant administrator reclaims", t, d, BODY)),
                           ("unassigned by the tenant administrator", lambda d: rec.http("the tenant administrator unassigns", "DELETE", f"/api/customer/device/{d.id}", t))):
        d = new_device(rec, t, f"device {label}"); register(rec, d, "K", 60000); claim(rec, "a claims", a.token, d, "K")
        rec.http("a writes claimingData on the own device", "POST", f"{ATTRS}{d.id}/{SERVER}", a.token, planted, differs=refused)
        release(d)
        show_attributes(rec, f"{label}: attributes", t, d, differs="Attributes: nothing was planted")
        claim(rec, f"{label}: the former owner claims with the planted key", a.token, d, "planted", differs="Attributes: FAILURE, nothing was planted")
    d = new_device(rec, t, "device claimed by another"); register(rec, d, "K", 60000); claim(rec, "a claims", a.token, d, "K")
    rec.http("a writes claimingData on the own device", "POST", f"{ATTRS}{d.id}/{SERVER}", a.token, planted, differs=refused)
    reclaim(rec, "a reclaims", a.token, d, BODY); register(rec, d, "K2", 60000); claim(rec, "b claims with the device's key", b.token, d, "K2")
    show_attributes(rec, "attributes then: the claim has removed the planted key", t, d)


def races(rec, n=20):
    """n customers claim one device at the same time."""
    t = tenant(rec); actors = [new_customer(rec, t, f"c{i}") for i in range(n)]; d = new_device(rec, t); register(rec, d, "K", 60000)
    start, out = threading.Barrier(n), []
    def go(x):
        start.wait(); r = requests.post(rec.url + claim_path(d.name), json={"secretKey": "K"}, headers={"X-Authorization": "Bearer " + x.token}, timeout=60)
        b = r.json(); out.append((r.status_code, b if isinstance(b, str) else b.get("response") or f"{b.get('errorCode')} {b.get('message')}"))
    threads = [threading.Thread(target=go, args=(x,)) for x in actors]
    [x.start() for x in threads]; [x.join() for x in threads]
    return out, d, t


@scenario("Claim: twenty customers at once")
def scenario_claim_race(rec):
    out, d, t = races(rec)
    show = lambda o: f"{o[0]} {o[1]}".replace(d.id, "<device>").replace(d.name, "{device}")
    rec.note("answers (how many succeed; which others occur, changes from run to run)", {}, {"successes": sum(1 for o in out if o[0] == 200), "others": sorted({show(o) for o in out if o[0] != 200})}, "Claim: exactly one SUCCESS; the losers get CLAIMED")


@scenario("The gate: registration when claiming is not allowed by default", allowByDefault=False)
def scenario_gate_not_allowed_by_default(rec):
    t = tenant(rec); a = new_customer(rec, t); refused = "Device API: 403"
    for label, value in (("absent", None), ("true", True), ("false", False), ("text true", "true"), ("number 1", 1)):
        d = new_device(rec, t, f"device, flag {label}", allow=False)
        if value is not None: set_attributes(rec, t, d, {"claimingAllowed": value})
        register(rec, d, "K", 60000, differs=refused if value in (None, False) else None)
        claim(rec, f"flag {label}", a.token, d, "K", differs="Attributes: SUCCESS, text true and number 1 count too" if label in ("text true", "number 1") else None)
    d = new_device(rec, t, "device, shared flag", allow=False); set_attributes(rec, t, d, {"claimingAllowed": True}, SHARED)
    register(rec, d, "K", 60000, differs=refused); claim(rec, "flag in the shared scope", a.token, d, "K")


@scenario("The gate: registration when claiming is allowed by default", allowByDefault=True)
def scenario_gate_allowed_by_default(rec):
    t = tenant(rec); a = new_customer(rec, t)
    for label, value in (("absent", None), ("true", True), ("false", False)):
        d = new_device(rec, t, f"device, flag {label}", allow=False)
        if value is not None: set_attributes(rec, t, d, {"claimingAllowed": value})
        register(rec, d, "K", 60000)
        claim(rec, f"flag {label}", a.token, d, "K")
        show_attributes(rec, f"flag {label}: after", t, d)


def reclaiming(rec):
    t, s = tenant(rec), sysadmin(rec); a = new_customer(rec, t); b = new_customer(rec, t, "b"); body = BODY
    def owned(label, by=a):
        d = new_device(rec, t, label); register(rec, d, "K", 60000, f"{label}: registers"); claim(rec, f"{label}: claim", by.token, d, "K"); return d
    d = owned("first device")
    show_attributes(rec, "after the claim", t, d)
    reclaim(rec, "by the owner", a.token, d, body)
    show_attributes(rec, "attributes after the reclaim", t, d); show_owner(rec, "owner after the reclaim", t, d)
    reclaim(rec, "again by the former owner", a.token, d, body)
    show_attributes(rec, "attributes after the second reclaim", t, d)
    claim(rec, "the old key", b.token, d, "K")
    register(rec, d, "K2", 60000, "the device registers anew, with claimingAllowed as the reclaim left it")
    claim(rec, "the new key, by another customer", b.token, d, "K2")
    reclaim(rec, "by a stranger", a.token, d, "Reclaim: 403/20")
    show_owner(rec, "owner after the stranger's reclaim", t, d, differs="Reclaim: still b")
    d = owned("second device"); reclaim(rec, "by the tenant administrator", t, d, body); show_attributes(rec, "attributes after the administrator's reclaim", t, d)
    d = owned("third device"); reclaim(rec, "by the system administrator", s, d); reclaim(rec, "without credentials", None, d)
    other = new_tenant(rec); x = new_customer(rec, other.token, "of the other tenant")
    reclaim(rec, "by a customer of another tenant", x.token, d)
    reclaim(rec, "of an unknown device", a.token, rec.fresh("unknown device", "D-"))
    d = new_device(rec, t, "never claimed", allow=False); reclaim(rec, "of a device that was never claimed", a.token, d, body); show_attributes(rec, "its attributes", t, d)
    d = new_device(rec, t, "with an open window"); register(rec, d, "K", 60000); reclaim(rec, "of an unassigned device with an open window, by a customer user", a.token, d, body)
    claim(rec, "that window after it", b.token, d, "K", differs="Claim: SUCCESS, a customer user cannot close a window")
    d = new_device(rec, t, "with an open window too"); register(rec, d, "K", 60000); reclaim(rec, "of an unassigned device with an open window, by the tenant administrator", t, d, body)
    claim(rec, "that window after it (administrator)", b.token, d, "K")
    d = new_device(rec, t, "assigned by the tenant", allow=False); quiet(rec, "POST", f"/api/customer/{a.customer}/device/{d.id}", t)
    reclaim(rec, "of a device that the tenant assigned", a.token, d, body); show_attributes(rec, "its attributes, never set before", t, d)
    d = new_device(rec, t, "with claimingData", allow=False); set_attributes(rec, t, d, {"claimingData": {"secretKey": "S", "expirationTime": 4102444800000}})
    claim(rec, "claim with claimingData", a.token, d, "S"); reclaim(rec, "and reclaim", a.token, d, body); show_attributes(rec, "claimingData is not restored", t, d); claim(rec, "its old key", b.token, d, "S")


@scenario("Reclaim when claiming is not allowed by default", allowByDefault=False)
def scenario_reclaim_not_allowed_by_default(rec): reclaiming(rec)


@scenario("Reclaim when claiming is allowed by default", allowByDefault=True)
def scenario_reclaim_allowed_by_default(rec): reclaiming(rec)


@scenario("Windows and assignments by the tenant")
def scenario_window_and_assignment(rec):
    t = tenant(rec); a = new_customer(rec, t); b = new_customer(rec, t, "b"); closed = "Claim: FAILURE, every change of owner revokes the key"
    assign = lambda d: quiet(rec, "POST", f"/api/customer/{a.customer}/device/{d.id}", t)
    unassign = lambda d: quiet(rec, "DELETE", f"/api/customer/device/{d.id}", t)
    d = new_device(rec, t, "d1"); register(rec, d, "K", 60000); assign(d)
    show_attributes(rec, "attributes after an assignment", t, d)
    claim(rec, "window, then assignment, then claim", b.token, d, "K")
    show_attributes(rec, "attributes after CLAIMED", t, d, differs="Claim: CLAIMED deletes nothing")
    unassign(d); claim(rec, "window, assignment, CLAIMED, unassignment, claim", b.token, d, "K")
    d = new_device(rec, t, "d2"); register(rec, d, "K", 60000); assign(d); unassign(d)
    claim(rec, "window, assignment, unassignment, claim", b.token, d, "K", differs=closed)
    d = new_device(rec, t, "d3"); register(rec, d, "K", 60000)
    dev = quiet(rec, "GET", f"/api/device/{d.id}", t).json(); quiet(rec, "POST", "/api/device", t, {**dev, "label": "x"})
    claim(rec, "window, update of the device, claim", b.token, d, "K")
    d = new_device(rec, t, "d4"); register(rec, d, "K", 60000)
    dev = quiet(rec, "GET", f"/api/device/{d.id}", t).json(); new = rec.fresh("new name of d4", "D-"); quiet(rec, "POST", "/api/device", t, {**dev, "name": new})
    claim(rec, "window, renaming, claim with the old name", b.token, d, "K"); claim(rec, "window, renaming, claim with the new name", b.token, new, "K")
    d = new_device(rec, t, "d5"); register(rec, d, "K", 60000); c = new_customer(rec, t, "c"); quiet(rec, "POST", f"/api/customer/{c.customer}/device/{d.id}", t); quiet(rec, "DELETE", f"/api/customer/{c.customer}", t)
    claim(rec, "window, assignment, deletion of the customer, claim", b.token, d, "K", differs=closed)
    d = new_device(rec, t, "d6"); register(rec, d, "K", 60000); quiet(rec, "DELETE", f"/api/device/{d.id}", t)
    claim(rec, "window, deletion of the device, claim", b.token, d, "K")
    d = new_device(rec, t, "d7"); register(rec, d, "K", 60000); claim(rec, "claim, then plain unassignment", b.token, d, "K"); unassign(d)
    show_attributes(rec, "claimingAllowed after the plain unassignment", t, d); claim(rec, "old key after the plain unassignment", a.token, d, "K")
    d = new_device(rec, t, "d8"); quiet(rec, "POST", f"/api/customer/public/device/{d.id}", t); register(rec, d, "K", 60000, differs="Device API: 409")
    claim(rec, "a public device", b.token, d, "K")


# == audit =========================================================================================================================
@scenario("Audit logs of claiming")
def scenario_audit(rec):
    t = tenant(rec); a = new_customer(rec, t); b = new_customer(rec, t, "b"); d = new_device(rec, t); register(rec, d, "right", 60000, "the device registers")
    claim(rec, "wrong key", b.token, d, "wrong"); register(rec, d, "right", 60000, "the device registers again")
    claim(rec, "right key", a.token, d, "right"); claim(rec, "already claimed", b.token, d, "right"); reclaim(rec, "reclaim", a.token, d, BODY)
    quiet(rec, "POST", f"/api/customer/{a.customer}/device/{d.id}", t); quiet(rec, "DELETE", f"/api/customer/device/{d.id}", t)
    for_thingsboard(2)
    q = "pageSize=50&page=0&sortProperty=createdTime&sortOrder=ASC"
    rec.http("of the device", "GET", f"/api/audit/logs/entity/DEVICE/{d.id}?{q}", t, differs="Audit log: claims that failed are in it, too")
    rec.http("of the customer", "GET", f"/api/audit/logs/customer/{a.customer}?{q}&actionTypes=ASSIGNED_TO_CUSTOMER,UNASSIGNED_FROM_CUSTOMER", t)
    rec.http("of the user", "GET", f"/api/audit/logs/user/{a.id}?{q}&actionTypes=ASSIGNED_TO_CUSTOMER,UNASSIGNED_FROM_CUSTOMER", t)
    rec.http("of the tenant, searched by device", "GET", f"/api/audit/logs?{q}&textSearch={d.name}&actionTypes=ASSIGNED_TO_CUSTOMER", t, differs="Audit log: claims that failed are in it, too")
    rec.http("within a time that is over", "GET", f"/api/audit/logs/entity/DEVICE/{d.id}?{q}&startTime=1&endTime=2", t)
    rec.http("unknown action type", "GET", f"/api/audit/logs/entity/DEVICE/{d.id}?{q}&actionTypes=NOTHING", t)
    rec.http("by a customer user", "GET", f"/api/audit/logs?{q}", a.token)


if __name__ == "__main__":
    p = argparse.ArgumentParser(); p.add_argument("--url", required=True); p.add_argument("--out", required=True); p.add_argument("--only", nargs="*")
    p.add_argument("--allow-claiming-by-default", choices=("true", "false")); p.add_argument("--settle", type=float, default=0.6); p.add_argument("--jwt-key"); p.add_argument("--rest-limits", action="store_true"); p.add_argument("--server", default="")
    ARGS = p.parse_args()
    default = {"true": True, "false": False}.get(ARGS.allow_claiming_by_default)
    run(lambda key: Recorder(ARGS.url), ARGS.out, ARGS.only, ARGS.server, {"allowByDefault": default})
