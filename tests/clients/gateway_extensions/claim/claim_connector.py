"""A connector of one's own for thingsboard-gateway: registers a claim key for each device that its other connectors have found,
through the gateway's own connection. None of the connectors that come with it registers keys."""
import threading
import time

from thingsboard_gateway.connectors.connector import Connector


class ClaimConnector(Connector, threading.Thread):
    def __init__(self, gateway, config, connector_type):
        super().__init__(daemon=True, name=config["name"])
        self.gateway, self.config, self.type, self.stopped = gateway, config, connector_type, threading.Event()

    def open(self):
        self.start()

    def run(self):
        done = set()
        while not self.stopped.is_set():
            time.sleep(0.1)
            if not (self.gateway.tb_client and self.gateway.tb_client.is_connected()):
                continue
            # Those whose connection the server has acknowledged, so that they have their type.
            for name in set(self.gateway._TBGatewayService__added_devices) - done:
                done.add(name)
                result = self.gateway.tb_client.client.gw_claim(name, self.config["secretKey"], self.config["durationMs"]).get()
                print(f"registered {name}: {result}", flush=True)

    def close(self):
        self.stopped.set()

    def get_id(self):
        return self.config["id"]

    def get_name(self):
        return self.name

    def get_type(self):
        return self.type

    def get_config(self):
        return self.config

    def is_connected(self):
        return True

    def is_stopped(self):
        return self.stopped.is_set()

    def on_attributes_update(self, content):
        pass

    def server_side_rpc_handler(self, content):
        pass
