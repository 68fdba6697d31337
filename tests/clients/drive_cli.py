"""thingsboard-cli, unmodified: every command of its list, each with its output checked.

    drive_cli.py --url URL --mark TEXT
"""
import json, os, pathlib, subprocess, sys, tempfile

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


HOME = tempfile.TemporaryDirectory()
# Nothing is sent elsewhere: no statistics, no question for a newer release.
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": HOME.name, "TB_CONFIG_HOME": HOME.name, "TB_URL": ARGS.url, "TB_API_KEY": api_key(),
               "TB_ANALYTICS": "0", "DO_NOT_TRACK": "1", "COLUMNS": "300", "NO_COLOR": "1", "NO_PROXY": "*"}
TB = pathlib.Path(sys.executable).with_name("tb")


def tb(*words):
    """What a command prints; it must end well."""
    ended = subprocess.run([TB, *words], env=ENVIRONMENT, cwd=HOME.name, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, f"tb {' '.join(words[:2])} ended with {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def tb_json(*words):
    return json.loads(tb(*words, "--format", "json"))


assert "deed" in tb("system", "info") or "CE" in tb("system", "info")
done("system info")

customer = tb("customer", "save", "--title", title := fresh("Customer"))
assert title in customer
found = tb_json("customer", "get", title)
assert found["title"] == title
assert title in tb("customer", "list", "--text-search", title)
done("customer save", "customer get", "customer list")

email = f"{fresh('user')}@example.com"
tb("user", "save", "--json", json.dumps({"email": email, "authority": "CUSTOMER_USER", "customerId": found["id"]}))  # with a mail, and no mail server
assert email in tb("user", "list", "--text-search", email)
headers = sign_in(*TENANT)
users = requests.get(API + "/userInfos/all", params={"pageSize": 10, "page": 0, "textSearch": email}, headers=headers, timeout=30).json()
link = requests.get(f"{API}/user/{users['data'][0]['id']['id']}/activationLink", headers=headers, timeout=30).text
tb("user", "activate", "--json", json.dumps({"activate_token": link.split("activateToken=")[1], "password": PASSWORD}))  # its documented spelling sends no token
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
shown = tb("attributes", "get", "DEVICE", device["id"]["id"], "--keys", "claimingData,batch")
assert "batch" in shown and ARGS.mark not in shown, shown
tb("attributes", "delete", "DEVICE", device["id"]["id"], "--keys", "batch", "--yes")
assert "batch" not in tb("attributes", "get", "DEVICE", device["id"]["id"])
done("attributes save", "attributes get", "attributes delete")

# The command line has no claim: the customer claims by other means, and the administrator sees whose the device is.
claimed = requests.post(f"{API}/customer/device/{name}/claim", headers=sign_in(email, PASSWORD), json={"secretKey": RIGHT}, timeout=30)
assert claimed.json()["response"] == "SUCCESS", claimed.text
assert title in tb("device", "list", "--text-search", name)
done("device list, after a claim")

tb("device", "delete", device["id"]["id"], "--yes")
assert name not in tb("device", "list", "--text-search", name)
done("device delete")
