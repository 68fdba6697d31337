"""tb-rest-client, unmodified: every call of its list, each with its result checked.

    drive_rest_client.py --url URL --mark TEXT
"""
import json

from tb_rest_client import RestClient
from tb_rest_client.models import (
    ActivateUserRequest, ApiKeyInfo, BulkImportRequest, ClaimRequest, Customer, CustomerId, Device, DeviceCredentials, DeviceId,
    EntityId, SaveDeviceWithCredentialsRequest, User, UserId,
)
from tb_rest_client.rest import ApiException

from steps import NOBODY, PASSWORD, TENANT, arguments, done, fresh, import_file, in_an_hour, refused

ARGS = arguments()
RIGHT, WRONG = f"right-{ARGS.mark}", f"wrong-{ARGS.mark}"


def sign_in(email, password):
    client = RestClient(base_url=ARGS.url)
    client.login(email, password)
    return client


def attributes_of(client, device, scope=None):
    """Attributes by key, over whichever call."""
    found = client.get_attributes_by_scope(device.id, scope) if scope else client.get_attributes(device.id)
    return {item["key"]: item["value"] for item in map(as_dict, found)}


def as_dict(item):
    return item if isinstance(item, dict) else item.to_dict()


tenant = sign_in(*TENANT)
before = tenant.token_info["refreshToken"]
tenant.refresh()
assert tenant.token_info["token"] and tenant.token_info["refreshToken"] != before
assert refused(ApiException, sign_in(TENANT[0], "wrong").get_user).status == 401  # the login itself does not tell
done("login", "refresh")

admin = tenant.get_user()
assert admin.authority == "TENANT_ADMIN" and admin.email == TENANT[0]
done("get_user")

key = tenant.save_api_key(ApiKeyInfo(user_id=admin.id, description="a machine", enabled=True, expiration_time=0))
machine = RestClient(base_url=ARGS.url)
machine.api_key_login(key.value)
assert machine.get_user().id.id == admin.id.id
done("save_api_key", "api_key_login")

customer = tenant.save_customer(Customer(title=fresh("Customer")))
assert customer.title in [c.title for c in tenant.get_customers(page_size=10, page=0, text_search=customer.title).data]
done("save_customer", "get_customers")

email = f"{fresh('user')}@example.com"
user = tenant.save_user(User(email=email, authority="CUSTOMER_USER", customer_id=customer.id), send_activation_mail=False)
link = tenant.get_activation_link(user.id)
activation = ActivateUserRequest(activate_token=link.strip('"').split("activateToken=")[1], password=PASSWORD)
pair = tenant.activate_user(activation, send_activation_mail=False)
assert pair.token and pair.refresh_token
buyer = sign_in(email, PASSWORD)
assert buyer.get_user().customer_id.id == customer.id.id
done("save_user", "get_activation_link", "activate_user")

token, name = fresh("token"), fresh("D 1/ü")
device = tenant.save_device(Device(name=name, type="default"), access_token=token)
assert device.customer_id.id == NOBODY and tenant.get_device_by_id(device.id).name == name
assert tenant.get_device_info_by_id(device.id).owner_id.id == admin.tenant_id.id
assert tenant.get_tenant_device(name).id.id == device.id.id
done("save_device", "get_device_by_id", "get_device_info_by_id", "get_tenant_device")

given = DeviceCredentials(id={"id": NOBODY}, device_id=DeviceId("DEVICE", NOBODY), credentials_type="ACCESS_TOKEN", credentials_id=fresh("token"))
second = tenant.save_device_with_credentials(SaveDeviceWithCredentialsRequest(device=Device(name=fresh("D"), type="default"), credentials=given))
credentials = tenant.get_device_credentials_by_device_id(second.id)
assert credentials.credentials_id == given.credentials_id
credentials.credentials_id = fresh("token")
assert tenant.update_device_credentials(credentials).credentials_id == credentials.credentials_id
done("save_device_with_credentials", "get_device_credentials_by_device_id", "update_device_credentials")

assert name in [d.name for d in tenant.get_tenant_devices(page_size=100, page=0, text_search=name).data]
for infos in (tenant.get_tenant_device_infos(page_size=100, page=0, text_search=name), tenant.get_all_device_infos(page_size=100, page=0, text_search=name, include_customers=True)):
    assert [d.name for d in infos.data] == [name]
assert tenant.get_default_device_profile_info().name == "default"
done("get_tenant_devices", "get_tenant_device_infos", "get_all_device_infos", "get_default_device_profile_info")

tenant.save_entity_attributes_v1(device.id, "SERVER_SCOPE", {"claimingAllowed": True, "line": 1})
tenant.save_entity_attributes_v2(device.id, "SHARED_SCOPE", {"place": "shelf"})
tenant.save_device_attributes(device.id, "SERVER_SCOPE", {"batch": "A"})
assert attributes_of(tenant, device)["place"] == "shelf"
assert attributes_of(tenant, device, "SERVER_SCOPE") == {"claimingAllowed": True, "line": 1, "batch": "A"}
assert set(tenant.get_attribute_keys(device.id)) == {"claimingAllowed", "line", "batch", "place"}
assert set(tenant.get_attribute_keys_by_scope(device.id, "SHARED_SCOPE")) == {"place"}
tenant.delete_entity_attributes(device.id, "SERVER_SCOPE", keys="line")
tenant.delete_device_attributes(device.id, "SERVER_SCOPE", keys="batch")
assert attributes_of(tenant, device, "SERVER_SCOPE") == {"claimingAllowed": True}
done("save_entity_attributes_v1", "save_entity_attributes_v2", "save_device_attributes", "get_attributes", "get_attributes_by_scope", "get_attribute_keys", "get_attribute_keys_by_scope", "delete_entity_attributes", "delete_device_attributes")

tenant.claim_device(token, body={"secretKey": WRONG, "durationMs": 60000})
tenant.claim_device(token, body=json.dumps({"secretKey": RIGHT, "durationMs": 60000}))  # the client encodes a text once more
failed = refused(ApiException, buyer.claim_device_by_name, name, ClaimRequest(secret_key=WRONG))
assert (failed.status, failed.body) == (400, b'"FAILURE"'), failed
claimed = as_dict(buyer.claim_device_by_name(name, ClaimRequest(secret_key=RIGHT), sub_customer_id=customer.id.id))
assert claimed["response"] == "SUCCESS", claimed
assert tenant.get_device_by_id(device.id).customer_id.id == customer.id.id
done("claim_device", "claim_device_by_name")

assert [d.name for d in buyer.get_customer_devices(customer.id, page_size=10, page=0).data] == [name]
assert [d.owner_name for d in buyer.get_customer_device_infos(customer.id, page_size=10, page=0).data] == [customer.title]
assert [d.name for d in buyer.get_user_devices(page_size=10, page=0).data] == [name]
done("get_customer_devices", "get_customer_device_infos", "get_user_devices")

given_back = buyer.re_claim_device(name)
assert given_back == {"result": {}, "setOrExpired": True}, given_back
assert tenant.get_device_by_id(device.id).customer_id.id == NOBODY
done("re_claim_device")

tenant.assign_device_to_customer(customer.id, device.id)
assert tenant.get_device_by_id(device.id).customer_id.id == customer.id.id
claimed = refused(ApiException, buyer.claim_device_by_name, name, ClaimRequest(secret_key=RIGHT))
assert (claimed.status, claimed.body) == (400, b'"CLAIMED"'), claimed
tenant.unassign_device_from_customer(device.id)
assert tenant.get_device_by_id(device.id).customer_id.id == NOBODY
done("assign_device_to_customer", "unassign_device_from_customer")

names = [fresh("I") for _ in range(3)]
file, mapping = import_file(names, RIGHT, in_an_hour())
result = tenant.process_devices_bulk_import(BulkImportRequest(file=file, mapping=mapping))
assert (result.created, result.updated, result.errors) == (3, 0, 0), result
assert as_dict(buyer.claim_device_by_name(names[0], ClaimRequest(secret_key=RIGHT)))["response"] == "SUCCESS"
done("process_devices_bulk_import")

impersonated = RestClient(base_url=ARGS.url)
impersonated.token_login(tenant.get_user_token(user.id).token)
assert impersonated.get_user().email == email
done("get_user_token")

tenant.delete_device(second.id)
assert refused(ApiException, tenant.get_device_by_id, second.id).status == 404
tenant.delete_customer(customer.id)
assert tenant.get_tenant_device(names[0]).customer_id.id == NOBODY
done("delete_device", "delete_customer")

tenant.logout()
for client in (tenant, buyer):  # the buyer's customer is gone
    assert refused(ApiException, client.get_user).status == 401
done("logout")
