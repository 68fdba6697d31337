"""tb-ce-client, unmodified: every call of its list, each with its result checked.

    drive_ce_client.py --url URL --mark TEXT
"""
import ast, json

from tb_ce_client import ApiException
from tb_ce_client.client import ThingsboardClient
from tb_ce_client.models.activate_user_request import ActivateUserRequest
from tb_ce_client.models.api_key_info import ApiKeyInfo
from tb_ce_client.models.bulk_import_request import BulkImportRequest
from tb_ce_client.models.claim_request import ClaimRequest
from tb_ce_client.models.customer import Customer
from tb_ce_client.models.device import Device
from tb_ce_client.models.device_credentials import DeviceCredentials
from tb_ce_client.models.save_device_with_credentials_request import SaveDeviceWithCredentialsRequest
from tb_ce_client.models.user import User

from steps import NOBODY, PASSWORD, TENANT, arguments, done, fresh, import_file, in_an_hour, refused

ARGS = arguments()
RIGHT, WRONG = f"right-{ARGS.mark}", f"wrong-{ARGS.mark}"


def claim(client, name, key):
    """The claim's body: the client gives it as the text of a Python dictionary."""
    return ast.literal_eval(client.claim_device(name, ClaimRequest(secret_key=key)))


def attributes_of(device):
    found = tenant.get_attributes("DEVICE", device.id.id)
    return {item["key"]: item["value"] for item in (i if isinstance(i, dict) else i.to_dict() for i in found)}


tenant = ThingsboardClient(ARGS.url, *TENANT)
admin = tenant.get_user()
assert admin.authority == "TENANT_ADMIN"
done("login", "get_user")

key = tenant.save_api_key(ApiKeyInfo(user_id=admin.id, description="a machine", enabled=True, expiration_time=0))
with ThingsboardClient(ARGS.url, api_key=key.value) as machine:
    assert machine.get_user().id.id == admin.id.id
done("save_api_key")

customer = tenant.save_customer(Customer(title=fresh("Customer")))
assert tenant.get_tenant_customer(customer.title).id.id == customer.id.id
assert tenant.get_customer_by_id(customer.id.id).title == customer.title
assert [c.title for c in tenant.get_customers(page_size=10, page=0, text_search=customer.title).data] == [customer.title]
done("save_customer", "get_tenant_customer", "get_customer_by_id", "get_customers")

email = f"{fresh('user')}@example.com"
user = tenant.save_user(User(email=email, authority="CUSTOMER_USER", customer_id=customer.id.model_dump(by_alias=True)), send_activation_mail="false")
link = tenant.get_activation_link(user.id.id)
assert tenant.get_activation_link_info(user.id.id).value == link
tenant.activate_user(ActivateUserRequest(activate_token=link.strip('"').split("activateToken=")[1], password=PASSWORD), send_activation_mail=False)
buyer = ThingsboardClient(ARGS.url, email, PASSWORD)
assert buyer.get_user().customer_id.id == customer.id.id
assert email in [u.email for u in tenant.get_users(page_size=100, page=0, text_search=email).data]
assert [u.email for u in tenant.get_customer_users(customer.id.id, page_size=10, page=0).data] == [email]
assert tenant.get_user_by_id(user.id.id).email == email
done("save_user", "get_activation_link", "get_activation_link_info", "activate_user", "get_users", "get_customer_users", "get_user_by_id")

token, name = fresh("token"), fresh("D 1/ü")
device = tenant.save_device(Device(name=name, type="default"), access_token=token)
assert tenant.get_device_by_id(device.id.id).name == name
assert tenant.get_device_info_by_id(device.id.id).device_profile_name == "default"
assert tenant.get_tenant_device_by_name(name).id.id == device.id.id
assert [d.name for d in tenant.get_devices_by_ids([device.id.id])] == [name]
assert [d.name for d in tenant.get_tenant_devices(page_size=10, page=0, text_search=name).data] == [name]
assert [d.name for d in tenant.get_tenant_device_infos(page_size=10, page=0, text_search=name).data] == [name]
done("save_device", "get_device_by_id", "get_device_info_by_id", "get_tenant_device_by_name", "get_devices_by_ids", "get_tenant_devices", "get_tenant_device_infos")

given = DeviceCredentials.model_validate({"id": {"id": NOBODY}, "deviceId": {"entityType": "DEVICE", "id": NOBODY}, "credentialsType": "ACCESS_TOKEN", "credentialsId": fresh("token")})
second = tenant.save_device_with_credentials(SaveDeviceWithCredentialsRequest(device=Device(name=fresh("D"), type="default"), credentials=given))
credentials = tenant.get_device_credentials_by_device_id(second.id.id)
assert credentials.credentials_id == given.credentials_id
credentials.credentials_id = fresh("token")
assert tenant.update_device_credentials(credentials).credentials_id == credentials.credentials_id
done("save_device_with_credentials", "get_device_credentials_by_device_id", "update_device_credentials")

assert tenant.get_default_device_profile_info().name == "default"
assert "default" in [p.name for p in tenant.get_device_profile_names()]
done("get_default_device_profile_info", "get_device_profile_names")

tenant.save_entity_attributes_v1("DEVICE", device.id.id, "SERVER_SCOPE", json.dumps({"claimingAllowed": True, "line": 1}))
tenant.save_entity_attributes_v2("DEVICE", device.id.id, "SHARED_SCOPE", json.dumps({"place": "shelf"}))
tenant.save_device_attributes(device.id.id, "SERVER_SCOPE", {"batch": "A"})  # the client encodes a dictionary twice
assert attributes_of(device) == {"claimingAllowed": True, "line": 1, "batch": "A", "place": "shelf"}
tenant.get_attributes_by_scope("DEVICE", device.id.id, "SERVER_SCOPE")  # gives None whatever the server sends
assert set(tenant.get_attribute_keys("DEVICE", device.id.id)) == {"claimingAllowed", "line", "batch", "place"}
tenant.delete_entity_attributes("DEVICE", device.id.id, "SERVER_SCOPE", keys="line")
tenant.delete_device_attributes(device.id.id, "SERVER_SCOPE", keys="batch")
assert attributes_of(device) == {"claimingAllowed": True, "place": "shelf"}
done("save_entity_attributes_v1", "save_entity_attributes_v2", "save_device_attributes", "get_attributes", "get_attributes_by_scope", "get_attribute_keys", "delete_entity_attributes", "delete_device_attributes")

tenant.save_entity_attributes_v1("DEVICE", device.id.id, "SERVER_SCOPE", json.dumps({"claimingData": json.dumps({"secretKey": RIGHT, "expirationTime": in_an_hour()})}))
failed = refused(ApiException, claim, buyer, name, WRONG)
assert (failed.status, failed.body) == (400, '"FAILURE"'), failed
assert claim(buyer, name, RIGHT)["response"] == "SUCCESS"
assert tenant.get_device_by_id(device.id.id).customer_id.id == customer.id.id
assert [d.name for d in buyer.get_customer_devices(customer.id.id, page_size=10, page=0).data] == [name]
assert [d.customer_title for d in buyer.get_customer_device_infos(customer.id.id, page_size=10, page=0).data] == [customer.title]
done("claim_device", "get_customer_devices", "get_customer_device_infos")

buyer.re_claim_device(name)
assert tenant.get_device_by_id(device.id.id).customer_id.id == NOBODY
done("re_claim_device")

assert tenant.assign_device_to_customer(customer.id.id, device.id.id).customer_id.id == customer.id.id
claimed = refused(ApiException, claim, buyer, name, RIGHT)
assert (claimed.status, claimed.body) == (400, '"CLAIMED"'), claimed
assert tenant.unassign_device_from_customer(device.id.id).customer_id.id == NOBODY
public = tenant.assign_device_to_public_customer(device.id.id)
assert tenant.get_customer_by_id(public.customer_id.id).title == "Public"
assert refused(ApiException, buyer.get_device_by_id, device.id.id).status == 403
done("assign_device_to_customer", "unassign_device_from_customer", "assign_device_to_public_customer")

names = [fresh("I") for _ in range(3)]
file, mapping = import_file(names, RIGHT, in_an_hour())
result = tenant.process_devices_bulk_import(BulkImportRequest.model_validate({"file": file, "mapping": mapping}))
assert (result.created, result.errors) == (3, 0), result
assert claim(buyer, names[0], RIGHT)["response"] == "SUCCESS"
done("process_devices_bulk_import")

with ThingsboardClient(ARGS.url, token=tenant.get_user_token(user.id.id).token) as impersonated:
    assert impersonated.get_user().email == email
done("get_user_token")

tenant.delete_device(second.id.id)
assert refused(ApiException, tenant.get_device_by_id, second.id.id).status == 404
tenant.delete_customer(customer.id.id)
assert tenant.get_tenant_device_by_name(names[0]).customer_id.id == NOBODY
done("delete_device", "delete_customer")

tenant.logout()
assert refused(ApiException, tenant.get_user).status == 401
done("logout")
