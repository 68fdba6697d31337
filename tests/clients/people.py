"""The demo's people, as the drivers of devices need them: somebody who adds a device, and somebody who claims it."""
import requests

from steps import TENANT


class People:
    """An administrator and a customer of the server at that address, signed in."""

    def __init__(self, url):
        self.url = url
        self.tenant, self.customer = self.sign_in(*TENANT), self.sign_in("customer@thingsboard.org", "customer")

    def sign_in(self, email, password):
        body = {"username": email, "password": password}
        answer = requests.post(f"{self.url}/api/auth/login", json=body, timeout=20)
        return {"X-Authorization": f"Bearer {answer.json()['token']}"}

    def add_device(self, name, **more):
        """A device that may register keys, and whose token is its name."""
        path = f"{self.url}/api/device?accessToken={name}"
        device = requests.post(path, json={"name": name, **more}, headers=self.tenant, timeout=20).json()
        path = f"{self.url}/api/plugins/telemetry/DEVICE/{device['id']['id']}/SERVER_SCOPE"
        assert requests.post(path, json={"claimingAllowed": True}, headers=self.tenant, timeout=20).status_code == 200
        return device

    def claims(self, name, key):
        """Whether the customer gets the device with that key."""
        path = f"{self.url}/api/customer/device/{name}/claim"
        answer = requests.post(path, json={"secretKey": key}, headers=self.customer, timeout=20)
        return answer.status_code == 200 and answer.json()["response"] == "SUCCESS"
