"""thingsboard-cli, unmodified: every command of its list, each with its output checked.

    drive_cli.py --url URL --mark TEXT
"""
import atexit, importlib, json, multiprocessing, os, shutil, sys, tempfile

import requests

from steps import PASSWORD, TENANT, arguments, done, fresh, in_an_hour

ARGS = arguments()
RIGHT = f"right-{ARGS.mark}"
API = ARGS.url + "/api"


def sign_in(email, password):
    answer = requests.post(API + "/auth/login", json={"username": email, "password": password}, timeout=30)
    answer.raise_for_status()
    return {"X-Authorization": "Bearer " + answer.json()["token"]}


def api_key():
    """A key for the administrator: the command line signs in with nothing else."""
    headers = sign_in(*TENANT)
    user = requests.get(API + "/auth/user", headers=headers, timeout=30).json()
    made = requests.post(API + "/apiKey", headers=headers, json={"userId": user["id"], "description": "tb"}, timeout=30)
    made.raise_for_status()
    return made.json()["value"]


HOME = tempfile.mkdtemp(prefix="tb-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
# Nothing is sent elsewhere: no statistics, no question for a newer release.
os.environ.update(HOME=HOME, TB_CONFIG_HOME=HOME, TB_URL=ARGS.url, TB_API_KEY=(key := api_key()), TB_ANALYTICS="0", DO_NOT_TRACK="1", COLUMNS="300", NO_COLOR="1")
os.chdir(HOME)
from thingsboard_cli.main import app  # what the program `tb` runs; it reads its environment when it is imported
for part in ("customer", "device", "device_profile", "telemetry", "user"):
    importlib.import_module(f"tb_pe_client.api.{part}_controller_api")  # what the commands import, once for all of them


def run_app(words, output):
    """In a process of its own, as the program is run; forked, as it takes most of its time to be imported."""
    os.dup2(output, 1), os.dup2(output, 2)
    sys.argv = ["tb", *words]
    sys.exit(app())


def tb(*words, status=0):
    """What a command prints; it must end with that status."""
    with tempfile.TemporaryFile("w+") as output:
        sys.stdout.flush()
        child = multiprocessing.get_context("fork").Process(target=run_app, args=(words, output.fileno()))
        child.start()
        child.join(60)
        output.seek(0)
        printed = output.read()
        assert child.exitcode == status, f"tb {' '.join(words[:2])} ended with {child.exitcode}\n{printed}"
        return printed


def tb_json(*words):
    return json.loads(tb(*words, "--format", "json"))


for name, credentials in (("machine", ["--api-key", key]), ("person", ["--username", TENANT[0], "--password", TENANT[1]])):
    assert f"Connected to {ARGS.url}" in tb("config", "add", name, "--url", ARGS.url, *credentials)
assert "failed" in tb("config", "add", "stranger", "--url", ARGS.url, "--api-key", "tb_unknown")
done("config add")

assert tb_json("system", "info")["name"] == "deed"
done("system info")

customer = tb("customer", "save", "--title", title := fresh("Customer"))
assert title in customer
found = tb_json("customer", "get", title)
assert found["title"] == title
assert found == tb_json("customer", "get", found["id"]["id"])
assert title in tb("customer", "list", "--text-search", title)
done("customer save", "customer get", "customer list")

email = f"{fresh('user')}@example.com"
tb("user", "save", "--json", json.dumps({"email": email, "authority": "CUSTOMER_USER", "customerId": found["id"]}))  # with a mail, and no mail server
assert email in tb("user", "list", "--text-search", email)
headers = sign_in(*TENANT)
users = requests.get(API + "/userInfos/all", params={"pageSize": 10, "page": 0, "textSearch": email, "includeCustomers": True}, headers=headers, timeout=30).json()
link = requests.get(f"{API}/user/{users['data'][0]['id']['id']}/activationLink", headers=headers, timeout=30).text
token = link.split("activateToken=")[1]
tb("user", "activate", "--json", json.dumps({"activateToken": token, "password": PASSWORD}), status=1)  # it sends no token then
tb("user", "activate", "--json", json.dumps({"activate_token": token, "password": PASSWORD}))
done("user save", "user list", "user activate")

name, token = fresh("D"), fresh("token")
tb("device", "save", "--name", name, "--type", "default", "--access-token", token)
device = tb_json("device", "get", name)
assert tb_json("device", "get", device["id"]["id"])["name"] == name
assert tb_json("device", "credentials", device["id"]["id"])["credentialsId"] == token
assert name in tb("device", "list", "--text-search", name) and name in tb("device", "list", "--type", "default", "--text-search", name)
done("device save", "device get", "device credentials", "device list")

data = json.dumps({"claimingData": {"secretKey": RIGHT, "expirationTime": in_an_hour()}, "batch": "A"})
tb("attributes", "save", "DEVICE", device["id"]["id"], "--json", data)
assert "batch" in tb("attributes", "list", "DEVICE", device["id"]["id"])
shown = tb("attributes", "get", "DEVICE", device["id"]["id"], "--keys", "claimingData,batch")
assert "batch" in shown and ARGS.mark not in shown, shown
tb("attributes", "delete", "DEVICE", device["id"]["id"], "--keys", "batch", "--yes")
assert "batch" not in tb("attributes", "get", "DEVICE", device["id"]["id"])
done("attributes save", "attributes list", "attributes get", "attributes delete")

# The command line has no claim: the customer claims by other means, and the administrator sees whose the device is.
claimed = requests.post(f"{API}/customer/device/{name}/claim", headers=sign_in(email, PASSWORD), json={"secretKey": RIGHT}, timeout=30)
assert claimed.json()["response"] == "SUCCESS", claimed.text
assert title in tb("device", "list", "--text-search", name)

tb("device", "delete", device["id"]["id"], "--yes")
assert name not in tb("device", "list", "--text-search", name)
tb("customer", "delete", found["id"]["id"], "--yes")
assert title not in tb("customer", "list", "--text-search", title)
done("device delete", "customer delete")
